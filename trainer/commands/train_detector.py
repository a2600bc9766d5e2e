"""``maskgen train-detector``: a folder of scenes in, a detector out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskgen.io.options import from_settings
from trainer.commands.common import ModelOut, check_folder, resumable, say_done, settings_to_run
from trainer.config.detector import DetectorConfig
from trainer.config.run import RunOptions

app = typer.Typer()

Scenes = Annotated[
    Path, typer.Argument(metavar="SCENES", help="From maskgen compose or import: COCO boxes around faces.")
]


@app.command(epilog="Example: maskgen train-detector scenes detector --epochs 30")
@from_settings
def train_detector(
    ctx: typer.Context,
    dataset: Scenes,
    model: ModelOut,
    config: DetectorConfig,
    how: RunOptions,
    also: Annotated[
        Path | None,
        typer.Option(metavar="SCENES", help="A second folder to learn from.", rich_help_panel="What it learns from"),
    ] = None,
) -> None:
    """Train a detector, which finds faces and says what they wear, on SCENES, into the folder MODEL."""
    from trainer.api import train_detector as run
    from trainer.loop.progress import reporting
    from trainer.report.detection import text_report

    check_folder("--tensorboard", how.tensorboard)
    settings = settings_to_run(ctx, model, config, how)
    if settings is None:
        return
    with resumable(ctx), reporting(how.tensorboard) as reporter:
        summary = run(
            dataset if also is None else (dataset, also),
            model,
            settings,
            resume=how.resume,
            overwrite=how.overwrite,
            threads=how.threads,
            reporter=reporter,
        )
    typer.echo(text_report(summary.result))
    say_done(summary, dataset, model, "SCENES")
