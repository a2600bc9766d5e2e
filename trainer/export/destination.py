"""Output path of an export: a file there is replaced only when asked, somebody's folder never."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from maskgen.assets import assets_dir
from maskgen.errors import InputError, MaskgenError
from trainer.bundle import Bundle

_SAVED_MODEL: Final = frozenset(
    ("saved_model.pb", "fingerprint.pb", "keras_metadata.pb", "variables", "assets", "assets.extra")
)
"""What a SavedModel's folder holds."""


def choose(bundle: Bundle, name: str, output: Path | None, *, folder: bool, overwrite: bool) -> Path:
    """Where to write an exported model; nothing is changed yet.

    Args:
        bundle: the model.
        name: what the file or folder is called in the model folder.
        output: where to instead.
        folder: it will be a folder.
        overwrite: what is there may be replaced: a file, or a SavedModel.

    Raises:
        InputError: something is in the way.
    """
    target = bundle.folder / name if output is None else Path(output)
    if _ships(target):
        raise InputError(
            f"{target} is part of the installation, which stays as it is; say where to write with --output {name}"
        )
    if target.is_dir():
        check_folder(target, name, folder=folder, overwrite=overwrite)
    elif target.exists() and folder:
        raise InputError(f"{target} is a file; name a new folder with --output")
    elif target.exists() and not overwrite:
        raise InputError(f"{target} is there already; replace it with --overwrite, or name another with --output")
    return target


def check_folder(target: Path, name: str, *, folder: bool, overwrite: bool) -> None:
    """See that a folder may give way: it is empty, or it is a SavedModel and may be replaced.

    Raises:
        InputError: it may not.
    """
    if not folder:
        raise InputError(f"{target} is a folder; name the file to write, for example --output {target / name}")
    names = {path.name for path in target.iterdir()}
    if not names:
        return
    if "saved_model.pb" not in names or not names <= _SAVED_MODEL:
        raise InputError(f"{target} holds other things than a SavedModel; name a new folder with --output")
    if not overwrite:
        raise InputError(f"{target} is there already; replace it with --overwrite, or name another with --output")


def put(made: Path, target: Path) -> None:
    """Move a finished file or folder into place.

    Raises:
        InputError: a folder is there that is neither empty nor a SavedModel.
    """
    if not target.is_dir():
        made.replace(target)
        return
    check_folder(target, target.name, folder=made.is_dir(), overwrite=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".old-") as aside:
        target.replace(Path(aside) / target.name)
        made.replace(target)


def _ships(path: Path) -> bool:
    try:
        return assets_dir("models").resolve() in path.resolve().parents
    except MaskgenError:
        return False
