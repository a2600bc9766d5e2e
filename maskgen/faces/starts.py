"""Where dlib's predictor starts from on a face, and how far its answer lies from a detector's five points."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from maskgen.types import Box, Face, Points

ROUGH_POINTS: Final = frozenset({"onestage"})
"""Detectors whose five points say where to begin, but are too rough to judge dlib's answer by."""


def from_box(face: Face) -> tuple[Box, float]:
    """A square like the boxes that dlib's predictor was trained on; no slant is known.

    For boxes that hug the face (all but dlib's own) the centre lies 6.4 % of
    the height lower and the side is 0.94 of the square root of the area; the
    landmarks then differ from a HOG box's by 1 % of the eye distance (facts
    of this project).
    """
    x, y = face.box.center_xy
    if face.detector in ("hog", "cnn"):
        return _square(x, y, max(face.box.width, face.box.height)), 0.0
    if face.detector in ROUGH_POINTS:
        # Its boxes are as people draw them, lower than YuNet's: maskgen/scenes/boxes.py.
        height = face.box.height / 0.9
        top = face.box.top - 0.15 * height
        return _square(x, top + 0.564 * height, 0.94 * math.sqrt(face.box.width * height)), 0.0
    return _square(x, y + 0.064 * face.box.height, 0.94 * math.sqrt(face.box.area)), 0.0


def from_points(points: Points, side: float) -> tuple[Box, float]:
    """The same from five points: midway between eyes and mouth.

    Args:
        points: (5, 2) float64, as a ``Face``'s.
        side: of the square, in the larger of eye and eye-mouth distances.

    Returns:
        The square, and how far the line from the left to the right eye drops
        to the right, in degrees.
    """
    x, y = (points[:2].mean(axis=0) + points[3:].mean(axis=0)) / 2
    dx, dy = points[1] - points[0]
    slant_deg = math.degrees(math.atan2(dy, dx)) if dx > 0 else 0.0
    return _square(float(x), float(y), side * _span(points)), slant_deg


def _square(x: float, y: float, side: float) -> Box:
    half = max(side, 2.0) / 2
    return Box(x - half, y - half, x + half, y + half)


def five_points(landmarks: Points) -> Points:
    """What a detector's five points are among dlib's 68."""
    eyes = [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)]
    return np.array([*eyes, landmarks[30], landmarks[48], landmarks[54]])


def _span(points: Points) -> float:
    """The larger of eye distance and eye-mouth distance: one of them stays when a head turns or nods."""
    eyes = float(np.hypot(*(points[1] - points[0])))
    height = float(np.hypot(*(points[:2].mean(axis=0) - points[3:].mean(axis=0))))
    return max(eyes, height, 1e-6)


def disagreement(landmarks: Points, points: Points) -> float:
    """Mean distance of landmarks from five points, in the points' span."""
    return float(np.hypot(*(five_points(landmarks) - points).T).mean()) / _span(points)
