"""The detector as a library: what its scores say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from painting import PaintedFaces, paint

from detect.classifier import Classifier
from detect.detector import Detector
from detect.outputs.mp4 import Mp4Writer
from detect.search import FaceSearch
from detect.stream import watch
from trainer.bundle import Bundle, predicted_labels


class Says:
    """A network that is as sure as it is told."""

    def __init__(self, labels: tuple[str, ...], row: tuple[float, ...]) -> None:
        self.labels, self.row = labels, row

    def classify_faces(self, image: object, faces: list[object]) -> np.ndarray:
        return np.tile(np.array([self.row], np.float32), (len(faces), 1))


CASES = [
    (("with_mask", "without_mask"), (0.4, 0.6), 0.35),
    (("with_mask", "without_mask"), (0.6, 0.4), 0.65),
    (("with_mask", "without_mask", "incorrect_mask"), (0.4, 0.35, 0.25), 0.35),
    (("with_mask", "without_mask", "incorrect_mask"), (0.3, 0.2, 0.5), 0.35),
]


@pytest.mark.parametrize(("labels", "row", "threshold"), CASES)
@pytest.mark.parametrize("way", ["picture", "tracked", "untracked"])
def test_a_score_never_contradicts_its_label(
    labels: tuple[str, ...], row: tuple[float, ...], threshold: float, way: str, tmp_path: Path
) -> None:
    detector = Detector(lambda: FaceSearch(PaintedFaces()), lambda: Says(labels, row), labels, threshold)  # type: ignore[arg-type]
    picture = paint((160, 120), (20, 30, 60, True))
    if way == "picture":
        faces = list(detector.detect(picture))
    else:
        writer = Mp4Writer(tmp_path / "film.mp4", 5)
        for index in range(4):
            writer.write(picture, index / 5)
        writer.close()
        faces = [
            face for frame in watch(detector, tmp_path / "film.mp4", track=way == "tracked") for face in frame.faces
        ]
        assert len(faces) == 4
    wanted = predicted_labels(np.array([row]), labels, threshold)[0]  # as maskgen evaluate says
    for face in faces:
        assert face.label == wanted
        assert (face.probabilities["with_mask"] >= 0.5) == (wanted == "with_mask")
        assert face.score == face.probabilities[face.label]
        assert sum(face.probabilities.values()) == pytest.approx(1)


def test_a_model_folder_brings_its_threshold(tiny_model: Path) -> None:
    bundle = replace(Bundle.load(tiny_model), threshold=0.999)
    detector = Detector(lambda: FaceSearch(PaintedFaces()), lambda: Classifier(bundle), bundle.labels, bundle.threshold)
    (face,) = detector.detect(paint((160, 120), (20, 30, 60, True)))
    assert (face.label == "with_mask") == (face.probabilities["with_mask"] >= 0.5)
    raw = Classifier(bundle).classify_boxes(paint((160, 120), (20, 30, 60, True)), [face.box.xyxy])
    assert face.probabilities["with_mask"] < raw[0, 0]


def test_a_slow_film_is_told_to_the_tracker(painted: Detector, tmp_path: Path) -> None:
    """Two frames a second, a look at every fourth: the face keeps its number."""
    writer = Mp4Writer(tmp_path / "slow.mp4", 2)
    for index in range(16):
        writer.write(paint((160, 120), (20 + index, 30, 60, True)), index / 2)
    writer.close()
    frames = list(watch(painted, tmp_path / "slow.mp4", every=4))
    numbers = [face.track_id for frame in frames for face in frame.faces if face.seen]
    assert numbers == [None, 1, 1, 1]


@pytest.mark.parametrize(("cut", "faces"), [(0.0, 1), (0.5, 1), (0.6, 0)])
def test_a_face_below_the_cut_is_hidden_and_not_reported(cut: float, faces: int) -> None:
    """Face score 1 times P(with_mask) 0.55."""
    labels = ("with_mask", "without_mask")
    detector = Detector(lambda: FaceSearch(PaintedFaces()), lambda: Says(labels, (0.55, 0.45)), labels)  # type: ignore[arg-type]
    detector.min_score, detector.sure_score = cut, 0.6
    found = detector.detect(paint((160, 120), (20, 30, 60, True)))
    assert (len(found), len(found.doubtful)) == (faces, 1 - faces)
    assert all(face.doubtful for face in found)


@pytest.mark.parametrize("track", [True, False])
def test_a_film_cuts_by_the_same_score(track: bool, tmp_path: Path) -> None:
    """Face score 1 times P(with_mask) 0.55: tracked, it is a face once it has a number."""
    labels = ("with_mask", "without_mask")
    detector = Detector(lambda: FaceSearch(PaintedFaces()), lambda: Says(labels, (0.55, 0.45)), labels)  # type: ignore[arg-type]
    detector.min_score = detector.sure_score = 0.6
    writer = Mp4Writer(tmp_path / "film.mp4", 5)
    for index in range(4):
        writer.write(paint((160, 120), (20, 30, 60, True)), index / 5)
    writer.close()
    frames = list(watch(detector, tmp_path / "film.mp4", track=track))
    assert [len(frame.faces) for frame in frames] == ([0, 1, 1, 1] if track else [0, 0, 0, 0])
    assert all(len(frame.faces) + len(frame.hidden) == 1 for frame in frames)
    assert all(face.doubtful for frame in frames for face in frame.faces)
