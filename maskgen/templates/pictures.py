"""A template's pictures: mask.png, height.png and regions.png, checked before they are decoded."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.templates.template import MaskTemplate

MIN_SIDE: Final = 64
MAX_SIDE: Final = 4096
"""Pixels a side of a picture may have."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"


def read_colour(path: Path, problems: list[str]) -> NDArray[np.uint8] | None:
    import cv2

    header = _png_header(path, problems)
    if header is None:
        return None
    if header[2] == 3:
        problems.append(f"{path.name} is a palette picture (at most 256 colours); save it as RGBA, 8 bits a channel")
        return None
    if header[2] not in (4, 6):
        problems.append(f"{path.name} has no alpha channel; make everything around the mask transparent")
        return None
    picture = _decode(path, problems)
    if picture is None:
        return None
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim != 3 or picture.shape[2] != 4:
        problems.append(f"{path.name} has no alpha channel; make everything around the mask transparent")
        return None
    small = picture[::8, ::8, 3]
    covered = float((small > 127).mean())
    if covered < 0.05:
        problems.append(f"{path.name} is almost wholly transparent: {covered:.1%} of it is opaque")
        return None
    if covered > 0.999:
        problems.append(f"{path.name} is opaque everywhere; make everything around the mask transparent")
        return None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), np.uint8)


def read_extra(
    path: Path, size_wh: tuple[int, int] | None, *, grey: bool, problems: list[str]
) -> NDArray[np.float32] | None:
    """height.png or regions.png: as large as mask.png or exactly half as large; None when there is none."""
    import cv2

    if not path.exists():
        return None
    header = _png_header(path, problems)
    if header is None:
        return None
    if size_wh is not None and header[:2] != size_wh and (header[0] * 2, header[1] * 2) != size_wh:
        problems.append(
            f"{path.name} is {header[0]} x {header[1]} pixels and mask.png {size_wh[0]} x {size_wh[1]};"
            " they must be of one size, or this one exactly half"
        )
        return None
    if grey and header[2] not in (0, 4):
        problems.append(f"{path.name} is in colour; save it as grey, 8 or 16 bits")
        return None
    if not grey and header[2] not in (2, 6):
        problems.append(f"{path.name} must be RGB: red takes the tint, green the pattern, blue lets the skin through")
        return None
    picture = _decode(path, problems)
    if picture is None:
        return None
    full = 65535 if picture.dtype == np.uint16 else 255
    if grey:
        picture = picture if picture.ndim == 2 else picture[..., 0]
    else:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return np.multiply(picture, np.float32(1 / full), dtype=np.float32)


def same_size(template: MaskTemplate) -> MaskTemplate:
    """Half-size extras brought to the picture's size."""
    import cv2

    size = template.size_wh

    def fitted(picture: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        if picture is None or picture.shape[1::-1] == size:
            return picture
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.float32)

    return replace(template, height=fitted(template.height), regions=fitted(template.regions))


def _png_header(path: Path, problems: list[str]) -> tuple[int, int, int] | None:
    """Width, height and colour type, from the header alone; nothing is decoded."""
    try:
        with path.open("rb") as file:
            start = file.read(26)
    except FileNotFoundError:
        problems.append(f"{path.name} is missing")
        return None
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error.strerror}")
        return None
    if len(start) < 26 or not start.startswith(_PNG):
        problems.append(f"{path.name} is not a PNG file" if start else f"{path.name} is empty")
        return None
    width, height, _, colour_type = struct.unpack(">IIBB", start[16:26])
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        problems.append(
            f"{path.name} is {width} x {height} pixels; each side must have {MIN_SIDE} to {MAX_SIDE}"
            " (1024 wide is a good size)"
        )
        return None
    return width, height, colour_type


def _decode(path: Path, problems: list[str]) -> NDArray[Any] | None:
    import cv2

    try:
        data = path.read_bytes()
        if _lies_turned(data):
            problems.append(f"{path.name} is stored turned, with an EXIF tag that says so; save it upright, without")
            return None
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        problems.append(f"{path.name} is damaged: it cannot be decoded")
    return picture


def _lies_turned(png: bytes) -> bool:
    """Whether an EXIF orientation turns the picture: programs show it upright, and OpenCV reads it as it lies."""
    from PIL import Image, PngImagePlugin

    exif = Image.Exif()
    try:
        exif.load(PngImagePlugin.PngImageFile(io.BytesIO(png)).info.get("exif", b""))
        return exif.get(0x0112, 1) in range(2, 9)
    except Exception:  # damaged: the decoder will say so, where it matters
        return False
