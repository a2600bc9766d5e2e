"""The third stage's commands: pictures, video and cameras in, who wears a mask out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from detect.commands.settings import (
    Camera,
    Copies,
    FileRecorded,
    Finding,
    FramesPrinted,
    Live,
    Looking,
    Page,
    Printed,
    Recorded,
    Shown,
)
from maskgen.io.options import from_settings

app = typer.Typer(help="Find who wears a mask, in pictures, video and live.", no_args_is_help=True)

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Camera number, rtsp:// or http:// address, or a video file.")
]


@app.callback()
def _detect() -> None:
    """Find who wears a mask, in pictures, video and live."""


@app.command(epilog="Example: maskgen detect image photos/ --output annotated --csv")
@from_settings
def image(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATHS...", help="Files, folders, patterns; - for a picture on stdin.")
    ],
    copies: Copies,
    printed: Printed,
    finding: Finding,
) -> None:
    """Find the faces in PATHS and say who wears a mask.

    Without options a table for people. Nothing is stored unless --output asks.
    """
    form = printed.form("table")
    from detect.commands import image as command

    raise typer.Exit(command.run(paths, finding, copies, form))


@app.command(epilog="Example: maskgen detect video street.mp4 --output annotated.mp4 --blur")
@from_settings
def video(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A video file, or the address of one.")],
    recorded: FileRecorded,
    printed: FramesPrinted,
    looking: Looking,
) -> None:
    """Find who wears a mask in every frame of a video.

    Without options one line for every face that came, changed or left. Nothing is stored unless --output asks.
    """
    form = printed.form("events")
    from detect.commands import video as command

    raise typer.Exit(command.video(file, looking, recorded, printed, form))


@app.command(epilog="Example: maskgen detect webcam rtsp://camera/stream --page --counts minute")
@from_settings
def webcam(
    shown: Shown,
    recorded: Recorded,
    printed: FramesPrinted,
    camera: Camera,
    looking: Looking,
    source: Source = "0",
) -> None:
    """Watch a camera or stream in a window, or on a page where there is no window.

    In the window q quits, s saves the picture, space pauses.
    """
    form = printed.form("events")
    from detect.commands import video as command

    raise typer.Exit(command.live(source, looking, shown, camera, recorded, printed, form))


@app.command(epilog="Example: maskgen detect serve 0 --host 0.0.0.0 --port 8080")
@from_settings
def serve(page: Page, live: Live, looking: Looking, source: Source = "0") -> None:
    """Show a source as a live page; a file begins again at its end.

    The same as webcam --page --loop: picture, people now, share masked, a chart, events.
    """
    from detect.commands import video as command

    shown, camera = Shown(**asdict(page), page=True), Camera(**asdict(live), loop=True)
    raise typer.Exit(command.live(source, looking, shown, camera, Recorded(), FramesPrinted(), "events"))
