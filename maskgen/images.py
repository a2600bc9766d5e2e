"""Files to arrays and back.

Every picture the project reads comes through here and leaves as RGB, turned
the way its EXIF tag says. Pillow decodes: libjpeg is the same as OpenCV's and
the pixels are identical, and unlike OpenCV it raises on damaged files instead
of printing to stderr, damaged TIFFs apart (0.8 ms against 0.5 ms for a
320 x 428 JPEG).
"""

from __future__ import annotations

import errno
import hashlib
import heapq
import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import ImageError, InputError
from maskgen.io.codecs import NAMES, SNIFF_BYTES, open_picture, sniff
from maskgen.io.files import write_whole
from maskgen.types import RGB

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

MAX_PIXELS: Final = 178_956_970
"""Pictures above this are refused, or decoded reduced where the codec can.

It is where Pillow itself calls a picture a decompression bomb: 0.5 GB as RGB.
"""

MAX_BYTES: Final = 1 << 30
"""Files above this are refused before they are read."""

BACKGROUND: Final = (128, 128, 128)
"""What shows through transparent pixels.

A middle grey: white or black would move the light that ``blend`` estimates
from the pixels around a face.
"""

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""What ``encode`` writes. Reading looks at the bytes, never at the name."""

_EXIF_ORIENTATION: Final = 0x0112
_warnings_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something found under the inputs that cannot be a picture.

    Attributes:
        path: where it lies.
        reason: one word for ``skipped.jsonl``: ``unreadable`` or
            ``link_circle``.
        message: what happened, for people.
    """

    path: Path
    reason: str
    message: str


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


def decode_rgb(data: bytes, max_side: int | None = None, max_pixels: int = MAX_PIXELS) -> RGB:
    """A picture's bytes as RGB, upright.

    Transparent pixels show ``BACKGROUND``; grey, palette and CMYK become RGB;
    16 bits keep their upper 8; floating-point TIFFs are read as 0 to 1, or 0
    to their maximum where that is above 1. Of several pages, the first.
    Embedded colour profiles are not applied.

    Args:
        data: the file's bytes.
        max_side: reduce the picture so that neither side is longer.
        max_pixels: above this a JPEG is decoded at a half, a quarter or an
            eighth of its size, and anything else is refused.

    Returns:
        (H, W, 3) uint8 RGB, contiguous.

    Raises:
        ImageError: ``empty``, ``not_an_image``, ``no_decoder`` (a package is
            missing; the message names it), ``truncated`` (cut off or damaged)
            or ``too_large``.
    """
    rgb = _decoded(data, max_side, max_pixels, _to_rgb)
    if max_side is not None and max(rgb.shape[:2]) > max_side:
        rgb = shrink(rgb, max_side)
    return np.ascontiguousarray(rgb)


def decode_rgba(data: bytes, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A picture's bytes with its transparency, upright.

    Args:
        data: the file's bytes.
        max_pixels: above this it is refused.

    Returns:
        (H, W, 4) uint8 with straight alpha, or (H, W, 3) of a picture that has none.

    Raises:
        ImageError: as ``decode_rgb``.
    """
    return np.ascontiguousarray(_decoded(data, None, max_pixels, _with_alpha))


def _decoded(
    data: bytes, max_side: int | None, max_pixels: int, convert: Callable[[Image], NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    """A picture's bytes as an array, turned upright."""
    if not data:
        raise ImageError("empty", "0 bytes are no picture")
    kind = sniff(data[:SNIFF_BYTES])
    if kind is None:
        raise ImageError("not_an_image", f"the bytes are not a {NAMES} picture")
    try:
        with _no_warnings():
            image = open_picture(data, kind)
        _draft(image, max_side, max_pixels)
        width, height = image.size
        if width * height > max_pixels:
            raise ImageError("too_large", f"{width} x {height} px is more than {max_pixels} pixels; make it smaller")
        image.load()
        orientation = _orientation(image)
        pixels = convert(image)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("too_large", "too large for this machine's memory") from error
    # Pillow's plugins raise whatever the damaged byte led to: OSError,
    # SyntaxError, struct.error, zlib.error, ValueError, IndexError and more.
    except Exception as error:
        raise ImageError("truncated", f"cut off or damaged {kind} data: {error}") from error
    return _upright(pixels, orientation)


def shrink(image: RGB, max_side: int) -> RGB:
    """The picture reduced so that its longer side is ``max_side``, by area.

    A picture that is small enough already comes back as it is.
    """
    import cv2

    height, width = image.shape[:2]
    factor = max_side / max(height, width)
    if factor >= 1:
        return image
    size_wh = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), dtype=np.uint8)


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


def iter_paths(
    inputs: Iterable[str | os.PathLike[str]], exclude: Iterable[str | os.PathLike[str]] = ()
) -> Iterator[Path | Skipped]:
    """Every file under the inputs, folders read one at a time, names sorted.

    Hidden files and folders are left out without a word, files of any other
    name come out: whether they are pictures, ``read_bytes`` says. Links are
    followed. A folder that is reached twice is read once; one that lies
    inside itself by way of a link comes out as ``link_circle``. An input that
    does not exist comes out as ``unreadable``.

    Args:
        inputs: files and folders.
        exclude: folders that are not entered, such as the output.

    Yields:
        Paths of regular files, beginning with the input as given, and what
        could not be read.
    """
    excluded = {os.path.realpath(path) for path in exclude}
    seen: set[tuple[int, int]] = set()
    for item in inputs:
        path = Path(item)
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield _skipped(path, error)
            continue
        if stat.S_ISDIR(mode):
            yield from _walk(path, excluded, seen, ())
        else:
            yield _regular(path, mode)


def show(path: str | os.PathLike[str]) -> str:
    """A path on one line of valid UTF-8, whatever its bytes.

    >>> show("two\\nlines.jpg")
    'two\\\\nlines.jpg'
    """
    text = os.fspath(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _walk(
    folder: Path, excluded: set[str], seen: set[tuple[int, int]], above: tuple[tuple[int, int], ...]
) -> Iterator[Path | Skipped]:
    if os.path.realpath(folder) in excluded:
        return
    try:
        status = folder.stat()
        key = (status.st_dev, status.st_ino)
        if key in above:
            message = f"{show(folder)} is a link to a folder that it lies in; it was not followed"
            yield Skipped(folder, "link_circle", message)
            return
        if key in seen:
            return
        seen.add(key)
        names = _names(folder)
    except OSError as error:
        yield _skipped(folder, error)
        return
    for name in names:
        path = folder / name
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield _skipped(path, error)
            continue
        if stat.S_ISDIR(mode):
            yield from _walk(path, excluded, seen, (*above, key))
        else:
            yield _regular(path, mode)


_NAMES_A_RUN: Final = 20_000


def _names(folder: Path) -> Iterator[str]:
    """The names in a folder, in order. Listed at once, and packed where they are many.

    A million of them would take 80 MB as strings in lists, and take 12 MB as
    runs of UTF-8, each in order, that are merged on the way out.

    Raises:
        OSError: the folder cannot be listed.
    """
    runs: list[bytes] = []
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            names.append(entry.name)
            if len(names) == _NAMES_A_RUN:
                runs.append("\0".join(sorted(names)).encode("utf-8", "surrogatepass"))
                names.clear()
    names.sort()
    return heapq.merge(names, *map(_unpacked, runs)) if runs else iter(names)


def _unpacked(run: bytes) -> Iterator[str]:
    start = 0
    while start <= len(run):
        end = run.find(b"\0", start)
        end = len(run) if end < 0 else end
        yield run[start:end].decode("utf-8", "surrogatepass")
        start = end + 1


def _regular(path: Path, mode: int) -> Path | Skipped:
    if stat.S_ISREG(mode):
        return path
    return Skipped(path, "unreadable", f"{show(path)} is no regular file")


def _skipped(path: Path, error: OSError) -> Skipped:
    if error.errno == errno.ELOOP:
        return Skipped(path, "link_circle", f"{show(path)} is a link that leads to itself")
    return Skipped(path, "unreadable", f"{show(path)} cannot be read: {error.strerror or error}")


def _orientation(image: ImageFile) -> int:
    """The EXIF orientation, 1 to 8, of a picture that is decoded.

    Not before: Pillow turns TIFFs by itself while decoding and then forgets
    the tag, and it decodes a whole PNG to look for one.
    """
    with _no_warnings():
        try:
            orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
        except Exception:  # damaged EXIF: the picture itself is fine
            return 1
    return int(orientation) if orientation in range(2, 9) else 1


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Odd metadata makes Pillow warn on stderr; it is none of a user's business.

    ``catch_warnings`` is not safe between threads before Python 3.14.
    """
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _draft(image: ImageFile, max_side: int | None, max_pixels: int) -> None:
    """Ask the codec for a reduced picture; only JPEG's can."""
    width, height = image.size
    for scale in (1, 2, 4, 8):
        fits = width * height <= max_pixels * scale * scale
        if fits and (max_side is None or max(width, height) < 2 * scale * max_side or scale == 8):
            break
    if scale > 1:
        image.draft(image.mode, (width // scale, height // scale))


def _to_rgb(image: Image) -> RGB:
    from PIL import Image as pillow

    if image.mode.startswith("I") or image.mode == "F":
        grey = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0, neginf=0)
        if image.mode == "F":
            grey = grey * (255 / max(1.0, float(grey.max())))
        elif image.mode != "I" or grey.max() > 255:
            grey = np.floor(grey / 256)
        return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        opaque = pillow.new("RGBA", image.size, (*BACKGROUND, 255))
        opaque.alpha_composite(image.convert("RGBA"))
        image = opaque
    return np.array(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


def _with_alpha(image: Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":
        return _to_rgb(image)
    return np.array(image.convert("RGBA" if image.has_transparency_data else "RGB"), dtype=np.uint8)


def _upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation: 2 to 8, Exif 2.32 section 4.6.4."""
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image
