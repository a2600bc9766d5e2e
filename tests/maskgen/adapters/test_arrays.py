from __future__ import annotations

import numpy as np
import supervision
from drawn_face import photo, turned_landmarks

from maskgen.adapters.arrays import mask_batch, mask_detections
from maskgen.transform import MaskTransform

LANDMARKS = turned_landmarks(0)
TRANSFORM = MaskTransform(masks=["surgical"], seed=1, detector="hog")


def test_a_batch_keeps_its_order() -> None:
    images = [photo(n) for n in range(3)]
    drawn = list(mask_batch(TRANSFORM, images, [LANDMARKS, np.zeros((68, 2)), LANDMARKS]))
    assert [one is None for one in drawn] == [False, True, False]
    alone = TRANSFORM(images[2], LANDMARKS)
    assert alone is not None
    assert drawn[2] is not None
    assert np.array_equal(drawn[2].image, alone.image)


def test_every_detection_gets_its_mask(astronaut: np.ndarray) -> None:
    found = TRANSFORM(astronaut)
    assert found is not None
    boxes = np.array([found.box_xyxy, (2.0, 2.0, 6.0, 7.0)])
    image, detections = mask_detections(TRANSFORM, astronaut, supervision.Detections(xyxy=boxes))
    assert detections.data["mask_label"].tolist() == ["with_mask", ""]
    x, y = found.landmarks[62].astype(int)
    assert (image[y, x] != astronaut[y, x]).any()
    assert np.array_equal(image[:20], astronaut[:20])
