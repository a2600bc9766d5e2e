from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from painting import paint

from detect.classifier import Classifier
from maskgen.errors import BundleError
from maskgen.types import Box, Face
from trainer.bundle import Bundle
from trainer.data.preprocess import cut_rois

PICTURE = paint((200, 120), (20, 30, 60, True), (120, 30, 60, False))
BOXES = [[20, 30, 80, 90], [120, 30, 180, 90]]


def test_each_face_is_cut_by_its_own_box_and_rows_keep_their_order(tiny_model: Path) -> None:
    classifier = Classifier.load(tiny_model)
    rows = classifier.classify_boxes(PICTURE, BOXES)
    assert rows.shape == (2, 2)
    assert rows[0, 0] > 0.9
    assert rows[1, 0] < 0.1
    assert np.allclose(rows.sum(axis=1), 1, atol=1e-5)
    faces = [Face(Box(*box), 1.0, "painted") for box in BOXES]
    assert np.array_equal(classifier.classify_faces(PICTURE, faces), rows)
    assert classifier.classify_boxes(PICTURE, []).shape == (0, 2)


def test_the_crop_has_the_margin_of_the_model(tiny_model: Path) -> None:
    classifier = Classifier(replace(Bundle.load(tiny_model), margin=1.6))
    wanted = classifier.classify(cut_rois(PICTURE, BOXES, (32, 32), 1.6))
    assert np.array_equal(classifier.classify_boxes(PICTURE, BOXES), wanted)
    assert not np.array_equal(Classifier.load(tiny_model).classify_boxes(PICTURE, BOXES), wanted)


def test_labels_by_the_models_own_threshold(tiny_model: Path) -> None:
    classifier = Classifier(replace(Bundle.load(tiny_model), threshold=0.7))
    assert classifier.predicted([[0.69, 0.31], [0.7, 0.3]]) == ["without_mask", "with_mask"]


def test_a_copy_is_a_network_of_its_own(tiny_model: Path) -> None:
    classifier = Classifier.load(tiny_model)
    other = classifier.copy()
    assert other is not classifier
    assert other._model is not classifier._model
    assert np.array_equal(other.classify_boxes(PICTURE, BOXES), classifier.classify_boxes(PICTURE, BOXES))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "detector", "fit": "pad"}, "is a detector, not a classifier"),
        ({"labels": ("with_mask", "without_mask", "incorrect_mask")}, "2 outputs for the labels"),
        ({"input_size_wh": (64, 64)}, "takes \\(32, 32\\), bundle.json says"),
    ],
)
def test_a_bundle_that_does_not_fit_its_network(change: dict[str, object], message: str, tiny_model: Path) -> None:
    with pytest.raises(BundleError, match=message):
        Classifier(replace(Bundle.load(tiny_model), **change))  # type: ignore[arg-type]


def test_without_a_name_it_is_the_packaged_one_of_three_labels() -> None:
    assert set(Classifier.load().labels) == {"with_mask", "without_mask", "incorrect_mask"}


def test_faces_are_cut_as_the_bundle_says(tiny_model: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    box = [[20, 10, 50, 50]]
    bundle = replace(Bundle.load(tiny_model), margin=1.2, margin_high=0.6)
    classifier = Classifier(bundle)
    wanted = classifier.classify(cut_rois(image, box, (32, 32), (1.2, 0.6)))
    np.testing.assert_array_equal(classifier.classify_boxes(image, box), wanted)
    assert not np.array_equal(wanted, classifier.classify(cut_rois(image, box, (32, 32), 1.2)))
