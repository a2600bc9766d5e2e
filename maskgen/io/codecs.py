"""Picture formats: told by a file's first bytes, opened by Pillow's plugins.

Pillow reads all of them but HEIC, which telephones write: that takes ``pillow-heif`` (the extra ``maskgen[heif]``).
A plugin is asked directly, since ``Image.open`` refuses by the size in the header, before a JPEG could be decoded
reduced, and so that a file is never handed to a decoder that its own first bytes do not name.
"""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Final, Literal

from maskgen.errors import ImageError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Format = Literal["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "JPEG2000", "AVIF", "HEIF"]

NAMES: Final = "JPEG, PNG, WebP, BMP, TIFF, GIF, JPEG 2000, AVIF or HEIC"
"""As they are told to people."""

SNIFF_BYTES: Final = 64
"""How much of a file ``sniff`` looks at; the families of HEIF list what they are compatible with after 16 bytes."""

_BEGINNINGS: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)

_AVIF: Final = frozenset({b"avif", b"avis"})
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_ANY_HEIF: Final = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})
"""Brands of ISO/IEC 23008-12 (HEIF); the last are of pictures whatever coded them."""

_PLUGINS: Final[dict[Format, tuple[str, str]]] = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
}

_FEATURES: Final[dict[Format, str]] = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}
"""What Pillow may have been built without."""

_REMEDIES: Final[dict[Format, str]] = {
    "HEIF": 'HEIC pictures need the package pillow-heif; run: pip install "maskgen[heif]"',
    "AVIF": 'AVIF pictures need Pillow 11.3 or newer; run: pip install --upgrade "pillow>=11.3"',
    "JPEG2000": "JPEG 2000 pictures need a Pillow built with OpenJPEG; run: pip install --force-reinstall pillow",
    "WEBP": "WebP pictures need a Pillow built with libwebp; run: pip install --force-reinstall pillow",
}


def sniff(head: bytes) -> Format | None:
    """The picture format that a file's first ``SNIFF_BYTES`` announce, or None.

    >>> sniff(b"GIF89a...")
    'GIF'
    >>> sniff(b"hello") is None
    True
    """
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    return None


def _of_brands(head: bytes) -> Format | None:
    """AVIF or HEIC by the brands of a file's first box: the major one, then those it is compatible with."""
    length = int.from_bytes(head[:4], "big")
    box = head[: max(length, 16)]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box) - 3, 4))]
    if brands[0] not in _AVIF | _HEIC | _ANY_HEIF:
        return None
    for brand in brands:
        if brand in _AVIF:
            return "AVIF"
        if brand in _HEIC:
            return "HEIF"
    return "HEIF"


def open_picture(data: bytes, kind: Format) -> ImageFile:
    """The picture, not yet decoded.

    Raises:
        ImageError: ``no_decoder``, with the package that is missing. What the plugin makes of damaged bytes
            comes out as the plugin raises it.
    """
    from PIL import features

    module, name = _PLUGINS[kind]
    feature = _FEATURES.get(kind)
    try:
        plugin = getattr(importlib.import_module(module), name)
        missing = feature is not None and not features.check(feature)
    except ImportError:
        missing = True
    if missing:
        raise ImageError("no_decoder", _REMEDIES[kind])
    image: ImageFile = plugin(io.BytesIO(data))
    return image
