"""Faces that a caller knows already: a box, five points or 68 landmarks, as the finder would have found them."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskgen.errors import ShapeError
from maskgen.faces.landmarks import face_box
from maskgen.faces.pose import head_pose
from maskgen.faces.starts import from_points
from maskgen.types import RGB, Box, Face, LandmarkedFace, Points

FaceLike: TypeAlias = "LandmarkedFace | Face | Box | ArrayLike | None"
"""A face that was found, its box (left, top, right, bottom), (68, 2) landmarks, (5, 2) points, or None to search."""

LEAST_FACE_PX: Final = 8.0
"""Shorter side of a face's box below which nothing is drawn."""

LEAST_INSIDE: Final = 0.5
"""Share of a face's box that lies in the image."""

GIVEN: Final = "given"
"""The detector of a face that the caller brought."""


def as_face(points: NDArray[np.float64]) -> Face:
    """A box, or the five points of a detector, as a face."""
    if points.shape not in {(4,), (5, 2)} or not np.isfinite(points).all():
        raise ShapeError(
            f"a face is a box of 4 numbers, (68, 2) landmarks or (5, 2) points, all finite; got shape {points.shape}"
        )
    if points.shape == (4,):
        return Face(Box(*points.tolist()), 1.0, GIVEN)
    return Face(from_points(points, 2.0)[0], 1.0, GIVEN, points)


def landmarked(landmarks: Points) -> LandmarkedFace:
    """The face of some landmarks, from them alone."""
    if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
        raise ShapeError(f"68 finite landmarks of x and y are expected, got shape {landmarks.shape}")
    return LandmarkedFace(Face(face_box(landmarks), 1.0, GIVEN), landmarks, head_pose(landmarks))


def usable(landmarks: Points, image: RGB) -> LandmarkedFace | None:
    """The face, or None where it is too small to draw on, or most of it lies beside the image."""
    face = landmarked(np.array(landmarks, np.float64))
    box = face.face.box
    inside = box.clipped(image.shape[1], image.shape[0]).area
    return face if min(box.width, box.height) >= LEAST_FACE_PX and inside >= LEAST_INSIDE * box.area else None
