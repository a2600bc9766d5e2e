"""Where on a face a mask's anchors lie: spots named in dlib's 68 landmarks.

A spot is a weighted mean of landmarks plus an offset along the face's own
axes. ``mask.json`` has shorter words for the useful ones::

    {"jaw": 2.2}                              2.2 steps along the jaw, from image left
    {"bridge": 28.3}                          between landmarks 28 and 29 of the nose
    {"chin": 0.04}                            4 % of the face's height below landmark 8
    {"landmarks": {"1": 0.5, "31": 0.5}}      halfway between two landmarks
    {"jaw": 2.2, "offset": [-0.02, 0.01]}     and moved, in face widths and heights
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import TemplateError
from maskgen.faces.frame import FaceFrame, face_frame
from maskgen.types import Points

KINDS: Final = ("jaw", "bridge", "chin", "landmarks")

# The median of 76 level, frontal faces of adults, made symmetrical; jaw width 1,
# origin between the eyes. For checking and previewing templates without a photo.
_HALF_FACE: Final[dict[int, tuple[float, float]]] = {
    0: (-0.5, 0.013), 1: (-0.492, 0.141), 2: (-0.475, 0.273), 3: (-0.451, 0.401),
    4: (-0.41, 0.525), 5: (-0.338, 0.636), 6: (-0.241, 0.728), 7: (-0.13, 0.796), 8: (0.0, 0.816),
    17: (-0.423, -0.078), 18: (-0.359, -0.141), 19: (-0.266, -0.163), 20: (-0.169, -0.149), 21: (-0.076, -0.119),
    27: (0.0, -0.019), 28: (0.0, 0.07), 29: (0.0, 0.159), 30: (0.0, 0.252),
    31: (-0.102, 0.314), 32: (-0.053, 0.331), 33: (0.0, 0.346),
    36: (-0.318, 0.003), 37: (-0.262, -0.03), 38: (-0.195, -0.03), 39: (-0.136, 0.012), 40: (-0.198, 0.022),
    41: (-0.265, 0.023), 48: (-0.198, 0.479), 49: (-0.125, 0.454), 50: (-0.054, 0.439), 51: (0.0, 0.454),
    57: (0.0, 0.572), 58: (-0.059, 0.565), 59: (-0.129, 0.535), 60: (-0.166, 0.483), 61: (-0.056, 0.485),
    62: (0.0, 0.492), 66: (0.0, 0.505), 67: (-0.056, 0.497),
}  # fmt: skip
_TWIN: Final[dict[int, int]] = {
    **{i: 16 - i for i in range(8)}, **{i: 43 - i for i in range(17, 22)}, 31: 35, 32: 34,
    36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46, 48: 54, 49: 53, 50: 52, 58: 56, 59: 55, 60: 64, 61: 63, 67: 65,
}  # fmt: skip


def typical_landmarks(face_width: float = 1.0, center_xy: tuple[float, float] = (0.0, 0.0)) -> Points:
    """The landmarks of a typical frontal face.

    Args:
        face_width: distance in pixels between landmarks 0 and 16.
        center_xy: where the middle between the eyes lies.

    Returns:
        (68, 2) float64.
    """
    points = np.zeros((68, 2))
    for index, xy in _HALF_FACE.items():
        points[index] = xy
        if index in _TWIN:
            points[_TWIN[index]] = (-xy[0], xy[1])
    return np.asarray(points * face_width + np.asarray(center_xy), np.float64)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a face.

    Attributes:
        weights: (landmark 0 to 67, weight) pairs; the weights add up to 1.
        offset: moved by this much to the right in face widths and down in face
            heights, along the face's own axes.
    """

    weights: tuple[tuple[int, float], ...]
    offset: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        unknown = [index for index, _ in self.weights if not 0 <= index <= 67]
        if unknown:
            raise TemplateError(f"unknown landmark {unknown[0]}; they run from 0 to 67")
        total = sum(weight for _, weight in self.weights)
        if not self.weights or not math.isclose(total, 1, abs_tol=1e-6):
            raise TemplateError(f"the weights of a spot's landmarks must add up to 1, they add up to {total:g}")

    def resolve(self, landmarks: Points, frame: FaceFrame | None = None) -> NDArray[np.float64]:
        """The spot in the photo's pixels.

        Args:
            landmarks: (68, 2) float64 pixels.
            frame: ``face_frame(landmarks)``, when the caller has it already.

        Returns:
            (2,) float64, x then y.
        """
        point = np.zeros(2)
        for index, weight in self.weights:
            point += landmarks[index] * weight
        if self.offset != (0.0, 0.0):
            frame = frame or face_frame(landmarks)
            point += frame.right * (self.offset[0] * frame.width) + frame.down * (self.offset[1] * frame.height)
        return point


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point of the template's picture and where it lies on a face.

    Attributes:
        xy: pixels of the picture, from its top-left corner.
        spot: the place on the face.
    """

    xy: tuple[float, float]
    spot: Spot


def parse_spot(data: Any) -> Spot:
    """A spot as ``mask.json`` writes it.

    Raises:
        TemplateError: it is not one; the message says why.
    """
    if not isinstance(data, dict):
        raise TemplateError(f'a spot is an object such as {{"jaw": 2.2}}, got {data!r}')
    kinds = [key for key in data if key != "offset"]
    if len(kinds) != 1 or kinds[0] not in KINDS:
        raise TemplateError(
            f"a spot has exactly one of {', '.join(KINDS)}, got {', '.join(map(repr, kinds)) or 'none'}"
        )
    offset = _pair(data.get("offset", [0, 0]), "offset")
    kind, value = kinds[0], data[kinds[0]]
    if kind == "landmarks":
        return Spot(_weights(value), offset)
    if not is_number(value):
        raise TemplateError(f'"{kind}" is a number, got {value!r}')
    if kind == "chin":
        return Spot(((8, 1.0),), (offset[0], offset[1] + float(value)))
    first, last = (0, 16) if kind == "jaw" else (27, 30)
    if not first <= value <= last:
        raise TemplateError(f'"{kind}" runs from {first} to {last}, got {value:g}')
    whole = min(math.floor(value), last - 1)
    part = float(value) - whole
    return Spot(tuple((i, w) for i, w in ((whole, 1 - part), (whole + 1, part)) if w > 0), offset)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number to reckon with: no boolean, finite, and no integer too large for a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _TOO_LARGE


_TOO_LARGE: Final = 1e300


def _weights(value: Any) -> tuple[tuple[int, float], ...]:
    if not isinstance(value, dict) or not value:
        raise TemplateError(f'"landmarks" is an object such as {{"1": 0.5, "31": 0.5}}, got {value!r}')
    pairs = []
    for key, weight in value.items():
        if not key.isdecimal() or len(key) > 2 or int(key) > 67:
            raise TemplateError(f'unknown landmark "{key}"; they run from 0 to 67')
        if not is_number(weight):
            raise TemplateError(f"the weight of landmark {key} is a number, got {weight!r}")
        pairs.append((int(key), float(weight)))
    total = sum(weight for _, weight in pairs)
    if not total > 0:
        raise TemplateError(f"the weights of a spot's landmarks must add up to more than 0, they add up to {total:g}")
    return tuple((index, weight / total) for index, weight in pairs)


def _pair(value: Any, name: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_number, value)):
        raise TemplateError(f'"{name}" is two numbers, [x, y], got {value!r}')
    return float(value[0]), float(value[1])
