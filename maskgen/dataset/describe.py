"""Describes a drawn face: coordinates to a hundredth of a pixel, its record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgen.dataset.record import FaceRecord, Pairs, SourceFace
from maskgen.faces.pose import head_pose
from maskgen.types import Box, Face, LandmarkedFace, Points

if TYPE_CHECKING:
    from maskgen.render.face import Rendered
    from maskgen.render.params import ImageParams


def rounded(face: LandmarkedFace) -> LandmarkedFace:
    """The face with coordinates to a hundredth of a pixel.

    What is drawn from is then exactly what the line holds; the pose follows from the landmarks.
    """

    def short(values: Iterable[float]) -> list[float]:
        return [round(float(v), 2) for v in values]

    box = Box(*short(face.face.box.xyxy))
    points = None if face.face.points is None else _rounded(face.face.points)
    inner = Face(box, round(float(face.face.score), 4), face.face.detector, points)
    landmarks = _rounded(face.landmarks)
    return LandmarkedFace(inner, landmarks, head_pose(landmarks))


def _rounded(points: Points) -> Points:
    return np.asarray(np.round(points, 2), dtype=np.float64)


def describe(rendered: Rendered, params: ImageParams, face: LandmarkedFace, index: int, attempt: int) -> FaceRecord:
    """The record of a drawn face."""
    mask, pose = params.mask, rendered.pose
    x, y, right, bottom = (round(float(v), 2) for v in rendered.box.xyxy)
    return FaceRecord(
        label=params.label,
        face_index=index,
        box_xyxy=(x, y, right, bottom),
        landmarks=_pairs(rendered.landmarks),
        pose_deg=(round(pose.yaw_deg, 2), round(pose.pitch_deg, 2), round(pose.roll_deg, 2)),
        detector=face.face.detector,
        template=mask.template if mask else None,
        wear=mask.wear if mask else None,
        colour=mask.colour if mask else None,
        pattern=mask.pattern if mask else None,
        params=params.to_json(),
        coverage=tuple(_pairs(polygon) for polygon in rendered.coverage),
        visible=round(float(rendered.visible), 4),
        attempt=attempt,
        source_face=SourceFace(
            face.face.box.xyxy,
            face.face.score,
            _pairs(face.landmarks),
            () if face.face.points is None else _pairs(face.face.points),
        ),
    )


def _pairs(points: Any) -> Pairs:
    """(N, 2) as pairs of plain numbers, to a hundredth of a pixel."""
    return tuple(map(tuple, np.asarray(points, dtype=np.float64).round(2).tolist()))
