"""YuNet in onnxruntime gives what OpenCV gives."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskgen import weights
from maskgen.errors import WeightsError
from maskgen.faces.yunet import YuNet
from maskgen.types import RGB


@pytest.mark.parametrize("size_wh", [(512, 512), (333, 250), (90, 40), (700, 30)])
def test_both_runtimes_see_the_same(size_wh: tuple[int, int], yunet_weights: Path, astronaut: RGB) -> None:
    picture = np.asarray(cv2.resize(astronaut, size_wh), np.uint8)
    one = YuNet(min_score=0.05, runtime="onnxruntime").detect(picture)
    other = YuNet(min_score=0.05, runtime="opencv").detect(picture)
    assert len(one) == len(other)
    assert len(one) > 0 or min(size_wh) < 60
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.box.xyxy, b.box.xyxy, atol=1e-3)
        assert a.points is not None
        assert b.points is not None
        np.testing.assert_allclose(a.points, b.points, atol=1e-3)
        assert a.score == pytest.approx(b.score, abs=1e-4)


def test_without_onnxruntime_opencv_runs_it(yunet_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert YuNet().runtime == "onnxruntime"
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "maskgen.faces.yunet.find_spec", lambda name: None if name == "onnxruntime" else find_spec(name)
    )
    assert YuNet().runtime == "opencv"


def test_one_network_serves_every_copy(yunet_weights: Path) -> None:
    from maskgen.faces.yunet_onnx import network

    assert network(weights.find("yunet")) is network(weights.find("yunet"))


@pytest.mark.parametrize("content", [b"", b"no network", b"\x3a\xff\xff", bytes(1000)])
def test_a_file_that_is_no_yunet_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "yunet.onnx"
    path.write_bytes(content)
    for runtime in ("onnxruntime", "opencv"):
        with pytest.raises(WeightsError, match=r"yunet\.onnx is no"):
            YuNet(path, runtime=runtime)  # type: ignore[arg-type]
