"""``maskgen detect image`` from the command line's words to what it prints and writes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from painting import PaintedFaces, paint
from typer.testing import CliRunner

from detect.commands.app import app
from detect.detector import Detector, _Spare
from detect.search import FaceSearch
from maskgen import images
from maskgen.errors import InputError
from maskgen.types import RGB, Face

if TYPE_CHECKING:
    from click.testing import Result

    from detect.detector import Detector


def run(*words: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["image", *map(str, words)], input=stdin)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    (folder / "deep er").mkdir(parents=True)
    images.write(folder / "one.png", paint((160, 120), (20, 30, 60, True)))
    images.write(folder / "deep er" / "two.png", paint((320, 120), (20, 30, 60, True), (200, 30, 60, False)))
    images.write(folder / "none.png", paint((100, 100)))
    (folder / "cut.png").write_bytes((folder / "one.png").read_bytes()[:120])
    (folder / "zero.jpg").touch()
    (folder / "note.txt").write_text("not a picture")
    return folder


@pytest.mark.usefixtures("painted_commands")
class TestPainted:
    def test_json_has_a_line_for_every_file(self, album: Path) -> None:
        result = run(album, "--json")
        assert result.exit_code == 0
        lines = {Path(line["file"]).name: line for line in map(json.loads, result.stdout.splitlines())}
        assert set(lines) == {"one.png", "two.png", "none.png", "cut.png", "zero.jpg", "note.txt"}
        assert (lines["one.png"]["width"], lines["one.png"]["height"]) == (160, 120)
        (face,) = lines["one.png"]["faces"]
        assert face["box_xyxy"] == [20, 30, 80, 90]
        assert face["label"] == "with_mask"
        assert face["score"] == face["probabilities"]["with_mask"] > 0.9
        assert [face["label"] for face in lines["two.png"]["faces"]] == ["with_mask", "without_mask"]
        assert lines["none.png"] | {"file": ""} == {"file": "", "width": 100, "height": 100, "faces": [], "error": None}
        assert lines["zero.jpg"]["error"].endswith("has 0 bytes")
        assert lines["zero.jpg"]["width"] is None

    def test_the_table_counts(self, album: Path) -> None:
        result = run(album)
        assert result.exit_code == 0
        assert "3 pictures, 3 faces: 2 mask, 1 no mask; 3 inputs with an error" in result.stdout
        assert result.stderr.count("maskgen: ") == 3

    def test_the_table_is_cut_on_a_terminal_alone(
        self, tmp_path: Path, painted: Detector, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for number in range(45):
            images.write(tmp_path / f"{number:02d}.png", paint((30, 30)))
        (tmp_path / "zz.png").write_bytes(b"no picture")
        result = run(tmp_path)
        assert "44.png" in result.stdout
        assert "more" not in result.stdout
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        from detect.commands import image
        from detect.commands.settings import Copies, Finding

        image.run([str(tmp_path)], Finding(faces="hog"), Copies(), "table")
        out = capsys.readouterr().out
        assert "44.png" not in out
        assert "... and 6 more" in out

    def test_csv_has_a_row_for_every_face(self, album: Path) -> None:
        rows = list(csv.DictReader(io.StringIO(run(album / "deep er", "--csv").stdout)))
        assert [row["label"] for row in rows] == ["with_mask", "without_mask"]
        assert float(rows[0]["p_with_mask"]) > 0.9

    def test_copies_keep_their_place_and_are_never_searched(self, album: Path) -> None:
        output = album / "out"
        assert run(album, "--output", output).exit_code == 0
        written = sorted(path.relative_to(output).as_posix() for path in output.rglob("*.png"))
        assert written == ["deep er/two.png", "none.png", "one.png"]
        assert len(run(album, "--output", output, "--json", "--overwrite").stdout.splitlines()) == 6

    def test_what_exists_stays_unless_asked(self, album: Path, tmp_path: Path) -> None:
        output = tmp_path / "out"
        run(album / "one.png", "--output", output)
        before = (output / "one.png").read_bytes()
        (output / "one.png").write_bytes(b"mine")
        result = run(album / "one.png", "--output", output)
        assert (result.exit_code, (output / "one.png").read_bytes()) == (1, b"mine")
        assert "--overwrite" in result.stderr
        assert run(album / "one.png", "--output", output, "--overwrite").exit_code == 0
        assert (output / "one.png").read_bytes() == before

    def test_a_copy_never_replaces_its_source(self, album: Path) -> None:
        before = (album / "one.png").read_bytes()
        assert run(album / "one.png", "--output", album, "--overwrite").exit_code == 1
        assert (album / "one.png").read_bytes() == before

    def test_blur_leaves_no_face(self, album: Path, tmp_path: Path) -> None:
        run(album / "one.png", "--output", tmp_path / "out", "--blur")
        shown = images.read_rgb(tmp_path / "out" / "one.png").astype(int)
        edge = np.abs(np.diff(shown[:, 45:55], axis=0)).max()
        plain = np.abs(np.diff(images.read_rgb(album / "one.png")[:, 45:55].astype(int), axis=0)).max()
        assert edge < plain

    def test_two_inputs_of_one_name_make_two_copies(self, album: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        images.write(other / "one.png", paint((50, 50)))
        run(album / "one.png", other / "one.png", "--output", tmp_path / "out")
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one-2.png", "one.png"]

    def test_patterns_and_stdin(self, album: Path) -> None:
        lines = run(album / "*.png", "--json").stdout.splitlines()
        assert len(lines) == 3
        piped = run("-", "--json", stdin=(album / "one.png").read_bytes())
        assert json.loads(piped.stdout)["file"] == "-"
        assert len(json.loads(piped.stdout)["faces"]) == 1

    @pytest.mark.parametrize("name", ["missing.png", "zero.jpg", "note.txt", "cut.png", "no*match.png"])
    def test_nothing_usable_is_one_line_and_exit_1(self, album: Path, name: str) -> None:
        result = run(album / name)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "Traceback" not in result.output

    def test_odd_names(self, tmp_path: Path) -> None:
        name, picture = "new\nline \udcff.png", paint((60, 60), (10, 10, 30, True))
        try:
            images.write(tmp_path / name, picture)
        except (OSError, InputError):  # not every file system takes it
            name = "comma, space and \u00fc.png"
            images.write(tmp_path / name, picture)
        file = json.loads(run(tmp_path, "--json").stdout)["file"]
        assert file.endswith(name.replace("\udcff", "\\xff"))
        assert file.encode("utf-8")  # every reader takes it
        assert run(tmp_path, "--csv").exit_code == 0

    def test_blur_hides_what_might_be_a_face(
        self, painted_commands: Detector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        class Doubts(PaintedFaces):
            def detect(self, image: RGB) -> list[Face]:
                return [replace(face, score=0.35) for face in super().detect(image)]

        monkeypatch.setattr(painted_commands, "_searches", _Spare(lambda: FaceSearch(Doubts(), sure=0.6)))
        images.write(tmp_path / "one.png", paint((120, 90), (40, 20, 30, True)))
        result = run(tmp_path / "one.png", "--blur", "--json", "--output", tmp_path / "out")
        assert json.loads(result.stdout)["faces"] == []
        hidden = images.read_rgb(tmp_path / "out" / "one.png").astype(int)
        assert np.abs(np.diff(hidden[:, 45:65], axis=0)).max() < 80  # 190 where a face is bare

    def test_an_address_is_no_picture_and_keeps_its_password(self) -> None:
        for address in ("rtsp://admin:hunter2@10.0.0.7/1", "http://10.0.0.7/jpg?user=admin&pwd=hunter2"):
            result = run(address, "--json")
            assert json.loads(result.stdout)["error"].startswith("there is no file")
            assert "hunter2" not in result.output

    def test_two_formats_at_once_are_wrong_words(self, album: Path) -> None:
        assert run(album, "--json", "--csv").exit_code == 2


def test_an_output_that_is_a_file(tiny_model: Path, portraits: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(portraits, "--model", tiny_model, "--faces", "hog", "--output", tmp_path / "file")
    assert result.exit_code == 1
    assert "cannot write" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "nowhere"), "no model folder at nowhere"),
        (("--faces", "eyes"), 'no face detector is called "eyes"'),
    ],
)
def test_wrong_settings(words: tuple[str, ...], message: str, tiny_model: Path, portraits: Path) -> None:
    defaults = {"--model": str(tiny_model), "--faces": "hog"} | {words[0]: words[1]}
    result = run(portraits, *(word for pair in defaults.items() for word in pair))
    assert message in str(result.exception)


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "keras", "albumentations", "sklearn", "matplotlib", "supervision"}:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Blocker())
from detect.commands.app import app
from detect.search import FaceSearch
from detect.detector import Detector, _Spare
app()
"""


def test_detect_needs_no_tensorflow(tiny_model: Path, portraits: Path) -> None:
    """Nor albumentations, scikit-learn, matplotlib or supervision."""
    words = ["image", str(portraits), "--model", str(tiny_model), "--faces", "hog", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(line["faces"]) for line in lines] == [1, 1]
