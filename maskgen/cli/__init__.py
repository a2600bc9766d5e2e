"""The first stage's commands: photos of faces in, a dataset folder or scenes out."""

from __future__ import annotations

import typer

from maskgen.cli import check, generate, masks, scenes

app = typer.Typer()
app.add_typer(generate.app)
app.add_typer(scenes.app)
app.add_typer(check.app)
app.add_typer(masks.app, name="masks")
