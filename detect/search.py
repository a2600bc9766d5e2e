"""Faces of every size in a picture: the one place where detect tidies what a face detector says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from maskgen.types import RGB, Box, Face

if TYPE_CHECKING:
    from maskgen.faces import FaceDetector

FULL_PX: Final = 1920
"""Longer side of the copy that is searched; smaller faces want ``small_faces``."""

FULL_PX_OF: Final = {"onestage": 1280}
"""Likewise, of detectors that cost more a pixel."""

COARSE_PX: Final = 448
"""Longer side of a second copy, for faces larger than the 300 px that these see."""

COARSE_FOR: Final = frozenset({"yunet", "onestage"})

COARSE_FROM_PX: Final = 700
"""Pictures with a longer side above this get that second look."""

ENLARGED_PX: Final = 640
"""Longer side to which a single picture that is smaller is enlarged for a second
look: it then costs what any VGA picture costs, and faces of 10 px in one of 400 px
have 16. On street photographs of that size 75 % of all faces are found, not 67 %."""

ENLARGE_AT_MOST: Final = 2.0

CLOSE_PX: Final = 160
"""Longer side of a single picture's last copy, rim included, where nothing was found: a face that fills its
picture is too large for the one-stage detector otherwise."""

LEAST_VISIBLE: Final = 0.3
"""Boxes with a smaller share inside the picture are dropped."""

LEAST_PX: Final = 4.0
"""Boxes with a shorter side are dropped: there is nothing to classify."""

DOUBTFUL_FROM: Final = {"yunet": 0.3, "onestage": 0.3, "ssd": 0.3, "mtcnn": 0.3, "hog": -0.3, "haar": 0.0}
"""Least score of a box that might be a face, each in the detector's own unit; the CNN gives none below its own."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a search saw.

    Attributes:
        faces: from left to right; boxes may reach over the edge.
        doubtful: boxes that might be faces besides, to be hidden with them.
    """

    faces: list[Face]
    doubtful: tuple[Box, ...] = ()


class FindsFaces(Protocol):
    """What detect needs of a face detector; ``maskgen.faces.FaceDetector`` is one."""

    @property
    def name(self) -> str: ...

    def detect(self, image: RGB) -> list[Face]: ...


class FaceSearch:
    """A face detector that finds large, small and cut-off faces alike, each once.

    Attributes:
        name: the detector's.
        sure: least score of a face.
    """

    def __init__(self, detector: FindsFaces, *, full_px: int | None = FULL_PX, sure: float = -math.inf) -> None:
        """Wrap a detector.

        Args:
            detector: looks at copies of the picture.
            full_px: longer side of the largest copy; None for the picture
                as it is.
            sure: score from which a box is a face, and below which it might
                be one.
        """
        self.name = detector.name
        self._detector = detector
        self._full_px = full_px
        self.sure = sure

    def find(self, image: RGB, *, thorough: bool = False) -> list[Face]:
        """Every face, from left to right; see ``look``."""
        return self.look(image, thorough=thorough).faces

    def look(self, image: RGB, *, thorough: bool = False) -> Sight:
        """Every face, and what might be one.

        Args:
            image: (H, W, 3) uint8, RGB.
            thorough: for single pictures: look at small ones enlarged too,
                and again with a rim around them where nothing was found.

        Returns:
            Boxes in the picture's pixels.
        """
        from maskgen.faces import OnSmallCopy, detect_enlarged, detect_padded

        height, width = image.shape[:2]
        detector = self._detector if self._full_px is None else OnSmallCopy(self._detector, self._full_px)
        seen = detector.detect(image)
        if self.name in COARSE_FOR and max(height, width) > COARSE_FROM_PX:
            seen = seen + OnSmallCopy(self._detector, COARSE_PX).detect(image)
        # Tiles are enlarged already.
        if self.name == "yunet" and thorough and max(height, width) < ENLARGED_PX and self._full_px is not None:
            seen = seen + detect_enlarged(self._detector, image, ENLARGED_PX, ENLARGE_AT_MOST)
        faces = self._faces(seen, width, height)
        for last in (detector, OnSmallCopy(self._detector, CLOSE_PX)) if thorough else ():
            if not faces:
                padded = detect_padded(last, image)
                faces, seen = self._faces(padded, width, height), seen + padded
        faces.sort(key=lambda face: (face.box.left, face.box.top))
        return Sight(faces, _doubtful(seen, faces, width, height))

    def _faces(self, seen: list[Face], width: int, height: int) -> list[Face]:
        """The boxes that are faces, each face once."""
        from maskgen.faces import merged

        return merged(tidy([face for face in seen if face.score >= self.sure], width, height))


def _doubtful(seen: list[Face], faces: list[Face], width: int, height: int) -> tuple[Box, ...]:
    """Boxes, also those that hardly reach into the picture, that do not lie on one of the faces."""
    boxes = (face.box for face in seen if face.box.clipped(width, height).area > 0)
    return tuple(box for box in boxes if not any(_within(box, face.box.grown(1.2)) for face in faces))


def _within(box: Box, other: Box) -> bool:
    return other.left <= box.left and other.top <= box.top and box.right <= other.right and box.bottom <= other.bottom


def tidy(faces: list[Face], width: int, height: int) -> list[Face]:
    """Leave out boxes that are too small or hardly inside a picture."""

    def kept(box: Box) -> bool:
        inside = box.clipped(width, height)
        return inside.width >= LEAST_PX and inside.height >= LEAST_PX and inside.area >= LEAST_VISIBLE * box.area

    return [face for face in faces if kept(face.box)]


def load(
    name: str = "auto", small_faces: bool = False, min_score: float | None = None, model: Path | None = None
) -> FaceSearch:
    """A search with one of maskgen's detectors.

    Args:
        name: ``auto`` or a detector's name.
        small_faces: look a second time at enlarged tiles of the full picture.
        min_score: least confidence of a face, in the detector's own unit;
            boxes of less might be faces, from ``DOUBTFUL_FROM`` on.
        model: the detector's own file or folder; None for the usual one.

    Raises:
        InputError: no detector has that name.
        WeightsError: its file is missing.
    """
    from maskgen import faces
    from maskgen.faces import auto

    options: dict[str, Any] = {} if model is None else {"model": model}
    if name == "auto":
        name = auto.choose()
    if name == "onestage":
        options["enlarge"] = ENLARGE_AT_MOST
    sure = faces.least_score(name) if min_score is None else min_score
    least = min(sure, DOUBTFUL_FROM.get(name, sure))
    detector: FaceDetector = faces.load(name, small_faces=small_faces, min_score=least, **options)
    full_px = None if small_faces else FULL_PX_OF.get(detector.name, FULL_PX)
    return FaceSearch(detector, full_px=full_px, sure=sure)
