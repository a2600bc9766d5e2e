"""Many photos: plan, resume, count.

The inputs are streamed, the engine does the photos in any order and hands the
outcomes back in the order of the inputs, and only then are they recorded. So
the folder's bytes depend on the inputs and the settings alone: not on the
number of workers, and not on how often the run was killed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from maskgen import interrupt
from maskgen.dataset.engines import ENGINES
from maskgen.dataset.engines.base import Engine, Job, Outcome, Task
from maskgen.dataset.journal import REJECTED, Journal, stem_of_file
from maskgen.dataset.record import SKIPPED, Skip, drawn_from, encode_path
from maskgen.dataset.run_folder import Checkpoint, claim, disk_trouble, local_folder, publish, sweep, under, write_run
from maskgen.dataset.settings import RunOptions, Settings
from maskgen.dataset.storage import Store, Unusable, is_url, iter_inputs, open_store
from maskgen.errors import InputError, MaskgenError
from maskgen.io.registry import Plugin
from maskgen.occluders.registry import OCCLUDERS

log = logging.getLogger(__name__)

FACTORY: Final = "maskgen.dataset.worker:open_worker"

BROKEN_OFF: Final = frozenset({"timeout", "worker_died"})
"""Reasons for which a worker was ended in the middle of a photo."""


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
    if not inputs:
        raise InputError("no photos given; name files or folders")
    missing = [path for path in inputs if not is_url(path) and not os.path.lexists(path)]
    if len(missing) == len(inputs):
        raise InputError(f"no file or folder at {encode_path(missing[0])[0]}")
    masks = masks_in_use(settings)
    check_wears(settings, masks)
    settings = replace(settings, wardrobe=settings.wardrobe or wardrobe_digest(masks, OCCLUDERS.plugins))
    store = open_store(settings.output)
    local = local_folder(settings.output)
    settings = claim(store, local, settings, overwrite=run.overwrite)
    with disk_trouble(settings.output), Journal(local) as journal:
        if run.retry:
            _retry(journal, local, run.retry)
        if journal.unclean:
            sweep(store, journal)
        told: dict[str, Any] = {"command": run.command, "engine": run.engine}
        write_run(local, settings, journal.counts, 0.0, finished=False, **told)
        publish(store, local)
        summary = _loop(inputs, settings, run, journal, store, began, Checkpoint(store, local, journal))
    write_run(local, settings, summary.totals, summary.elapsed_s, finished=not summary.interrupted, **told)
    publish(store, local)
    if not summary.interrupted and not summary.totals["images"]:
        why = ", ".join(f"{n} {reason}" for reason, n in summary.reasons()[:4])
        raise InputError(
            f"nothing could be done: {summary.totals['photos']} files, none gave an image"
            + (f" ({why}); see {settings.output}/{SKIPPED}" if why else "; the inputs hold no files")
        )
    return summary


def _loop(
    inputs: Sequence[str],
    settings: Settings,
    run: Run,
    journal: Journal,
    store: Store,
    began: float,
    checkpoint: Checkpoint,
) -> Summary:
    counts: Counter[str] = Counter()
    total: list[int] = []
    counting = threading.Thread(target=_count, args=(inputs, settings.output, total, run.stop), daemon=True)
    if run.on_progress is not None:
        counting.start()
    reported = 0.0

    def report(*, always: bool = False) -> None:
        nonlocal reported
        now = time.monotonic()
        if run.on_progress is not None and (always or now - reported >= 0.1):
            reported = now
            run.on_progress(Progress(counts, total[0] if total else None, now - began))

    interrupted = False
    recorder = _Recorder(journal, store, counts)
    engine = open_engine(settings, run)
    with _signals(run.stop):
        outcomes = engine.run(_tasks(inputs, settings.output, journal, counts), run.stop)
        try:
            for outcome in outcomes:
                if outcome.fatal:
                    raise MaskgenError(outcome.fatal)
                recorder.take(outcome)
                checkpoint.maybe()
                report()
        finally:
            close = getattr(outcomes, "close", None)
            if close is not None:
                close()
        interrupted = run.stop.is_set()
    if recorder.unsure:
        sweep(store, journal)
    report(always=True)
    return Summary(settings.output, counts, Counter(journal.counts), time.monotonic() - began, interrupted)


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


class _Recorder:
    """Takes the outcomes of a run, in order, into the journal.

    Attributes:
        unsure: a worker was ended in the middle of a photo, and what it had
            written of it nobody said.
    """

    def __init__(self, journal: Journal, store: Store, counts: Counter[str]) -> None:
        self._journal, self._store, self._counts = journal, store, counts
        self._files: list[str] = []
        self.unsure = False

    def take(self, outcome: Outcome) -> None:
        """Keep a part of a photo; with the last, record it or take all of it back."""
        self._files += outcome.files
        if outcome.rest is not None:
            if not self._known(outcome):
                self._journal.add_lines(outcome.lines)
            return
        before = Counter(self._journal.counts)
        self._finish(outcome)
        self._files.clear()
        self._counts.update(self._journal.counts - before)

    def _known(self, outcome: Outcome) -> bool:
        """Whether a photo before this one had its place or its bytes."""
        if outcome.source in self._journal:
            return True
        return outcome.source_id is not None and self._journal.stem_of(outcome.source_id) is not None

    def _finish(self, outcome: Outcome) -> None:
        if outcome.source in self._journal:
            # One path named twice, or spelt in two ways: the first counts.
            return
        source, source_bytes = encode_path(outcome.source)
        if self._known(outcome):
            self._delete()
            skip = Skip(source, "duplicate", "the same bytes as a photo before it", outcome.source_id, source_bytes)
            self._journal.skipped(outcome.source, skip)
        elif outcome.reason is not None:
            self._journal.drop_lines()
            self._delete()
            self.unsure |= outcome.reason in BROKEN_OFF
            left_out = under(outcome.counts, REJECTED)
            skip = Skip(source, outcome.reason, outcome.detail, outcome.source_id, source_bytes, left_out)
            self._journal.skipped(outcome.source, skip)
        else:
            assert outcome.source_id is not None
            stem = stem_of_file(self._files[0])
            self._journal.written(outcome.source, outcome.source_id, outcome.lines, stem, outcome.counts)

    def _delete(self) -> None:
        """Delete what was written of the photo, but for what a photo of the same bytes has recorded."""
        for name in self._files:
            if self._journal.stem_of(drawn_from(name) or "") != stem_of_file(name):
                self._store.delete(name)


def open_engine(settings: Settings, run: Run) -> Engine:
    """The engine that ``run`` names.

    Raises:
        InputError: there is no such engine, or its package is not installed.
    """
    job = Job(run.factory, settings.to_json(), run.workers, run.timeout_s, run.ray_address)
    return ENGINES.load(run.engine)(job)


def masks_in_use(settings: Settings) -> dict[str, Path]:
    """The folders of the masks that are drawn, by name.

    Raises:
        TemplateError: there is no such mask.
    """
    from maskgen.templates.reader import find_masks

    return find_masks(Path(settings.masks_dir) if settings.masks_dir else None, settings.masks or None)


def check_wears(settings: Settings, masks: dict[str, Path]) -> None:
    """Whether masks can be worn as the settings ask.

    Raises:
        InputError: a wear that is named, or every usual one, is beyond them all.
    """
    from maskgen.render.sampling import INCORRECT, unwearable
    from maskgen.templates.reader import wears_of

    worn = {wear for folder in masks.values() for wear in wears_of(folder)}
    beyond = [wear for wear in settings.wears if wear not in worn]
    if beyond:
        raise unwearable(beyond, worn)
    usual = [wear for wear, _ in INCORRECT]
    badly_worn = settings.classes == 3 or settings.count_incorrect_as != "skip"
    if badly_worn and not settings.wears and worn.isdisjoint(usual):
        raise unwearable(usual, worn)


def wardrobe_digest(masks: dict[str, Path], plugins: Sequence[Plugin] = ()) -> str:
    """12 hex digits that stand for the pictures of masks, and for what plug-ins draw beside them."""
    digest = hashlib.sha256()
    for name, folder in masks.items():
        for path in sorted(folder.iterdir()):
            if path.suffix in (".png", ".json"):
                digest.update(f"{name}/{path.name}".encode())
                digest.update(path.read_bytes())
    for plugin in plugins:
        digest.update(str(plugin).encode())
    return digest.hexdigest()[:12]


def _retry(journal: Journal, local: Path, reasons: tuple[str, ...]) -> None:
    known = {k.removeprefix("skipped:") for k, n in journal.counts.items() if k.startswith("skipped:") and n > 0}
    wanted = known if "all" in reasons else set(reasons)
    if not wanted & known:
        have = ", ".join(sorted(known)) or "nothing"
        raise InputError(f"--retry {','.join(reasons)}: no photo was skipped for that; {local / SKIPPED} holds {have}")
    journal.forget_skipped(wanted & known)


def _count(inputs: Sequence[str], output: str, total: list[int], stop: threading.Event) -> None:
    """Count the inputs for the progress bar; addresses are not listed twice."""
    if any(map(is_url, inputs)):
        return
    number = 0
    for _ in iter_inputs(inputs, output):
        number += 1
        if stop.is_set():
            return
    total.append(number)


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) ends the run after the photos in hand, the second at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _: object) -> None:
        interrupt.remember(number)
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
