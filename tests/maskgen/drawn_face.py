"""A face that needs no photo and no model: typical landmarks, turned at will, on painted skin."""

from __future__ import annotations

import math

import numpy as np

from maskgen.templates.anchors import Anchor, Spot, typical_landmarks
from maskgen.templates.template import MaskTemplate, Material, Strap
from maskgen.types import RGB, Box, Face, LandmarkedFace, Points, Pose

SIDE = 240


def turned_landmarks(yaw_deg: float, width: float = 130.0) -> Points:
    """Typical landmarks on a head-like shape, turned; the far jaw crowds at the silhouette as dlib's does."""
    flat = typical_landmarks(1.0)
    depth = np.zeros(68)
    for indices, z in ((range(27, 31), (0.06, 0.12, 0.19, 0.26)), (range(31, 36), (0.1, 0.14, 0.16, 0.14, 0.1))):
        depth[list(indices)] = z
    depth[48:68] = 0.1
    depth[17:27] = 0.03
    depth[36:48] = -0.02
    jaw = flat[0:17, 0]
    depth[0:17] = 0.02 - 0.5 * (1 - np.sqrt(np.clip(1 - (jaw / 0.56) ** 2, 0, 1)))
    angle = math.radians(yaw_deg)
    x = flat[:, 0] * math.cos(angle) + depth * math.sin(angle)
    far = 1 if yaw_deg > 0 else -1
    # What a detector cannot see it puts on the visible contour, in order.
    half = slice(9, 17) if far > 0 else slice(7, None, -1)
    x[half] = far * np.maximum.accumulate(far * x[half])
    points = np.stack([x, flat[:, 1]], axis=1) * width
    return points + np.array([SIDE / 2, 0.42 * SIDE])


def face(yaw_deg: float = 0.0, landmarks: Points | None = None) -> LandmarkedFace:
    points = turned_landmarks(yaw_deg) if landmarks is None else landmarks
    low, high = points.min(axis=0), points.max(axis=0)
    return LandmarkedFace(Face(Box(*low, *high), 1.0, "hog"), points, Pose(yaw_deg, 0.0, 0.0))


def photo(seed: int = 0, left_light: float = 0.0) -> RGB:
    """Skin before a wall; ``left_light`` brightens the image-left side by up to that share."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    inside = ((x - SIDE / 2) / 72) ** 2 + ((y - 125) / 98) ** 2 < 1
    picture = np.full((SIDE, SIDE, 3), (118, 128, 140), float)
    picture[inside] = (196, 150, 126)
    picture *= (1 + left_light * (SIDE / 2 - x) / 72)[..., None]
    return np.clip(picture + rng.normal(0, 2.5, picture.shape), 0, 255).astype(np.uint8)


def template(alpha: int = 255) -> MaskTemplate:
    """A plain 200 x 140 rectangle with two pleats and two loops a side."""
    rgba = np.full((140, 200, 4), 255, np.uint8)
    rgba[..., 3] = 0
    rgba[5:135, 5:195, 3] = alpha
    height = np.zeros((140, 200), np.float32)
    height[45:50] = height[90:95] = 0.5

    def spot(*weights: tuple[int, float]) -> Spot:
        return Spot(weights)

    top = ((5, 5), spot((2, 1.0))), ((100, 5), spot((28, 1.0))), ((195, 5), spot((14, 1.0)))
    bottom = ((5, 135), spot((5, 1.0))), ((100, 135), spot((8, 1.0))), ((195, 135), spot((11, 1.0)))
    straps = [((x, y), to) for x in (8.0, 192.0) for y, to in ((8.0, "ear_top"), (132.0, "ear_bottom"))]
    return MaskTemplate(
        name="plain",
        title="Plain",
        kind="surgical",
        rgba=rgba,
        height=height,
        regions=None,
        top=tuple(Anchor(xy, at) for xy, at in top),
        bottom=tuple(Anchor(xy, at) for xy, at in bottom),
        straps=tuple(Strap(xy, to, 0.012, None) for xy, to in straps),
        colours=(("white", 1.0), ("black", 1.0)),
        pattern_chance=0.2,
        material=Material(0.05, 0.05, 0.05),
    )
