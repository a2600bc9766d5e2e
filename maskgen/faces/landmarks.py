"""dlib's 68 landmarks on every face of a photo, checked.

Sources:
    Kazemi and Sullivan, "One Millisecond Face Alignment with an Ensemble of
    Regression Trees", CVPR 2014; the model is dlib's, trained on iBUG 300-W,
    whose licence excludes commercial use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import WeightsError
from maskgen.faces import detect_padded, load, merged
from maskgen.faces.auto import choose
from maskgen.faces.pose import head_pose
from maskgen.faces.starts import ROUGH_POINTS, disagreement, five_points, from_box, from_points
from maskgen.types import RGB, Box, Face, LandmarkedFace, Points

MAX_SIDE: Final = 640
"""Longer side of the copy that is searched; a face of 1/40 of it is found."""

QUICK_SIDE: Final = 160
"""Longer side of the copy that is searched first, by a detector that finds
small faces. A face that takes ``MAIN_SHARE`` of the picture ends the search:
what could be kept beside it has about 18 px there, and is found as well."""

_QUICK: Final = frozenset({"yunet", "onestage"})

MIN_FACE_PX: Final = 20.0
"""Shorter side below which 68 points say nothing."""

LEVEL_FROM_DEG: Final = 8.0
"""Eyes that slant more are turned level before dlib is asked."""

DOUBTFUL: Final = 0.25
"""Mean disagreement between dlib's landmarks and the detector's five points,
as a share of the larger of eye distance and eye-mouth distance, above which
the landmarks are not believed. Measured here: beyond it lie profiles and
half-hidden faces, 1 % of frontal sources and 6 % of tight crops."""

CREDIBLE: Final = 0.17
"""Landmarks that disagree less are taken at once; else dlib is asked again
from other starts (one face in twenty), and the best answer is taken."""

UNSTABLE: Final = 0.12
"""The same as ``DOUBTFUL`` where a detector gives no points: how far dlib's
second answer may lie from its first."""

MAIN_SHARE: Final = 0.15
"""A face that takes this part of a picture's area is what the picture shows."""

BESIDE_MAIN: Final = 0.35
"""Beside such a face, one with less than this part of its side is background,
a printed face or a false alarm."""

LEAST_INSIDE: Final = 0.85
"""A face with fewer of its eyes, nose and mouth inside the photo is cut off by its edge, and a mask on it would
be drawn on nothing: 1 of 1277 faces in portraits, celebrities' and utk's crops. Brows and jaw may lie outside, as
in crops that recognition is trained on: no mask touches the brows, and a mask may leave the picture with the chin."""

_SIDES: Final = (2.0, 2.25)
"""Sides of the square dlib starts from, in spans of the five points: 2.28 is
what HOG's boxes have; 2.0 left the fewest doubtful faces here."""

_FACE_PX: Final = 200
_CUT_PX: Final = 360
"""Side of the cut-out that dlib is shown, and of the face in it."""

_SIDE_INSET: Final = 0.016
_HAIRLINE: Final = 0.285
_CHIN_INSET: Final = 0.020
"""Where YuNet's boxes end: this much within the jaw's width on either side,
and above the highest brow and within the lowest chin by these shares of the
height between the two. Means over 527 faces (209 portraits, 168 celebrities,
150 utk); the standard deviations are 0.05 at the sides and the chin, 0.10 at the top."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a photo.

    Attributes:
        faces: best first.
        rejected: faces that cannot be used, each with ``too_small``,
            ``landmarks_doubtful`` or ``cut_off``.
    """

    faces: tuple[LandmarkedFace, ...]
    rejected: tuple[tuple[Face, str], ...]


class FaceFinder:
    """Finds faces and their landmarks; one per process, not for two threads.

    Args:
        detector: one of ``maskgen.faces.names()``.
        predictor: dlib's 68-point model; by default wherever ``weights``
            finds it.
        min_face_px: least shorter side of a face's box.

    Raises:
        InputError: no detector has that name.
        WeightsError: a model file is missing or damaged.
    """

    def __init__(self, detector: str = "auto", predictor: Path | None = None, min_face_px: float = MIN_FACE_PX) -> None:
        import dlib

        from maskgen import weights

        if detector == "auto":
            detector = choose()
        self._detector = load(detector, max_side=MAX_SIDE)
        quick = self._detector.name in _QUICK
        self._quick = load(self._detector.name, max_side=QUICK_SIDE) if quick else None
        # dlib's HOG sees no face under 80 px: a second try doubles the picture.
        self._second = load("hog", max_side=MAX_SIDE, upsample=1) if self._detector.name == "hog" else None
        self._path = path = predictor or weights.find("landmarks68")
        try:
            self._predictor = dlib.shape_predictor(str(path))
        except RuntimeError as error:
            raise WeightsError(f"{path} is no shape predictor that dlib can read: {error}") from error
        self._min_face_px = min_face_px

    @property
    def detector(self) -> str:
        """The detector in use, ``auto`` resolved."""
        return self._detector.name

    def __reduce__(self) -> tuple[type[FaceFinder], tuple[str, Path, float]]:
        return FaceFinder, (self._detector.name, self._path, self._min_face_px)

    def find(self, photo: RGB) -> Found:
        """Every usable face of a photo, best first.

        Args:
            photo: (H, W, 3) uint8 RGB.
        """
        quick = self._detect_quickly(photo)
        if quick:
            found = self.with_landmarks(photo, quick)
            # What stays in doubt deserves the detector's best five points.
            if found.faces and all(reason != "landmarks_doubtful" for _, reason in found.rejected):
                return found
        return self.with_landmarks(photo, self._detect(photo))

    def with_landmarks(self, photo: RGB, found: list[Face]) -> Found:
        """The faces of a detector, in its order, with their landmarks; and those that cannot be used, and why."""
        import cv2

        kept: list[LandmarkedFace] = []
        rejected: list[tuple[Face, str]] = []
        grey: NDArray[np.uint8] | None = None
        least = max(self._min_face_px, _least_beside_main(found, photo))
        for face in found:
            if min(face.box.width, face.box.height) < least:
                rejected.append((face, "too_small"))
                continue
            if grey is None:
                # dlib compares means of red, green and blue.
                grey = np.asarray(cv2.transform(photo, np.full((1, 3), 1 / 3)), np.uint8)
            landmarks, doubt = self._landmarks(grey, face)
            if doubt > DOUBTFUL:
                rejected.append((face, "landmarks_doubtful"))
                continue
            if _share_inside(landmarks, photo) < LEAST_INSIDE:
                rejected.append((face, "cut_off"))
                continue
            kept.append(LandmarkedFace(face, landmarks, head_pose(landmarks)))
        return Found(tuple(kept), tuple(rejected))

    def _detect_quickly(self, photo: RGB) -> list[Face]:
        """The faces of a picture that one face fills, or nothing where a full search must tell."""
        if self._quick is None or max(photo.shape[:2]) <= QUICK_SIDE:
            return []
        found = merged(self._quick.detect(photo))
        return found if _least_beside_main(found, photo) > 0 else []

    def _detect(self, photo: RGB) -> list[Face]:
        found = merged(self._detector.detect(photo))
        if not found:
            found = merged(detect_padded(self._detector, photo))
        if not found and self._second is not None:
            found = merged(detect_padded(self._second, photo))
        return found

    def _landmarks(self, grey: NDArray[np.uint8], face: Face) -> tuple[Points, float]:
        """The most credible landmarks of a few tries, and the doubt about them.

        Where the detector gives five points, the doubt is their disagreement
        with the landmarks. Where it gives none, dlib is asked twice, the
        second time from where its first answer says the face is: an answer
        that hangs on where the search began is not to be believed.
        """
        if face.points is None or face.detector in ROUGH_POINTS:
            return self._stable_landmarks(grey, face)
        starts = [from_points(face.points, side) for side in _SIDES]
        starts.insert(1, (from_box(face)[0], starts[0][1]))
        tries: list[tuple[float, int, Points]] = []
        for start in starts:
            landmarks = self._predict(grey, *start)
            tries.append((disagreement(landmarks, face.points), len(tries), landmarks))
            if tries[-1][0] < CREDIBLE:
                break
        doubt, _, landmarks = min(tries, key=lambda one: one[:2])
        return landmarks, doubt

    def _stable_landmarks(self, grey: NDArray[np.uint8], face: Face) -> tuple[Points, float]:
        """Landmarks that come out the same when dlib is asked again from where its first answer says the face is.

        Where rough points are known, they are one more place to begin.
        """
        begins = [from_box(face)]
        if face.points is not None:
            begins = [*(from_points(face.points, side) for side in _SIDES), *begins]
        tries: list[tuple[float, int, Points]] = []
        for start in begins:
            points = five_points(self._predict(grey, *start))
            landmarks = self._predict(grey, *from_points(points, _SIDES[0]))
            doubt = disagreement(landmarks, points) / UNSTABLE * DOUBTFUL
            if face.points is not None:
                # Two that agree need no third: the rough points were not dlib's.
                doubt = min(doubt, disagreement(landmarks, face.points))
            tries.append((doubt, len(tries), landmarks))
            if tries[-1][0] < CREDIBLE:
                break
        doubt, _, landmarks = min(tries, key=lambda one: one[:2])
        return landmarks, doubt

    def _predict(self, grey: NDArray[np.uint8], square: Box, slant_deg: float) -> Points:
        """dlib's landmarks for the face in a square, its eyes turned level.

        dlib sees a cut-out in which the square has ``_FACE_PX``: it answers
        in whole pixels and compares pixels one by one, so that very small and
        very large faces both come out coarse. What lies beyond the photo
        repeats its edge.
        """
        import cv2
        import dlib

        scale = _FACE_PX / square.width
        turn = slant_deg if abs(slant_deg) > LEVEL_FROM_DEG else 0.0
        x, y = square.center_xy
        matrix = cv2.getRotationMatrix2D((x - 0.5, y - 0.5), turn, scale)
        matrix[0, 2] += _CUT_PX / 2 - x
        matrix[1, 2] += _CUT_PX / 2 - y
        cut = cv2.warpAffine(grey, matrix, (_CUT_PX, _CUT_PX), borderMode=cv2.BORDER_REPLICATE)
        low = (_CUT_PX - _FACE_PX) // 2
        shape = self._predictor(cut, dlib.rectangle(low, low, low + _FACE_PX - 1, low + _FACE_PX - 1))
        points = np.array([(part.x, part.y) for part in shape.parts()], np.float64)
        back = cv2.invertAffineTransform(matrix)
        return np.asarray(points @ back[:, :2].T + back[:, 2] + 0.5)


def face_box(landmarks: Points) -> Box:
    """The dataset's box of a face: the jaw's width, from the hairline to the chin.

    It is the same whatever detector found the face, and on average the box
    that YuNet draws: each side's mean difference is below 1 % of the box over
    the 527 faces it was fitted to, the mean overlap (IoU) 0.85.

    Args:
        landmarks: (68, 2) float64.
    """
    x, y = landmarks[:27].T.tolist()
    left, right = min(x[:17]), max(x[:17])
    brow, chin = min(y[17:]), max(y[:17])
    inset, height = _SIDE_INSET * (right - left), max(chin - brow, 0.0)
    top, bottom = brow - _HAIRLINE * height, chin - _CHIN_INSET * height
    return Box(left + inset, min(top, bottom), right - inset, bottom)


def _least_beside_main(found: list[Face], photo: RGB) -> float:
    """The shorter side that a face needs beside one that the picture is about."""
    main = max((face.box for face in found), key=lambda box: box.area, default=None)
    if main is None or main.area < MAIN_SHARE * photo.shape[0] * photo.shape[1]:
        return 0.0
    return BESIDE_MAIN * min(main.width, main.height)


def _share_inside(landmarks: Points, photo: RGB) -> float:
    features = landmarks[27:]
    inside = (features >= 0) & (features < (photo.shape[1], photo.shape[0]))
    return float(inside.all(axis=1).mean())
