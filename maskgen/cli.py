"""The first stage's commands: photos of faces in, a dataset folder out."""

from __future__ import annotations

import importlib

import typer

app = typer.Typer()
for _module, _name in (("maskgen.commands.generate", None), ("maskgen.commands.masks", "masks")):
    try:
        app.add_typer(importlib.import_module(_module).app, name=_name)
    except ModuleNotFoundError as _error:  # while the commands are being written
        if _error.name != _module:
            raise
