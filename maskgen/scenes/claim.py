"""Claims a folder of scenes: a mark in it says how it is being made, from before the first picture on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from maskgen.dataset.record import RUN, SPLITS
from maskgen.errors import InputError
from maskgen.images import write_bytes
from maskgen.io.files import sweep_parts

STATE: Final = ".maskgen"

_DELETING: Final = '{"deleting": true}'


def claim(output: Path, mark: str, settings: Mapping[str, Any], *, what: str, overwrite: bool) -> None:
    """Make the folder ours, or see that it is.

    Args:
        output: the folder.
        mark: the file in ``STATE`` that says what is being made here.
        settings: what decides its bytes; work under the same ones may go on.
        what: the folder holds, in words, such as ``scenes``.
        overwrite: delete what was made here before.

    Raises:
        InputError: the folder holds something else, or was made under other settings.
    """
    path, ours = output / STATE / mark, json.dumps(settings, indent=2)
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; name a folder to write")
    theirs = _read(path)
    if theirs is None and _finished_without_mark(output, what):
        theirs = ""
    if theirs is None:
        if output.is_dir() and any(not inside.name.startswith(".") for inside in output.iterdir()):
            raise InputError(f"{output} is not empty and holds no {what}; name another folder")
    elif overwrite or theirs == _DELETING:
        _delete(output, path)
        theirs = None
    elif theirs != ours:
        raise InputError(f"{output} holds {what} of other settings or sources; use --overwrite, or another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (output, *(output / split for split in SPLITS), path.parent, path.parent / "blocks"):
        sweep_parts(folder)
    if theirs != ours:
        write_bytes(path, ours.encode("ascii"))


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it, or name another folder") from error


def _finished_without_mark(output: Path, what: str) -> bool:
    """Whether version 0.1 imported this folder: only ``run.json`` says so."""
    if what != "import":
        return False
    try:
        return "imported" in json.loads((output / RUN).read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def _delete(output: Path, mark: Path) -> None:
    """Delete what was made here, its record first: killed at any moment, the rest is not taken for whole."""
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(mark, _DELETING.encode("ascii"))
    for name in (RUN, *(f"{split}.json" for split in SPLITS), "preview.jpg"):
        (output / name).unlink(missing_ok=True)
    for folder in (output / STATE / "blocks", *(output / split for split in SPLITS)):
        shutil.rmtree(folder, ignore_errors=True)
