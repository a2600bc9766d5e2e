"""dlib's 68 landmarks on every face of a photo, checked, and the head's pose.

Sources:
    Kazemi and Sullivan, "One Millisecond Face Alignment with an Ensemble of
    Regression Trees", CVPR 2014; the model is dlib's, trained on iBUG 300-W,
    whose licence excludes commercial use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from maskgen import faces as detectors
from maskgen.errors import ShapeError, WeightsError
from maskgen.faces.base import FaceDetector, scaled
from maskgen.types import RGB, Box, Face, LandmarkedFace, Points, Pose

MAX_SIDE: Final = 640
"""Longer side of the copy that is searched; a face of 1/40 of it is found."""

MIN_FACE_PX: Final = 20.0
"""Shorter side below which 68 points say nothing."""

LEVEL_FROM_DEG: Final = 8.0
"""Eyes that slant more are turned level before dlib is asked."""

DOUBTFUL: Final = 0.25
"""Mean disagreement between dlib's landmarks and the detector's five points,
as a share of the larger of eye distance and eye-mouth distance, above which
the landmarks are not believed. Measured here: beyond it lie profiles and
half-hidden faces, 1 % of frontal sources and 6 % of tight crops."""

HAIRLINE: Final = 0.27
"""From the highest brow up to the top of a YuNet box, over the height from
brow to chin: median over 708 faces, standard deviation 0.10. The jaw's own
extent is the box's width to 1.6 %."""

# Millimetres from the tip of the nose: x to the image's right, y down, z away
# from the camera. Rounded means of adult anthropometry (Farkas, "Anthropometry
# of the Head and Face", 1994): 90 mm between the outer corners of the eyes,
# 33 mm between the inner, 50 mm mouth width, nose 20 mm deep and 50 mm long.
_HEAD_POINTS: Final = {
    36: (-45, -36, 34),
    39: (-16.5, -36, 26),
    42: (16.5, -36, 26),
    45: (45, -36, 34),
    27: (0, -40, 18),
    30: (0, 0, 0),
    33: (0, 12, 12),
    48: (-25, 32, 24),
    54: (25, 32, 24),
    8: (0, 72, 24),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a photo.

    Attributes:
        faces: best first.
        rejected: faces that cannot be used, each with ``too_small`` or
            ``landmarks_doubtful``.
    """

    faces: tuple[LandmarkedFace, ...]
    rejected: tuple[tuple[Face, str], ...]


class FaceFinder:
    """Finds faces and their landmarks; one per process, not for two threads.

    Args:
        detector: one of ``maskgen.faces.NAMES``.
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

        self._detector = detectors.load(detector, max_side=MAX_SIDE)
        # dlib's HOG sees no face under 80 px: a second try doubles the picture.
        self._second = detectors.load("hog", max_side=MAX_SIDE, upsample=1) if self._detector.name == "hog" else None
        path = predictor or weights.find("landmarks68")
        try:
            self._predictor = dlib.shape_predictor(str(path))
        except RuntimeError as error:
            raise WeightsError(f"{path} is no shape predictor that dlib can read: {error}") from error
        self._min_face_px = min_face_px

    @property
    def detector(self) -> str:
        """The detector in use, ``auto`` resolved."""
        return self._detector.name

    def find(self, photo: RGB) -> Found:
        """Every usable face of a photo, best first.

        Args:
            photo: (H, W, 3) uint8 RGB.
        """
        kept: list[LandmarkedFace] = []
        rejected: list[tuple[Face, str]] = []
        for face in self._detect(photo):
            if min(face.box.width, face.box.height) < self._min_face_px:
                rejected.append((face, "too_small"))
                continue
            landmarks = self._landmarks(photo, face)
            if _doubtful(face, landmarks):
                rejected.append((face, "landmarks_doubtful"))
                continue
            kept.append(LandmarkedFace(face, landmarks, head_pose(landmarks)))
        return Found(tuple(kept), tuple(rejected))

    def _detect(self, photo: RGB) -> list[Face]:
        found = detectors.merged(self._detector.detect(photo))
        if not found:
            found = detectors.merged(_detect_padded(self._detector, photo))
        if not found and self._second is not None:
            found = detectors.merged(_detect_padded(self._second, photo))
        return found

    def _landmarks(self, photo: RGB, face: Face) -> Points:
        import cv2
        import dlib

        box = _dlib_box(face)
        slant_deg = _eyes_slant_deg(face)
        # Regression trees compare pixels a fixed way apart: dlib is asked on a
        # cut-out of about the size it was trained on, never on the whole photo.
        turn = slant_deg if abs(slant_deg) > LEVEL_FROM_DEG else 0.0
        scale = min(1.0, _FACE_PX / box.width)
        side = math.ceil(box.width * scale * 2)
        x, y = box.center_xy
        matrix = cv2.getRotationMatrix2D((x - 0.5, y - 0.5), turn, scale)
        matrix[:, 2] += np.array([side / 2 - x + 0.0, side / 2 - y + 0.0])
        cut = cv2.warpAffine(photo, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        half = box.width * scale / 2
        low, high = round(side / 2 - half), round(side / 2 + half) - 1
        shape = self._predictor(cut, dlib.rectangle(low, low, high, high))
        points = np.array([(part.x, part.y) for part in shape.parts()], np.float64)
        back = cv2.invertAffineTransform(matrix)
        return np.asarray(points @ back[:, :2].T + back[:, 2] + 0.5)


_FACE_PX: Final = 240.0
"""Side of the face that dlib is shown at the most; it answers in whole pixels."""


def face_box(landmarks: Points) -> Box:
    """The dataset's box of a face: the jaw's width, from the hairline to the chin.

    Args:
        landmarks: (68, 2) float64.

    Returns:
        The same whatever detector found the face; like a YuNet box on
        average (``HAIRLINE``).
    """
    left, right = float(landmarks[:17, 0].min()), float(landmarks[:17, 0].max())
    brow, chin = float(landmarks[17:27, 1].min()), float(landmarks[:17, 1].max())
    return Box(left, min(brow - HAIRLINE * (chin - brow), chin), right, chin)


def head_pose(landmarks: Points) -> Pose:
    """The head's pose by perspective-n-point on ten stiff landmarks.

    Args:
        landmarks: (68, 2) float64, at least two of them apart.

    Raises:
        ShapeError: not 68 points.
    """
    import cv2

    if landmarks.shape != (68, 2):
        raise ShapeError(f"68 landmarks of x and y expected, got shape {landmarks.shape}")
    indices = list(_HEAD_POINTS)
    model = np.array([_HEAD_POINTS[index] for index in indices], np.float64)
    seen = landmarks[indices]
    size = max(float(np.ptp(landmarks[:, 0])), float(np.ptp(landmarks[:, 1])), 1e-6)
    # A long lens pointed at the face: the photo's own is unknown, and a crop's
    # centre says nothing about it.
    seen = (seen - landmarks.mean(axis=0)) / size
    focal = 6.0
    camera = np.array([[focal, 0, 0], [0, focal, 0], [0, 0, 1.0]])
    _, turn, shift = cv2.solvePnP(model, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    rotation, _ = cv2.Rodrigues(turn)
    if shift[2, 0] < 0:
        # The solution behind the camera is the mirror of the one before it.
        rotation = np.diag([-1.0, -1.0, 1.0]) @ rotation
    nose = -rotation[:, 2]
    yaw = math.degrees(math.atan2(nose[0], -nose[2]))
    pitch = math.degrees(math.atan2(-nose[1], math.hypot(nose[0], nose[2])))
    roll = math.degrees(math.atan2(rotation[1, 0], rotation[0, 0]))
    return Pose(yaw, pitch, roll)


def _detect_padded(detector: FaceDetector, photo: RGB) -> list[Face]:
    """A face that fills its picture is seen once there is a rim around it."""
    import cv2

    pad = max(photo.shape[:2]) // 4
    wide = cv2.copyMakeBorder(photo, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return [scaled(face, 1.0, 1.0, -pad, -pad) for face in detector.detect(np.asarray(wide, np.uint8))]


def _dlib_box(face: Face) -> Box:
    """A square like the boxes that dlib's predictor was trained on.

    For boxes that hug the face (all but dlib's own) the centre lies 6.4 % of
    the height lower and the side is 0.94 of the square root of the area; the
    landmarks then differ from a HOG box's by 1 % of the eye distance (facts
    of this project).
    """
    if face.detector in ("hog", "cnn"):
        side, (x, y) = max(face.box.width, face.box.height), face.box.center_xy
    else:
        side = 0.94 * math.sqrt(face.box.area)
        x, y = face.box.center_xy
        y += 0.064 * face.box.height
    side = max(side, 2.0)
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def _eyes_slant_deg(face: Face) -> float:
    """How far the line from the left to the right eye drops to the right; 0 when unknown."""
    if face.points is None:
        return 0.0
    dx, dy = face.points[1] - face.points[0]
    return math.degrees(math.atan2(dy, dx)) if dx > 0 else 0.0


def _doubtful(face: Face, landmarks: Points) -> bool:
    if face.points is None:
        return False
    five = np.array([landmarks[36:42].mean(0), landmarks[42:48].mean(0), landmarks[30], landmarks[48], landmarks[54]])
    points = face.points
    eyes = float(np.hypot(*(points[1] - points[0])))
    height = float(np.hypot(*(points[:2].mean(0) - points[3:].mean(0))))
    off = float(np.hypot(*(five - points).T).mean())
    return off > DOUBTFUL * max(eyes, height, 1e-6)
