"""Straps of a mask: their paths to the ears, and how they fade."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.render.lighting import _Float
from maskgen.render.wear.edges import FaceAxes, jaw_point
from maskgen.render.wear.fit import Targets
from maskgen.render.wear.mesh import Mesh, ThinPlate, _bounds, _Box

if TYPE_CHECKING:
    from maskgen.render.params import MaskParams
    from maskgen.templates.template import MaskTemplate
    from maskgen.types import RGBA, LandmarkedFace, Points


_STRAP_STEPS: Final = np.linspace(0, 1, 14)[:, None]


@dataclass(frozen=True, slots=True)
class _Path:
    """A strap's course in photo pixels, its thickness there, and its own colour if it has one."""

    points: Points
    thick: float
    rgb: tuple[int, int, int] | None


def _strap_paths(
    template: MaskTemplate, face: LandmarkedFace, axes: FaceAxes, mesh: Mesh, goal: Targets
) -> list[_Path]:
    forward = ThinPlate(mesh.source, mesh.target)
    starts = forward(np.asarray([strap.xy for strap in template.straps], float))
    middle = float(np.mean([*goal.top_source[:, 0], *goal.bottom_source[:, 0]]))
    paths = []
    for strap, start in zip(template.straps, starts, strict=True):
        side = -1 if strap.xy[0] < middle else 1
        points = strap_path(strap.to, start, side, face, axes, mesh, goal)
        if points is not None:
            paths.append(_Path(points, strap.width * axes.width, strap.rgb))
    return paths


def _with_straps(
    paths: list[_Path],
    params: MaskParams,
    axes: FaceAxes,
    box: _Box,
    frame_wh: tuple[int, int],
    rgba: RGBA,
    relief: _Float,
    sheer: _Float,
    body: _Float,
) -> tuple[_Box, RGBA, _Float, _Float, _Float]:
    """The straps, behind the body, on a board that has grown to hold them."""
    import cv2

    if not paths:
        return box, rgba, relief, sheer, body
    left, top, width, height = box
    corners = np.concatenate([[(left, top), (left + width, top + height)], *(path.points for path in paths)])
    grown = _bounds(corners, 0.02, frame_wh)
    if grown is None:
        return box, rgba, relief, sheer, body
    grown = (
        min(grown[0], left),
        min(grown[1], top),
        max(grown[0] + grown[2], left + width),
        max(grown[1] + grown[3], top + height),
    )
    border = top - grown[1], grown[3] - top - height, left - grown[0], grown[2] - left - width
    grown_parts: Any = (
        cv2.copyMakeBorder(part, *border, cv2.BORDER_CONSTANT, value=0) for part in (rgba, relief, sheer, body)
    )
    rgba, relief, sheer, body = grown_parts
    left, top = grown[:2]
    height, width = body.shape
    for path in paths:
        thick = max(path.thick * params.strap_width, 0.6)
        low = np.maximum(np.floor(path.points.min(axis=0) - thick - 1) - (left, top), 0).astype(int)
        high = np.minimum(np.ceil(path.points.max(axis=0) + thick + 1) - (left, top), (width, height)).astype(int)
        if (high <= low).any():
            continue
        fine = 4
        canvas = np.zeros(((high[1] - low[1]) * fine, (high[0] - low[0]) * fine), np.uint8)
        points = np.round(((path.points - (left, top) - low) * fine - 0.5) * 16).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, max(1, round(thick * fine)), cv2.LINE_AA, 4)
        alpha: Any = cv2.resize(canvas, (high[0] - low[0], high[1] - low[1]), interpolation=cv2.INTER_AREA)
        alpha = alpha.astype(np.float32) / np.float32(255)
        where = slice(low[1], high[1]), slice(low[0], high[0])
        alpha *= _fading(path.points[-1] - (left, top) - low, alpha.shape, 0.05 * axes.width)
        under = alpha * (1 - rgba[where][..., 3])
        colour = np.asarray(params.strap_rgb if path.rgb is None else [c / 255 for c in path.rgb], np.float32)
        rgba[where][..., :3] += under[..., None] * colour
        rgba[where][..., 3] += under
        round_top = cv2.GaussianBlur(alpha, (0, 0), max(0.5, thick / 3)) * np.float32(0.6 * thick)
        relief[where] += (round_top - relief[where]) * np.minimum(under * 2, 1)
    return (left, top, width, height), rgba, relief, sheer, body


def _fading(end: Points, shape: tuple[int, ...], reach: float) -> _Float:
    """0 at a strap's end, 1 from ``reach`` pixels on: it slips behind ear or hair."""
    x = np.arange(shape[1], dtype=np.float32)[None, :] + np.float32(0.5 - end[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - end[1])
    return np.asarray(np.minimum(np.sqrt(x * x + y * y) * np.float32(1 / max(reach, 1e-3)), 1), np.float32)


def strap_path(
    to: str, start: Points, side: int, face: LandmarkedFace, axes: FaceAxes, mesh: Mesh, goal: Targets
) -> Points | None:
    """A strap's course over the cheek, or None where it cannot be seen.

    Args:
        to: ``ear_top``, ``ear_bottom``, ``ear``, ``crown`` or ``nape``.
        start: (2,) where it leaves the mask.
        side: -1 for image left, 1 for image right.
        face: in the same pixels.
        axes: the face's own.
        mesh: the mask's, for which side is hidden.
        goal: where the mask's edges are.

    Returns:
        (n, 2) points from the mask to where the strap disappears.
    """
    hidden = side == mesh.far and (mesh.contour is not None or abs(axes.yaw_deg) > 32)
    if not goal.on_face:
        if side != goal.side:
            return None
    elif hidden:
        return None
    end = strap_end(to, side, face, axes)
    along = end - start
    length = float(np.hypot(*along))
    if length < 0.02 * axes.width or length > 1.2 * axes.width:
        return None
    if goal.on_face and side * float(along @ axes.x) < -0.05 * axes.width:
        return None
    sag = {"ear_bottom": -0.02, "nape": 0.03, "crown": -0.02}.get(to, 0.015) * axes.width
    bend = start + 0.5 * along + sag * axes.y
    t = _STRAP_STEPS
    path: Points = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
    return path


def strap_end(to: str, side: int, face: LandmarkedFace, axes: FaceAxes) -> Points:
    """Where a strap disappears: behind the ear or round the head's edge.

    dlib's jaw begins just before the ear, at the height of the eyes. The more
    the head turns away from this side, the more lies behind that point.
    """
    turned = max(0.0, -side * math.sin(math.radians(axes.yaw_deg)))
    out = side * axes.x * axes.width
    index = {"ear_top": 0.15, "ear": 0.7, "ear_bottom": 1.5, "crown": 0.0, "nape": 1.9}.get(to, 0.7)
    root = jaw_point(face.landmarks, index if side < 0 else 16 - index)
    if to == "crown":
        return root + out * (0.06 + 0.30 * turned) - axes.y * 0.15 * axes.height
    if to == "nape":
        return root + out * (0.02 + 0.38 * turned)
    lower = 0.02 if to == "ear_bottom" else -0.01
    return root + out * (0.025 + 0.20 * turned) + axes.y * lower * axes.height
