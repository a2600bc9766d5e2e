"""Boxes, labels and scores on a picture, and the hiding of faces.

Colours are Okabe and Ito's blue, vermillion and yellow, which stay apart for
colour-blind eyes; the words say the same again. Lines and letters grow with
the picture, a dark rim keeps both readable on any ground.

Source:
    M. Okabe and K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detect.results import FaceResult
from maskgen.types import RGB, Box

Colour: TypeAlias = tuple[int, int, int]

COLOURS: Final[dict[str, Colour]] = {
    "with_mask": (0, 114, 178),
    "without_mask": (213, 94, 0),
    "incorrect_mask": (240, 228, 66),
}
WORDS: Final[dict[str, str]] = {
    "with_mask": "mask",
    "without_mask": "no mask",
    "incorrect_mask": "mask worn wrong",
}
_RIM: Final[Colour] = (16, 16, 16)
_SMALLEST_FONT_PX: Final = 9
_CELLS: Final = 6
"""A hidden face keeps this many patches of colour across, whatever its size."""

GROWN: Final = 1.35
"""What is hidden is a face's box with its sides multiplied by this: hair and chin tell too."""

_DASH_LINES: Final = 6
"""Length of a dash by the width of the line."""

_Rect: TypeAlias = tuple[int, int, int, int]
_Line: TypeAlias = tuple[tuple[int, int], tuple[int, int]]


def draw(image: RGB, faces: Sequence[FaceResult]) -> RGB:
    """Draw every face's box, label and score; a doubtful face's box is dashed.

    Args:
        image: (H, W, 3) uint8, RGB; keeps its values.
        faces: boxes in the picture's pixels.

    Returns:
        A new (H, W, 3) uint8 array.
    """
    import cv2

    picture = np.ascontiguousarray(image).copy()
    height, width = picture.shape[:2]
    line = max(1, round(min(width, height) / 300))
    order = sorted(faces, key=lambda face: face.box.area)
    for face in order:
        x0, y0, x1, y1 = (round(side) for side in face.box.xyxy)
        thickness = min(line, max(1, round(face.box.width / 16)))
        x1, y1 = max(x0, x1 - 1), max(y0, y1 - 1)
        lines = _dashes(x0, y0, x1, y1, _DASH_LINES * (thickness + 1)) if face.doubtful else _sides(x0, y0, x1, y1)
        for colour, width_px in ((_RIM, thickness + 2), (colour_of(face.label), thickness)):
            for start, end in lines:
                cv2.line(picture, start, end, colour, width_px)
    placed: list[_Rect] = []
    for face in reversed(order):
        _draw_label(picture, face, placed)
    return picture


def _sides(x0: int, y0: int, x1: int, y1: int) -> list[_Line]:
    """The four sides of a box, clockwise."""
    corners = (x0, y0), (x1, y0), (x1, y1), (x0, y1)
    return list(zip(corners, (*corners[1:], corners[0]), strict=True))


def _dashes(x0: int, y0: int, x1: int, y1: int, dash_px: int) -> list[_Line]:
    """A box's sides with gaps, dashes at the corners."""
    dashes = []
    for (ax, ay), (bx, by) in _sides(x0, y0, x1, y1):
        # An odd number of parts, so that each side begins and ends with a dash.
        parts = max(3, round(max(abs(bx - ax), abs(by - ay)) / dash_px) | 1)
        at = [(round(ax + (bx - ax) * i / parts), round(ay + (by - ay) * i / parts)) for i in range(parts + 1)]
        dashes += list(zip(at[::2], at[1::2], strict=True))
    return dashes


def hide(image: RGB, boxes: Iterable[Box]) -> RGB:
    """Make the faces in boxes unrecognisable.

    Each box, grown by ``GROWN``, is reduced to at most six patches of mean
    colour across and smoothed, so that no detail of it is left in the result.

    Args:
        image: (H, W, 3) uint8, RGB; keeps its values.

    Returns:
        A new (H, W, 3) uint8 array.
    """
    import cv2

    picture = image.copy()
    height, width = picture.shape[:2]
    for box in boxes:
        x0, y0, x1, y1 = box.grown(GROWN).clipped(width, height).xyxy
        left, top, right, bottom = int(x0), int(y0), int(np.ceil(x1)), int(np.ceil(y1))
        if right <= left or bottom <= top:
            continue
        region = picture[top:bottom, left:right]
        cells = min(_CELLS, max(1, (right - left) // 2)), min(_CELLS, max(1, (bottom - top) // 2))
        patches = cv2.resize(region, cells, interpolation=cv2.INTER_AREA)
        picture[top:bottom, left:right] = cv2.resize(
            patches, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR
        )
    return picture


def colour_of(label: str) -> Colour:
    """The colour that stands for a label; grey for one unknown here."""
    return COLOURS.get(label, (160, 160, 160))


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever reads better on a colour."""
    red, green, blue = colour
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else (255, 255, 255)


def _draw_label(picture: RGB, face: FaceResult, placed: list[_Rect]) -> None:
    height, width = picture.shape[:2]
    alpha, pad = _fitting_text(face, width, height)
    if alpha is None:
        return
    text_h, text_w = alpha.shape
    label_w, label_h = text_w + 2 * pad, text_h + 2 * pad
    x0, y0, x1, y1 = (round(side) for side in face.box.xyxy)
    spots = [(x0, y0 - label_h), (x0, y1), (x1 - label_w, y0 - label_h), (x1 - label_w, y1), (x0, y0), (x1, y0)]
    rects = [_inside(x, y, label_w, label_h, width, height) for x, y in spots]
    fits = [rect for rect, spot in zip(rects, spots, strict=True) if rect[1] == spot[1]] or rects
    rect = next((rect for rect in fits if not any(_overlap(rect, other) for other in placed)), fits[0])
    placed.append(rect)
    left, top, right, bottom = rect
    colour = colour_of(face.label)
    picture[top:bottom, left:right] = colour
    region = picture[top + pad : top + pad + text_h, left + pad : left + pad + text_w]
    weight = alpha[:, :, None].astype(np.uint16)
    ink = np.array(ink_on(colour), dtype=np.uint16)
    region[...] = (region * (255 - weight) + ink * weight) // 255


def _fitting_text(face: FaceResult, width: int, height: int) -> tuple[NDArray[np.uint8] | None, int]:
    """The fullest label that the picture has room for, as coverage 0..255."""
    short = min(width, height)
    size_px = int(np.clip(face.box.width * 0.17, max(_SMALLEST_FONT_PX, short / 55), max(12, short / 22)))
    word = WORDS.get(face.label, face.label)
    percent = f"{min(99, round(face.score * 100))} %"
    number = f"{face.track_id}: " if face.track_id is not None else ""
    for text in (f"{number}{word} {percent}", f"{word} {percent}", word):
        for size in range(size_px, _SMALLEST_FONT_PX - 1, -1):
            alpha = _text(text, size)
            pad = max(2, size // 5)
            if alpha.shape[1] + 2 * pad <= width and alpha.shape[0] + 2 * pad <= height:
                return alpha, pad
    return None, 0


def _inside(x: int, y: int, label_w: int, label_h: int, width: int, height: int) -> _Rect:
    left = min(max(x, 0), width - label_w)
    top = min(max(y, 0), height - label_h)
    return left, top, left + label_w, top + label_h


def _overlap(one: _Rect, other: _Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@lru_cache(maxsize=1024)
def _text(text: str, size_px: int) -> NDArray[np.uint8]:
    """Coverage (H, W) of a line of text, 0..255; every line of one size has the same height."""
    from PIL import Image, ImageDraw

    font = _font(size_px)
    ascent, descent = _line_heights(size_px)
    width = max(1, round(font.getlength(text)))
    canvas = Image.new("L", (width, ascent + descent))
    ImageDraw.Draw(canvas).text((0, ascent), text, fill=255, font=font, anchor="ls")
    return np.asarray(canvas, dtype=np.uint8)


@lru_cache(maxsize=128)
def _font(size_px: int):  # type: ignore[no-untyped-def]  # Pillow's two font classes share no base
    from PIL import ImageFont

    return ImageFont.load_default(size=size_px)


@lru_cache(maxsize=128)
def _line_heights(size_px: int) -> tuple[int, int]:
    box = _font(size_px).getbbox("kp%0", anchor="ls")
    return max(1, -round(box[1])), max(1, round(box[3]))
