"""Records of a dataset folder: what is known of an image, of its faces, of a skipped input.

dataset/
  train/ val/ test/     each: with_mask/ without_mask/ [incorrect_mask/]
  metadata.jsonl        one line per written image; ``file_name`` first
  skipped.jsonl         one line per input that gave nothing, and why
  run.json              version, command, seed, settings, counts, seconds
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from maskgen.dataset.names import decode_path
from maskgen.errors import DatasetError
from maskgen.types import LABELS, Label

METADATA: Final = "metadata.jsonl"
SKIPPED: Final = "skipped.jsonl"
RUN: Final = "run.json"
SPLITS: Final[tuple[str, ...]] = ("train", "val", "test")

Pairs = tuple[tuple[float, float], ...]

_IDENTITY = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class SourceFace:
    """A face in the photo it came from; with ``params`` it is all that drawing needs.

    Attributes:
        box_xyxy: the detector's own box, in the decoded photo's pixels.
        score: the detector's confidence.
        landmarks: 68 pairs in the decoded photo's pixels.
        points: the detector's five points, or empty.
    """

    box_xyxy: tuple[float, float, float, float]
    score: float
    landmarks: Pairs
    points: Pairs = ()


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One face of a written image. Pixels are the written image's unless said.

    Attributes:
        label: what this face wears; in a scene it may differ from the image's.
        face_index: its place among the photo's faces, left to right.
        box_xyxy: the face box.
        landmarks: 68 pairs.
        pose_deg: yaw, pitch, roll of the head in the written image, a turn included.
        detector: what found it.
        template: the mask's name, or None.
        wear: how it is worn, or None.
        colour: the palette's name, or None.
        pattern: the pattern's name, or None.
        params: everything drawn by chance (``ImageParams.to_json``).
        coverage: polygons of the visible mask, each a list of pairs; holes are cut open to the outline.
        visible: share of the mask that lies inside the image.
        attempt: how many draws before this one were turned down.
        source_face: the face as it lies in the photo.
    """

    label: Label
    face_index: int
    box_xyxy: tuple[float, float, float, float]
    landmarks: Pairs
    pose_deg: tuple[float, float, float]
    detector: str
    template: str | None = None
    wear: str | None = None
    colour: str | None = None
    pattern: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    coverage: tuple[Pairs, ...] = ()
    visible: float = 0.0
    attempt: int = 0
    source_face: SourceFace | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One written image: a line of ``metadata.jsonl``.

    Attributes:
        file_name: path below the dataset folder, with forward slashes.
        label: the class the image counts as, and the folder it lies in.
        split: ``train``, ``val`` or ``test``.
        source: the photo's path as given.
        source_id: first 16 hex digits of the sha256 of the photo's bytes.
        group: what may not be torn apart by the split.
        copy: which of the ``--per-face`` copies.
        seed: the run's seed.
        size_wh: width and height of the written image.
        encoding: how the photo was read and the image written.
        faces: at least one; one for a face image, all of them for a scene.
        source_bytes: see ``names.encode_path``.
        rejected: on a photo's last line, how many of its faces gave no image,
            by reason; empty elsewhere.
    """

    file_name: str
    label: Label
    split: str
    source: str
    source_id: str
    group: str
    copy: int
    seed: int
    size_wh: tuple[int, int]
    encoding: dict[str, Any]
    faces: tuple[FaceRecord, ...]
    source_bytes: str | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise DatasetError(f"{self.label!r} is no label; one of {', '.join(LABELS)} expected")
        if not self.faces:
            raise DatasetError(f"{self.file_name}: a record needs at least one face")
        if not _IDENTITY.fullmatch(self.source_id):
            raise DatasetError(f"source_id takes 16 hex digits, got {self.source_id!r}")

    @property
    def face(self) -> FaceRecord:
        """The image's face; the largest one of a scene."""
        return max(self.faces, key=lambda f: (f.box_xyxy[2] - f.box_xyxy[0]) * (f.box_xyxy[3] - f.box_xyxy[1]))

    def source_path(self) -> str:
        """The photo's path as the operating system knows it."""
        return decode_path(self.source, self.source_bytes)


@dataclass(frozen=True, slots=True)
class Skip:
    """One input that gave nothing: a line of ``skipped.jsonl``; ``rejected`` counts the faces left out, by reason."""

    source: str
    reason: str
    detail: str = ""
    source_id: str | None = None
    source_bytes: str | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.source_id is not None and not _IDENTITY.fullmatch(self.source_id):
            raise DatasetError(f"source_id takes 16 hex digits, got {self.source_id!r}")

    def source_path(self) -> str:
        return decode_path(self.source, self.source_bytes)
