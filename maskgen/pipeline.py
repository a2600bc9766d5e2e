"""Many photos: plan, resume, count.

The inputs are streamed, the engine does the photos in any order and hands the
outcomes back in the order of the inputs, and only then are they recorded. So
the folder's bytes depend on the inputs and the settings alone: not on the
number of workers, and not on how often the run was killed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import platform
import shutil
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from maskgen import __version__
from maskgen.engines.base import Engine, Outcome, Task
from maskgen.errors import InputError, MaskgenError
from maskgen.images import Skipped, write_bytes
from maskgen.journal import FOLDER, Journal, is_locked, stem_of_file
from maskgen.metadata import METADATA, RUN, SKIPPED, SPLITS, Skip, encode_path, read_run
from maskgen.settings import Settings
from maskgen.storage import LocalStore, Store, is_url, iter_inputs, open_store

log = logging.getLogger(__name__)

FACTORY: Final = "maskgen.photo:open_worker"
OURS: Final = (*SPLITS, METADATA, SKIPPED, RUN, FOLDER, "preview.jpg", "report.html")
"""Everything of a dataset folder that --overwrite may delete."""


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
            "labels": _under(self.totals, "label:"),
            "splits": _under(self.totals, "split:"),
            "rejected_faces": _under(self.totals, "rejected:"),
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
class Run:
    """How a run is carried out; nothing here changes a byte of the dataset.

    Attributes:
        engine: ``local``, ``ray`` or ``inline`` (this process).
        workers: processes; 0 for as many as there are cores.
        timeout_s: for one photo.
        ray_address: of a running cluster, None to start one here.
        overwrite: delete the dataset that is there.
        retry: reasons whose skipped photos are tried again; ``all`` for every.
        on_progress: called now and then from this thread.
        factory: what builds a worker; tests put their own here.
        stop: set it to end the run after the photos in hand.
    """

    engine: str = "local"
    workers: int = 0
    timeout_s: float = 120.0
    ray_address: str | None = None
    overwrite: bool = False
    retry: tuple[str, ...] = ()
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
    settings = replace(settings, wardrobe=settings.wardrobe or wardrobe_digest(settings))
    store = open_store(settings.output)
    local = _local_folder(settings.output)
    _claim(store, local, settings, run)
    with _full_disk(settings.output), Journal(local) as journal:
        if run.retry:
            _retry(journal, local, run.retry)
        if journal.unclean:
            _sweep(store, journal)
        _write_run(local, settings, run, journal.counts, 0.0, finished=False)
        summary = _loop(inputs, settings, run, journal, store, began)
    _write_run(local, settings, run, summary.totals, summary.elapsed_s, finished=not summary.interrupted)
    _publish(store, local)
    if not summary.interrupted and not summary.totals["images"]:
        why = ", ".join(f"{n} {reason}" for reason, n in summary.reasons()[:4])
        raise InputError(
            f"nothing could be done: {summary.totals['photos']} files, none gave an image"
            + (f" ({why}); see {settings.output}/{SKIPPED}" if why else "; the inputs hold no files")
        )
    return summary


def _loop(inputs: Sequence[str], settings: Settings, run: Run, journal: Journal, store: Store, began: float) -> Summary:
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
    engine = open_engine(settings, run)
    with _signals(run.stop):
        outcomes = engine.run(_tasks(inputs, settings.output, journal, counts), run.stop)
        try:
            for outcome in outcomes:
                if outcome.fatal:
                    raise MaskgenError(outcome.fatal)
                _record(outcome, journal, store, counts)
                report()
        finally:
            close = getattr(outcomes, "close", None)
            if close is not None:
                close()
        interrupted = run.stop.is_set()
    report(always=True)
    return Summary(settings.output, counts, Counter(journal.counts), time.monotonic() - began, interrupted)


def _tasks(inputs: Sequence[str], output: str, journal: Journal, counts: Counter[str]) -> Iterator[Task]:
    """The photos that are not done yet, in the order of the inputs."""
    number = 0
    for item in iter_inputs(inputs, output):
        path = str(item.path) if isinstance(item, Skipped) else item
        if path in journal:
            counts["already"] += 1
            continue
        if isinstance(item, Skipped):
            yield Task(number, path, item.reason, item.message)
        else:
            yield Task(number, path)
        number += 1


def _record(outcome: Outcome, journal: Journal, store: Store, counts: Counter[str]) -> None:
    before = Counter(journal.counts)
    source, source_bytes = encode_path(outcome.source)
    if outcome.source in journal:
        # One path named twice, or spelt in two ways: the first counts.
        return
    stem = journal.stem_of(outcome.source_id) if outcome.source_id else None
    if outcome.source_id and stem is not None:
        for name in outcome.files:
            if stem_of_file(name) != stem:
                store.delete(name)
        skip = Skip(source, "duplicate", "the same bytes as a photo before it", outcome.source_id, source_bytes)
        journal.skipped(outcome.source, skip, Counter())
    elif outcome.reason is not None:
        skip = Skip(source, outcome.reason, outcome.detail, outcome.source_id, source_bytes)
        journal.skipped(outcome.source, skip, outcome.counts)
    else:
        assert outcome.source_id is not None
        stem = stem_of_file(outcome.files[0])
        journal.written(outcome.source, outcome.source_id, outcome.lines, stem, outcome.counts)
    counts.update(journal.counts - before)


def open_engine(settings: Settings, run: Run) -> Engine:
    """The engine that ``run`` names.

    Raises:
        InputError: there is no such engine, or its package is not installed.
    """
    from maskgen.engines.local import InlineEngine, LocalEngine

    plain = settings.to_json()
    if run.engine == "inline":
        return InlineEngine(run.factory, plain)
    if run.engine == "local":
        return LocalEngine(run.factory, plain, run.workers or cores(), run.timeout_s)
    if run.engine == "ray":
        from maskgen.engines.ray import RayEngine

        return RayEngine(run.factory, plain, run.workers, run.timeout_s, run.ray_address)
    raise InputError(f"--engine takes local, ray or inline; got {run.engine!r}")


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wardrobe_digest(settings: Settings) -> str:
    """12 hex digits that stand for the mask pictures in use."""
    from maskgen.assets import assets_dir

    folder = Path(settings.masks_dir) if settings.masks_dir else assets_dir("masks")
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*/*")):
        if path.suffix in (".png", ".json") and (not settings.masks or path.parent.name in settings.masks):
            digest.update(f"{path.parent.name}/{path.name}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


# ---------------------------------------------------------------- the folder


def _local_folder(output: str) -> Path:
    """Where the journal and the growing files lie: the output, or a spool beside the user's cache for an address."""
    if not is_url(output):
        return Path(output)
    cache = os.environ.get("MASKGEN_CACHE") or os.environ.get("XDG_CACHE_HOME")
    base = Path(cache) if cache else Path.home() / ".cache"
    return base / "maskgen-spool" / hashlib.sha256(output.rstrip("/").encode()).hexdigest()[:16]


def _claim(store: Store, local: Path, settings: Settings, run: Run) -> None:
    """Make sure that the output is ours to write, under these settings."""
    remote = is_url(settings.output)
    try:
        if not remote and local.exists() and not local.is_dir():
            raise InputError(f"the output {settings.output} is a file; name a folder")
        if remote and not (local / RUN).exists() and store.exists(RUN):
            _fetch(store, local)
        ours = (local / RUN).is_file() or (local / FOLDER).is_dir()
        if not ours and not remote and local.is_dir() and _holds_files(local):
            raise InputError(
                f"the output {settings.output} holds files that are no dataset of maskgen; name a new or empty folder"
            )
        if ours and is_locked(local):
            raise InputError(f"another maskgen is writing {settings.output}; wait for it, or choose another folder")
        if ours and run.overwrite:
            _delete_dataset(store, local, settings.output)
        elif ours and (local / RUN).is_file():
            _same_settings(local, settings)
        local.mkdir(parents=True, exist_ok=True)
        store.prepare(f"{split}/{label}" for split in SPLITS for label in settings.labels)
    except OSError as error:
        raise InputError(f"cannot write the output {settings.output}: {error.strerror or error}") from error


def _holds_files(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(not entry.name.startswith(".") for entry in entries)


def _same_settings(local: Path, settings: Settings) -> None:
    run = read_run(local)
    theirs = Settings.from_json(dict(run.get("settings") or {}) | {"output": settings.output})
    different = settings.differences(theirs)
    if different:
        raise InputError(
            f"{settings.output} was made with {'; '.join(different)}: "
            "use the same settings to go on, another folder, or --overwrite"
        )
    if run.get("version") != __version__:
        log.warning("%s was begun by maskgen %s, this is %s", settings.output, run.get("version"), __version__)


def _delete_dataset(store: Store, local: Path, output: str) -> None:
    for name in OURS:
        path = local / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if is_url(output):
        for folder in SPLITS:
            for name in list(store.names(folder)):
                store.delete(name)
        for name in (METADATA, SKIPPED, RUN, "preview.jpg", "report.html"):
            store.delete(name)


def _sweep(store: Store, journal: Journal) -> None:
    """Delete what a killed run wrote and did not come to record."""
    swept = 0
    for split in SPLITS:
        for name in store.names(split):
            parts = name.rsplit("/", 1)[-1].rsplit("_", 4)
            known = None
            if len(parts) == 5 and len(parts[1]) == 16:
                with suppress(ValueError):
                    known = journal.stem_of(parts[1])
            if known != stem_of_file(name):
                store.delete(name)
                swept += 1
    if swept:
        log.info("%d unrecorded images of an interrupted run deleted", swept)


def _retry(journal: Journal, local: Path, reasons: tuple[str, ...]) -> None:
    known = {k.removeprefix("skipped:") for k, n in journal.counts.items() if k.startswith("skipped:") and n > 0}
    wanted = known if "all" in reasons else set(reasons)
    if not wanted & known:
        have = ", ".join(sorted(known)) or "nothing"
        raise InputError(f"--retry {','.join(reasons)}: no photo was skipped for that; {local / SKIPPED} holds {have}")
    journal.forget_skipped(wanted & known)


def _write_run(
    local: Path, settings: Settings, run: Run, totals: Counter[str], elapsed_s: float, *, finished: bool
) -> None:
    """``run.json``; seconds and runs add up over interruptions."""
    path = local / RUN
    before: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        before = json.loads(path.read_bytes())
    plain = settings.to_json()
    del plain["output"]
    data = {
        "version": __version__,
        "command": list(run.command) or before.get("command", []),
        "seed": settings.seed,
        "labels": list(settings.labels),
        "settings": plain,
        "digest": settings.digest(),
        "finished": finished,
        "counts": {
            "photos": totals["photos"],
            "images": totals["images"],
            "faces": totals["faces"],
            "skipped": totals["skipped"],
            "by_label": _under(totals, "label:"),
            "by_split": _under(totals, "split:"),
            "by_reason": _under(totals, "skipped:"),
            "rejected_faces": _under(totals, "rejected:"),
        },
        "seconds": round(float(before.get("seconds", 0.0)) + elapsed_s, 3),
        "engine": run.engine,
        "machine": {"python": platform.python_version(), "system": platform.system(), "packages": _versions()},
    }
    write_bytes(path, (json.dumps(data, indent=2) + "\n").encode())


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("numpy", "opencv-python", "dlib-bin", "dlib", "pillow"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _fetch(store: Store, local: Path) -> None:
    """Bring what is known of an address's dataset here, to go on with it."""
    local.mkdir(parents=True, exist_ok=True)
    for name in (RUN, METADATA, SKIPPED):
        if store.exists(name):
            write_bytes(local / name, store.read(name))


def _publish(store: Store, local: Path) -> None:
    """Send the lines to where the images are, when that is an address."""
    if isinstance(store, LocalStore):
        return
    for name in (METADATA, SKIPPED, RUN):
        store.write(name, (local / name).read_bytes())


# ---------------------------------------------------------------- helpers


def _under(counts: Counter[str], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): n for key, n in sorted(counts.items()) if key.startswith(prefix) and n}


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
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _full_disk(output: str) -> Iterator[None]:
    """Words for a disk that fills up, or goes, beneath the journal."""
    try:
        yield
    except sqlite3.OperationalError as error:
        full = "full" in str(error)
        raise MaskgenError(_disk_words(output, full, str(error))) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.ENOENT, errno.EIO, errno.ESTALE):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise MaskgenError(_disk_words(output, full, str(error.strerror))) from error


def _disk_words(output: str, full: bool, detail: str) -> str:
    if full:
        remedy = "make room and run the same command again, it goes on where it stopped"
        return f"the disk that holds {output} is full; {remedy}"
    return f"the output {output} cannot be written any more ({detail}); bring it back and run the same command again"
