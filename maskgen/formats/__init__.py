"""A dataset folder in the forms that other tools read; one file each.

Each module has ``write(dataset, output) -> Path`` and reads the folder one
line at a time.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

from maskgen.errors import InputError

NAMES: Final[tuple[str, ...]] = ("coco", "yolo", "voc", "webdataset", "parquet")


def write(name: str, dataset: Path, output: Path) -> Path:
    """Write ``dataset`` in the form called ``name`` into the folder ``output``.

    Returns:
        What another tool is pointed at.

    Raises:
        InputError: there is no such form, or a package that it needs is not
            installed.
        DatasetError: the dataset folder breaks its contract.
    """
    if name not in NAMES:
        raise InputError(f"no form {name!r}; one of {', '.join(NAMES)}")
    try:
        module = importlib.import_module(f"maskgen.formats.{name}")
        result: Path = module.write(dataset, output)
    except ImportError as error:
        raise InputError(f'{name} needs the package {error.name}: pip install "maskgen[{name}]"') from error
    return result
