"""``maskgen masks``, and the program that draws the wardrobe."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from maskgen.assets import assets_dir
from maskgen.authoring import sheet
from maskgen.cli.masks import app
from maskgen.templates import reader
from maskgen.templates.reader import load_wardrobe

REPOSITORY = Path(__file__).resolve().parents[3]


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


def test_list_for_people_and_programs() -> None:
    code, table, _ = run("list")
    assert code == 0
    assert all(name in table for name in reader.names())
    code, text, _ = run("list", "--json")
    rows = json.loads(text)
    assert [row["name"] for row in rows] == reader.names()
    assert rows[0].keys() >= {"title", "kind", "weight", "colours", "wears", "pattern_chance"}


def test_check_is_silent_about_ours() -> None:
    code, out, err = run("check")
    assert (code, out) == (0, "")
    assert f"{len(reader.names())} masks checked, 0 with problems" in err


def test_check_names_what_is_wrong_and_fails(tmp_path: Path) -> None:
    good = tmp_path / "good"
    shutil.copytree(assets_dir("masks") / "surgical", good)
    bad = tmp_path / "bad\nname"
    shutil.copytree(good, bad)
    words = json.loads((bad / "mask.json").read_text())
    words["anchors"]["top"][0]["at"] = {"jaw": 40}
    (bad / "mask.json").write_text(json.dumps(words))
    code, out, err = run("check", tmp_path)
    assert code == 1
    assert out.count("\n") == 1
    assert "anchors.top[0].at" in out
    assert "2 masks checked, 1 with problems" in err
    code, out, _ = run("check", good, bad, "--json")
    assert code == 1
    assert [bool(row["problems"]) for row in json.loads(out)] == [False, True]


def test_check_of_a_folder_without_masks(tmp_path: Path) -> None:
    code, out, _ = run("check", tmp_path, tmp_path / "nowhere")
    assert code == 1
    assert "mask.json is missing" in out
    assert "no folder at" in out


def test_show_alone(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    code, out, _ = run("show", "sponge", "--no-face", "--output", path)
    assert (code, out.strip()) == (0, str(path))
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape[1] == 1024
    code, out, _ = run("show", assets_dir("masks") / "window", "--no-face", "-o", path)
    assert code == 0


def test_show_on_a_face(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    code, _, err = run("show", "surgical", "--output", path)
    assert code == 0
    assert err == ""
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape[1] > 1600


def test_shaded_takes_tint_print_and_light() -> None:
    template = load_wardrobe()["kn95"]
    height, width = template.rgba.shape[:2]
    white = sheet.shaded(template, (255, 255, 255)).astype(int)
    black = sheet.shaded(template, (20, 20, 20)).astype(int)
    assert white.shape == (height, width, 3)
    solid = template.rgba[..., 3] > 250
    assert white[solid].mean() > black[solid].mean() + 120
    # Light from the upper left: the left half of the fold is the brighter one.
    middle = slice(height // 3, 2 * height // 3)
    assert white[middle, width // 4 : width // 2].mean() > white[middle, width // 2 : 3 * width // 4].mean() + 5
    red = np.zeros((height, width, 3), np.float32)
    red[..., 0] = 1
    printed = sheet.shaded(template, (255, 255, 255), red)[solid].astype(int)
    assert np.median(printed[:, 0]) > np.median(printed[:, 1]) + 100


@pytest.mark.slow
def test_the_drawing_program_draws_what_is_committed(tmp_path: Path) -> None:
    names = ["surgical", "n95_cup_valve"]
    program = REPOSITORY / "assets" / "masks" / "draw"
    subprocess.run([sys.executable, str(program), "--to", str(tmp_path), *names], check=True, capture_output=True)
    for name in names:
        for file in ("mask.png", "height.png", "regions.png"):
            drawn, kept = (
                cv2.imread(str(folder / name / file), cv2.IMREAD_UNCHANGED)
                for folder in (tmp_path, assets_dir("masks"))
            )
            assert drawn is not None
            assert kept is not None
            apart = np.abs(drawn.astype(int) - kept.astype(int))
            # Another processor may round another way here and there.
            assert np.mean(apart > (64 if file == "height.png" else 4)) < 0.01, (name, file)
        committed = json.loads((assets_dir("masks") / name / "mask.json").read_text())
        again = json.loads((tmp_path / name / "mask.json").read_text())
        assert again["anchors"] == committed["anchors"]


def test_every_committed_mask_has_a_drawing() -> None:
    program = REPOSITORY / "assets" / "masks" / "draw"
    text = subprocess.run(
        [sys.executable, str(program), "--help"], check=True, capture_output=True, text=True
    ).stdout.replace("\n", " ")
    assert all(name in text for name in reader.names())
