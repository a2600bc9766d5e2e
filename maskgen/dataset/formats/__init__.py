"""A dataset folder in the forms that other tools read; one file each.

Each is a function ``write(dataset, output) -> Path`` that reads the folder one
line at a time; plug-ins register theirs under ``maskgen.formats``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from maskgen.errors import InputError
from maskgen.io.registry import Registry


def _wrong(name: str, found: Any) -> str | None:
    if name == "folder":
        return "folder is the dataset itself; rename it"
    return None if callable(found) else f"it is a {type(found).__name__}, not a function write(dataset, output)"


FORMATS: Final[Registry[Callable[[Path, Path], Path]]] = Registry(
    "maskgen.formats",
    "form",
    {name: f"{__name__}.{name}:write" for name in ("coco", "yolo", "voc", "webdataset", "parquet")},
    _wrong,
)
"""What writes each form, by name."""

MARK: Final = ".maskgen-form"
"""Lies in a folder that holds a form, so that the next one may replace it."""


def place(name: str, dataset: Path) -> Path:
    """Where a form lies unless the user says otherwise: beside the dataset, never inside.

    Inside, readers that search a dataset folder for images would find them twice.

    >>> place("yolo", Path("out")).as_posix()
    'out-yolo'
    """
    return dataset.with_name(f"{dataset.resolve().name}-{name}")


def write(name: str, dataset: Path, output: Path | None = None) -> Path:
    """Write ``dataset`` in the form called ``name`` into the folder ``output``.

    Returns:
        What another tool is pointed at.

    Raises:
        InputError: there is no such form, a package that it needs is not
            installed, or the folder holds something else.
        DatasetError: the dataset folder breaks its contract.
    """
    write_form = FORMATS.load(name)
    output = place(name, dataset) if output is None else output
    try:
        if (output / MARK).is_file():
            _empty(output)
        elif output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise InputError(f"{output} holds something else; name a new or empty folder with --output")
        output.mkdir(parents=True, exist_ok=True)
        (output / MARK).touch()
        return write_form(dataset, output)
    except ImportError as error:
        package = f"maskgen[{name}]" if name in FORMATS.builtin else str(error.name)
        raise InputError(f'{name} needs the package {error.name}: pip install "{package}"') from error


def _empty(output: Path) -> None:
    """Delete the form that a folder holds: first the files that lead to the others, and never the mark."""
    for path in sorted(output.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
