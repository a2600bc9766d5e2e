"""Every detector on the two public-domain portraits, and on pictures of nothing."""

import pickle
import sys
import types

import numpy as np
import pytest

from maskgen import faces, weights
from maskgen.errors import InputError, WeightsError
from maskgen.faces import FaceDetector
from maskgen.types import Box

FACE = Box(170, 60, 280, 195)
"""Eileen Collins's face, from chin to hairline."""

NEEDS = {"yunet": "yunet", "ssd": "ssd_caffemodel", "cnn": "dlib_cnn", "haar": "haar", "onestage": "detector"}


@pytest.fixture(params=["hog", "haar", "yunet", "ssd", "onestage"])
def detector(request):
    name = request.param
    if name == "yunet":
        request.getfixturevalue("yunet_weights")
    if name in NEEDS and weights.locate(NEEDS[name]) is None:
        pytest.skip(f"the model file of {name} is not on this machine")
    return faces.load(name)


def test_it_finds_the_face(detector, astronaut):
    assert isinstance(detector, FaceDetector)
    found = detector.detect(astronaut)
    assert found
    best = found[0]
    assert best.detector == detector.name
    assert best.box.iou(FACE) > 0.4
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)
    if best.points is not None:
        left_eye, right_eye, nose, left_mouth, right_mouth = best.points
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_it_finds_nothing_in_nothing_of_any_size(detector):
    for height, width in ((1, 1), (7, 300), (300, 7), (64, 64), (240, 320)):
        assert detector.detect(np.full((height, width, 3), 120, np.uint8)) == []


def test_a_strip_gives_the_same_answer_whatever_lies_in_memory(yunet_weights, astronaut):
    import cv2

    detector = faces.load("yunet", min_score=0.02)
    rng = np.random.default_rng(0)
    strip = cv2.resize(astronaut[60:260, 130:330], (400, 20))
    answers = set()
    for _ in range(25):
        cv2.GaussianBlur(rng.integers(0, 255, (*rng.integers(1, 300, 2), 3)).astype(np.uint8), (5, 5), 2)
        answers.add(tuple(face.box for face in detector.detect(strip)))
        detector.detect(astronaut[:, :320])
    assert len(answers) == 1


def test_it_takes_views_and_leaves_them_alone(detector, astronaut):
    view = astronaut[:, ::-1]
    before = view.copy()
    assert detector.detect(view)
    np.testing.assert_array_equal(view, before)


def test_a_pickled_one_answers_the_same(detector, astronaut):
    copy = pickle.loads(pickle.dumps(detector))
    assert [f.box for f in copy.detect(astronaut)] == [f.box for f in detector.detect(astronaut)]


def test_wrapped_ones_can_be_pickled(hopper):
    detector = faces.load("hog", max_side=300, small_faces=True)
    copy = pickle.loads(pickle.dumps(detector))
    assert copy.name == "hog"
    (face,) = copy.detect(hopper)
    assert face.box.iou(Box(190, 110, 330, 300)) > 0.4


def test_what_an_ssd_network_answers_becomes_faces(monkeypatch, tmp_path):
    import cv2

    class Network:
        def setInput(self, blob):
            assert blob.shape == (1, 3, 300, 300)
            # Blue first, the training mean subtracted.
            np.testing.assert_allclose(blob[0, :, 0, 0], (30 - 104, 20 - 177, 10 - 123))

        def forward(self):
            rows = [
                [0, 1, 0.7, 0.5, 0.5, 1.1, 0.75],
                [0, 1, 0.9, 0.1, 0.2, 0.2, 0.4],
                [0, 1, 0.1, 0.0, 0.0, 0.5, 0.5],
                [0, 1, 0.8, 0.4, 0.4, 0.4, 0.9],
            ]
            return np.array(rows, np.float32).reshape(1, 1, -1, 7)

    monkeypatch.setattr(cv2.dnn, "readNetFromCaffe", lambda *_files: Network())
    detector = faces.load("ssd", model=tmp_path / "m", prototxt=tmp_path / "p")
    found = detector.detect(np.full((200, 400, 3), (10, 20, 30), np.uint8))
    assert [round(face.score, 3) for face in found] == [0.9, 0.7]
    np.testing.assert_allclose(found[0].box.xyxy, (40, 40, 80, 80), atol=1e-4)
    np.testing.assert_allclose(found[1].box.xyxy, (200, 100, 440, 150), atol=1e-4)


@pytest.mark.slow
def test_dlibs_network(astronaut):
    (face,) = faces.load("cnn").detect(astronaut)
    assert face.box.iou(FACE) > 0.4


@pytest.mark.slow
# On Python 3.13 lz4, through which mtcnn reads its weights, flushes a file that it has closed.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.BufferedReader:pytest.PytestUnraisableExceptionWarning")
def test_mtcnn(astronaut):
    detector = faces.load("mtcnn")
    best = detector.detect(astronaut)[0]
    assert best.box.iou(FACE) > 0.4
    assert best.points[0, 0] < best.points[1, 0]
    assert detector.detect(np.zeros((8, 8, 3), np.uint8)) == []


def test_mtcnn_missing_is_said_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "mtcnn", None)
    with pytest.raises(WeightsError, match=r"maskgen\[mtcnn\]"):
        faces.load("mtcnn")


def test_auto_takes_the_best_that_is_there(monkeypatch):
    monkeypatch.setattr(weights, "locate", lambda _name: None)
    assert faces.load("auto").name == "hog"


def test_auto_without_yunet_takes_our_own(monkeypatch):
    """With no file but what ships, no network is asked and HOG is not needed."""
    monkeypatch.setattr(weights, "locate", lambda name: True if name == "detector" else None)
    monkeypatch.setitem(faces.DETECTORS._loaded, "onestage", types.SimpleNamespace)
    assert not hasattr(faces.load("auto"), "upsample")


def test_auto_with_yunet(yunet_weights):
    assert faces.load("auto").name == "yunet"


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match="yunet"):
        faces.load("retina")


@pytest.mark.parametrize("name", ["haar", "yunet", "cnn"])
def test_a_damaged_file_is_a_weights_error(name, tmp_path, capfd):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"this is no model")
    with pytest.raises(WeightsError, match=r"model\.onnx"):
        faces.load(name, model=path)


def test_a_damaged_ssd_is_a_weights_error(tmp_path, capfd):
    for name in ("a.prototxt", "a.caffemodel"):
        (tmp_path / name).write_bytes(b"this is no model")
    with pytest.raises(WeightsError, match=r"a\.prototxt"):
        faces.load("ssd", model=tmp_path / "a.caffemodel", prototxt=tmp_path / "a.prototxt")
