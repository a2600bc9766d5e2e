"""A dataset folder in the forms that other tools read; one file each.

Each module has ``write(dataset, output) -> Path`` and reads the folder one
line at a time.
"""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Final

from maskgen.errors import InputError

NAMES: Final[tuple[str, ...]] = ("coco", "yolo", "voc", "webdataset", "parquet")


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
    if name not in NAMES:
        raise InputError(f"no form {name!r}; one of {', '.join(NAMES)}")
    output = place(name, dataset) if output is None else output
    try:
        if (output / MARK).is_file():
            _empty(output)
        elif output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise InputError(f"{output} holds something else; name a new or empty folder with --output")
        module = importlib.import_module(f"maskgen.dataset.formats.{name}")
        output.mkdir(parents=True, exist_ok=True)
        (output / MARK).touch()
        result: Path = module.write(dataset, output)
    except ImportError as error:
        raise InputError(f'{name} needs the package {error.name}: pip install "maskgen[{name}]"') from error
    return result


def _empty(output: Path) -> None:
    """Delete the form that a folder holds: first the files that lead to the others, and never the mark."""
    for path in sorted(output.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
