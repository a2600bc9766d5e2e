"""``maskgen compose`` and ``import``: scenes with boxes, drawn ones and other people's."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskgen.io.options import from_settings
from maskgen.scenes.settings import RunOptions, Settings

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

app = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Delete the scenes that the folder holds, and begin anew.")
]


@app.command(epilog="Example: maskgen compose people scenes --scenes 8000 --backgrounds places/")
@from_settings
def compose(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATASET... SCENES",
            help="Folders that maskgen generate --crop scene wrote; last, the folder to write.",
        ),
    ],
    make: partial[Settings],
    how: RunOptions,
    as_json: AsJson = False,
) -> None:
    """Put drawn faces together to crowds and other scenes, with their boxes, for a detector to learn from.

    Faces of a split stand in scenes of that split only. Stop it with Ctrl-C, or kill it: the same command goes on.
    """
    import sys

    from maskgen.dataset.engines.local import cores
    from maskgen.scenes import folder
    from maskgen.scenes.preview import contact_sheet

    if len(paths) < 2:
        raise typer.BadParameter("name the datasets and, last, the folder to write", param_hint="DATASET... SCENES")
    settings, output = make(datasets=tuple(str(path) for path in paths[:-1])), paths[-1]
    with _progress_bar("blocks of scenes") as progress:
        summary = folder.make(
            settings,
            output,
            workers=how.workers or cores(),
            overwrite=how.overwrite,
            command=("maskgen", *sys.argv[1:]),
            progress=progress,
        )
    contact_sheet(output, output / "preview.jpg")
    _print(output, summary.counts, summary.seconds, "scenes", as_json)


@app.command("import", epilog="Example: maskgen import labels.json scenes --images photos/ --map mask=with_mask")
def import_coco(
    coco: Annotated[Path, typer.Argument(metavar="COCO.json", help="A COCO file of boxes around faces.")],
    output: Annotated[Path, typer.Argument(metavar="SCENES", help="The folder to write.")],
    images: Annotated[
        Path | None, typer.Option("--images", help="Where its pictures lie; beside it, or in images/, by default.")
    ] = None,
    mapped: Annotated[
        str,
        typer.Option(
            "--map",
            metavar="CATEGORY=LABEL",
            help="What a category is: with_mask, without_mask, incorrect_mask, ignore or skip; with commas between.",
        ),
    ] = "",
    split: Annotated[
        str, typer.Option("--split", help="Shares of train, val and test.", metavar="90/10/0")
    ] = "90/10/0",
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Bring photographs with boxes, annotated elsewhere, into the form of composed scenes."""
    import sys

    from maskgen.dataset.split import parse_fractions
    from maskgen.scenes import importer
    from maskgen.scenes.preview import contact_sheet

    summary = importer.import_coco(
        coco,
        output,
        images=images,
        split=parse_fractions(split),
        meanings=importer.parse_map(mapped),
        overwrite=overwrite,
        command=("maskgen", *sys.argv[1:]),
    )
    contact_sheet(output, output / "preview.jpg")
    _print(output, summary.counts, summary.seconds, "scenes", as_json)


def _print(output: Path, counts: Counter[str], seconds: float, word: str, as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps({"folder": str(output), "counts": dict(sorted(counts.items())), "seconds": seconds}))
        return

    def under(prefix: str) -> list[str]:
        return [f"{n} {key.removeprefix(prefix)}" for key, n in sorted(counts.items()) if key.startswith(prefix)]

    faces = sum(n for key, n in counts.items() if key.startswith("label:"))
    typer.echo(f"{counts[word]} {word} ({', '.join(under('split:'))}) in {seconds:.1f} s")
    typer.echo(f"{faces} faces ({', '.join(under('label:'))}), {counts['ignored']} to be ignored")
    if left_out := under("skipped:"):
        typer.echo(f"left out: {', '.join(left_out)}")
    typer.echo(str(output))


def _progress_bar(words: str) -> Any:
    """A bar on stderr while the run lasts; nothing at all in a pipe."""
    import sys
    from contextlib import contextmanager

    @contextmanager
    def bar() -> Iterator[Any]:
        if not sys.stderr.isatty():
            yield None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn(words), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("", total=None)

            def update(done: int, total: int) -> None:
                shown.update(task, completed=done, total=total)

            yield update

    return bar()
