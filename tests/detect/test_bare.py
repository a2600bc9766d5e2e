"""Other people's classifiers: what they need said, and that they then see what they were trained on."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painting import PaintedFaces, paint

from detect.bare import BareNetwork, is_bare, open_bare, scaling_of
from detect.classifier import Classifier
from detect.detector import Detector
from maskgen.errors import BundleError, InputError, MaskgenError

# Keras 3.15 copies TensorFlow's variables the way NumPy 1 did; nothing that we could change.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")

DATA = Path(__file__).parent / "data" / "tiny.tflite"
PICTURE = paint((160, 120), (20, 30, 60, True))
BOX = [[20, 30, 80, 90]]


@pytest.fixture(scope="module")
def tutorials(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One network as the tutorials leave it, in three forms: a lower half that is bluer than red is a mask; -1..1."""
    import keras

    inputs = keras.Input((32, 32, 3))
    halves = keras.layers.Flatten()(keras.layers.AveragePooling2D((16, 32))(inputs))
    outputs = keras.layers.Dense(2, activation="softmax")(halves)
    model = keras.Model(inputs, outputs)
    weights = np.zeros((6, 2), dtype=np.float32)
    weights[3], weights[5] = (-3, 3), (3, -3)
    model.layers[-1].set_weights([weights, np.zeros(2, dtype=np.float32)])
    folder = tmp_path_factory.mktemp("tutorials")
    model.save(folder / "mask_detector.keras")
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras would rather have its own format
    model.save(folder / "mask_detector.h5")
    model.export(str(folder / "saved"), format="tf_saved_model", verbose=False)
    return {"h5": folder / "mask_detector.h5", "keras": folder / "mask_detector.keras", "saved": folder / "saved"}


@pytest.mark.parametrize("form", ["h5", "keras", "saved"])
def test_a_file_of_the_tutorials(form: str, tutorials: dict[str, Path]) -> None:
    path = tutorials[form]
    assert is_bare(path)
    with pytest.raises(BundleError, match=r"does not say how pixel values are scaled; pass --scaling -1\.\.1"):
        open_bare(path)
    bundle, network = open_bare(path, "[-1,1]")
    assert (bundle.labels, bundle.input_size_wh) == (("with_mask", "without_mask"), (32, 32))
    classifier = Classifier(bundle, network=network)
    masked = classifier.classify_boxes(PICTURE, BOX)
    bare = classifier.copy().classify_boxes(paint((160, 120), (20, 30, 60, False)), BOX)
    assert masked[0, 0] > 0.9
    assert bare[0, 0] < 0.1
    # As tiny.tflite, which scales by itself, sees them.
    tiny, same = open_bare(DATA, "0..255")
    pale = (PICTURE // 10 + 115).astype(np.uint8)  # so that it cannot be all too sure
    wanted = Classifier(tiny, network=same).classify_boxes(pale, BOX)
    assert 0.6 < wanted[0, 0] < 0.9
    assert np.allclose(classifier.classify_boxes(pale, BOX), wanted, atol=2e-3)


def test_the_detector_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from detect import detector as detection
    from detect.search import FaceSearch

    monkeypatch.setattr(detection, "load_search", lambda *args, **kwargs: FaceSearch(PaintedFaces()))
    detector = Detector.load(DATA, scaling="0..255", threads=2)
    assert [face.label for face in detector.detect(PICTURE)] == ["with_mask"]
    # The other way round, when told so.
    turned = Detector.load(DATA, scaling="0..255", classes=("without_mask", "with_mask"))
    assert [face.label for face in turned.detect(PICTURE)] == ["without_mask"]


def test_options_of_bare_files_are_refused_elsewhere(tiny_model: Path) -> None:
    with pytest.raises(InputError, match=r"describe a bare .* is none"):
        Detector.load(tiny_model, faces="hog", scaling="0..1")
    with pytest.raises(InputError, match="no --model was named"):
        Detector.load(faces="hog", classes=("with_mask", "without_mask"))


def test_a_card_says_it_all(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(DATA.read_bytes())
    card = {
        "input": {"range": [0, 255], "size_wh": [32, 32], "colour_order": "RGB", "layout": "NHWC"},
        "labels": ["with_mask", "without_mask"],
        "threshold": 0.4,
        "crop": {"margin": 1.15, "fit": "stretch"},
    }
    (tmp_path / "m.tflite.json").write_text(json.dumps(card))
    bundle, network = open_bare(path)
    assert (bundle.threshold, bundle.margin, network.range) == (0.4, 1.15, (0, 255))
    del card["threshold"]
    (tmp_path / "m.tflite.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match="no card of an exported model"):
        open_bare(path)
    (tmp_path / "m.tflite.json").write_text('{"somebody": "else"}')
    with pytest.raises(BundleError, match="--scaling"):
        open_bare(path)


@pytest.mark.parametrize("classes", [("with_mask",), ("with_mask", "without_mask", "incorrect_mask")])
def test_labels_must_be_as_many_as_outputs(classes: tuple[str, ...]) -> None:
    with pytest.raises(BundleError, match="2 outputs"):
        open_bare(DATA, "0..255", classes)


def test_a_single_output_is_the_second_labels() -> None:
    network = BareNetwork(Path("x.h5"), lambda pixels: np.full((len(pixels), 1), 0.2, np.float32), (8, 8), 1)
    assert np.allclose(network.predict(np.zeros((3, 8, 8, 3), np.uint8)), [[0.8, 0.2]] * 3)


@pytest.mark.parametrize("row", [(3.0, -2.0), (0.5, 0.9), (float("nan"), 1.0)])
def test_what_are_no_probabilities_is_said(row: tuple[float, float]) -> None:
    network = BareNetwork(Path("x.h5"), lambda pixels: np.tile(np.float32(row), (len(pixels), 1)), (8, 8), 2)
    with pytest.raises(BundleError, match="softmax or a sigmoid"):
        network.predict(np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("text", "low_high"), [("-1..1", (-1, 1)), ("[-1, 1]", (-1, 1)), ("0..1", (0, 1)), ("0,255", (0, 255))]
)
def test_scalings(text: str, low_high: tuple[float, float]) -> None:
    assert scaling_of(text) == low_high
    seen: list[np.ndarray] = []

    def run(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels)
        return np.full((len(pixels), 2), 0.5, np.float32)

    network = BareNetwork(Path("x"), run, (1, 1), 2)
    network.range = scaling_of(text)
    network.predict(np.array([[[[0, 255, 255]]]], np.uint8))
    assert (seen[0].min(), seen[0].max()) == low_high


def test_scalings_that_are_none() -> None:
    with pytest.raises(InputError, match=r"takes -1\.\.1, 0\.\.1, 0\.\.255"):
        scaling_of("1..2")


def test_without_tensorflow_it_says_what_is_missing(tutorials: dict[str, Path]) -> None:
    script = f"""
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from pathlib import Path
from detect.bare import open_bare
open_bare(Path({str(tutorials["h5"])!r}), "-1..1")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "needs tensorflow, which is not installed here" in done.stderr


@pytest.mark.parametrize("name", ["x.h5", "x.keras", "x.tflite"])
def test_files_that_are_no_model(name: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model file"):
        open_bare(tmp_path / name, "0..1")
    (tmp_path / name).write_bytes(b"no model at all" * 50)
    with pytest.raises(BundleError):
        open_bare(tmp_path / name, "0..1")


@given(at=st.integers(0, len(DATA.read_bytes()) - 1), value=st.integers(0, 255), cut=st.booleans())
def test_cards_of_any_bytes(at: int, value: int, cut: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A card is JSON from anywhere: an answer, or an error of ours."""
    folder = tmp_path_factory.mktemp("card")
    text = bytearray(
        b'{"input": {"range": [0, 255], "size_wh": [32, 32]}, "labels": ["with_mask", "without_mask"], '
        b'"threshold": 0.4, "crop": {"margin": 1.15}}'
    )
    text[at % len(text)] = value
    (folder / "m.tflite").write_bytes(DATA.read_bytes())
    (folder / "m.tflite.json").write_bytes(text[: at % len(text)] if cut else text)
    try:
        bundle, _ = open_bare(folder / "m.tflite")
    except MaskgenError:
        return
    assert len(bundle.labels) == 2
