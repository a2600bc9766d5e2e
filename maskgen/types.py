"""The vocabulary that the three stages share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import ShapeError
from maskgen.labels import CATEGORIES as CATEGORIES
from maskgen.labels import LABELS as LABELS
from maskgen.labels import WEARS as WEARS
from maskgen.labels import Label as Label
from maskgen.labels import Wear as Wear
from maskgen.labels import label_of as label_of

RGB: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8, red first."""

RGBA: TypeAlias = NDArray[np.float32]
"""(H, W, 4) float32 in [0, 1], premultiplied alpha, red first."""

Points: TypeAlias = NDArray[np.float64]
"""(N, 2) float64, x then y, in pixels; a pixel's centre is at (i + 0.5)."""


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in pixels, exclusive on the right and below.

    Raises:
        ShapeError: a side is not finite, or right < left, or bottom < top.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        sides = (self.left, self.top, self.right, self.bottom)
        if not all(map(math.isfinite, sides)) or self.right < self.left or self.bottom < self.top:
            raise ShapeError(f"a box needs left <= right and top <= bottom, got {sides}")

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def center_xy(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.right, self.bottom

    def grown(self, factor: float) -> Box:
        """The box with both sides multiplied by ``factor`` about its centre."""
        x, y = self.center_xy
        half_w, half_h = self.width * factor / 2, self.height * factor / 2
        return Box(x - half_w, y - half_h, x + half_w, y + half_h)

    def moved(self, dx: float, dy: float) -> Box:
        return Box(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def scaled(self, factor: float) -> Box:
        """The box in a picture enlarged by ``factor`` from its origin."""
        return Box(*(side * factor for side in self.xyxy))

    def clipped(self, width: int, height: int) -> Box:
        """The part inside a picture; empty (zero area) when none is."""
        return Box(
            min(max(self.left, 0), width),
            min(max(self.top, 0), height),
            min(max(self.right, 0), width),
            min(max(self.bottom, 0), height),
        )

    def iou(self, other: Box) -> float:
        """Intersection over union in [0, 1]; 0 when both are empty."""
        w = min(self.right, other.right) - max(self.left, other.left)
        h = min(self.bottom, other.bottom) - max(self.top, other.top)
        inter = max(w, 0.0) * max(h, 0.0)
        union = self.area + other.area - inter
        return inter / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Face:
    """A face as a detector reports it.

    Attributes:
        box: the detector's own box, in the photo's pixels.
        score: the detector's confidence; comparable within one detector only.
        detector: which one: ``hog``, ``cnn``, ``haar``, ``yunet``, ``ssd``,
            ``mtcnn``, ``onestage``.
        points: (5, 2) float64 or None. Image-left eye, image-right eye, nose
            tip, image-left and image-right mouth corner.
        label_scores: what a detector that also looks for masks says of each
            of its labels, 0 to 1, or None.
    """

    box: Box
    score: float
    detector: str
    points: Points | None = None
    label_scores: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees.

    Yaw is positive when the nose points to the image's right, pitch is
    positive when it points up, roll is positive when the head leans to the
    image's right (clockwise).
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class LandmarkedFace:
    """A face with dlib's 68 landmarks (iBUG 300-W order, 0-based).

    Attributes:
        face: what the detector said.
        landmarks: (68, 2) float64 in the photo's pixels. 0-16 jaw from image
            left to image right, 17-26 brows, 27-30 nose bridge, 31-35
            nostrils, 36-41 and 42-47 eyes, 48-67 mouth.
        pose: the head's pose, from the landmarks.
    """

    face: Face
    landmarks: Points
    pose: Pose

    def __post_init__(self) -> None:
        if self.landmarks.shape != (68, 2):
            raise ShapeError(f"68 landmarks of x and y expected, got shape {self.landmarks.shape}")
