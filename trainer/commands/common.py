"""What the trainer's commands share: arguments, resuming, refusing options that mean nothing here."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from trainer.config.run import RunOptions
    from trainer.loop.run_folder import SettingsT, Summary

ModelOut = Annotated[Path, typer.Argument(metavar="MODEL", help="The folder to write.")]


def check_folder(option: str, folder: Path | None) -> None:
    """Said before a run begins that would otherwise find out at the end of its first epoch."""
    from maskgen.errors import InputError

    if folder is not None and folder.exists() and not folder.is_dir():
        raise InputError(f"{option} takes a folder; {folder} is a file")


def settings_to_run(ctx: typer.Context, model: Path, config: SettingsT, how: RunOptions) -> SettingsT | None:
    """The settings to train with: those of the run that goes on, else those said now; None where all is done."""
    if how.resume and (earlier := _earlier(ctx, model, config)) is not None:
        return earlier
    if how.resume and (model / "bundle.json").is_file() and not how.overwrite:
        typer.echo(f"{model} is finished already", err=True)
        return None
    return config


def _earlier(ctx: typer.Context, model: Path, config: SettingsT) -> SettingsT | None:
    """The settings of the unfinished run in MODEL, which the words said now may repeat but not change."""
    from maskgen.errors import InputError
    from trainer.loop.run_folder import settings_of

    earlier = settings_of(model, type(config))
    if earlier is None:
        return None
    said = [name for name in ctx.params if hasattr(earlier, name) and on_command_line(ctx, name)]
    changed = sorted(name for name in said if getattr(earlier, name) != getattr(config, name))
    if changed:
        raise InputError(
            f"the run in {model} has other settings for {', '.join(changed)}; "
            "leave them out, or start anew with --overwrite"
        )
    return earlier


@contextmanager
def resumable(ctx: typer.Context) -> Iterator[None]:
    """Say at Ctrl-C which command goes on, where a run has been begun."""
    from trainer.loop.run_folder import holds_unfinished

    try:
        yield
    except KeyboardInterrupt:
        if holds_unfinished(ctx.params["model"]):
            typer.echo(f"interrupted; go on with: {_resuming(ctx)}", err=True)
        raise


def _resuming(ctx: typer.Context) -> str:
    """The command that goes on: the run has kept its settings, all else must be said again."""
    words = ["maskgen", str(ctx.command.name), str(ctx.params["dataset"]), str(ctx.params["model"]), "--resume"]
    for name in ("also", "threads", "tensorboard"):
        if name in ctx.params and on_command_line(ctx, name):
            words += [f"--{name}", str(ctx.params[name])]
    return shlex.join(words)


def say_done(summary: Summary[Any], dataset: Path, model: Path, other: str) -> None:
    """What was made, in how long, and what to try with it."""
    spent = ", ".join(f"{name.replace('_', ' ')} {value:.0f} s" for name, value in summary.seconds.items())
    typer.echo(f"{summary.split} split of {dataset}; {spent}")
    typer.echo(f"wrote {model}; try: maskgen evaluate {model} {other}, or maskgen detect image --model {model} PHOTO")


def refuse(ctx: typer.Context, names: Iterable[str], why: str) -> None:
    """Options that mean nothing here are said, not passed over."""
    from maskgen.errors import InputError

    words = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
    stray = sorted(words[name] for name in names if on_command_line(ctx, name))
    if stray:
        raise InputError(f"{', '.join(stray)}: {why}")


def on_command_line(ctx: typer.Context, name: str) -> bool:
    """Whether a parameter was said, and is not a default."""
    source: Any = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
