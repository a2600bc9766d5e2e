"""``maskgen train``: a folder of faces in, a classifier out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskgen.io.options import from_settings
from trainer.commands.common import ModelOut, check_folder, resumable, say_done, settings_to_run
from trainer.config.classifier import TrainConfig
from trainer.config.run import RunOptions

app = typer.Typer()

Faces = Annotated[
    Path, typer.Argument(metavar="DATASET", help="From maskgen generate, or with_mask/ and without_mask/.")
]


@app.command(epilog="Example: maskgen train dataset model --weights imagenet --epochs 3 --wise 0.5")
@from_settings
def train(
    ctx: typer.Context,
    dataset: Faces,
    model: ModelOut,
    config: TrainConfig,
    how: RunOptions,
    preview_augment: Annotated[
        Path | None,
        typer.Option(
            metavar="PNG", help="Only draw what --augment does, and leave.", rich_help_panel="What it learns from"
        ),
    ] = None,
) -> None:
    """Train a classifier on DATASET, into the folder MODEL. For a detector: maskgen train-detector."""
    check_folder("--tensorboard", how.tensorboard)
    if preview_augment is not None:
        _preview(dataset, preview_augment, config, overwrite=how.overwrite)
        return
    from trainer.api import train as run
    from trainer.loop.progress import reporting

    settings = settings_to_run(ctx, model, config, how)
    if settings is None:
        return
    with resumable(ctx), reporting(how.tensorboard) as reporter:
        summary = run(
            dataset,
            model,
            settings,
            resume=how.resume,
            overwrite=how.overwrite,
            threads=how.threads,
            reporter=reporter,
        )
    from trainer.report.classification import text_report

    typer.echo(text_report(summary.result))
    say_done(summary, dataset, model, "FOLDER")


def _preview(dataset: Path, picture: Path, config: TrainConfig, *, overwrite: bool) -> None:
    """Eight images, each as it is and seven times augmented."""
    import numpy as np

    from maskgen import images
    from maskgen.errors import InputError
    from trainer.data.augment import Augmenter
    from trainer.data.dataset import load
    from trainer.data.faces import Crop, decode

    if picture.exists() and not overwrite:
        raise InputError(f"{picture} is there already; replace it with --overwrite, or name another file")
    found = load(
        dataset, classes=config.classes, incorrect=config.incorrect, group_by=config.group_by, seed=config.seed
    )
    chosen = found.train[:: max(1, len(found.train) // 8)][:8]
    faces = decode(chosen, found.labels, Crop((128, 128), config.margin_wh))
    augmenter = Augmenter(config.augment, config.seed)
    rows = [
        np.concatenate([face, *(augmenter(face, number, draw) for draw in range(7))], axis=1)
        for number, face in enumerate(faces.pixels)
    ]
    images.write(picture, np.concatenate(rows))
    typer.echo(f"wrote {picture}: the first column as it is, then --augment {config.augment} seven times")
