"""Names in a dataset: paths for JSON lines, files of images."""

from __future__ import annotations

import os
import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

from maskgen.types import Label


def encode_path(path: str) -> tuple[str, str | None]:
    """A path for a JSON line: readable text, and the exact bytes where text cannot hold them.

    >>> encode_path("a/photo.jpg")
    ('a/photo.jpg', None)
    >>> encode_path("caf\\udce9.jpg")
    ('caf\\\\xe9.jpg', 'caf%E9.jpg')
    """
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raw = os.fsencode(path)
        return raw.decode("utf-8", "backslashreplace"), quote_from_bytes(raw)
    return path, None


def decode_path(text: str, quoted: str | None) -> str:
    """Undo ``encode_path``."""
    return text if quoted is None else os.fsdecode(unquote_to_bytes(quoted))


def clean_stem(path: str, limit: int = 40) -> str:
    """A file's name without ending, fit for every file system and shell.

    >>> clean_stem("photos/Anna Müller\\n(1).jpeg")
    'Anna-M-ller-1'
    """
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    stem = name.rsplit(".", 1)[0] if "." in name[1:] else name
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:limit].strip("-") or "photo"


def image_name(split: str, label: Label, source: str, source_id: str, face_index: int, copy: int, ext: str) -> str:
    """Where an image lies below the dataset folder. The last part is unique by itself.

    >>> image_name("train", "with_mask", "in/me.png", "00ff", 0, 1, "jpg")
    'train/with_mask/me_00ff_0_1_with.jpg'
    """
    word = label.removesuffix("_mask")
    return f"{split}/{label}/{clean_stem(source)}_{source_id}_{face_index}_{copy}_{word}.{ext}"


_DRAWN = re.compile(r".+_([0-9a-f]{16})_\d+_\d+_(?:with|without|incorrect)\.(?:jpg|png|webp)")


def drawn_from(file_name: str) -> str | None:
    """The ``source_id`` in an image's name, or None where ``image_name`` did not make it.

    >>> drawn_from("train/with_mask/me_0123456789abcdef_0_1_with.jpg")
    '0123456789abcdef'
    >>> drawn_from("train/with_mask/holiday.jpg")
    """
    match = _DRAWN.fullmatch(file_name.rsplit("/", 1)[-1])
    return match[1] if match else None


def stem_of_file(file_name: str) -> str:
    """What all images of one photo share: the split and the photo's own part of the name.

    >>> stem_of_file("train/with_mask/me_0123456789abcdef_0_1_with.jpg")
    'train/me_0123456789abcdef'
    """
    split, _, name = file_name.split("/", 2)
    return f"{split}/{name.rsplit('_', 3)[0]}"
