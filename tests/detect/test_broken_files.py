"""Bytes from outside: whatever a video, a picture or a model file holds, it is an answer or one clear line."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from painting import paint
from PIL import Image

from detect.outputs.mp4 import Mp4Writer
from detect.sources import open_source, pictures
from maskgen import images
from maskgen.errors import BundleError, ImageError, MaskgenError, SourceError
from trainer.bundle import Bundle

MANY = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def damage(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """What happens to a file: bytes changed, put in or taken out at some share of its length."""
    kinds = st.sampled_from(["change", "insert", "delete", "cut"])
    one = st.tuples(kinds, st.floats(0, 1), st.binary(min_size=1, max_size=24))
    return draw(st.lists(one, min_size=1, max_size=4))


def damaged(data: bytes, wounds: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, new in wounds:
        at = int(share * len(data))
        if kind == "cut":
            data = data[: max(at, 1)]
        elif kind == "insert":
            data = data[:at] + new + data[at:]
        else:
            data = data[:at] + (new if kind == "change" else b"") + data[at + len(new) :]
    return data


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    writer = Mp4Writer(folder / "a.mp4", 5)
    for index in range(8):
        writer.write(paint((64, 48), (5 + index, 10, 20, True)), index / 5)
    writer.close()
    for suffix in ("mkv", "flv"):
        with av.open(str(folder / "a.mp4")) as old, av.open(str(folder / f"a.{suffix}"), "w") as new:
            stream = new.add_stream_from_template(old.streams.video[0])
            for packet in old.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    new.mux(packet)
    frames = [Image.fromarray(paint((32, 24), (2 + index, 4, 10, True))) for index in range(4)]
    for suffix in ("gif", "webp", "png"):
        frames[0].save(folder / f"a.{suffix}", save_all=True, append_images=frames[1:], duration=100)
    for suffix in (".jpg", ".bmp", ".tif"):
        images.write(folder / f"still{suffix}", paint((32, 24), (2, 4, 10, True)))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv", "a.gif", "a.webp", "a.png"])
@MANY
@given(wounds=damage())
def test_damaged_films_give_frames_or_one_line(
    name: str, wounds: list[tuple[str, float, bytes]], files: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(damaged(files[name], wounds))
    times: list[float] = []
    said = None
    try:
        with contextlib.closing(open_source(path)) as source:
            for frame in source:
                assert frame.image.dtype == np.uint8
                assert frame.image.ndim == 3
                times.append(frame.time_s)
    except SourceError as error:
        said = str(error)
    assert times or said
    assert "\n" not in (said or "")
    assert times == sorted(times)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "still.jpg", "still.bmp", "still.tif"])
@MANY
@given(wounds=damage())
def test_damaged_pictures_are_read_or_refused(
    name: str, wounds: list[tuple[str, float, bytes]], files: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(damaged(files[name], wounds))
    with contextlib.suppress(ImageError):
        picture = pictures.read(path)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        [
            "labels",
            "threshold",
            "input_size_wh",
            "crop",
            "sha256",
            "format",
            "task",
            "arch",
            "scaling",
            "config",
            "export",
        ]
    ),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
)
def test_any_value_in_a_model_folder_is_taken_or_refused(
    name: str, value: object, tiny_model: Path, tmp_path: Path
) -> None:
    document = json.loads((tiny_model / "bundle.json").read_text())
    document[name] = value
    (tmp_path / "model.tflite").write_bytes((tiny_model / "model.tflite").read_bytes())
    (tmp_path / "bundle.json").write_text(json.dumps(document))
    with contextlib.suppress(BundleError):
        assert Bundle.load(tmp_path).labels


@MANY
@given(data=st.binary(max_size=400))
def test_any_bytes_as_a_model_folder(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(data)
    with pytest.raises(MaskgenError):
        Bundle.load(tmp_path)
