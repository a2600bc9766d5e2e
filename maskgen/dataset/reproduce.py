"""Draws one image again from its metadata line, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maskgen.dataset.inputs import read_input
from maskgen.dataset.record import FaceRecord, Record
from maskgen.dataset.threads import single_threaded
from maskgen.errors import InputError
from maskgen.faces.pose import head_pose
from maskgen.images import decode_rgb, encode, source_id
from maskgen.types import Box, Face, LandmarkedFace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgen.templates.template import MaskTemplate


def face_of(record: FaceRecord) -> LandmarkedFace:
    """The face in its photo, from its record alone.

    Raises:
        InputError: the record does not say where the face lies in the photo.
    """
    source = record.source_face
    if source is None:
        raise InputError("the line has no source_face; it was written by another tool")
    points = np.array(source.points, dtype=np.float64) if source.points else None
    face = Face(Box(*source.box_xyxy), source.score, record.detector, points)
    landmarks = np.array(source.landmarks, dtype=np.float64)
    # The line's own pose is that of the written image, a turn included.
    return LandmarkedFace(face, landmarks, head_pose(landmarks))


def remake(record: Record, wardrobe: Mapping[str, MaskTemplate], source: str | None = None) -> bytes:
    """Draw a written image again, from its line and its photo alone.

    Args:
        record: the line.
        wardrobe: at least the templates that the line names.
        source: where the photo lies now, None for where it lay then.

    Returns:
        The bytes of the file, the same as were written.

    Raises:
        InputError: the photo is not the one the line was made from.
        ImageError: the photo cannot be read.
    """
    from maskgen.render import face
    from maskgen.render.params import ImageParams

    path = source if source is not None else record.source_path()
    data = read_input(path)
    if source_id(data) != record.source_id:
        raise InputError(f"{path} is not the photo that {record.file_name} was made from: its bytes differ")
    dressed = [(face_of(one), ImageParams.from_json(one.params)) for one in record.faces]
    with single_threaded():
        photo = decode_rgb(data, int(record.encoding.get("max_side") or 0) or None)
        if record.encoding.get("crop") == "scene":
            image = face.render_scene(photo, dressed, wardrobe)[0].image
        else:
            image = face.render(photo, *dressed[0], wardrobe).image
        return encode(image, Path(record.file_name).suffix, int(record.encoding.get("quality", 92)))
