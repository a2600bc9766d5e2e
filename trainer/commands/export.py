"""``maskgen export``: a model folder in, the same network in another format out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskgen.io.options import from_settings
from trainer.config.export import ExportOptions

app = typer.Typer()


@app.command(epilog="Example: maskgen export model --quantize int8 --crops dataset")
@from_settings
def export(
    told: ExportOptions,
    model: Annotated[
        Path | None, typer.Argument(help="A model folder, or classifier, classifier3, detector; without: classifier.")
    ] = None,
) -> None:
    """Write a model in another format, checked against Keras on real faces before it is kept."""
    from trainer import api
    from trainer.bundle import open_bundle

    bundle = open_bundle(model)
    if bundle.task == "classifier" and told.crops is None:
        typer.echo("no --crops: checked on two public-domain portraits, varied", err=True)
    made = api.export(
        bundle,
        told.to,
        told.quantize,
        output=told.output,
        overwrite=told.overwrite,
        crops=told.crops,
        max_shift=told.max_shift,
    )
    typer.echo(made.summary())
