"""Plain NumPy and supervision: masks on a batch of arrays, or on every detection of an image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from maskgen.faces.given import FaceLike
from maskgen.transform import Masked, MaskTransform
from maskgen.types import RGB, Label


def mask_batch(
    transform: MaskTransform,
    images: Iterable[RGB],
    faces: Iterable[FaceLike] | None = None,
    label: Label = "with_mask",
    rng: np.random.Generator | None = None,
) -> Iterator[Masked | None]:
    """The transform on many images, each with its face where they are known; None where one has no usable face."""
    given = iter(faces) if faces is not None else None
    for image in images:
        yield transform(image, None if given is None else next(given), label, rng)


def mask_detections(
    transform: MaskTransform,
    image: RGB,
    detections: Any,
    label: Label = "with_mask",
    rng: np.random.Generator | None = None,
) -> tuple[RGB, Any]:
    """The image with a mask on every face of a ``supervision.Detections``.

    Args:
        transform: without ``size``.
        image: (H, W, 3) uint8 RGB.
        detections: boxes of faces, ``xyxy``.
        label: what each shall show.
        rng: where chance comes from.

    Returns:
        The image, and the detections with ``data["mask_label"]``: what each shows now, "" where no mask was drawn.
    """
    labels: list[str] = []
    boxes: Sequence[Any] = detections.xyxy
    for box in boxes:
        masked = transform(image, box, label, rng)
        labels.append("" if masked is None else masked.label)
        image = image if masked is None else masked.image
    detections.data["mask_label"] = np.array(labels)
    return image, detections
