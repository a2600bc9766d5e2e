import math
from pathlib import Path

import numpy as np
import pytest
from painting import PaintedFaces, paint

from detect import search as find
from detect.detector import Detector
from detect.search import CUT, FaceSearch
from detect.sight import tidy
from detect.stream import watch
from maskgen import faces
from maskgen.types import RGB, Box, Face


class Listed:
    """Says the same faces whatever it sees, in shares of the picture."""

    def __init__(self, name: str, *faces: tuple[float, float, float, float]) -> None:
        self.name = name
        self.faces = faces
        self.seen: list[tuple[int, int]] = []

    def detect(self, image: RGB) -> list[Face]:
        height, width = image.shape[:2]
        self.seen.append((width, height))
        return [Face(Box(a * width, b * height, c * width, d * height), 0.9, self.name) for a, b, c, d in self.faces]


def test_faces_come_from_left_to_right() -> None:
    found = FaceSearch(PaintedFaces()).find(paint((200, 100), (120, 20, 40, True), (10, 30, 40, False)))
    assert [face.box.left for face in found] == [10, 120]


def test_large_pictures_are_searched_on_two_copies_and_each_face_counts_once() -> None:
    detector = Listed("yunet", (0.25, 0.25, 0.5, 0.5))
    found = FaceSearch(detector, full_px=1000).find(np.zeros((1500, 3000, 3), np.uint8))
    assert detector.seen == [(1000, 500), (448, 224)]
    assert len(found) == 1
    assert np.allclose(found[0].box.xyxy, (750, 375, 1500, 750))


def test_a_detector_without_an_upper_limit_looks_once() -> None:
    detector = Listed("hog")
    FaceSearch(detector).find(np.zeros((900, 900, 3), np.uint8))
    assert detector.seen == [(900, 900)]


def test_a_picture_without_faces_is_padded_and_searched_again() -> None:
    detector = Listed("hog", (0.2, 0.2, 0.8, 0.8))
    original = detector.detect

    def only_padded(image: RGB) -> list[Face]:
        return original(image) if image.shape[1] > 100 else []

    detector.detect = only_padded  # type: ignore[method-assign]
    found = FaceSearch(detector).find(np.zeros((100, 100, 3), np.uint8), thorough=True)
    assert np.allclose(found[0].box.xyxy, (5, 5, 95, 95))
    assert FaceSearch(detector).find(np.zeros((100, 100, 3), np.uint8)) == []


def test_a_face_that_fills_its_picture_is_found_in_a_small_copy_at_last() -> None:
    detector = Listed("onestage", (0.2, 0.2, 0.8, 0.8))
    original = detector.detect

    def only_small(image: RGB) -> list[Face]:
        return original(image) if image.shape[1] <= 160 else []

    detector.detect = only_small  # type: ignore[method-assign]
    found = FaceSearch(detector).find(np.zeros((600, 600, 3), np.uint8), thorough=True)
    # The rim is a quarter of the side: 900 px wide, of which the box takes 180 to 720.
    assert np.allclose(found[0].box.xyxy, (30, 30, 570, 570), atol=3)
    assert FaceSearch(detector).find(np.zeros((600, 600, 3), np.uint8)) == []


def test_a_small_single_picture_is_looked_at_enlarged_too_and_each_face_counts_once() -> None:
    detector = Listed("yunet", (0.25, 0.25, 0.5, 0.5))
    found = FaceSearch(detector).find(np.zeros((300, 400, 3), np.uint8), thorough=True)
    assert detector.seen == [(400, 300), (640, 480)]
    assert len(found) == 1
    assert np.allclose(found[0].box.xyxy, (100, 75, 200, 150))


def test_a_tiny_picture_is_doubled_and_no_more() -> None:
    detector = Listed("yunet", (0.25, 0.25, 0.5, 0.5))
    FaceSearch(detector).find(np.zeros((80, 100, 3), np.uint8), thorough=True)
    assert detector.seen == [(100, 80), (200, 160)]


def test_frames_and_large_pictures_are_not_enlarged() -> None:
    detector = Listed("yunet", (0.25, 0.25, 0.5, 0.5))
    FaceSearch(detector).find(np.zeros((300, 400, 3), np.uint8))
    FaceSearch(detector).find(np.zeros((480, 640, 3), np.uint8), thorough=True)
    FaceSearch(detector, full_px=None).find(np.zeros((300, 400, 3), np.uint8), thorough=True)
    assert detector.seen == [(400, 300), (640, 480), (400, 300)]


def test_boxes_hardly_inside_or_tiny_are_left_out() -> None:
    boxes = [Box(-80, 0, 20, 100), Box(-20, 0, 80, 100), Box(10, 10, 13, 13), Box(300, 300, 350, 350)]
    kept = tidy([Face(box, 1.0, "hog") for box in boxes], 200, 200)
    assert [face.box for face in kept] == [boxes[1]]


class Scored:
    """Says the same faces with their scores, in pixels."""

    name = "yunet"

    def __init__(self, *faces: tuple[Box, float]) -> None:
        self.faces = faces

    def detect(self, image: RGB) -> list[Face]:
        return [Face(box, score, self.name) for box, score in self.faces]


SURE, MAYBE = Box(10, 10, 60, 60), Box(200, 10, 250, 60)


def test_a_box_that_might_be_a_face_is_doubtful_and_no_face() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    sight = FaceSearch(Scored((SURE, 0.7), (MAYBE, 0.3)), sure=0.6).look(picture)
    assert [face.box for face in sight.faces] == [SURE]
    assert sight.doubtful == (MAYBE,)
    assert FaceSearch(Scored((SURE, 0.7), (MAYBE, 0.3)), sure=0.6).find(picture) == sight.faces


def test_a_doubtful_box_suppresses_no_face_and_hides_what_the_face_does_not_cover() -> None:
    larger = SURE.grown(2.0).moved(30, 30)
    sight = FaceSearch(Scored((larger, 0.5), (SURE, 0.61), (SURE.grown(1.1), 0.4)), sure=0.6).look(
        np.zeros((100, 300, 3), np.uint8)
    )
    assert [face.box for face in sight.faces] == [SURE]
    assert sight.doubtful == (larger,)  # the third lies under what is hidden for the face


def test_doubtful_boxes_keep_nobody_from_looking_again() -> None:
    class Seen(Scored):
        looks = 0

        def detect(self, image: RGB) -> list[Face]:
            self.looks += 1
            return super().detect(image)

    seen = Seen((MAYBE, 0.4))
    FaceSearch(seen, sure=0.6).look(np.zeros((100, 300, 3), np.uint8), thorough=True)
    assert seen.looks == 4  # itself, enlarged, with a rim, small with a rim


def test_a_face_cut_off_by_the_edge_is_hidden_though_it_is_not_reported() -> None:
    beyond = Box(-45, 10, 10, 60)
    sight = FaceSearch(Scored((beyond, 0.9), (Box(-50, 0, -10, 40), 0.9)), sure=0.6).look(
        np.zeros((100, 300, 3), np.uint8)
    )
    assert sight.faces == []
    assert sight.doubtful == (beyond,)


@pytest.mark.parametrize(
    ("name", "given", "least", "sure"),
    [
        ("yunet", None, 0.3, CUT["yunet"]),
        ("onestage", None, 0.3, CUT["onestage"]),
        ("onestage", 0.2, 0.2, 0.2),
        ("yunet", 0.9, 0.3, 0.9),
        ("hog", None, -0.3, 0.0),
        ("cnn", None, 0.0, 0.0),
    ],
)
def test_every_detector_looks_down_to_what_might_be_a_face(
    name: str, given: float | None, least: float, sure: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float | None] = []

    def loaded(name: str, *, min_score: float | None, **_: object) -> Scored:
        asked.append(min_score)
        return Scored((SURE, sure), (MAYBE, math.nextafter(sure, -math.inf)))

    monkeypatch.setattr(faces, "load", loaded)
    search = find.load(name, min_face_score=given)
    assert asked == [least]
    sight = search.look(np.zeros((100, 300, 3), np.uint8))
    assert ([face.box for face in sight.faces], sight.doubtful) == ([SURE], (MAYBE,))


@pytest.mark.parametrize(("asked", "least"), [(None, 0.5), (0.3, 0.3)])
def test_the_bar_that_was_asked_for_is_one_for_tracks_too(
    tiny_model: Path, asked: float | None, least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    monkeypatch.setattr("detect.tracker.FaceTracker", lambda *_, least_score, **__: given.append(least_score))
    monkeypatch.setattr("detect.stream.Watch", lambda *_: None)
    watch(Detector.load(tiny_model, faces="onestage", min_face_score=asked), Path(__file__).parent)
    assert given == [least]
