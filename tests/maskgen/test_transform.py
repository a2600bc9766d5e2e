from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from drawn_face import photo, turned_landmarks
from hypothesis import given, settings
from hypothesis import strategies as st

import maskgen
from maskgen.errors import InputError, MaskgenError, ShapeError, TemplateError
from maskgen.render.params import ImageParams
from maskgen.transform import Masked, MaskTransform
from maskgen.types import LABELS, RGB, Box, Label

LANDMARKS = turned_landmarks(0)
PLAIN = MaskTransform(masks=["surgical"])


def _same(first: Masked | None, second: Masked | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first.image, second.image) and np.array_equal(first.alpha, second.alpha)


def _drawn(transform: MaskTransform = PLAIN, label: Label = "with_mask", seed: int = 0) -> Masked:
    masked = transform(photo(), LANDMARKS, label, np.random.default_rng(seed))
    assert masked is not None
    return masked


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from(LABELS), st.sampled_from([None, 96]), st.sampled_from([None, "street"]))
def test_params_draw_the_image_again(seed: int, label: Label, size: int | None, camera: Any) -> None:
    """The same generator the same bytes, and the params through JSON too."""
    transform = MaskTransform(confusers=0.5, accessories=0.3, size=size, camera=camera)
    masked = transform(photo(), LANDMARKS, label, np.random.default_rng(seed))
    assert _same(masked, transform(photo(), LANDMARKS, label, np.random.default_rng(seed)))
    if masked is not None:
        line = json.loads(json.dumps(masked.params.to_json()))
        assert _same(masked, transform.apply(photo(), masked.source_landmarks, line))
        assert _same(masked, transform.apply(photo(), masked.source_landmarks, masked.params))
        assert masked.label == label
        assert masked.image.shape == (*masked.alpha.shape, 3) == (size or 240, size or 240, 3)
        assert masked.landmarks.shape == (68, 2)


def test_without_a_camera_only_the_masks_pixels_change() -> None:
    picture = photo()
    before = picture.copy()
    masked = _drawn()
    assert np.array_equal(picture, before)
    changed = (masked.image != picture).any(axis=2)
    x0, y0 = LANDMARKS[:17].min(axis=0).astype(int) - 12
    x1, y1 = LANDMARKS[:17].max(axis=0).astype(int) + 12
    assert not changed[: y0 - 30].any()
    assert not changed[:, : x0 - 30].any()
    assert changed[masked.alpha > 0.9].mean() > 0.95
    assert masked.covers.whole
    assert masked.polygons
    assert (masked.landmarks == LANDMARKS).all()
    assert x1 > x0
    assert y1 > y0
    photographed = MaskTransform(masks=["surgical"], camera="street")
    assert (_drawn(photographed).image != picture).any(axis=2).mean() > 0.5


def test_each_label_is_what_it_says() -> None:
    assert _drawn(label="with_mask").covers.whole
    assert not _drawn(label="incorrect_mask").covers.whole
    bare = _drawn(label="without_mask")
    assert np.array_equal(bare.image, photo())
    assert not bare.alpha.any()
    assert bare.polygons == ()
    assert _drawn(MaskTransform(wears=["chin_out"]), "incorrect_mask").params.mask.wear == "chin_out"  # type: ignore[union-attr]


def test_weights_choose_the_masks() -> None:
    transform = MaskTransform(masks={"surgical": 0, "kn95": 1.0})
    assert {_drawn(transform, seed=seed).params.mask.template for seed in range(6)} == {"kn95"}  # type: ignore[union-attr]


def test_p_leaves_some_as_they_are() -> None:
    transform = MaskTransform(p=0.5)
    labels = {_drawn(transform, seed=seed).label for seed in range(12)}
    assert labels == {"with_mask", "without_mask"}
    never = _drawn(MaskTransform(p=0.0))
    assert np.array_equal(never.image, photo())


def test_a_seed_is_enough() -> None:
    first, second = (MaskTransform(seed=seed)(photo(), LANDMARKS) for seed in (1, 1))
    assert _same(first, second)
    assert not _same(first, MaskTransform(seed=2)(photo(), LANDMARKS))
    assert not _same(MaskTransform()(photo(), LANDMARKS), MaskTransform()(photo(), LANDMARKS))


def test_it_travels_by_pickle_and_serves_threads() -> None:
    copy = pickle.loads(pickle.dumps(PLAIN))
    assert repr(copy) == repr(PLAIN) == "MaskTransform(masks=['surgical'])"
    alone = [_drawn(seed=seed) for seed in range(8)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda seed: _drawn(copy, seed=seed), range(8)))
    assert all(map(_same, alone, together))


def test_landmarks_need_no_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    from maskgen.faces import landmarks

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a face finder was loaded")

    monkeypatch.setattr(landmarks.FaceFinder, "__init__", refuse)
    assert MaskTransform()(photo(), LANDMARKS) is not None
    with pytest.raises(AssertionError, match="was loaded"):
        MaskTransform()(photo())


def test_faces_are_found_and_boxes_and_points_are_enough(astronaut: RGB) -> None:
    transform = MaskTransform(masks=["surgical"], detector="hog")
    found = transform(astronaut, rng=np.random.default_rng(0))
    assert found is not None
    marks = found.source_landmarks
    x, y, right, bottom = found.box_xyxy
    five = np.array([marks[36:42].mean(0), marks[42:48].mean(0), marks[30], marks[48], marks[54]])
    for face in (found.box_xyxy, Box(x, y, right, bottom), np.array(found.box_xyxy), five):
        again = transform(astronaut, face, rng=np.random.default_rng(0))
        assert again is not None
        assert np.abs(again.landmarks - found.landmarks).mean() < 0.05 * (right - x)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: transform(astronaut, rng=np.random.default_rng(0)), range(4)))
    assert all(_same(found, one) for one in runs)


def test_no_usable_face_is_none() -> None:
    grey = np.full((90, 120, 3), 128, np.uint8)
    assert MaskTransform(detector="hog")(grey) is None
    assert MaskTransform()(grey, LANDMARKS + 5000) is None
    assert MaskTransform()(grey, np.zeros((68, 2))) is None
    assert MaskTransform()(grey, (4.0, 4.0, 8.0, 9.0)) is None
    assert MaskTransform(detector="hog")(np.zeros((1, 1, 3), np.uint8)) is None


@pytest.mark.parametrize(
    ("image", "face", "words"),
    [
        (np.zeros((9, 9), np.uint8), LANDMARKS, r"\(H, W, 3\) uint8 RGB, got uint8 of shape \(9, 9\)"),
        (np.zeros((9, 9, 3), np.float32), LANDMARKS, "got float32"),
        (np.zeros((9, 9, 4), np.uint8), LANDMARKS, "shape"),
        (np.zeros((0, 9, 3), np.uint8), LANDMARKS, "at least one pixel"),
        ("face.jpg", LANDMARKS, "got str"),
        (photo(), np.zeros((12, 2)), r"68, 2\) landmarks"),
        (photo(), LANDMARKS * np.nan, "finite"),
        (photo(), (1.0, 2.0, np.inf, 4.0), "finite"),
        (photo(), (9.0, 9.0, 3.0, 4.0), "left <= right"),
    ],
)
def test_wrong_input_is_refused(image: Any, face: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        PLAIN(image, face)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"masks": ["nobody"]}, TemplateError, "nobody"),
        ({"masks": "surgical"}, InputError, "a list of names"),
        ({"masks": []}, InputError, "names with weights"),
        ({"masks": {"kn95": -1.0}}, InputError, "weights of 0 or more"),
        ({"wears": ["askew"]}, InputError, "askew"),
        ({"camera": "film"}, InputError, "film"),
        ({"size": 3}, InputError, "16 to 4096"),
        ({"p": 2}, InputError, "0 to 1"),
        ({"detector": "eye"}, InputError, "eye"),
    ],
)
def test_wrong_settings_are_refused(options: dict[str, Any], error: type[MaskgenError], words: str) -> None:
    with pytest.raises(error, match=words):
        MaskTransform(**options)


def test_wrong_labels_and_params_are_refused() -> None:
    with pytest.raises(InputError, match="with_mask, without_mask, incorrect_mask"):
        PLAIN(photo(), LANDMARKS, "masked")  # type: ignore[arg-type]
    with pytest.raises(InputError, match='needs the wear "correct"'):
        MaskTransform(wears=["chin"])(photo(), LANDMARKS)
    with pytest.raises(InputError, match='another wear than "correct"'):
        MaskTransform(wears=["correct"])(photo(), LANDMARKS, "incorrect_mask")
    with pytest.raises(InputError, match='no mask called "kn95"'):
        PLAIN.apply(photo(), LANDMARKS, _drawn(MaskTransform(masks=["kn95"])).params)
    with pytest.raises(InputError, match="another version"):
        PLAIN.apply(photo(), LANDMARKS, {"label": "with_mask", "hat": 1})
    assert isinstance(_drawn().params, ImageParams)


def test_the_package_is_light_and_names_its_api() -> None:
    assert maskgen.MaskTransform is MaskTransform
    assert set(maskgen.__all__) <= set(dir(maskgen))
    with pytest.raises(AttributeError, match="nothing"):
        _ = maskgen.nothing
    code = "import sys, time; began = time.perf_counter(); import maskgen; print(time.perf_counter() - began); " + (
        "print([name for name in ('numpy', 'cv2', 'maskgen.transform') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    seconds, loaded = out.splitlines()
    assert float(seconds) < 0.1
    assert loaded == "[]"


FORKED = """
import os, sys
import numpy as np
from skimage import data
from maskgen import MaskTransform
transform = MaskTransform(masks=["surgical"], detector="hog")
draw = lambda: transform(data.astronaut(), rng=np.random.default_rng(0)).image.tobytes()
mine = draw()
if os.fork():
    _, status = os.wait()
    sys.exit(os.waitstatus_to_exitcode(status))
os._exit(0 if draw() == mine else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_goes_on() -> None:
    """After masks and finder were loaded in the parent, as a data loader's workers are started."""
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
