"""PyAV: nobody loads it before OpenCV, and every version opens what the others open."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from detect.outputs.mp4 import Mp4Writer
from detect.sources import open_source, pyav
from maskgen.types import RGB

ROOT = Path(__file__).resolve().parents[3]


def imports_av(node: ast.AST) -> Iterator[int]:
    """Lines on which ``av`` is imported when the code runs, not when types are checked."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module or ""]
    if any(name.partition(".")[0] == "av" for name in names):
        yield node.lineno  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(node):
        yield from imports_av(child)


def test_one_place_imports_it() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}:{line}"
        for stage in ("maskgen", "trainer", "detect", "benchmarks", "examples")
        for path in (ROOT / stage).rglob("*.py")
        for line in imports_av(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {place.partition(":")[0] for place in found} == {"detect/sources/pyav.py"}, found


def test_opencv_is_loaded_first() -> None:
    loaded = "print(*(m for m in sys.modules if m in ('av', 'cv2')))"
    code = f"import sys; from detect.sources import pyav; pyav.load(); {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "cv2 av"


@pytest.mark.parametrize(("version", "told"), [("15.0.0", True), ("18.1.0", True), ("19.0.0", False), ("20.0", False)])
def test_each_version_gets_the_words_it_knows(monkeypatch: pytest.MonkeyPatch, version: str, told: bool) -> None:
    asked: dict[str, object] = {}
    fake = SimpleNamespace(__version__=version, open=lambda address, **words: asked.update(words, address=address))
    monkeypatch.setattr(pyav, "load", lambda: fake)
    pyav.open_to_read("a.mp4", (1.0, 2.0))
    expected = {"address": "a.mp4", "options": {}, "timeout": (1.0, 2.0)}
    assert asked == (expected | {"metadata_errors": "replace"} if told else expected)


def test_metadata_that_are_no_text_do_no_harm(tmp_path: Path, astronaut: RGB) -> None:
    av = pyav.load()
    title = "a title of that time"
    writer = Mp4Writer(tmp_path / "clip.mp4", 10)
    for index in range(10):
        writer.write(astronaut, index / 10)
    writer.close()
    with av.open(str(tmp_path / "clip.mp4")) as source, av.open(str(tmp_path / "named.mkv"), "w") as target:
        target.metadata["title"] = title
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = (tmp_path / "named.mkv").read_bytes()
    assert data.count(title.encode()) == 1
    (tmp_path / "named.mkv").write_bytes(data.replace(title.encode(), b"\xfc\xe4\xff".ljust(len(title), b"x")))
    assert len(list(open_source(tmp_path / "named.mkv"))) == 10
