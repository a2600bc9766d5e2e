"""The example of docs/plugins.md: installed into a folder of its own, drawn by ``generate``, listed by ``doctor``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package beside nothing else, built without a network from a copy."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(ROOT / "examples" / "plugin", folder / "source")
    pip = [UV, "pip", "install", "--offline", "--no-cache", "--python", sys.executable] if UV else []
    pip = pip or [sys.executable, "-m", "pip", "install", "--no-index"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--target", str(folder / "site"), str(folder / "source")],
        capture_output=True,
        timeout=120,
        check=True,
    )
    return folder / "site"


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(site)])},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def generate(site: Path, portraits: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["--per-face", "12", "--confusers", "1", "--size", "96", "--seed", "3", "--workers", "2", *more]
    return run(site, "-m", "maskgen.app", "generate", str(portraits), str(out), *words)


def test_generate_draws_what_the_package_registers_and_draws_it_again(
    installed: Path, portraits: Path, tmp_path: Path
) -> None:
    done = generate(installed, portraits, tmp_path / "out", "--masks", "heart")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "left out" not in done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out" / "metadata.jsonl").read_text().splitlines()]
    assert {line["template"] for line in lines if line["label"] == "with_mask"} == {"heart"}
    drawn = [line for line in lines if (line["params"].get("confuser") or {}).get("name") == "balloon"]
    assert drawn
    packages = json.loads((tmp_path / "out" / "run.json").read_text())["machine"]["packages"]
    assert packages["party-masks"] == "1.0"
    again = run(installed, "-m", "maskgen.app", "reproduce", str(tmp_path / "out"), drawn[0]["file_name"])
    assert "the same, byte for byte" in again.stdout, again.stderr


def test_a_broken_package_is_named_once_and_the_run_goes_on(installed: Path, portraits: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(installed, site)
    (site / "party_masks" / "balloon.py").write_text("import no_such_module\n")
    (site / "party_masks" / "wardrobe" / "heart" / "mask.png").write_bytes(b"")
    done = generate(site, portraits, tmp_path / "out", "--per-face", "1")
    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(line for line in done.stderr.splitlines() if "party" in line) == [
        'maskgen: mask "heart" of party-masks 1.0 is left out: mask.png is empty',
        'maskgen: plug-in "balloon" of party-masks 1.0 (maskgen.occluders) is left out: '
        "ModuleNotFoundError: No module named 'no_such_module'; mend or uninstall it",
    ]


def test_what_is_registered_shows_in_errors_and_to_the_doctor(installed: Path) -> None:
    code = (
        "import json\n"
        "from maskgen.cli.doctor_checks import _registered\n"
        "from maskgen.errors import MaskgenError\n"
        "from maskgen.occluders.registry import OCCLUDERS\n"
        "from maskgen.templates.reader import find_masks\n"
        "told = {check.name: check.detail for check in _registered()}\n"
        "for ask in (lambda: OCCLUDERS.load('moose'), lambda: find_masks(None, ['moose'])):\n"
        "    try:\n"
        "        ask()\n"
        "    except MaskgenError as error:\n"
        "        told[type(error).__name__] = str(error)\n"
        "print(json.dumps(told))\n"
    )
    done = run(installed, "-c", code)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert "balloon (party-masks 1.0)" in told["maskgen.occluders"]
    assert "heart (party-masks 1.0)" in told["maskgen.templates"]
    assert "passer_by, balloon" in told["InputError"]
    assert "heart" in told["TemplateError"]


def test_the_docs_show_the_example_as_it_is() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    for name in ("pyproject.toml", "party_masks/balloon.py"):
        assert (ROOT / "examples" / "plugin" / name).read_text(encoding="utf-8").strip() in text, name
