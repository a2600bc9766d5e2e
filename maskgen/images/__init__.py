"""Files to arrays and back: every picture that is read comes through here and leaves as RGB, turned as EXIF says."""

from maskgen.images.decode import BACKGROUND, MAX_PIXELS, decode_rgb, decode_rgba, shrink
from maskgen.images.files import MAX_BYTES, SUFFIXES, encode, read_bytes, read_rgb, source_id, write, write_bytes
from maskgen.images.walk import Skipped, iter_paths, show

__all__ = [
    "BACKGROUND",
    "MAX_BYTES",
    "MAX_PIXELS",
    "SUFFIXES",
    "Skipped",
    "decode_rgb",
    "decode_rgba",
    "encode",
    "iter_paths",
    "read_bytes",
    "read_rgb",
    "show",
    "shrink",
    "source_id",
    "write",
    "write_bytes",
]
