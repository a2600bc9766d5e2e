"""The third stage's commands: pictures, video and cameras in, who wears a mask out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Find who wears a mask, in pictures, video and live.", no_args_is_help=True)

Model = Annotated[
    Path | None,
    typer.Option("--model", "-m", metavar="FOLDER", help="Model folder by maskgen train; default: the packaged one."),
]
Faces = Annotated[str, typer.Option("--faces", help="Face detector: auto, yunet, hog, cnn, haar, ssd or mtcnn.")]
SmallFaces = Annotated[bool, typer.Option("--small-faces", help="Look a second time at enlarged tiles; slower.")]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, max=64, help="Pictures worked on at once; default: up to 4.")
]
Blur = Annotated[bool, typer.Option("--blur", help="Hide every face in whatever leaves the program.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on stdout.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="CSV on stdout, one row a face.")]


@app.callback()
def _detect() -> None:
    """Find who wears a mask, in pictures, video and live."""


@app.command()
def image(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATHS...", help="Files, folders, patterns; - for a picture on stdin.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write annotated copies here.")
    ] = None,
    json: AsJson = False,
    csv: AsCsv = False,
    blur: Blur = False,
    overwrite: Overwrite = False,
    model: Model = None,
    faces: Faces = "auto",
    small_faces: SmallFaces = False,
    threads: Threads = None,
) -> None:
    """Find the faces in PATHS and say who wears a mask.

    Without options a table for people. Nothing is stored unless --output asks.
    """
    from detect.commands import image as command

    raise typer.Exit(
        command.run(
            paths,
            output=output,
            form=_form(json, csv),
            blur=blur,
            overwrite=overwrite,
            model=model,
            faces=faces,
            small_faces=small_faces,
            threads=threads,
        )
    )


def _form(json: bool, csv: bool) -> str:
    if json and csv:
        raise typer.BadParameter("--json and --csv both want stdout; choose one")
    return "json" if json else "csv" if csv else "table"
