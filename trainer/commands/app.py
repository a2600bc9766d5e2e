"""The second stage's commands: ``maskgen train``, ``train-detector``, ``evaluate``, ``export``."""

from __future__ import annotations

import typer

from trainer.commands import evaluate, export, train, train_detector

app = typer.Typer()
app.add_typer(train.app)
app.add_typer(train_detector.app)
app.add_typer(evaluate.app)
app.add_typer(export.app)
