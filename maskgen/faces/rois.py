"""Faces cut out of a picture as a classifier takes them: the one place where that is done.

Training, evaluation and detection all come through here, and so does the look for masks that people wear already, so
that a face looks the same to the network wherever it comes from. The network itself holds the scaling of values, so
arrays stay uint8.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskgen.errors import ShapeError
from maskgen.types import RGB

Margin: TypeAlias = float | tuple[float, float]
"""How far a face's box is grown: a factor on its sides, or one on its width and one on its height."""


def cut_rois(image: RGB, boxes: ArrayLike, size_wh: tuple[int, int], margin: Margin) -> NDArray[np.uint8]:
    """Cut faces out of a picture, each stretched to the network's size.

    A box is grown by ``margin`` about its centre; where it then reaches beyond
    the picture, the picture's edge is repeated.

    Args:
        image: (H, W, 3) uint8, RGB.
        boxes: (N, 4) x0, y0, x1, y1 in pixels, exclusive on the right and below.
        size_wh: width and height of every ROI.
        margin: factor on the box's sides, or one on its width and one on its height.

    Returns:
        (N, size_wh[1], size_wh[0], 3) uint8.

    Raises:
        ShapeError: ``image`` or ``boxes`` has the wrong shape, or a side is not finite.
    """
    check_image(image)
    array = np.asarray(boxes, dtype=np.float64).reshape(-1, 4) if np.size(boxes) == 0 else np.asarray(boxes, np.float64)
    if array.ndim != 2 or array.shape[1] != 4 or not np.isfinite(array).all():
        raise ShapeError(f"boxes must be (N, 4) finite numbers, got shape {array.shape}: {array.tolist()[:3]}")
    rois = np.empty((len(array), size_wh[1], size_wh[0], 3), dtype=np.uint8)
    for roi, box in zip(rois, array, strict=True):
        roi[...] = fit(_cut(image, box, margin), size_wh)
    return rois


def fit(image: RGB, size_wh: tuple[int, int]) -> RGB:
    """Stretch a picture to a size: area averages when it shrinks, linear when it grows.

    Returns:
        (size_wh[1], size_wh[0], 3) uint8; a new array.
    """
    import cv2

    check_image(image)
    height, width = image.shape[:2]
    if (width, height) == size_wh:
        return image.copy()
    shrinks = width * height > size_wh[0] * size_wh[1]
    resized = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)


def cut(image: RGB, box: ArrayLike, margin: Margin) -> RGB:
    """The part of a picture inside a grown box, at its own resolution, edges repeated beyond the picture."""
    check_image(image)
    return _cut(image, np.asarray(box, dtype=np.float64), margin)


def _cut(image: RGB, box: NDArray[np.float64], margin: Margin) -> RGB:
    height, width = image.shape[:2]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    wide, high = margin if isinstance(margin, tuple) else (margin, margin)
    half_w, half_h = (box[2] - box[0]) * wide / 2, (box[3] - box[1]) * high / 2
    # Further out than one picture there is only the repeated edge.
    left = int(np.clip(round(x - half_w), -width, 2 * width - 1))
    top = int(np.clip(round(y - half_h), -height, 2 * height - 1))
    right = max(left + 1, int(np.clip(round(x + half_w), -width, 2 * width)))
    bottom = max(top + 1, int(np.clip(round(y + half_h), -height, 2 * height)))
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return image[top:bottom, left:right]
    columns = np.clip(np.arange(left, right), 0, width - 1)
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    return image[rows[:, None], columns[None, :]]


def check_image(image: RGB) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ShapeError(f"an image must be (H, W, 3) uint8 and not empty, got {image.shape} {image.dtype}")
