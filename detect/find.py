"""Faces of every size in a picture: the one place where detect tidies what a face detector says."""

from __future__ import annotations

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


class FindsFaces(Protocol):
    """What detect needs of a face detector; ``maskgen.faces.FaceDetector`` is one."""

    @property
    def name(self) -> str: ...

    def detect(self, image: RGB) -> list[Face]: ...


class FaceSearch:
    """A face detector that finds large, small and cut-off faces alike, each once.

    Attributes:
        name: the detector's.
    """

    def __init__(self, detector: FindsFaces, *, full_px: int | None = FULL_PX) -> None:
        """Wrap a detector.

        Args:
            detector: looks at copies of the picture.
            full_px: longer side of the largest copy; None for the picture
                as it is.
        """
        self.name = detector.name
        self._detector = detector
        self._full_px = full_px

    def find(self, image: RGB, *, thorough: bool = False) -> list[Face]:
        """Every face, from left to right.

        Args:
            image: (H, W, 3) uint8, RGB.
            thorough: for single pictures: look at small ones enlarged too,
                and again with a rim around them where nothing was found.

        Returns:
            Faces in the picture's pixels; boxes may reach over the edge.
        """
        from maskgen.faces import OnSmallCopy, detect_enlarged, detect_padded, merged

        height, width = image.shape[:2]
        detector = self._detector if self._full_px is None else OnSmallCopy(self._detector, self._full_px)
        faces = detector.detect(image)
        if self.name in COARSE_FOR and max(height, width) > COARSE_FROM_PX:
            faces = faces + OnSmallCopy(self._detector, COARSE_PX).detect(image)
        # Tiles are enlarged already.
        if self.name == "yunet" and thorough and max(height, width) < ENLARGED_PX and self._full_px is not None:
            faces = faces + detect_enlarged(self._detector, image, ENLARGED_PX, ENLARGE_AT_MOST)
        faces = merged(tidy(faces, width, height))
        for last in (detector, OnSmallCopy(self._detector, CLOSE_PX)) if thorough else ():
            if not faces:
                faces = merged(tidy(detect_padded(last, image), width, height))
        return sorted(faces, key=lambda face: (face.box.left, face.box.top))


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
        min_score: least confidence, in the detector's own unit.
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
    detector: FaceDetector = faces.load(name, small_faces=small_faces, min_score=min_score, **options)
    return FaceSearch(detector, full_px=None if small_faces else FULL_PX_OF.get(detector.name, FULL_PX))
