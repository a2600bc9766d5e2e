"""Person segmentation in a portrait: which pixels are head and shoulders, softly.

GrabCut at some seventy pixels, told by the landmarks where a head must be,
may be and cannot be. Where it goes astray, and it does on plain grey and on
busy walls, the shape that the landmarks suggest stands in.

Source:
    Rother, Kolmogorov and Blake, "GrabCut", SIGGRAPH 2004.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.types import RGB, Points

SIDE: Final = 72
"""Longer side of the copy that GrabCut sees, in pixels: a few milliseconds."""

_ROUNDS: Final = 2
_LEAST: Final = 0.72
"""Share of a likely head that GrabCut must keep to be believed."""
_MOST: Final = 0.75
"""Share of what is certainly no head's middle that it may take."""

Alpha = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Head:
    """A head's measures, from landmarks.

    Attributes:
        chin: (2,).
        up: (2,) unit vector from the chin to the brows.
        height: from the chin to the brows.
        width: between the jaw's ends.
        angle_deg: of ``up`` from the vertical, clockwise.
    """

    chin: Points
    up: Points
    height: float
    width: float
    angle_deg: float

    def at(self, along: float, across: float = 0.0) -> tuple[float, float]:
        """A point: ``along`` heights above the chin, ``across`` widths to the image's right."""
        right = np.array([-self.up[1], self.up[0]])
        x, y = self.chin + self.up * along * self.height + right * across * self.width
        return float(x), float(y)


def head_of(landmarks: Points) -> Head:
    """Measure a head.

    Args:
        landmarks: (68, 2).
    """
    brow, chin = landmarks[17:27].mean(axis=0), landmarks[8]
    up = brow - chin
    height = max(float(np.hypot(*up)), 1e-3)
    width = max(float(np.hypot(*(landmarks[16] - landmarks[0]))), 0.7 * height)
    up = up / height
    return Head(chin, up, height, width, math.degrees(math.atan2(up[0], -up[1])))


def cut_out(photo: RGB, landmarks: Points) -> tuple[Alpha, float]:
    """Where the person is.

    Args:
        photo: (H, W, 3) uint8.
        landmarks: (68, 2) in its pixels.

    Returns:
        (H, W) uint8 alpha, and how many face heights the picture shows below the chin.
    """
    import cv2

    height, width = photo.shape[:2]
    factor = min(1.0, SIDE / max(height, width))
    size_wh = max(8, round(width * factor)), max(8, round(height * factor))
    small: Any = cv2.resize(photo, size_wh, interpolation=cv2.INTER_AREA)
    head = head_of(landmarks * (size_wh[0] / width, size_wh[1] / height))
    below = (size_wh[1] - head.chin[1]) / head.height
    likely = _likely(head, size_wh, below)
    found = _grabcut(small, head, likely, below)
    soft = cv2.GaussianBlur(found if found is not None else likely, (0, 0), 1.0)
    soft = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    # Steeper than the blur left it: hair's edge is a few pixels wide, not ten.
    alpha = np.clip((soft.astype(np.float32) / 255 - 0.5) * 2.2 + 0.45, 0, 1)
    alpha *= _rounded(width, height, head_of(landmarks), below)
    return np.rint(alpha * 255).astype(np.uint8), below


def _ellipse(canvas: Any, centre: tuple[float, float], axes: tuple[float, float], angle: float, value: int) -> None:
    import cv2

    cv2.ellipse(canvas, (centre, (2 * axes[0], 2 * axes[1]), angle), value, -1)


def _polygon(canvas: Any, points: list[tuple[float, float]], value: int) -> None:
    import cv2

    cv2.fillPoly(canvas, [np.round(np.array(points) * 16).astype(np.int32)], value, cv2.LINE_8, 4)


def _likely(head: Head, size_wh: tuple[int, int], below: float) -> Alpha:
    """The shape of a head with hair, a neck and, where there is room, shoulders."""
    canvas = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    _ellipse(canvas, head.at(0.82), (0.6 * head.width, 0.95 * head.height), head.angle_deg, 255)
    _polygon(canvas, [head.at(0.4, -0.32), head.at(0.4, 0.32), head.at(-0.45, 0.34), head.at(-0.45, -0.34)], 255)
    if below > 0.35:
        shape = [(-0.2, -0.34), (-0.2, 0.34), (-0.55, 0.95), (-1.1, 1.3), (-4, 1.4), (-4, -1.4), (-1.1, -1.3)]
        _polygon(canvas, [head.at(*p) for p in [*shape, (-0.55, -0.95)]], 255)
    return canvas


def _grabcut(small: RGB, head: Head, likely: Alpha, below: float) -> Alpha | None:
    """GrabCut's answer, or None where it is not to be believed."""
    import cv2

    size_wh = small.shape[1], small.shape[0]
    may = np.zeros_like(likely)
    _ellipse(may, head.at(0.85), (0.95 * head.width, 1.3 * head.height), head.angle_deg, 1)
    if below > 0.35:
        corners = [(0.1, -0.5), (0.1, 0.5), (-0.5, 1.4), (-4, 1.8), (-4, -1.8), (-0.5, -1.4)]
        _polygon(may, [head.at(*p) for p in corners], 1)
    must = np.zeros_like(likely)
    _ellipse(must, head.at(0.6), (0.42 * head.width, 0.6 * head.height), head.angle_deg, 1)
    marks = np.full(likely.shape, cv2.GC_BGD, np.uint8)
    marks[may > 0] = cv2.GC_PR_BGD
    marks[likely > 0] = cv2.GC_PR_FGD
    marks[must > 0] = cv2.GC_FGD
    if not (marks == cv2.GC_FGD).any() or int(((marks & 1) == 0).sum()) < 40:
        return None  # the face fills the picture: nothing to learn the background from
    cv2.setRNGSeed(0)  # GrabCut draws its first clusters by OpenCV's own chance
    try:
        bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
        cv2.grabCut(bgr, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    except cv2.error:
        return None
    found = np.asarray((marks & 1) * 255, np.uint8)
    found = np.asarray(cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
    found = np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    _, parts = cv2.connectedComponents(found)
    x, y = (int(np.clip(v, 0, n - 1)) for v, n in zip(head.at(0.6), size_wh, strict=True))
    if parts[y, x] == 0:
        return None
    found = np.where(parts == parts[y, x], found, 0).astype(np.uint8)
    skull = np.zeros_like(likely)
    _ellipse(skull, head.at(0.7), (0.52 * head.width, 0.78 * head.height), head.angle_deg, 1)
    outside = (may > 0) & (likely == 0)
    kept = float((found[skull > 0] > 0).mean())
    taken = float((found[outside] > 0).mean()) if outside.any() else 0.0
    return found if kept > _LEAST and taken < _MOST else None


def _rounded(width: int, height: int, head: Head, below: float) -> NDArray[np.float32]:
    """1 inside, falling to 0 at the picture's edge, so that no straight cut shows.

    The corners above are round like a skull. Below, shoulders fade into the
    clothes that a scene draws under them.
    """
    import cv2

    canvas = np.zeros((height, width), np.uint8)
    radius = round(min(0.5 * head.width, 0.49 * width, 0.45 * height))
    cv2.rectangle(canvas, (radius, 1), (width - 1 - radius, height), 255, -1)
    cv2.rectangle(canvas, (1, radius), (width - 2, height), 255, -1)
    for x in (radius, width - 1 - radius):
        cv2.circle(canvas, (x, radius), max(radius - 1, 1), 255, -1)
    soft = cv2.blur(canvas, (3, 3)).astype(np.float32) / 255
    soft[0] = soft[-1] = 0
    soft[:, 0] = soft[:, -1] = 0
    fade = max(2, int(min(0.3, max(0.06, 0.3 * below)) * head.height))
    ramp = np.minimum(1, np.arange(height, dtype=np.float32)[::-1] / fade)
    return np.asarray(soft * ramp[:, None], np.float32)
