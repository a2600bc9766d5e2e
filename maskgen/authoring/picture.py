"""Reads a mask's picture: alpha checked, a background cut out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import ImageError, TemplateError
from maskgen.images import decode_rgba, read_bytes, show
from maskgen.templates.pictures import MAX_SIDE, MIN_SIDE

if TYPE_CHECKING:
    from maskgen.types import RGB, RGBA

GOOD_SIDE: Final = 2048
"""Larger pictures are reduced to it; ``generate`` works at 512 pixels."""

_MOST_PIXELS: Final = 120_000_000
_CUT_SIDE: Final = 640
"""GrabCut takes a second at this size."""

_NO_ALPHA: Final = (
    "has no transparent background: save it as a PNG in which everything around the mask is transparent,"
    " or let --cut-out remove an even background"
)


def read_picture(path: Path, *, cut_out: bool = False) -> RGBA:
    """A mask's picture with its alpha.

    Args:
        path: a PNG or any other picture with transparency; a palette and 16
            bits are turned into 8-bit RGBA, very large pictures are reduced.
        cut_out: where there is no transparency, remove the background.

    Returns:
        (H, W, 4) uint8, straight alpha.

    Raises:
        ImageError: it cannot be read as a picture.
        TemplateError: it has no transparency, or is too small.
    """
    import cv2

    bgra = _decode(path)
    height, width = bgra.shape[:2]
    if min(width, height) < MIN_SIDE:
        raise TemplateError(
            f"{show(path)} is {width} x {height} pixels; each side must have at least {MIN_SIDE}"
            " (1024 wide is a good size)"
        )
    if max(width, height) > MAX_SIDE:
        bgra = _shrunk(bgra, GOOD_SIDE)
    if bgra.shape[2] == 3 or bgra[..., 3].min() > 250:
        if not cut_out:
            raise TemplateError(f"{show(path)} {_NO_ALPHA}")
        small = _shrunk(np.ascontiguousarray(bgra[..., :3]), GOOD_SIDE)
        return cut_background(np.ascontiguousarray(small[..., ::-1]))
    if float((bgra[::4, ::4, 3] > 127).mean()) < 0.05:
        raise TemplateError(f"{show(path)} is almost wholly transparent; the mask should fill most of the picture")
    return np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), np.uint8)


def _decode(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3 or 4) BGR(A), upright."""
    import cv2

    try:
        pixels: Any = decode_rgba(read_bytes(path), _MOST_PIXELS)
    except ImageError as error:
        words = str(error)
        raise ImageError(error.reason, words if show(path) in words else f"{show(path)}: {words}") from error
    code = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def _shrunk(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    import cv2

    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    if picture.shape[2] == 3:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    weighted = picture.astype(np.float32)
    weighted[..., :3] *= weighted[..., 3:] / 255
    small: Any = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
    return np.asarray(np.clip(small + 0.5, 0, 255), np.uint8)


def cut_background(photo: RGB) -> RGBA:
    """A mask photographed on an even ground, cut out.

    Args:
        photo: (H, W, 3) uint8; the mask lies in the middle and touches no edge.

    Returns:
        (h, w, 4) uint8, trimmed to the mask and a small border.

    Raises:
        TemplateError: nothing could be told from the ground.

    Source:
        Rother et al., "GrabCut", SIGGRAPH 2004, as OpenCV has it.
    """
    import cv2

    height, width = photo.shape[:2]
    small = _shrunk(photo, _CUT_SIDE)
    h, w = small.shape[:2]
    inset = max(2, round(0.02 * max(h, w)))
    marks = np.full((h, w), cv2.GC_PR_FGD, np.uint8)
    marks[:inset], marks[-inset:], marks[:, :inset], marks[:, -inset:] = (cv2.GC_BGD,) * 4
    # What differs little from the border's colour is ground, to begin with.
    border = np.concatenate([small[:inset].reshape(-1, 3), small[-inset:].reshape(-1, 3)]).astype(np.float32)
    far = np.abs(small.astype(np.float32) - np.median(border, axis=0)).max(axis=2)
    marks[(far < 12) & (marks == cv2.GC_PR_FGD)] = cv2.GC_PR_BGD
    models: Any = np.zeros((2, 1, 65))
    try:
        cv2.setRNGSeed(0)
        cv2.grabCut(small[..., ::-1].copy(), marks, (0, 0, 1, 1), models[0], models[1], 4, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        marks[:] = cv2.GC_BGD
    solid = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else 0
    if best == 0 or not 0.05 * h * w < stats[best, cv2.CC_STAT_AREA] < 0.98 * h * w:
        raise TemplateError(
            "the mask cannot be told from its background; photograph it flat on an even ground of another colour,"
            " or cut it out in a painting program"
        )
    body = cv2.morphologyEx((labels == best).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outline, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    body = cv2.drawContours(np.zeros_like(body), outline, -1, 1, -1)  # no holes
    full: Any = cv2.resize(body.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    soft = max(width, height) / _CUT_SIDE
    full = cv2.GaussianBlur(full, (0, 0), max(1.2 * soft, 0.8))
    alpha = np.clip((full - 0.55) * 3 + 0.5, 0, 1)  # a little inside, so that no ground shows
    rows, columns = np.flatnonzero(alpha.max(axis=1) > 0.02), np.flatnonzero(alpha.max(axis=0) > 0.02)
    pad = round(0.01 * max(width, height)) + 2
    top, bottom = max(rows[0] - pad, 0), min(rows[-1] + 1 + pad, height)
    left, right = max(columns[0] - pad, 0), min(columns[-1] + 1 + pad, width)
    rgba = np.dstack([photo, np.asarray(alpha * 255 + 0.5, np.uint8)])
    return np.ascontiguousarray(rgba[top:bottom, left:right])


def encode_png(rgba: RGBA) -> bytes:
    """The picture as a PNG file's bytes."""
    import cv2

    done, data = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    if not done:
        raise ImageError("unreadable", "the picture cannot be written as PNG")
    return data.tobytes()
