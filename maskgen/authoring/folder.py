"""Writes a new mask's folder: all of it, or nothing where anything is wrong."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Final

from maskgen.authoring.words import Words
from maskgen.errors import InputError
from maskgen.images import show
from maskgen.templates.reader import check_template

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
EXTRAS: Final = ("height.png", "regions.png")


def valid_name(text: str) -> str:
    """A folder's name made from any text, such as a file's stem.

    >>> valid_name("My mask (2)"), valid_name("")
    ('My-mask-2', 'mask')
    """
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-._")[:64].strip("-._")
    return plain or "mask"


def write_files(folder: Path, png: bytes, words: Words, extras: dict[str, bytes] | None = None) -> list[str]:
    """Write a template's files into a folder that exists, and say what is wrong with them."""
    (folder / "mask.png").write_bytes(png)
    for name, data in (extras or {}).items():
        (folder / name).write_bytes(data)
    write_words(folder, words)
    return check_template(folder)


def write_words(folder: Path, words: Words) -> None:
    """Write ``mask.json``."""
    text = json.dumps(words, indent=2, ensure_ascii=False)
    # Short lists on one line, as people write them.
    text = re.sub(r"\[\s+([-\d.eE]+),\s+([-\d.eE]+)\s+\]", r"[\1, \2]", text)
    (folder / "mask.json").write_text(text + "\n", "utf-8")


def save(
    to: Path, name: str, png: bytes, words: Words, extras: dict[str, bytes] | None = None, *, overwrite: bool = False
) -> tuple[Path, list[str]]:
    """Put a new mask beside the others; nothing is left where anything is wrong.

    Args:
        to: the folder of masks; made when missing.
        name: the mask's folder.
        png: ``mask.png``.
        words: ``mask.json``.
        extras: ``height.png`` and ``regions.png``, where there are any.
        overwrite: replace a mask of this name.

    Returns:
        Its folder, and what is wrong with it: then it was not written.

    Raises:
        InputError: the name cannot be a folder's, is taken, or the disk refuses.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be a mask's name; use letters, digits, - and _")
    folder = to / name
    if folder.exists() and not overwrite:
        raise InputError(
            f"there is a mask called {name} in {show(to)} already; choose another name, or pass --overwrite"
        )
    try:
        to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=to) as scratch:
            new = Path(scratch) / name
            new.mkdir()
            problems = write_files(new, png, words, extras)
            if problems:
                return folder, problems
            if folder.exists():
                folder.rename(Path(scratch) / "old")
            new.rename(folder)
    except OSError as error:
        raise InputError(f"{show(folder)} cannot be written: {error.strerror or error}") from error
    return folder, []


def extras_beside(path: Path) -> dict[str, bytes]:
    """``height.png`` and ``regions.png`` that lie beside a picture called ``mask.png``."""
    if path.name != "mask.png":
        return {}
    return {name: (path.parent / name).read_bytes() for name in EXTRAS if (path.parent / name).is_file()}
