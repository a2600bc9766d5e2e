"""Turn a drawn head further than it was photographed.

Photographs from which 68 landmarks can be read hardly hold a head turned by
more than 35 degrees; streets do. A generic head (an ellipsoid about the neck's
axis with a ridge of nose and mouth) gives every pixel a depth; turned, a pixel
moves along its row, nearer ones hide farther ones, and what was hidden before
is stretched from its neighbours. Beyond the head nothing moves.

Everything is measured in millimetres of the generic head (``pose.HEAD``),
seen by the camera that fits the landmarks best.

Source:
    Zhu et al., "Face Alignment Across Large Poses: A 3D Solution", CVPR 2016:
    turned photographs as training data, the background anchored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.pose import model_camera

if TYPE_CHECKING:
    from maskgen.render.params import TurnParams
    from maskgen.types import RGB, Points

MOST_YAW_DEG: Final = 62.0
"""How far from the camera a head looks at most, its own turn included."""

MOST_PITCH_DEG: Final = 32.0

AXIS_MM: Final = 95.0
"""How far behind the tip of the nose a head turns: between the ears, as ``pose.HEAD`` has it."""

_LEVEL: Final = np.array([-170.0, -130, -95, -60, -36, 0, 12, 24, 45, 62, 76, 95, 118])
"""Millimetres below the tip of the nose at which the next three are known."""
_RIDGE: Final = np.array([0.0, 18, 62, 80, 79, 95, 83, 76, 69, 63, 48, 16, 0])
_SHELL: Final = np.array([0.0, 18, 52, 66, 62, 61, 60, 58, 54, 48, 38, 12, 0])
_HALF: Final = np.array([60.0, 66, 80, 84, 80, 76, 73, 70, 64, 58, 56, 60, 66])
"""Depth of the profile line and of the head without nose, before its axis; the head's half width with its hair."""

_NOSE_MM: Final = 16.0
"""Half width of the ridge: between a bare nose's and that of cloth laid over it, the same for every class."""

COARSE: Final = 1.6
"""Written pixels in one step of the table that a turn is looked up in."""

_Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Pass:
    """One turn about one axis of the picture.

    Attributes:
        origin: (2,) pixels, where the head's axis passes at the height of the nose's tip.
        u, v: (2,) unit vectors, the head's right and down in the picture.
        scale: pixels in a millimetre.
        levels: (3,) millimetres below ``origin`` of brows, nose and chin.
        ridge: (n, 2) millimetres, where the profile line is seen, top to bottom.
        angle: radians; positive turns to ``u``, or to ``v`` for a nod.
        nod: whether columns move instead of rows.
    """

    origin: Points
    u: Points
    v: Points
    scale: float
    levels: _Float
    ridge: _Float
    angle: float
    nod: bool

    @classmethod
    def of(cls, landmarks: Points, angle: float, nod: bool) -> _Pass:
        camera = model_camera(landmarks)
        v = camera.axes[:, 1] / max(float(np.hypot(*camera.axes[:, 1])), 1e-6)
        u = np.array([v[1], -v[0]])
        origin = camera.project(np.array([[0.0, 0.0, AXIS_MM]]))[0]
        # The nose's own height, whatever the pitch.
        origin = origin + v * float((landmarks[30] - origin) @ v)
        local = (landmarks - origin) @ np.stack([u, v], 1) / camera.scale
        levels = np.array([local[17:27, 1].mean(), 0.0, local[8, 1]])
        levels[0], levels[2] = min(levels[0], -15.0), max(levels[2], 25.0)
        ridge = local[[27, 28, 29, 30, 33, 51, 57, 8]]
        return cls(origin, u, v, camera.scale, levels, ridge[np.argsort(ridge[:, 1])], angle, nod)

    def local(self, points: Points) -> Points:
        return np.asarray((points - self.origin) @ np.stack([self.u, self.v], 1) / self.scale)

    def picture(self, points: Points) -> Points:
        return np.asarray(points * self.scale @ np.stack([self.u, self.v]) + self.origin)

    def shift(self, x: _Float, y: _Float) -> _Float:
        """Where a turn takes each point along its row (or column), before anything hides anything.

        Args:
            x, y: millimetres from the origin; may broadcast, (1, n) and (m, 1).
        """
        sin, cos = math.sin(self.angle), math.cos(self.angle)
        way = 1.0 if sin > 0 else -1.0
        # Brows, nose and chin of this head on the generic one's levels.
        low, _, high = self.levels
        level = np.where(y < 0, y * (-50 / low), y * (74 / high))
        half = np.interp(level, _LEVEL, _HALF)
        shell, profile = np.interp(level, _LEVEL, _SHELL), np.interp(level, _LEVEL, _RIDGE)
        out = x / half
        round_ = np.sqrt(np.maximum(1 - out * out, 0))
        ridge = np.interp(y, self.ridge[:, 1], self.ridge[:, 0])
        depth = shell * round_ + (profile - shell) * np.exp(-(((x - ridge) / _NOSE_MM) ** 2)) * np.minimum(
            round_ * 2, 1
        )
        body = np.interp(level, (-130, -100, 80, 118), (0, 1, 1, 0))
        if self.nod:
            # About the ears' height: above it the skull comes over, below it the chin goes.
            middle = -35.0 / 74 * high
            reach = (y - middle) * way
            stays = _smooth(np.clip(reach / 70 + 1.5, 0, 1)) * np.clip(1.6 - np.abs(out) * 1.2, 0, 1)
            return np.asarray(y + depth * sin - (y - middle) * (1 - cos) * stays * body)
        # The rim that comes to the fore stays where it is: behind it the head goes on.
        near = _smooth(np.clip((out * way + 1.05) / 0.55, 0, 1))
        moved = x + depth * sin - x * (1 - cos) * near * body
        far = np.maximum(out * way - 1, 0)
        # Beyond the far rim the background closes up to the narrower head.
        rim = np.hypot(half * cos, shell * sin)
        pulled = x - way * np.maximum(half - rim, 0) * body * np.clip(1 - far / 0.8, 0, 1)
        return np.asarray(np.where(far > 0, pulled, moved))

    def hidden(self, values: _Float, axis: int) -> _Float:
        """Running extreme along rows or columns: what lies behind is put on the contour before it."""
        way = 1 if self.angle > 0 else -1
        ordered = np.flip(values, axis) if way < 0 else values
        kept = np.maximum.accumulate(ordered, axis) if way > 0 else np.minimum.accumulate(ordered, axis)
        return np.asarray(np.flip(kept, axis) if way < 0 else kept)

    def points(self, points: Points) -> Points:
        """Where the turn takes points; hidden ones come to lie on the contour, as dlib puts them."""
        local = self.local(points)
        moving, fixed = (1, 0) if self.nod else (0, 1)
        way = 1 if self.angle > 0 else -1
        # All that could hide them lies on the side that comes to the fore.
        steps = np.linspace(1.0, 0, 241)[None] * 160
        line = local[:, moving, None] - way * steps
        other = local[:, fixed, None]
        moved = self.shift(other, line) if self.nod else self.shift(line, other)
        moved = moved.max(1) if way > 0 else moved.min(1)
        result = local.copy()
        result[:, moving] = moved
        return self.picture(result)

    def sources(self, points: Points, step_px: float) -> Points:
        """Where what is seen at points of the turned picture was before, (N, 2) for (N, 2)."""
        import cv2

        local = self.local(points)
        step = max(COARSE * step_px / self.scale, 0.25)
        low, high = extent(local)
        low, high = low - 2 * step, high + 2 * step
        reach = 110.0
        moving, fixed = (1, 0) if self.nod else (0, 1)
        count = int(np.ceil((high[fixed] - low[fixed]) / step)) + 1
        rows = low[fixed] + step * np.arange(count)
        target = low[moving] + step * np.arange(int(np.ceil((high[moving] - low[moving]) / step)) + 1)
        line = np.arange(low[moving] - reach, high[moving] + reach, step)
        moved = self.shift(rows[:, None], line[None]) if self.nod else self.shift(line[None], rows[:, None])
        moved = self.hidden(moved, 1) + np.linspace(0, 1e-4, len(line))
        table = np.stack([np.interp(target, row, line) for row in moved]).astype(np.float32)
        at_target = ((local[:, moving] - low[moving]) / step).astype(np.float32)
        at_row = ((local[:, fixed] - low[fixed]) / step).astype(np.float32)
        found = local.copy()
        side = int(np.ceil(np.sqrt(len(local))))
        pad = side * side - len(local)
        across: Any = np.pad(at_target, (0, pad)).reshape(side, side)
        down: Any = np.pad(at_row, (0, pad)).reshape(side, side)
        before = np.asarray(cv2.remap(table, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        found[:, moving] = before.ravel()[: len(local)]
        return self.picture(found)


@dataclass(frozen=True, slots=True)
class Turned:
    """How a head was turned: carries points forward and pictures along.

    Attributes:
        passes: about the head's own upright axis first, then the nod.
        yaw_deg, pitch_deg: what is added to the head's own pose, limits kept.
    """

    passes: tuple[_Pass, ...]
    yaw_deg: float
    pitch_deg: float

    @classmethod
    def of(cls, landmarks: Points, params: TurnParams) -> Turned:
        """The turn of one head.

        Args:
            landmarks: (68, 2) in the photo's pixels.
            params: how far; a head that looks to one side already is turned to
                that side, or it would show what was never photographed.
        """
        own = model_camera(landmarks).pose
        yaw, pitch = params.yaw_deg, params.pitch_deg
        if abs(own.yaw_deg) > 6:
            yaw = math.copysign(yaw, own.yaw_deg)
        yaw = math.copysign(min(abs(yaw), max(MOST_YAW_DEG - abs(own.yaw_deg), 0.0)), yaw)
        pitch = min(max(pitch, min(-MOST_PITCH_DEG - own.pitch_deg, 0.0)), max(MOST_PITCH_DEG - own.pitch_deg, 0.0))
        passes: list[_Pass] = []
        for angle, nod in ((yaw, False), (-pitch, True)):
            if abs(angle) >= 0.5:
                passes.append(_Pass.of(landmarks, math.radians(angle), nod))
                landmarks = passes[-1].points(landmarks)
        return cls(tuple(passes), yaw, pitch)

    def points(self, points: Points) -> Points:
        """Photo pixels to photo pixels, (N, 2) to (N, 2)."""
        for part in self.passes:
            points = part.points(points)
        return points

    def sources(self, points: Points, step_px: float) -> Points:
        """The inverse: what is seen at points of the turned picture."""
        for part in reversed(self.passes):
            points = part.sources(points, step_px)
        return points


def warp(
    image: RGB | NDArray[np.float32], sources: Points, origin: Points, scale: Points, size_wh: tuple[int, int]
) -> Any:
    """A picture seen through a turn.

    Args:
        image: the frame before the turn.
        sources: (w * h, 2) photo pixels, rows first.
        origin: photo pixels of the frame's top-left corner.
        scale: frame pixels a photo pixel, (2,).
        size_wh: width and height of what comes back.
    """
    import cv2

    at = ((sources - origin) * scale - 0.5).astype(np.float32).reshape(size_wh[1], size_wh[0], 2)
    return cv2.remap(image, at[..., 0].copy(), at[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def extent(points: Points) -> tuple[Points, Points]:
    """The least and greatest x and y; numpy takes 25 times as long for them down columns of two."""
    columns = np.ascontiguousarray(points.T)
    return columns.min(1), columns.max(1)


def _smooth(t: _Float) -> _Float:
    return np.asarray(t * t * (3 - 2 * t))
