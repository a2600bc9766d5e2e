"""``maskgen detect video``, ``webcam`` and ``serve``: a source into sinks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detect.commands.common import Ticker, default_threads, note, say, ticking
from detect.commands.hints import mention_yunet
from detect.detector import Detector
from detect.labels import LabelBy
from detect.outputs.base import Sink
from detect.outputs.text import CountRows, CsvRows, EventLines, JsonLines
from detect.results import Event, FrameResult
from detect.run import Summary, run
from detect.sources import open_source
from detect.sources.base import Source
from detect.stream import Watch, watch
from maskgen import interrupt
from maskgen.cli.console import printable
from maskgen.errors import InputError, SourceError

if TYPE_CHECKING:
    from detect.outputs.recording import Mp4Sink

PERIODS_S = {"second": 1.0, "minute": 60.0}


@dataclass(frozen=True, slots=True)
class Looking:
    """How to look: the options that every moving source shares."""

    model: Path | None
    faces: str
    small_faces: bool
    face_score: float | None
    threads: int | None
    every: int
    recheck_s: float
    max_fps: float | None
    blur: bool
    labels: LabelBy | None = None
    scaling: str | None = None
    classes: Sequence[str] | None = None
    min_score: float | None = None

    def __post_init__(self) -> None:
        if self.blur and self.every > 1:
            raise InputError(f"--blur looks at every frame, so that no face slips through; leave --every {self.every}")

    def detector(self) -> Detector:
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
class Showing:
    """How to show a live source.

    Attributes:
        page: True for the page, False for the window, None for a window where
            there is one, else the page.
    """

    page: bool | None
    host: str
    port: int
    token: str | None


def text_sink(form: str, labels: Sequence[str]) -> Sink:
    """What goes to stdout: ``json``, ``csv``, ``events``, ``second`` or ``minute``."""
    if form == "json":
        return JsonLines(sys.stdout)
    if form == "csv":
        return CsvRows(sys.stdout, labels)
    if form in PERIODS_S:
        return CountRows(sys.stdout, labels, PERIODS_S[form])
    return EventLines(sys.stdout)


def video(
    file: str,
    *,
    looking: Looking,
    output: Path | None,
    sound: bool,
    overwrite: bool,
    form: str,
    preset: str,
    segment: str | None = None,
) -> int:
    """Every frame of a file.

    Returns:
        The exit code.
    """
    if file.isdigit() and not Path(file).exists():
        raise InputError(f"no file is called {file}; for camera {file}: maskgen detect webcam {file}")
    source = open_source(file)
    try:
        if source.live:
            raise InputError(f"{source.name} is live and has no end; use: maskgen detect webcam {source.name}")
        detector = looking.detector()
        sinks = [text_sink(form, detector.labels)]
        if output is not None:
            sinks.append(_mp4(output, file, source, sound=sound, overwrite=overwrite, preset=preset, segment=segment))
    except BaseException:
        source.close()
        raise
    return _run(detector, source, sinks, looking, form)


def live(
    spec: str,
    *,
    looking: Looking,
    showing: Showing,
    output: Path | None,
    overwrite: bool,
    form: str,
    loop: bool,
    seconds: float | None,
    give_up_s: float,
    segment: str | None = None,
) -> int:
    """The newest frames of a camera or stream, in a window or on a page.

    Returns:
        The exit code.
    """
    source = open_source(spec, live=True, loop=loop, give_up_s=give_up_s)
    sinks: list[Sink] = []
    try:
        if not source.live:
            raise InputError(f"{source.name} is no moving source; use: maskgen detect image {source.name}")
        detector = looking.detector()
        sinks.append(text_sink(form, detector.labels))
        if output is not None:
            sinks.append(
                _mp4(output, spec, source, sound=False, overwrite=overwrite, preset="veryfast", segment=segment)
            )
        sinks.append(_shown(showing, detector.labels, source.name))
    except BaseException:
        source.close()
        for sink in sinks:
            sink.close()
        raise
    return _run(detector, source, sinks, looking, form, seconds=seconds)


def _shown(showing: Showing, labels: Sequence[str], name: str) -> Sink:
    from maskgen import display

    window = showing.page is False or (showing.page is None and display.has_window())
    if window:
        if not display.has_window():
            raise InputError(f"no window here ({display.probe().reason}); leave --window out for a page")
        from detect.outputs.window import TITLE, Window

        note(TITLE)
        return Window()
    from detect.outputs.page import LivePage

    page = LivePage(labels, name, showing.host, showing.port, showing.token)
    note(f"open {page.url} in a browser; Ctrl-C ends")
    return page


def _mp4(
    output: Path,
    spec: str,
    source: Source,
    *,
    sound: bool,
    overwrite: bool,
    preset: str,
    segment: str | None = None,
) -> Mp4Sink:
    from detect.outputs.mp4 import Mp4Writer
    from detect.outputs.recording import Mp4Sink, Recording, length_s, segments
    from detect.sources.video import VideoFile

    if Path(spec).exists() and output.exists() and output.samefile(spec):
        raise InputError(f"{output} is the video itself; choose another --output")
    if segment is not None and overwrite:
        raise InputError("--segment numbers its files on and replaces none; leave out --overwrite")
    recorded = source if isinstance(source, VideoFile) else None

    def writer(path: Path) -> Mp4Writer:
        sound_from = recorded.address if recorded is not None and sound else None
        return Mp4Writer(path, source.rate, sound_from=sound_from, overwrite=overwrite, preset=preset)

    if segment is None:
        recording = Recording.of(writer(output))
    else:
        recording = Recording(segments(output, writer), length_s(segment))
    start_s: Callable[[], float] | None = (lambda: recorded.start_s) if recorded is not None else None
    return Mp4Sink(recording, start_s)


def _run(
    detector: Detector,
    source: Source,
    sinks: Sequence[Sink],
    looking: Looking,
    form: str,
    *,
    seconds: float | None = None,
) -> int:
    summary, events = Summary(), Events()
    began = time.monotonic()
    code = 0
    with ticking() as ticker:
        try:
            watch = _watch(detector, source, sinks, looking)
            run(
                watch,
                [*sinks, events],
                summary,
                blur=looking.blur,
                seconds=seconds,
                on_frame=lambda frame: _progress(ticker, frame, source, summary, began),
            )
        except SourceError as error:
            # What was read until then is written; the line comes after the summary.
            ticker.clear()
            note(f"maskgen: {printable(error)}")
            code = 1
        except KeyboardInterrupt:
            ticker.clear()
            code = interrupt.exit_code()
    recordings = [sink.recording for sink in sinks if hasattr(sink, "recording")]
    _summarise(summary, events, form, [path for recording in recordings for path in recording.files])
    for recording in recordings:
        if recording.problem is not None:
            note(f"maskgen: {printable(recording.problem)}")
            code = code or 1
    return code


def _watch(detector: Detector, source: Source, sinks: Sequence[Sink], looking: Looking) -> Watch:
    """Begin to watch; whatever keeps that from happening closes what was opened for it."""
    try:
        return watch(detector, source, every=looking.every, max_fps=looking.max_fps, recheck_s=looking.recheck_s)
    except BaseException:
        source.close()
        for sink in sinks:
            sink.close(())
        raise


class Events:
    """Counts events by label, for the summary."""

    wants_picture = False

    def __init__(self) -> None:
        self.by_label: dict[str, int] = {}

    def write(self, frame: FrameResult, picture: object) -> None:
        self._count(frame.events)

    def close(self, events: Sequence[Event] = ()) -> None:
        self._count(events)

    def _count(self, events: Sequence[Event]) -> None:
        for event in events:
            self.by_label[event.label] = self.by_label.get(event.label, 0) + 1


def _progress(ticker: Ticker, frame: FrameResult, source: Source, summary: Summary, began: float) -> None:
    elapsed_s = max(time.monotonic() - began, 1e-3)
    of = f" of {source.duration_s:.0f}" if source.duration_s else ""
    ticker.show(f"{frame.time_s:.0f}{of} s, {summary.frames / elapsed_s:.0f} frames/s, {len(frame.faces)} faces")


def _summarise(summary: Summary, events: Events, form: str, written: Sequence[Path]) -> None:
    rate = summary.frames / summary.elapsed_s if summary.elapsed_s > 0 else 0.0
    text = f"{summary.frames} frames, {summary.time_s:.1f} s, {summary.faces} faces; {rate:.0f} frames/s"
    if events.by_label:
        text += "; " + ", ".join(f"{count} x {label}" for label, count in sorted(events.by_label.items()))
    if written:
        text += f"; written to {printable(written[0])}"
        text += f" and {len(written) - 1} more, the last {printable(written[-1])}" if len(written) > 1 else ""
    (say if form == "events" else note)(text)
