"""The output of a run: whose it is, what a killed run left in it, ``run.json``, and what goes to an address."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import platform
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from maskgen import __version__
from maskgen.dataset.journal import FOLDER, Journal, is_locked, stem_of_file
from maskgen.dataset.record import METADATA, RUN, SKIPPED, SPLITS, drawn_from, read_run
from maskgen.dataset.settings import Settings
from maskgen.dataset.storage import LocalStore, Store, is_url
from maskgen.errors import DatasetError, InputError, MaskgenError
from maskgen.faces.auto import choose
from maskgen.images import write_bytes
from maskgen.io.files import is_part, sweep_parts

log = logging.getLogger(__name__)

PAGES: Final = ("preview.jpg", "report.html")
"""What is drawn of a finished dataset."""

CHECKPOINT_S: Final = 60.0
"""The lines of a run to an address are sent there no more often than this."""


def local_folder(output: str) -> Path:
    """Where the journal and the growing files lie: the output, or a spool beside the user's cache for an address."""
    if not is_url(output):
        return Path(output)
    cache = os.environ.get("MASKGEN_CACHE") or os.environ.get("XDG_CACHE_HOME")
    base = Path(cache) if cache else Path.home() / ".cache"
    return base / "maskgen-spool" / hashlib.sha256(output.rstrip("/").encode()).hexdigest()[:16]


def claim(store: Store, local: Path, settings: Settings, *, overwrite: bool) -> Settings:
    """Make sure that the output is ours to write, under these settings.

    Returns:
        The settings, with the detector that ``auto`` stands for: the one that
        the dataset was begun with, else the best that is here.
    """
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
        if ours and (overwrite or _half_deleted(local)):
            _delete_dataset(store, local)
        elif ours and (local / RUN).is_file():
            settings = _same_settings(local, settings)
        if settings.detector == "auto":
            settings = replace(settings, detector=choose())
        local.mkdir(parents=True, exist_ok=True)
        sweep_parts(local)
        store.prepare(f"{split}/{label}" for split in SPLITS for label in settings.labels)
    except OSError as error:
        raise InputError(f"cannot write the output {settings.output}: {error.strerror or error}") from error
    return settings


def _holds_files(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(not entry.name.startswith(".") for entry in entries)


def _same_settings(local: Path, settings: Settings) -> Settings:
    run = read_run(local)
    try:
        theirs = Settings.from_json(dict(run["settings"]) | {"output": settings.output})
    except (KeyError, TypeError, ValueError, InputError) as error:
        words = f"does not say how {settings.output} was made ({error}); use --overwrite, or another folder"
        raise InputError(f"{local / RUN} {words}") from error
    if "auto" in (settings.detector, theirs.detector):
        settings = replace(settings, detector=theirs.detector)
    different = settings.differences(theirs)
    if different:
        raise InputError(
            f"{settings.output} was made with {'; '.join(different)}: "
            "use the same settings to go on, another folder, or --overwrite"
        )
    if run.get("version") != __version__:
        log.warning("%s was begun by maskgen %s, this is %s", settings.output, run.get("version"), __version__)
    return settings


_DELETING: Final = {"finished": False, "deleting": True}
"""``run.json`` of a dataset of which some may be gone already."""


def _half_deleted(local: Path) -> bool:
    return (local / RUN).is_file() and bool(read_run(local).get("deleting"))


def _delete_dataset(store: Store, local: Path) -> None:
    """Delete a dataset; pictures that somebody else put into its folders stay.

    The record goes first: killed at any moment, what is left is not taken for
    a dataset, and the next run goes on deleting.
    """
    record = json.dumps(_DELETING).encode()
    local.mkdir(parents=True, exist_ok=True)
    for place in (store, LocalStore(str(local))):
        place.write(RUN, record)
        for name in (METADATA, SKIPPED, *PAGES):
            place.delete(name)
    if (local / FOLDER).exists():
        shutil.rmtree(local / FOLDER)
    for split in SPLITS:
        for name in list(store.names(split)):
            if is_part(name) or drawn_from(name) is not None:
                store.delete(name)
        _prune(local / split)
    store.delete(RUN)
    (local / RUN).unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    """Delete the folder's empty folders, and itself when nothing is left."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for inside in folder.iterdir():
        _prune(inside)
    with suppress(OSError):  # it holds something
        folder.rmdir()


def sweep(store: Store, journal: Journal) -> None:
    """Delete what a killed run wrote and did not come to record; what maskgen did not name is somebody else's."""
    swept = 0
    for split in SPLITS:
        for name in list(store.names(split)):
            identity = drawn_from(name)
            unrecorded = identity is not None and journal.stem_of(identity) != stem_of_file(name)
            if unrecorded or is_part(name):
                store.delete(name)
                swept += 1
    if swept:
        log.info("%d unrecorded images of an interrupted run deleted", swept)


def write_run(
    local: Path,
    settings: Settings,
    totals: Counter[str],
    elapsed_s: float,
    *,
    command: tuple[str, ...],
    engine: str,
    finished: bool,
) -> None:
    """``run.json``; seconds and runs add up over interruptions."""
    path = local / RUN
    before: dict[str, Any] = {}
    with suppress(DatasetError):
        before = read_run(local)
    spent = before.get("seconds")
    plain = settings.to_json()
    del plain["output"]
    data = {
        "version": __version__,
        "command": list(command) or before.get("command", []),
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
            "by_label": under(totals, "label:"),
            "by_split": under(totals, "split:"),
            "by_reason": under(totals, "skipped:"),
            "rejected_faces": under(totals, "rejected:"),
        },
        "seconds": round((spent if isinstance(spent, int | float) else 0.0) + elapsed_s, 3),
        "engine": engine,
        "machine": {"python": platform.python_version(), "system": platform.system(), "packages": _versions()},
    }
    write_bytes(path, (json.dumps(data, indent=2) + "\n").encode())


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    from maskgen.occluders.registry import OCCLUDERS
    from maskgen.templates.installed import FOLDERS

    found = {}
    for name in ("numpy", "opencv-python", "dlib-bin", "dlib", "pillow"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    for plugin in (*OCCLUDERS.plugins, *FOLDERS.plugins):
        name, _, number = plugin.package.partition(" ")
        found[name] = number
    return found


def _fetch(store: Store, local: Path) -> None:
    """Bring what is known of an address's dataset here, to go on with it."""
    local.mkdir(parents=True, exist_ok=True)
    for name in (RUN, METADATA, SKIPPED):
        if store.exists(name):
            write_bytes(local / name, store.read(name))


def publish(store: Store, local: Path) -> None:
    """Send the lines to where the images are, when that is an address."""
    if isinstance(store, LocalStore):
        return
    for name in (METADATA, SKIPPED, RUN):
        store.write(name, (local / name).read_bytes())


class Checkpoint:
    """Sends the lines to an address now and then, so that another machine could go on.

    They are sent whole, and only when they have grown by a quarter: in all at
    most five times what is sent at the end.
    """

    def __init__(self, store: Store, local: Path, journal: Journal) -> None:
        self._store, self._local, self._journal = store, local, journal
        self._sent, self._at = 0, time.monotonic()

    def maybe(self) -> None:
        """Send them, if it is time."""
        now = time.monotonic()
        due = now - self._at >= CHECKPOINT_S and self._journal.between_photos
        if isinstance(self._store, LocalStore) or not due:
            return
        self._at = now
        self._journal.flush()
        size = (self._local / METADATA).stat().st_size + (self._local / SKIPPED).stat().st_size
        if size > 1.25 * self._sent:
            publish(self._store, self._local)
            self._sent = size


def under(counts: Counter[str], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): n for key, n in sorted(counts.items()) if key.startswith(prefix) and n}


@contextmanager
def disk_trouble(output: str) -> Iterator[None]:
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
