"""Train, validation and test split by a hash of the group."""

from __future__ import annotations

import hashlib
import math
import re

from maskgen.dataset.names import encode_path
from maskgen.dataset.record import SPLITS
from maskgen.errors import InputError


def parse_fractions(text: str) -> tuple[float, float, float]:
    """``80/10/10`` -> shares of train, val and test that add up to 1.

    >>> parse_fractions("80/20")
    (0.8, 0.2, 0.0)

    Raises:
        InputError: not one to three numbers, or they add up to nothing.
    """
    try:
        parts = [float(part) for part in re.split(r"[/,: ]+", text.strip())]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or any(not math.isfinite(p) or p < 0 for p in parts) or sum(parts) <= 0:
        raise InputError(f"--split takes up to three numbers such as 80/10/10, got {text!r}")
    parts += [0.0] * (3 - len(parts))
    total = sum(parts)
    return parts[0] / total, parts[1] / total, parts[2] / total


def split_of(group: str, fractions: tuple[float, float, float]) -> str:
    """Which split a group belongs to; depends on nothing but its name.

    >>> split_of("anna", (1.0, 0.0, 0.0))
    'train'
    """
    digest = hashlib.sha256(b"maskgen split\0" + group.encode("utf-8", "surrogateescape")).digest()
    at = int.from_bytes(digest[:8], "big") / 2**64
    for name, share in zip(SPLITS, fractions, strict=True):
        if at < share:
            return name
        at -= share
    return next(name for name, share in reversed(list(zip(SPLITS, fractions, strict=True))) if share > 0)


def group_of(path: str, source_id: str, group_by: str | None) -> str:
    """The group of a photo: its own id, its folder's name, or what a pattern finds in its path.

    Args:
        path: as given.
        source_id: the photo's.
        group_by: None, ``folder``, or a regular expression; its group called
            ``group``, else its first group, else the whole match counts. A
            photo that it does not match is a group of its own.
    """
    if group_by is None:
        return source_id
    parts = path.replace("\\", "/").split("/")
    if group_by == "folder":
        return encode_path(parts[-2])[0] if len(parts) > 1 and parts[-2] else source_id
    match = re.search(group_by, path)
    if match is None:
        return source_id
    found = match.groupdict().get("group") or (match.group(1) if match.re.groups else match.group(0))
    return encode_path(found)[0] if found else source_id
