"""Face annotations of scenes: the box that people draw in photographs, and five points.

``landmarks.face_box`` resembles what the detector YuNet draws: hairline to
chin. People who annotated street photographs drew something else: from the
lower forehead to a little below the chin, and below the mask where there is
one. A detector that is judged by such boxes has to learn such boxes, or it
loses overlap on every face.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from maskgen.faces.landmarks import face_box
from maskgen.types import Box, Label, Points

DRAWN_BY_HAND: Final[Mapping[Label, tuple[float, float, float]]] = {
    "with_mask": (0.22, 0.09, 0.015),
    "incorrect_mask": (0.22, 0.11, 0.02),
    "without_mask": (0.21, 0.04, 0.01),
}
"""Label -> how much lower the top and the bottom are than ``face_box``'s, as
shares of its height, and how much each side lies further out, of its width.

Measured with YuNet as the go-between, on pictures enlarged twice: on 1,364
faces of 16 px and more in 454 street photographs (Kaggle face-mask-detection)
the median drawn box, in YuNet's heights, has its top 0.186 (masked), 0.173
(incorrectly) and 0.166 (bare) lower, its bottom 0.097, 0.111 and 0.027 lower, and is
1.05 times as wide. Of 372 faces in 200 composed scenes, annotated with a first
guess (0.155, 0.105, 0.03; 0.145, 0.095, 0.03; 0.135, 0.04, 0.03), the tops lay
0.125, 0.092 and 0.093 lower, the bottoms 0.113, 0.093 and 0.029, and the
width was 1.086, 1.06 and 1.092: what was missing is added here. The drawn boxes
scatter by a tenth of their side, so a hundredth here is noise."""

_MIRRORED: Final = (1, 0, 2, 4, 3)


def annotated_box(landmarks: Points, label: Label) -> Box:
    """A face's box as people draw it in photographs.

    Args:
        landmarks: (68, 2) in the scene's pixels.
        label: what the face wears.
    """
    box = face_box(landmarks)
    top, bottom, side = DRAWN_BY_HAND[label]
    return Box(
        box.left - side * box.width,
        box.top + top * box.height,
        box.right + side * box.width,
        box.bottom + bottom * box.height,
    )


def five_points(landmarks: Points, *, mirrored: bool = False) -> Points:
    """Image-left eye, image-right eye, nose tip, image-left and image-right mouth corner.

    Args:
        landmarks: (68, 2).
        mirrored: whether the landmarks were mirrored with their picture.

    Returns:
        (5, 2), the order of ``types.Face.points``.
    """
    points = np.stack(
        [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0), landmarks[30], landmarks[48], landmarks[54]]
    )
    return np.asarray(points[list(_MIRRORED)] if mirrored else points, np.float64)
