"""Upper and lower edges of masks as points on a face: its axes, its jaw, and how an edge is bent.

An edge is (n, 2) photo pixels, left to right; ``at`` holds where along it each
point lies, 0 to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.frame import face_frame

if TYPE_CHECKING:
    from maskgen.types import LandmarkedFace, Points


@dataclass(frozen=True, slots=True)
class FaceAxes:
    """A face's axes and size, steady under turning.

    Attributes:
        x: (2,) unit vector along the line of the eyes, to the image's right.
        y: (2,) unit vector towards the chin.
        width: pixels, that of the face seen from the front.
        height: pixels, brows' top to chin.
        centre: (2,) between nose and mouth.
        yaw_deg: as in ``Pose``.
    """

    x: Points
    y: Points
    width: float
    height: float
    centre: Points
    yaw_deg: float


def face_axes(face: LandmarkedFace) -> FaceAxes:
    """The axes of a face (``frame.face_frame``) and where it looks."""
    # Asked for several times in a row while one face is dressed.
    last = _LAST.get("face")
    if last is None or last[0] is not face:
        _LAST["face"] = last = face, _axes(face)
    return last[1]


_LAST: dict[str, tuple[LandmarkedFace, FaceAxes]] = {}


def _axes(face: LandmarkedFace) -> FaceAxes:
    frame = face_frame(face.landmarks)
    return FaceAxes(frame.right, frame.down, frame.width, max(frame.height, 1e-3), frame.centre, face.pose.yaw_deg)


def knots(points: Points) -> Points:
    """(n,) cumulative chord lengths from 0 to 1."""
    lengths = np.maximum(np.hypot(*np.diff(points, axis=0).T), 1e-6)
    along = np.concatenate([[0], np.cumsum(lengths)])
    out: Points = along / along[-1]
    return out


def jaw_point(landmarks: Points, index: float) -> Points:
    """(2,) a point on the jaw by fractional landmark, 0 to 16, held to its ends."""
    index = min(max(index, 0.0), 16.0)
    whole = min(int(index), 15)
    out: Points = landmarks[whole] + (index - whole) * (landmarks[whole + 1] - landmarks[whole])
    return out


def _jaw_steps(first: int, last: int) -> tuple[Points, NDArray[np.intp], Points]:
    indices = np.linspace(first, last, 57)
    low = np.minimum(indices.astype(int), 15)
    return indices, low, (indices - low)[:, None]


_JAW_LEFT: Final = _jaw_steps(0, 7)


_JAW_RIGHT: Final = _jaw_steps(16, 9)


def nearest_jaw(landmarks: Points, point: Points, side: int) -> tuple[float, float]:
    """The jaw's fractional index nearest to a point, on one side, and the distance in pixels."""
    indices, low, share = _JAW_LEFT if side < 0 else _JAW_RIGHT
    corners = landmarks[low]
    curve = corners + share * (landmarks[low + 1] - corners)
    curve -= point
    distance = np.hypot(curve[:, 0], curve[:, 1])
    best = int(distance.argmin())
    return float(indices[best]), float(distance[best])


def centre_weight(at: Points) -> Points:
    out: Points = np.sin(np.pi * at)
    return out


def middle(points: Points, at: Points) -> Points:
    """(2,) where an edge crosses the face's middle."""
    return np.array([np.interp(0.5, at, points[:, 0]), np.interp(0.5, at, points[:, 1])])


def _slid(landmarks: Points, point: Points, side: int, steps: float) -> Points:
    """(2,) how far a point moves when it slides down the jaw by some landmarks."""
    index, _ = nearest_jaw(landmarks, point, side)
    moved = min(index + steps, 7.0) if side < 0 else max(index - steps, 9.0)
    return jaw_point(landmarks, moved) - jaw_point(landmarks, index)


def ends_slid(edge: Points, other: Points, landmarks: Points, steps: tuple[float, float]) -> list[Points]:
    """(2,) for the left and the right end of an edge: how far they move when they slide along the jaw.

    Down it by some landmarks each, or up, towards the other edge's ends; no
    further than the cloth between lets them.
    """
    moves = []
    for end, side, step in ((0, -1, steps[0]), (-1, 1, steps[1])):
        apart = nearest_jaw(landmarks, other[end], side)[0] - nearest_jaw(landmarks, edge[end], side)[0]
        room = 0.5 * max(0.0, math.copysign(1, step) * -side * apart)
        moves.append(_slid(landmarks, edge[end], side, math.copysign(min(abs(step), room), step)))
    return moves


def moved(points: Points, at: Points, left: Points, centre: Points, right: Points) -> Points:
    """An edge displaced at its ends and its middle, smoothly between."""
    weight = centre_weight(at)[:, None]
    ends = np.where(at[:, None] < 0.5, left, right)
    out: Points = points + weight * centre + (1 - weight) * ends
    return out


def arc(at: Points, left: Points, centre: Points, right: Points) -> Points:
    """An edge drawn anew through three points."""
    line = left + at[:, None] * (right - left)
    out: Points = line + centre_weight(at)[:, None] * (centre - (left + right) / 2)
    return out


def square_off(along: Points) -> Points:
    """(n, 2) unit vectors at right angles to an edge that runs left to right, towards below it."""
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    return np.stack([-along[:, 1], along[:, 0]], axis=1) / length


def between(landmarks: Points, indices: tuple[int, ...], at: float) -> Points:
    """(2,) a point on the way from landmark to landmark: 0 is the first, 1.5 halfway from the second to the third."""
    steps = np.arange(len(indices))
    points = landmarks[list(indices)]
    return np.array([np.interp(at, steps, points[:, k]) for k in (0, 1)])


def contour_at(landmarks: Points, point: Points, side: int, axes: FaceAxes) -> float:
    """Where the jaw of one side lies along the face's x, at a point's height."""
    half = landmarks[0:8] if side < 0 else landmarks[16:8:-1]
    return float(np.interp(float(point @ axes.y), np.maximum.accumulate(half @ axes.y), half @ axes.x))
