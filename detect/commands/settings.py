"""Settings that the commands of detect share: what finds faces, how often, what is printed, written and shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from maskgen.errors import InputError
from maskgen.io import options
from maskgen.io.options import option

if TYPE_CHECKING:
    from detect.detector import Detector

LabelsBy = Literal["detector", "classifier", "both"]
Period = Literal["second", "minute"]

_FINDS, _OFTEN, _WRITTEN, _PAGE = "What finds faces", "How often it looks", "What is written", "The page"


def _listed(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(","))


@dataclass(frozen=True, slots=True)
class Printed:
    """What goes to stdout."""

    json: bool = option(False, "JSON lines on stdout.")
    csv: bool = option(False, "CSV on stdout, one row a face.")

    def form(self, plain: str) -> str:
        """What is printed: ``json``, ``csv``, or ``plain``, which is for people."""
        import typer

        chosen = [form for form, wanted in self.forms().items() if wanted]
        if len(chosen) > 1:
            raise typer.BadParameter("--json, --csv and --counts all want stdout; choose one")
        return chosen[0] if chosen else plain

    def forms(self) -> dict[str, bool]:
        return {"json": self.json, "csv": self.csv}


@dataclass(frozen=True, slots=True)
class FramesPrinted(Printed):
    """What goes to stdout of moving pictures."""

    counts: Period | None = option(None, "CSV of people counts on stdout.", metavar="second|minute")
    to: tuple[str, ...] = option(
        (),
        "Write there too: json, csv, events, second or minute, or a plug-in.",
        group=_WRITTEN,
        metavar="NAME=WHERE",
        typed=list[str],
        read=tuple,
        show=list,
    )

    def forms(self) -> dict[str, bool]:
        return {"json": self.json, "csv": self.csv, str(self.counts): self.counts is not None}


@dataclass(frozen=True, slots=True)
class Finding:
    """How faces are found and judged, in pictures of any kind."""

    model: Path | None = option(
        None,
        "Or classifier (2 classes), or a bare .h5, .keras, .tflite.",
        "--model",
        "-m",
        metavar="FOLDER",
        shown="classifier3",
    )
    blur: bool = option(False, "Hide every face, or what might be one, in what leaves the program.")
    labels: LabelsBy | None = option(
        None,
        "Who says what a face wears.",
        group=_FINDS,
        shown="as --model says, else both",
    )
    faces: str = option(
        "auto", "auto, fused, onestage, yunet, hog, cnn, haar, ssd or mtcnn.", group=_FINDS, metavar="NAME"
    )
    small_faces: bool = option(False, "Look a second time at enlarged tiles; slower.", group=_FINDS)
    min_score: float | None = option(
        None,
        "Least confidence: face score x label's probability. Less shows more, dashed.",
        metavar="X",
        least=0,
        most=1,
        shown="nine of ten right",
    )
    face_score: float | None = option(
        None, "Least score of a face.", group=_FINDS, metavar="X", shown="the detector's own"
    )
    scaling: str | None = option(None, "Of pixels, for a bare model.", group=_FINDS, metavar="-1..1|0..1|0..255")
    classes: tuple[str, ...] | None = option(
        None,
        "A bare model's outputs, in order.",
        group=_FINDS,
        metavar="LABEL,LABEL",
        shown="alphabetical",
        typed=str | None,
        read=_listed,
    )
    threads: int | None = option(None, "Pictures worked on at once.", group=_FINDS, least=1, most=64, shown="up to 4")

    def __post_init__(self) -> None:
        options.check(self)

    def detector(self) -> Detector:
        """Load what finds and judges."""
        from detect.commands.common import default_threads
        from detect.commands.hints import mention_yunet
        from detect.detector import Detector

        detector = Detector.load(
            self.model,
            faces=self.faces,
            threads=self.threads or default_threads(),
            small_faces=self.small_faces,
            min_face_score=self.face_score,
            labels=self.labels,
            scaling=self.scaling,
            classes=self.classes,
            min_score=self.min_score,
        )
        mention_yunet(detector)
        return detector


@dataclass(frozen=True, slots=True)
class Looking(Finding):
    """How to look at moving pictures."""

    every: int = option(1, "Look for faces in every n-th frame only.", group=_OFTEN, least=1)
    recheck_s: float = option(
        0.15, "Seconds until a face is judged again; 0: every frame.", "--recheck", group=_OFTEN, least=0
    )
    max_fps: float | None = option(
        None, "Drop frames beyond this rate.", group=_OFTEN, metavar="X", least=0.01, shown="keep all"
    )

    def __post_init__(self) -> None:
        options.check(self)
        if self.blur and self.every > 1:
            raise InputError(f"--blur looks at every frame, so that no face slips through; leave --every {self.every}")


@dataclass(frozen=True, slots=True)
class Copies:
    """Annotated pictures."""

    output: Path | None = option(None, "Write annotated copies here.", "--output", "-o", metavar="DIR")
    overwrite: bool = option(False, "Replace files that exist.")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Annotated video."""

    output: Path | None = option(None, "Write annotated H.264 video here.", "--output", "-o", metavar="FILE.mp4")
    segment: str | None = option(
        None, "Length of each file: FILE-0001.mp4, FILE-0002.mp4 ...", group=_WRITTEN, metavar="10m"
    )
    overwrite: bool = option(False, "Replace files that exist.", group=_WRITTEN)

    def __post_init__(self) -> None:
        if self.segment is not None and self.output is None:
            import typer

            raise typer.BadParameter("--segment says how --output is cut; name a file with --output")


@dataclass(frozen=True, slots=True)
class FileRecorded(Recorded):
    """Annotated video of a video file."""

    sound: bool = option(True, "Keep the sound.", group=_WRITTEN)
    preset: str = option("veryfast", "Of x264: ultrafast to veryslow.", group=_WRITTEN, metavar="NAME")


@dataclass(frozen=True, slots=True)
class Page:
    """Where the live page is."""

    host: str = option(
        "127.0.0.1", "What the page listens on; another asks for a token.", group=_PAGE, metavar="ADDRESS"
    )
    port: int = option(8000, "Its port; 0 takes a free one.", group=_PAGE, least=0, most=65535)
    token: str | None = option(None, "Its token.", group=_PAGE, shown="a new one where one is needed")


@dataclass(frozen=True, slots=True)
class Shown(Page):
    """How a live source is shown: True for the page, False for the window, None for a window where there is one."""

    page: bool | None = option(
        None, "On a page, or in a window.", "--page/--window", shown="a window where there is one"
    )


@dataclass(frozen=True, slots=True)
class Live:
    """How long a live source is watched."""

    seconds: float | None = option(None, "Stop after so many seconds.", least=0.01)
    give_up_s: float = option(60.0, "Seconds a silent camera is tried again.", "--give-up", least=0)


@dataclass(frozen=True, slots=True)
class Camera(Live):
    """How long a camera, or a file in place of one, is watched."""

    loop: bool = option(False, "Begin a file again at its end.")
