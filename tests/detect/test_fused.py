"""Two detectors' faces made one."""

from __future__ import annotations

import numpy as np
import pytest

from detect import search
from detect.detector import Detector
from detect.fused import FusedSearch, fused
from detect.search import FaceSearch
from maskgen import weights
from maskgen.errors import InputError
from maskgen.types import RGB, Box, Face

POINTS = np.arange(10.0).reshape(5, 2)


def own(box: Box, score: float) -> Face:
    return Face(box, score, "onestage", None, (score, 0.1))


def yunet(box: Box, score: float) -> Face:
    return Face(box, score, "yunet", POINTS)


def test_a_face_that_both_saw_has_the_mean_box_and_score() -> None:
    (face,) = fused([own(Box(0, 0, 100, 100), 0.8)], [yunet(Box(10, 0, 110, 120), 0.6)])
    assert face.box.xyxy == (5, 0, 105, 110)
    assert face.score == pytest.approx(0.7)
    assert (face.detector, face.label_scores) == ("fused", (0.8, 0.1))
    assert face.points is not None
    np.testing.assert_array_equal(face.points, POINTS)


def test_a_face_that_one_saw_counts_half() -> None:
    far = Box(300, 0, 400, 100)
    faces = fused([own(Box(0, 0, 100, 100), 0.8)], [yunet(far, 0.9)])
    assert [(face.box.left, pytest.approx(face.score)) for face in faces] == [(300, 0.45), (0, 0.4)]
    assert faces[0].label_scores is None
    assert fused([], []) == []


def test_each_face_is_taken_once_by_the_box_that_fits_best() -> None:
    near, exact = Box(0, 0, 100, 70), Box(0, 0, 100, 98)
    faces = fused([own(Box(0, 0, 100, 100), 0.8)], [yunet(near, 0.9), yunet(exact, 0.7)])
    assert [face.box.bottom for face in faces] == [99]  # the other lies within it


class Fixed:
    def __init__(self, name: str, *faces: Face) -> None:
        self.name, self.faces = name, list(faces)

    def detect(self, image: RGB) -> list[Face]:
        return self.faces


def look(least: float, *faces: list[Face]) -> search.Sight:
    both = [FaceSearch(Fixed(name, *seen), least=0.3) for name, seen in zip(("onestage", "yunet"), faces, strict=True)]  # type: ignore[arg-type]
    return FusedSearch(*both, least=least).look(np.zeros((200, 600, 3), np.uint8))


def test_what_one_of_them_took_for_a_face_stays_hidden() -> None:
    sure, alone = Box(10, 10, 60, 60), Box(300, 10, 350, 60)
    sight = look(0.4, [own(sure, 0.9)], [yunet(sure, 0.9), yunet(alone, 0.6)])
    assert [face.box for face in sight.faces] == [sure]
    assert sight.doubtful == (alone,)
    assert [(face.box, face.score) for face in sight.weak] == [(alone, 0.3)]


def test_what_hardly_anybody_saw_is_hidden_but_carries_no_face_on() -> None:
    alone = Box(300, 10, 350, 60)
    sight = look(0.4, [], [yunet(alone, 0.35)])
    assert (sight.faces, sight.doubtful, sight.weak) == ([], (alone,), ())


@pytest.mark.parametrize(("present", "name"), [(True, "fused"), (False, "onestage")])
def test_auto_takes_what_is_there(present: bool, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    located = weights.locate
    monkeypatch.setattr(weights, "locate", lambda file: located(file) if file != "yunet" else (present or None))
    assert search.choose() == name


def test_auto_is_recorded(yunet_weights, astronaut) -> None:
    detector = Detector.load()
    found = detector.detect(astronaut)
    assert found.to_json()["found_by"] == "fused"
    (face,) = found
    assert face.to_json()["confidence"] == pytest.approx(face.face_score * face.score, abs=2e-4)
    assert face.confidence > search.CUT["fused"]


def test_two_detectors_cannot_label_alone(yunet_weights) -> None:
    with pytest.raises(InputError, match="--labels detector needs"):
        Detector.load(faces="fused", labels="detector")
    assert Detector.load(labels="detector").found_by == "onestage"
