"""A frame between its two halves of work: faces numbered, some of them to be classified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgen.types import Box, Face

if TYPE_CHECKING:
    from detect.sources.base import Frame


@dataclass(frozen=True, slots=True)
class PlannedFace:
    """A face before it is classified.

    Attributes:
        face: as the detector said.
        number: from 1; None until ByteTrack is sure.
        classify: whether the classifier is to look at it.
        first_s: when it was first seen.
    """

    face: Face
    number: int | None
    classify: bool
    first_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A frame and what is to be done with it.

    Attributes:
        frame: as it came.
        faces: None where nobody looked.
        doubtful: boxes that might be faces.
    """

    frame: Frame
    faces: tuple[PlannedFace, ...] | None
    doubtful: tuple[Box, ...] = ()

    @property
    def to_classify(self) -> list[PlannedFace]:
        return [face for face in self.faces or () if face.classify]
