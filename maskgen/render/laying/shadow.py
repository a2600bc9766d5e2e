"""Shadow that a thing before a face casts on it: a soft one beside it, a dark line where it touches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskgen.render.laying.placed import Placed
from maskgen.render.lighting import Light, held
from maskgen.render.params import LightParams
from maskgen.render.wear.edges import FaceAxes
from maskgen.types import Points

_Float = NDArray[np.float32]


def shadow(alpha: _Float, placed: Placed, light: Light, params: LightParams, marks: Points, axes: FaceAxes) -> _Float:
    """How much light a layer takes from what lies beneath, (h, w).

    Args:
        alpha: (h, w) the layer's, softened as it is laid.
        placed: where it lies.
        light: on the face.
        params: how it is varied.
        marks: (68, 2) the face's landmarks, in the photo's pixels.
        axes: the face's.
    """
    import cv2

    soft = max(placed.layer.lift * params.shadow_soft, 0.5)
    slope = (light.slope_xy[0] + params.direction_xy[0], light.slope_xy[1] + params.direction_xy[1])
    # Light from above by default: the shadow falls away from it.
    shift = -slope[0] * 2.2 * placed.layer.lift, (0.5 - slope[1]) * 1.6 * placed.layer.lift
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    size = alpha.shape[1], alpha.shape[0]
    cast = cv2.GaussianBlur(cv2.warpAffine(alpha, move, size), (0, 0), soft)
    contact = cv2.GaussianBlur(alpha, (0, 0), max(0.35 * soft, 0.5))
    taken = 0.55 * cast + 0.35 * contact
    taken *= np.float32(placed.layer.shadow * params.shadow) * _receiver(alpha.shape, marks - placed.corner, axes)
    return np.asarray(held(taken, 0, 0.85), np.float32)


def _receiver(shape: tuple[int, ...], marks: Points, axes: FaceAxes) -> _Float:
    """Where there is skin near enough to take a shadow: the face and the throat, not the wall behind."""
    import cv2

    down = 0.45 * axes.height * axes.y
    up = -0.4 * axes.height * axes.y
    ring = np.concatenate(
        [marks[0:5], marks[4:5] + down, marks[12:13] + down, marks[12:17], marks[26:27] + up, marks[17:18] + up]
    )
    canvas = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(canvas, [np.round((ring - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    size = max(1, round(0.03 * axes.width))
    soft = cv2.blur(canvas, (2 * size + 1, 2 * size + 1)).astype(np.float32)
    return np.float32(0.12) + soft * np.float32(0.88 / 255)
