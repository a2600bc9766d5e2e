from __future__ import annotations

import numpy as np
import pytest

from detect.labels import ByBoth, ByDetector
from maskgen.errors import InputError
from maskgen.types import Box, Face

IMAGE = np.zeros((9, 9, 3), np.uint8)


class Says:
    """A classifier that has its mind made up; its labels are the other way round."""

    labels = ("without_mask", "with_mask")

    def classify_faces(self, image, faces):
        return np.tile(np.array([[0.2, 0.8]], np.float32), (len(faces), 1))


def face(*scores: float) -> Face:
    return Face(Box(0, 0, 4, 4), 0.9, "onestage", None, scores or None)


def test_the_detectors_scores_become_probabilities() -> None:
    rows = ByDetector(("with_mask", "without_mask")).classify_faces(IMAGE, [face(0.6, 0.2), face(0, 0)])
    np.testing.assert_allclose(rows, [[0.75, 0.25], [0.5, 0.5]])
    assert ByDetector(("with_mask", "without_mask")).classify_faces(IMAGE, []).shape == (0, 2)


def test_a_detector_that_does_not_say() -> None:
    with pytest.raises(InputError, match="does not say what a face wears"):
        ByDetector(("with_mask", "without_mask")).classify_faces(IMAGE, [face()])
    for scores in ((0.3,), (0.3, 0.3, 0.3)):  # a detector of other labels
        with pytest.raises(InputError, match="does not say what a face wears"):
            ByDetector(("with_mask", "without_mask")).classify_faces(IMAGE, [face(*scores)])


def test_both_together_by_label_not_by_place() -> None:
    both = ByBoth(ByDetector(("with_mask", "without_mask")), Says())  # type: ignore[arg-type]
    assert both.labels == ("without_mask", "with_mask")
    # sqrt(.1 * .2) against sqrt(.9 * .8).
    joint = np.sqrt([0.1 * 0.2, 0.9 * 0.8])
    np.testing.assert_allclose(both.classify_faces(IMAGE, [face(0.9, 0.1)]), [joint / joint.sum()], rtol=1e-5)


def test_a_detector_of_two_labels_shares_out_what_is_no_mask_as_the_classifier_would() -> None:
    """sqrt(.9 * .2) against sqrt(.1 * .8): the second is for two labels, 3 to 1."""

    class SaysThree(Says):
        labels = ("with_mask", "incorrect_mask", "without_mask")

        def classify_faces(self, image, faces):
            return np.tile(np.array([0.2, 0.2, 0.6], np.float32), (len(faces), 1))

    both = ByBoth(ByDetector(("with_mask", "without_mask")), SaysThree())  # type: ignore[arg-type]
    with_mask, rest = np.sqrt(0.9 * 0.2), np.sqrt(0.1 * 0.8)
    wanted = np.array([with_mask, rest / 4, rest * 3 / 4]) / (with_mask + rest)
    np.testing.assert_allclose(both.classify_faces(IMAGE, [face(0.9, 0.1)]), [wanted], rtol=1e-5)


def test_of_a_face_that_the_detector_did_not_see_the_classifier_says_all() -> None:
    both = ByBoth(ByDetector(("with_mask", "without_mask")), Says())  # type: ignore[arg-type]
    joint = np.sqrt([0.1 * 0.2, 0.9 * 0.8])
    rows = both.classify_faces(IMAGE, [face(), face(0.9, 0.1)])
    np.testing.assert_allclose(rows, [[0.2, 0.8], joint / joint.sum()], rtol=1e-5)


def test_both_must_know_the_same_labels() -> None:
    with pytest.raises(InputError, match="choose --labels"):
        ByBoth(ByDetector(("with_mask", "without_mask", "incorrect_mask")), Says())  # type: ignore[arg-type]
