"""Runs ``generate``: plans the photos, has them done, records the outcomes, resumes.

The inputs are streamed, the engine does the photos in any order and hands the
outcomes back in the order of the inputs, and only then are they recorded. So
the folder's bytes depend on the inputs and the settings alone: not on the
number of workers, and not on how often the run was killed.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Final

from maskgen import interrupt
from maskgen.dataset import wardrobe
from maskgen.dataset.counts import under
from maskgen.dataset.disk import disk_trouble
from maskgen.dataset.engines import ENGINES
from maskgen.dataset.engines.base import Engine, Job, Task
from maskgen.dataset.inputs import Unusable, absent, count_inputs, iter_inputs
from maskgen.dataset.journal import Journal
from maskgen.dataset.names import encode_path
from maskgen.dataset.record import SKIPPED
from maskgen.dataset.recorder import Recorder, forget
from maskgen.dataset.run_folder import RunFolder
from maskgen.dataset.settings import RunOptions, Settings
from maskgen.errors import InputError, MaskgenError
from maskgen.occluders.registry import OCCLUDERS

FACTORY: Final = "maskgen.dataset.worker:open_worker"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    Attributes:
        counts: of this run, by word: ``photos``, ``images``, ``skipped``,
            ``skipped:no_face``, ``already`` and others.
        total: photos among the inputs, None while they are still counted.
        elapsed_s: since the run began.
    """

    counts: Counter[str]
    total: int | None
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes:
        folder: the dataset folder.
        counts: of this run.
        totals: of the folder, with all runs before.
        elapsed_s: of this run.
        interrupted: it was stopped before the end.
    """

    folder: str
    counts: Counter[str]
    totals: Counter[str]
    elapsed_s: float
    interrupted: bool = False

    def reasons(self) -> list[tuple[str, int]]:
        """Why photos of this folder gave nothing, the commonest first."""
        found = [(k.removeprefix("skipped:"), n) for k, n in self.totals.items() if k.startswith("skipped:") and n > 0]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": self.folder,
            "photos": self.totals["photos"],
            "images": self.totals["images"],
            "skipped": dict(self.reasons()),
            "labels": under(self.totals, "label:"),
            "splits": under(self.totals, "split:"),
            "rejected_faces": under(self.totals, "rejected:"),
            "this_run": {
                "photos": self.counts["photos"],
                "images": self.counts["images"],
                "already_done": self.counts["already"],
                "elapsed_s": round(self.elapsed_s, 3),
                "photos_per_s": round(self.counts["photos"] / self.elapsed_s, 2) if self.elapsed_s else 0.0,
            },
            "interrupted": self.interrupted,
        }


@dataclass(slots=True)
class Run(RunOptions):
    """How a run is carried out; nothing here changes a byte of the dataset.

    Attributes:
        engine: ``local``, ``ray`` or ``inline`` (this process).
        workers: processes; 0 for as many as there are cores.
        timeout_s: how long a photo may take without one more image, for each face in an image.
        ray_address: of a running cluster, None to start one here.
        overwrite: delete the dataset that is there.
        retry: reasons whose skipped photos are tried again; ``all`` for every.
        on_progress: called now and then from this thread.
        factory: what builds a worker; tests put their own here.
        stop: set it to end the run after the photos in hand.
    """

    on_progress: Callable[[Progress], None] | None = None
    factory: str = FACTORY
    command: tuple[str, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)


def generate(inputs: Sequence[str], settings: Settings, run: Run | None = None) -> Summary:
    """Write a dataset folder, or go on with one.

    Args:
        inputs: files, folders and addresses.
        settings: what to draw, and where to.
        run: how.

    Raises:
        InputError: an input or setting cannot be used, the folder belongs to
            something else or to other settings, or nothing at all could be
            done.
        MaskgenError: the disk is full, the folder has gone, workers do not
            start. The same command goes on afterwards.
    """
    run = run or Run()
    began = time.monotonic()
    _check_inputs(inputs)
    masks = wardrobe.masks_in_use(settings)
    wardrobe.check_wears(settings, masks)
    settings = replace(settings, wardrobe=settings.wardrobe or wardrobe.digest(masks, OCCLUDERS.plugins))
    folder = RunFolder.claim(settings, overwrite=run.overwrite, command=run.command, engine=run.engine)
    with disk_trouble(settings.output), Journal(folder.desk) as journal:
        if run.retry:
            forget(journal, folder.desk, run.retry)
        if journal.unclean:
            folder.sweep(journal)
        folder.record(journal.counts, 0.0, finished=False)
        counts, interrupted = _loop(inputs, folder, journal, run, began)
    summary = Summary(settings.output, counts, Counter(journal.counts), time.monotonic() - began, interrupted)
    folder.record(summary.totals, summary.elapsed_s, finished=not interrupted)
    if not interrupted and not summary.totals["images"]:
        why = ", ".join(f"{n} {reason}" for reason, n in summary.reasons()[:4])
        raise InputError(
            f"nothing could be done: {summary.totals['photos']} files, none gave an image"
            + (f" ({why}); see {settings.output}/{SKIPPED}" if why else "; the inputs hold no files")
        )
    return summary


def _check_inputs(inputs: Sequence[str]) -> None:
    if not inputs:
        raise InputError("no photos given; name files or folders")
    missing = [item for item in inputs if absent(item)]
    if len(missing) == len(inputs):
        raise InputError(f"no file or folder at {encode_path(missing[0])[0]}")


def _loop(
    inputs: Sequence[str], folder: RunFolder, journal: Journal, run: Run, began: float
) -> tuple[Counter[str], bool]:
    """Do the photos that are left.

    Returns:
        What this run did, by word, and whether it was interrupted.
    """
    counts: Counter[str] = Counter()
    output = folder.settings.output
    reporter = _Reporter(run, counts, began)
    reporter.count(inputs, output)
    recorder = Recorder(journal, folder.store, counts)
    engine = open_engine(folder.settings, run)
    with interrupt.stopping(run.stop):
        with closing(engine.run(_tasks(inputs, output, journal, counts), run.stop)) as outcomes:
            for outcome in outcomes:
                if outcome.fatal:
                    raise MaskgenError(outcome.fatal)
                recorder.take(outcome)
                folder.checkpoint(journal)
                reporter.report()
        interrupted = run.stop.is_set()
    if recorder.unsure:
        folder.sweep(journal)
    reporter.report(always=True)
    return counts, interrupted


class _Reporter:
    """Tells ``run.on_progress`` how far a run is, ten times a second at most."""

    def __init__(self, run: Run, counts: Counter[str], began: float) -> None:
        self._run, self._counts, self._began = run, counts, began
        self._total: int | None = None
        self._reported = 0.0

    def count(self, inputs: Sequence[str], output: str) -> None:
        """Count the inputs beside the work, if anybody is to be told."""

        def total() -> None:
            self._total = count_inputs(inputs, output, self._run.stop)

        if self._run.on_progress is not None:
            threading.Thread(target=total, daemon=True).start()

    def report(self, *, always: bool = False) -> None:
        now = time.monotonic()
        if self._run.on_progress is not None and (always or now - self._reported >= 0.1):
            self._reported = now
            self._run.on_progress(Progress(self._counts, self._total, now - self._began))


def _tasks(inputs: Sequence[str], output: str, journal: Journal, counts: Counter[str]) -> Iterator[Task]:
    """The photos that are not done yet, in the order of the inputs."""
    number = 0
    for item in iter_inputs(inputs, output):
        path = item.source if isinstance(item, Unusable) else item
        if path in journal:
            counts["already"] += 1
            continue
        if isinstance(item, Unusable):
            yield Task(number, path, item.reason, item.detail)
        else:
            yield Task(number, path)
        number += 1


def open_engine(settings: Settings, run: Run) -> Engine:
    """The engine that ``run`` names.

    Raises:
        InputError: there is no such engine, or its package is not installed.
    """
    job = Job(run.factory, settings.to_json(), run.workers, run.timeout_s, run.ray_address)
    return ENGINES.load(run.engine)(job)
