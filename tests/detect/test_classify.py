from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from detect.classify import Classifier
from trainer.bundle import Bundle
from trainer.preprocess import cut_rois


def test_faces_are_cut_as_the_bundle_says(tiny_model: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    box = [[20, 10, 50, 50]]
    bundle = replace(Bundle.load(tiny_model), margin=1.2, margin_high=0.6)
    classifier = Classifier(bundle)
    wanted = classifier.classify(cut_rois(image, box, (32, 32), (1.2, 0.6)))
    np.testing.assert_array_equal(classifier.classify_boxes(image, box), wanted)
    assert not np.array_equal(wanted, classifier.classify(cut_rois(image, box, (32, 32), 1.2)))
