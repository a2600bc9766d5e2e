"""Regions of a photo: what is cut out about a face, at what size, and where the face lies in it."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.landmarks import face_box
from maskgen.render.params import CropParams
from maskgen.types import RGB, Box, Face, LandmarkedFace

Region: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in a photo's pixels, exclusive on the right and below; may reach beyond it."""

MAX_BEYOND: Final = 0.05
"""How far a crop may leave the photo, as a share of its side."""


def crop_region(face: LandmarkedFace, crop: CropParams) -> Region:
    """What is cut from the photo; may reach beyond it."""
    box = face_box(face.landmarks)
    stretch = math.sqrt(crop.aspect)
    width, height = box.width * crop.margin * stretch, box.height * crop.margin / stretch
    x, y = box.center_xy
    x, y = x + crop.shift_xy[0] * box.width, y + crop.shift_xy[1] * box.height
    left, top = round(x - width / 2), round(y - height / 2)
    return left, top, left + max(2, round(width)), top + max(2, round(height))


def within(region: Region, photo: RGB) -> Region:
    """A region that leaves the photo by at most ``MAX_BEYOND`` of its side: repeated pixels are no photograph."""
    left, top, right, bottom = region
    over_x, over_y = round(MAX_BEYOND * (right - left)), round(MAX_BEYOND * (bottom - top))
    height, width = photo.shape[:2]
    kept = max(left, -over_x), max(top, -over_y), min(right, width + over_x), min(bottom, height + over_y)
    return kept if kept[2] - kept[0] > 1 and kept[3] - kept[1] > 1 else region


def reach(face: LandmarkedFace, photo: RGB) -> Region:
    """The part of the photo that anything drawn on a face may change, whole pixels of it."""
    near = face_box(face.landmarks).grown(2.4).clipped(photo.shape[1], photo.shape[0])
    left, top = math.floor(near.left), math.floor(near.top)
    return left, top, max(math.ceil(near.right), left + 1), max(math.ceil(near.bottom), top + 1)


def sides(region: Region) -> NDArray[np.int64]:
    """(2,) width and height."""
    return np.array([region[2] - region[0], region[3] - region[1]])


def cut(photo: RGB, region: Region, size_wh: tuple[int, int]) -> RGB:
    """A region of a photo at a size; its edge is repeated beyond the picture."""
    import cv2

    left, top, right, bottom = region
    height, width = photo.shape[:2]
    inner: Any = photo[
        min(max(top, 0), height - 1) : max(min(bottom, height), 1),
        min(max(left, 0), width - 1) : max(min(right, width), 1),
    ]
    borders = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
    if any(borders):
        inner = cv2.copyMakeBorder(inner, *borders, cv2.BORDER_REPLICATE)
    shrinking = size_wh[0] < inner.shape[1] or size_wh[1] < inner.shape[0]
    if (inner.shape[1], inner.shape[0]) == size_wh:
        return np.ascontiguousarray(inner).copy()
    return np.asarray(
        cv2.resize(inner, size_wh, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR), np.uint8
    )


def moved_face(face: LandmarkedFace, origin: NDArray[Any], scale: NDArray[np.float64]) -> LandmarkedFace:
    """A face in the pixels of a cut-out.

    Args:
        face: in the photo's pixels.
        origin: (2,) the cut-out's left and top in the photo.
        scale: (2,) its pixels a pixel of the photo.
    """
    landmarks = (face.landmarks - origin) * scale
    points = None if face.face.points is None else (face.face.points - origin) * scale
    box = Box(*((np.array(face.face.box.xyxy).reshape(2, 2) - origin) * scale).ravel().tolist())
    return LandmarkedFace(Face(box, face.face.score, face.face.detector, points), landmarks, face.pose)
