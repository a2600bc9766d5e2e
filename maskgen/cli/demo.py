"""``maskgen demo``: the whole way on two portraits, with no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; index.html shows it all.")] = Path(
        "maskgen-demo"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier demo.")] = False,
) -> None:
    """Go the whole way on two public-domain portraits and show it on a page.

    Masks on both, a dataset, a short training run on one, a test on the other, detection on both. A demonstration,
    not an evaluation. Needs no network; takes about a minute.
    """
    from maskgen.cli.showcase import run

    done = run(folder, overwrite=overwrite, say=lambda line: typer.echo(f"maskgen: {line}", err=True))
    score = done.evaluation["balanced_accuracy"]["value"]
    typer.echo(
        f"balanced accuracy {score:.1%} on {done.evaluation['n']} pictures of the other person: "
        "a demonstration, not an evaluation"
    )
    typer.echo(f"{done.page} ({done.elapsed_s:.0f} s)")
