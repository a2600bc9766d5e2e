"""Picture files: read, encoded, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from maskgen.errors import ImageError, InputError
from maskgen.images.decode import MAX_PIXELS, decode_rgb
from maskgen.images.walk import show
from maskgen.io.codecs import NAMES, SNIFF_BYTES, sniff
from maskgen.io.files import write_whole
from maskgen.types import RGB

MAX_BYTES: Final = 1 << 30
"""Files above this are refused before they are read."""

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""What ``encode`` writes. Reading looks at the bytes, never at the name."""


def source_id(data: bytes) -> str:
    """The name of a photo by content: the first 16 hex digits of its sha256.

    >>> source_id(b"")
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()[:16]


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """A picture file's bytes; what is no picture is refused after its first bytes.

    Raises:
        ImageError: ``unreadable`` (missing, no permission, no regular file),
            ``empty``, ``not_an_image`` or ``too_large``.
    """
    path = Path(path)
    try:
        # A named pipe would block open() for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ImageError("unreadable", f"{show(path)} is no regular file; give a picture file or a folder")
        with path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
            if not head:
                raise ImageError("empty", f"{show(path)} has 0 bytes")
            if sniff(head) is None:
                raise ImageError("not_an_image", f"{show(path)} is not a {NAMES} file")
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise ImageError("too_large", f"{show(path)} has {size} bytes, more than {MAX_BYTES}")
            return head + file.read()
    except OSError as error:
        raise ImageError("unreadable", f"{show(path)} cannot be read: {error.strerror or error}") from error


def read_rgb(path: str | os.PathLike[str], max_side: int | None = None, max_pixels: int = MAX_PIXELS) -> RGB:
    """A picture file as RGB; ``read_bytes`` and ``decode_rgb`` in one.

    Raises:
        ImageError: it cannot be read as a picture.
    """
    data = read_bytes(path)
    try:
        return decode_rgb(data, max_side, max_pixels)
    except ImageError as error:
        raise ImageError(error.reason, f"{show(path)}: {error}") from error


def encode(image: RGB, suffix: str = ".jpg", quality: int = 95) -> bytes:
    """A picture as the bytes of a file.

    Args:
        image: (H, W, 3) uint8 RGB.
        suffix: one of ``SUFFIXES``, in either case.
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        InputError: the suffix is none of ``SUFFIXES``.
        ImageError: ``too_large`` for the format, or empty.
    """
    import cv2

    suffix = suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"cannot write pictures as {suffix!r}; use one of {', '.join(SUFFIXES)}")
    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }.get(suffix, [])
    try:
        done, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    except cv2.error as error:
        raise ImageError("too_large", f"a picture of shape {image.shape} cannot be written as {suffix}") from error
    if not done:
        raise ImageError("too_large", f"a picture of shape {image.shape} cannot be written as {suffix}")
    return data.tobytes()


def write(path: str | os.PathLike[str], image: RGB, quality: int = 95) -> None:
    """Write a picture whole or not at all, in the format its suffix names."""
    write_bytes(path, encode(image, Path(path).suffix, quality))


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file whole or not at all: a hidden name beside it, then rename.

    Raises:
        InputError: the file cannot be written there.
    """
    try:
        write_whole(Path(path), data)
    except OSError as error:
        raise InputError(f"cannot write {show(path)}: {error.strerror or error}") from error
