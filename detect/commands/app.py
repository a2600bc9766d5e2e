"""The third stage's commands: pictures, video and cameras in, who wears a mask out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from detect.labels import LabelBy

app = typer.Typer(help="Find who wears a mask, in pictures, video and live.", no_args_is_help=True)

Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        metavar="FOLDER",
        help="Model folder by maskgen train, or classifier: packaged, of 2 classes (default: classifier3, of 3); "
        "or a bare x.h5, x.keras, x.tflite or SavedModel.",
    ),
]
Scaling = Annotated[
    str | None,
    typer.Option("--scaling", metavar="-1..1|0..1|0..255", help="What a bare model's pixel values are brought to."),
]
Classes = Annotated[
    str | None,
    typer.Option("--classes", metavar="LABEL,LABEL", help="A bare model's outputs in order; default: alphabetical."),
]
Faces = Annotated[
    str, typer.Option("--faces", help="Face detector: auto, fused, onestage, yunet, hog, cnn, haar, ssd or mtcnn.")
]
SmallFaces = Annotated[bool, typer.Option("--small-faces", help="Look a second time at enlarged tiles; slower.")]
FaceScore = Annotated[
    float | None,
    typer.Option("--face-score", help="Least confidence of the face detector, in its own unit; default: its own."),
]
MinScore = Annotated[
    float | None,
    typer.Option(
        "--min-score",
        min=0,
        max=1,
        help="Least confidence, face score x label's probability; less shows more, dashed. Default: nine of ten right.",
    ),
]
LabelsBy = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="detector|classifier|both",
        help="Who says what a face wears; default: what --model names, without it both where both can.",
    ),
]
Recheck = Annotated[
    float, typer.Option("--recheck", min=0, help="Seconds until a settled face is classified again; 0: every frame.")
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, max=64, help="Pictures worked on at once; default: up to 4.")
]
Blur = Annotated[
    bool, typer.Option("--blur", help="Hide every face, and what might be one, in whatever leaves the program.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on stdout.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="CSV on stdout, one row a face.")]


Every = Annotated[int, typer.Option("--every", min=1, help="Look for faces in every n-th frame only.")]
MaxFps = Annotated[
    float | None, typer.Option("--max-fps", min=0.01, help="Drop frames beyond this rate.", show_default="keep all")
]
Counts = Annotated[
    str | None, typer.Option("--counts", metavar="second|minute", help="CSV of people counts on stdout.")
]
Page = Annotated[
    bool | None, typer.Option("--page/--window", help="Show a page, or a window; default: a window where there is one.")
]
Host = Annotated[
    str, typer.Option("--host", help="Address the page listens on; other than 127.0.0.1 asks for a token.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0 takes a free one.")]
Token = Annotated[str | None, typer.Option("--token", help="The page's token; default: a new one where one is needed.")]
Video = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE.mp4", help="Write annotated H.264 video here.")
]
Segment = Annotated[
    str | None,
    typer.Option("--segment", metavar="10m", help="Write files of this length: FILE-0001.mp4, FILE-0002.mp4 ..."),
]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.01, help="Stop after so many seconds.")]
GiveUp = Annotated[
    float, typer.Option("--give-up", min=0, help="Seconds a camera that drops, or does not answer, is tried again.")
]


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
    scaling: Scaling = None,
    classes: Classes = None,
    faces: Faces = "auto",
    small_faces: SmallFaces = False,
    face_score: FaceScore = None,
    min_score: MinScore = None,
    threads: Threads = None,
    labels: LabelsBy = None,
) -> None:
    """Find the faces in PATHS and say who wears a mask.

    Without options a table for people. Nothing is stored unless --output asks.
    """
    from detect.commands import image as command

    raise typer.Exit(
        command.run(
            paths,
            output=output,
            form=_form(json, csv, plain="table"),
            blur=blur,
            overwrite=overwrite,
            model=model,
            scaling=scaling,
            classes=_listed(classes),
            faces=faces,
            small_faces=small_faces,
            face_score=face_score,
            min_score=min_score,
            threads=threads,
            labels=_labels(labels),
        )
    )


@app.command()
def video(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A video file, or the address of one.")],
    output: Video = None,
    segment: Segment = None,
    json: AsJson = False,
    csv: AsCsv = False,
    counts: Counts = None,
    blur: Blur = False,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="Keep the sound in the written video.")] = True,
    overwrite: Overwrite = False,
    every: Every = 1,
    recheck: Recheck = 0.15,
    max_fps: MaxFps = None,
    model: Model = None,
    scaling: Scaling = None,
    classes: Classes = None,
    faces: Faces = "auto",
    small_faces: SmallFaces = False,
    face_score: FaceScore = None,
    min_score: MinScore = None,
    threads: Threads = None,
    labels: LabelsBy = None,
    preset: Annotated[str, typer.Option("--preset", help="x264's preset: ultrafast to veryslow.")] = "veryfast",
) -> None:
    """Find who wears a mask in every frame of a video.

    Without options one line for every face that came, changed or left. Nothing is stored unless --output asks.
    """
    form = _form(json, csv, counts)
    from detect.commands import video as command

    looking = command.Looking(
        model,
        faces,
        small_faces,
        face_score,
        threads,
        every,
        recheck,
        max_fps,
        blur,
        _labels(labels),
        scaling,
        _listed(classes),
        min_score,
    )
    raise typer.Exit(
        command.video(
            file,
            looking=looking,
            output=output,
            sound=sound,
            overwrite=overwrite,
            form=form,
            preset=preset,
            segment=_segment(segment, output),
        )
    )


@app.command()
def webcam(
    source: Annotated[
        str, typer.Argument(metavar="[SOURCE]", help="Camera number, rtsp:// or http:// address, or a video file.")
    ] = "0",
    page: Page = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Token = None,
    output: Video = None,
    segment: Segment = None,
    json: AsJson = False,
    csv: AsCsv = False,
    counts: Counts = None,
    blur: Blur = False,
    overwrite: Overwrite = False,
    every: Every = 1,
    recheck: Recheck = 0.15,
    max_fps: MaxFps = None,
    seconds: Seconds = None,
    give_up: GiveUp = 60.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin a file again at its end.")] = False,
    model: Model = None,
    scaling: Scaling = None,
    classes: Classes = None,
    faces: Faces = "auto",
    small_faces: SmallFaces = False,
    face_score: FaceScore = None,
    min_score: MinScore = None,
    threads: Threads = None,
    labels: LabelsBy = None,
) -> None:
    """Watch a camera or stream in a window, or on a page where there is no window.

    In the window q quits, s saves the picture, space pauses.
    """
    form = _form(json, csv, counts)
    from detect.commands import video as command

    raise typer.Exit(
        command.live(
            source,
            looking=command.Looking(
                model,
                faces,
                small_faces,
                face_score,
                threads,
                every,
                recheck,
                max_fps,
                blur,
                _labels(labels),
                scaling,
                _listed(classes),
                min_score,
            ),
            showing=command.Showing(page, host, port, token),
            output=output,
            segment=_segment(segment, output),
            overwrite=overwrite,
            form=form,
            loop=loop,
            seconds=seconds,
            give_up_s=give_up,
        )
    )


@app.command()
def serve(
    source: Annotated[
        str, typer.Argument(metavar="[SOURCE]", help="Camera number, rtsp:// or http:// address, or a video file.")
    ] = "0",
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Token = None,
    blur: Blur = False,
    every: Every = 1,
    recheck: Recheck = 0.15,
    max_fps: MaxFps = None,
    seconds: Seconds = None,
    give_up: GiveUp = 60.0,
    model: Model = None,
    scaling: Scaling = None,
    classes: Classes = None,
    faces: Faces = "auto",
    small_faces: SmallFaces = False,
    face_score: FaceScore = None,
    min_score: MinScore = None,
    threads: Threads = None,
    labels: LabelsBy = None,
) -> None:
    """Show a source as a live page; a file begins again at its end.

    The same as webcam --page --loop: picture, people now, share masked, a chart, events.
    """
    from detect.commands import video as command

    raise typer.Exit(
        command.live(
            source,
            looking=command.Looking(
                model,
                faces,
                small_faces,
                face_score,
                threads,
                every,
                recheck,
                max_fps,
                blur,
                _labels(labels),
                scaling,
                _listed(classes),
                min_score,
            ),
            showing=command.Showing(True, host, port, token),
            output=None,
            overwrite=False,
            form="events",
            loop=True,
            seconds=seconds,
            give_up_s=give_up,
        )
    )


def _listed(words: str | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(word.strip() for word in words.split(","))


def _segment(length: str | None, output: Path | None) -> str | None:
    if length is not None and output is None:
        raise typer.BadParameter("--segment says how --output is cut; name a file with --output")
    return length


def _labels(name: str | None) -> LabelBy | None:
    if name is None or name in ("detector", "classifier", "both"):
        return cast("LabelBy | None", name)
    raise typer.BadParameter(f"--labels takes detector, classifier or both, got {name}")


def _form(json: bool, csv: bool, counts: str | None = None, plain: str = "events") -> str:
    if json + csv + (counts is not None) > 1:
        raise typer.BadParameter("--json, --csv and --counts all want stdout; choose one")
    if counts not in (None, "second", "minute"):
        raise typer.BadParameter(f"--counts takes second or minute, got {counts}")
    return "json" if json else "csv" if csv else counts or plain
