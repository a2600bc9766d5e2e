"""A face's upright square: the one answer to where a face is, how it leans and how large it is.

Masks (``wear``), confusers and accessories (``canvas``), spots of templates and the samples of skin all
measure by it. It is the size of the head, so it stays when the head turns away, while the jaw in the picture
becomes narrower. ``landmarks.face_box`` is another thing, what of the face can be seen, as detectors draw it:
on 70 portraits, as they are and turned by 20 to 58 degrees, its mean width is that of YuNet's box to 1 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import ShapeError
from maskgen.types import Points

WIDTH_PER_HEIGHT: Final = 1.12
"""Least width of a head by its height from the bridge of the nose to the chin.

Of faces that look ahead the median is 1.2 (``spots.typical_landmarks``); a wide open mouth makes the height
longer, so a turned head gets a little less.
"""


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """A face's own axes and size in the photo.

    Attributes:
        right: (2,) unit vector from the image-left to the image-right eye.
        down: (2,) unit vector at a right angle to it, towards the chin.
        width: pixels between the ears' fronts as seen from the front, whichever way the head looks.
        height: pixels from the brows' top to the chin, along ``down``.
        centre: (2,) pixels, between mouth and nose.
    """

    right: NDArray[np.float64]
    down: NDArray[np.float64]
    width: float
    height: float
    centre: NDArray[np.float64]


def face_frame(landmarks: Points) -> FaceFrame:
    """The face's axes and size, from its landmarks.

    Args:
        landmarks: (68, 2) float64 pixels.

    Raises:
        ShapeError: another shape.
    """
    if landmarks.shape != (68, 2):
        raise ShapeError(f"68 landmarks of x and y expected, got shape {landmarks.shape}")
    between_eyes = np.add.reduce(landmarks[42:48]) / 6 - np.add.reduce(landmarks[36:42]) / 6
    length = float(np.hypot(*between_eyes))
    right = between_eyes / length if length > 0 else np.array([1.0, 0.0])
    down = np.array([-right[1], right[0]])
    brow_top = (landmarks[19] + landmarks[24]) / 2
    jaw = float(np.hypot(*(landmarks[16] - landmarks[0])))
    return FaceFrame(
        right=right,
        down=down,
        width=max(jaw, WIDTH_PER_HEIGHT * float((landmarks[8] - landmarks[27]) @ down), 1e-3),
        height=float((landmarks[8] - brow_top) @ down),
        centre=(landmarks[33] + np.add.reduce(landmarks[48:68]) / 20) / 2,
    )
