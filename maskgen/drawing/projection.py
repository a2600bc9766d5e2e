"""From a drawing board into the photo: one affine warp, cut to the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Hanging:
    """How a board hangs in a photo.

    Attributes:
        start: (2,) photo pixels of its top-left corner.
        axes: (2, 2) rows are the unit vectors along its x and y.
        scale: photo pixels a board pixel.
    """

    start: NDArray[np.float64]
    axes: NDArray[np.float64]
    scale: float


def project(
    rgba: _Float, height: _Float, hanging: Hanging, photo_wh: tuple[int, int]
) -> tuple[_Float, _Float, tuple[int, int]]:
    """The drawing in the photo's frame, cut to the photo and 2 pixels more.

    Args:
        rgba: (h, w, 4) premultiplied, on the board.
        height: (h, w) photo pixels, on the board.
        hanging: where the board hangs.
        photo_wh: the photo's size.

    Returns:
        Colour and height, and left and top of both in the photo; one empty pixel where nothing is to be seen.
    """
    import cv2

    step_x = step_y = 1.0
    if hanging.scale < 0.6:
        # Shrink first: an affine warp alone would skip pixels.
        h, w = height.shape
        small_wh = (max(round(w * hanging.scale * 1.2), 1), max(round(h * hanging.scale * 1.2), 1))
        rgba = np.asarray(cv2.resize(rgba, small_wh, interpolation=cv2.INTER_AREA))
        height = np.asarray(cv2.resize(height, small_wh, interpolation=cv2.INTER_AREA))
        step_x, step_y = w / small_wh[0], h / small_wh[1]
    h, w = height.shape
    to_photo = hanging.axes.T * hanging.scale @ np.diag([step_x, step_y])
    corners = hanging.start + np.array([(0, 0), (w, 0), (0, h), (w, h)]) @ to_photo.T
    low = np.maximum(np.floor(corners.min(0)), -2).astype(int)
    high = np.minimum(np.ceil(corners.max(0)), np.asarray(photo_wh) + 2).astype(int)
    size = np.maximum(high - low, 0)
    if (size < 1).any():
        return np.zeros((1, 1, 4), np.float32), np.zeros((1, 1), np.float32), (0, 0)
    # Pixel centres sit at i + 0.5 here and at i in OpenCV.
    offset = hanging.start - low + to_photo @ (0.5, 0.5) - 0.5
    matrix = np.hstack([to_photo, offset[:, None]])
    wh = (int(size[0]), int(size[1]))
    # Beyond the board the drawing goes on to the photo's edge or is empty anyway.
    seen: Any = np.clip(cv2.warpAffine(rgba, matrix, wh, borderMode=cv2.BORDER_CONSTANT), 0, 1)
    raised = cv2.warpAffine(height, matrix, wh, borderMode=cv2.BORDER_REPLICATE)
    return seen, np.asarray(raised), (int(low[0]), int(low[1]))
