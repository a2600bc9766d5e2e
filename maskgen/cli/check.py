"""``maskgen check``: what is wrong with a dataset, and what people have changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgen.dataset.check import Report

app = typer.Typer()

SHOWN = 10
"""Names of a kind that are printed."""


@app.command()
def check(
    dataset: Annotated[Path, typer.Argument(help="A folder that maskgen generate wrote.")],
    prune: Annotated[bool, typer.Option("--prune", help="Drop the lines of pictures that were deleted.")] = False,
    lines_only: Annotated[bool, typer.Option("--lines-only", help="Open no picture: quicker, sees less.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="For opening pictures.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say whether every line and picture of a dataset keeps its contract, and what was changed by hand.

    Deleted, moved and added pictures are no fault: train and evaluate go on with what is there. Exit code 1 where
    something is wrong.
    """
    import json

    from maskgen.dataset import check as checking

    dropped = checking.prune(dataset) if prune else 0
    found = checking.check(dataset, pictures=not lines_only, threads=threads)
    if as_json:
        typer.echo(json.dumps({**found.to_json(), "pruned": dropped}))
    else:
        if prune:
            typer.echo(f"{dropped} lines of deleted pictures dropped")
        _print(found)
    if found.problems:
        raise typer.Exit(1)


def _print(found: Report) -> None:
    from maskgen.cli.console import printable

    moved = [f"{name} -> {place}" for name, place in (found.moved or {}).items()]
    kinds: tuple[tuple[str, Sequence[str]], ...] = (
        ("wrong", found.problems),
        ("deleted (--prune drops their lines)", found.gone),
        ("moved, count under the folder they lie in", moved),
        ("added, count under the folder they lie in", found.added),
    )
    for words, names in kinds:
        if names:
            typer.echo(f"{len(names)} {words}")
            for name in names[:SHOWN]:
                typer.echo(f"  {printable(name)}")
            if len(names) > SHOWN:
                typer.echo(f"  and {len(names) - SHOWN} more (--json lists all)")
    typer.echo(f"{found.lines} lines: {'they keep the contract' if not found.problems else 'see above'}")
