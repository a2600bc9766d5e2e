"""``maskgen export``: a model folder in, the same network in another format out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskgen.io.options import from_settings
from trainer.config.export import ExportOptions

if TYPE_CHECKING:
    from trainer.bundle import Bundle

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
    from trainer.bundle import open_bundle

    bundle = open_bundle(model)
    typer.echo(_detector(bundle, told) if bundle.task == "detector" else _classifier(bundle, told))


def _classifier(bundle: Bundle, told: ExportOptions) -> str:
    """Export a classifier; says what came of it."""
    from trainer.export import export as exporting

    faces = calibration = None
    if told.crops is not None:
        faces, calibration = exporting.real_faces(told.crops, bundle)
    else:
        typer.echo("no --crops: checked on two public-domain portraits, varied", err=True)
    made = exporting.export(
        bundle,
        told.to,
        told.quantize,
        output=told.output,
        overwrite=told.overwrite,
        faces=faces,
        calibration=calibration,
        max_shift=told.max_shift,
    )
    exporting.record(bundle, made)
    return (
        f"{made.path}: {made.size} bytes; largest change of a probability {made.max_shift:.2g}, mean "
        f"{made.mean_shift:.2g}; {made.changed} of {made.faces} labels changed"
    )


def _detector(bundle: Bundle, told: ExportOptions) -> str:
    """Export a detector; says what came of it."""
    from maskgen.errors import InputError
    from trainer.detector.train import export_again

    if told.to != "litert":
        raise InputError(f"a detector is exported to litert; {told.to} is for classifiers")
    if told.crops is None:
        raise InputError("name real pictures to check on, a folder of scenes, with --crops SCENES")
    made = export_again(bundle, told.quantize, told.output, told.crops, told.max_shift, overwrite=told.overwrite)
    return (
        f"{made.path}: {made.size} bytes; largest change of a score {made.max_shift:.2g}, mean {made.mean_shift:.2g}; "
        f"{made.lost} of {made.faces} faces lost on {made.pictures} pictures"
    )
