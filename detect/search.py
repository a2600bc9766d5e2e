"""Faces of every size in a picture: the one place where detect asks face detectors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from detect.fused import FUSED, FUSED_OF, FusedSearch
from detect.sight import Search, Sight, might_be, parted, tidy
from maskgen.types import RGB, Face

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
"""Pictures whose largest copy has a longer side above this get that second look."""

ENLARGED_PX: Final = 640
"""Longer side to which a single picture that is smaller is enlarged for a second
look: it then costs what any VGA picture costs, and faces of 10 px in one of 400 px
have 16. On street photographs of that size 75 % of all faces are found, not 67 %."""

ENLARGE_AT_MOST: Final = 2.0

CLOSE_PX: Final = 160
"""Longer side of a single picture's last copy, rim included, where nothing was found: a face that fills its
picture is too large for the one-stage detector otherwise."""

DOUBTFUL_FROM: Final = {"yunet": 0.3, "onestage": 0.3, "ssd": 0.3, "mtcnn": 0.3, "hog": -0.3, "haar": 0.0}
"""Least score of a box that might be a face, each in the detector's own unit; the CNN gives none below its own."""

FUSED_PX: Final = {"yunet": 640}
"""Longer side of the largest copy of a detector that is fused: YuNet is there for what ``onestage`` does not see.
At 1920 px, looking twice, it takes half as long again and the two find less of press photographs (mAP50 of a
third of press_dev 0.810, not 0.826)."""

CUT: Final = {"fused": 0.38, "onestage": 0.4, "yunet": 0.65}
"""Least confidence, face score times the label's probability, of a face that is reported. Above those of ``fused`` and
``onestage`` nine of ten boxes are faces with their own label (scenes_dev, 454 street photographs;
``benchmarks/scenes.py --cuts``); that of ``yunet`` is drawn on from .861 at .60, measured on every third of them."""

BEGINS: Final = {"fused": 0.4}
"""Face score with which a face in a video begins; of other detectors their own least, ``tracker.NEW_SCORE`` at most."""


class FindsFaces(Protocol):
    """What detect needs of a face detector; ``maskgen.faces.FaceDetector`` is one."""

    @property
    def name(self) -> str: ...

    def detect(self, image: RGB) -> list[Face]: ...


class FaceSearch:
    """A face detector that finds large, small and cut-off faces alike, each once."""

    def __init__(
        self,
        detector: FindsFaces,
        *,
        full_px: int | None = FULL_PX,
        sure: float = -math.inf,
        least: float | None = None,
        cut: float = 0.0,
        begins: float = math.inf,
    ) -> None:
        """Wrap a detector.

        Args:
            detector: looks at copies of the picture.
            full_px: longer side of the largest copy; None for the picture
                as it is.
            sure: where nothing has this score, ``thorough`` looks again.
            least: score from which a box is a face, and below which it might
                be one; None for ``sure``.
            cut, begins: see ``Search``.
        """
        self.name = detector.name
        self._detector = detector
        self._full_px = full_px
        self._sure = sure
        self.least = sure if least is None else least
        self.cut = cut
        self.begins = begins

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
        from maskgen.faces import OnSmallCopy, detect_enlarged, detect_padded, merged

        height, width = image.shape[:2]
        detector = self._detector if self._full_px is None else OnSmallCopy(self._detector, self._full_px)
        seen = detector.detect(image)
        if self.name in COARSE_FOR and min(max(height, width), self._full_px or math.inf) > COARSE_FROM_PX:
            seen = seen + OnSmallCopy(self._detector, COARSE_PX).detect(image)
        # Tiles are enlarged already.
        if self.name == "yunet" and thorough and max(height, width) < ENLARGED_PX and self._full_px is not None:
            seen = seen + detect_enlarged(self._detector, image, ENLARGED_PX, ENLARGE_AT_MOST)
        for last in (detector, OnSmallCopy(self._detector, CLOSE_PX)) if thorough else ():
            if not tidy([face for face in seen if face.score >= self._sure], width, height):
                seen = seen + detect_padded(last, image)
        faces, weak = parted(merged(tidy(seen, width, height)), self.least)
        return Sight(faces, might_be([face.box for face in seen], faces, width, height), weak)


def choose() -> str:
    """What ``auto`` stands for: ``fused`` where YuNet's file is present, else ``onestage``. Nothing is downloaded."""
    from maskgen import weights

    return FUSED if weights.locate("yunet") is not None else "onestage"


def load(
    name: str = "auto",
    small_faces: bool = False,
    min_face_score: float | None = None,
    model: Path | None = None,
    min_score: float | None = None,
) -> Search:
    """A search with one or two of maskgen's detectors.

    Args:
        name: ``auto``, ``fused`` or a detector's name.
        small_faces: look a second time at enlarged tiles of the full picture.
        min_face_score: least confidence of a face, in the detector's own
            unit, and then no cut but ``min_score``; boxes of less might be
            faces, from ``DOUBTFUL_FROM`` on.
        model: the detector's own file or folder; None for the usual one.
        min_score: least confidence of a face that is reported; None for
            ``CUT``.

    Raises:
        InputError: no detector has that name.
        WeightsError: its file is missing.
    """
    from maskgen import faces

    if name == "auto":
        name = choose()
    cut = min_score if min_score is not None else 0.0 if min_face_score is not None else CUT.get(name, 0.0)
    own = 0.0 if name == FUSED else faces.least_score(name)
    least = min_face_score if min_face_score is not None else cut if name in CUT else own
    asked = [score for score in (min_face_score, min_score) if score is not None]
    begins = min([BEGINS.get(name, own), *asked])
    if name == FUSED:
        first, second = (_search(part, small_faces, least, None, full_px=FUSED_PX.get(part)) for part in FUSED_OF)
        return FusedSearch(first, second, least=least, cut=cut, begins=begins)
    return _search(name, small_faces, least, model, cut, begins)


def _search(
    name: str,
    small_faces: bool,
    least: float,
    model: Path | None,
    cut: float = 0.0,
    begins: float = math.inf,
    full_px: int | None = None,
) -> FaceSearch:
    from maskgen import faces

    options: dict[str, Any] = {} if model is None else {"model": model}
    if name == "onestage":
        options["enlarge"] = ENLARGE_AT_MOST
    floor = min(least, DOUBTFUL_FROM.get(name, least))
    detector: FaceDetector = faces.load(name, small_faces=small_faces, min_score=floor, **options)
    full_px = None if small_faces else full_px or FULL_PX_OF.get(detector.name, FULL_PX)
    sure = max(least, faces.least_score(name))
    return FaceSearch(detector, full_px=full_px, sure=sure, least=least, cut=cut, begins=begins)
