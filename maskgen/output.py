"""The output of a run: whose it is, what a killed run left in it, ``run.json``, and what goes to an address."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import platform
import re
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from maskgen import __version__
from maskgen.errors import InputError, MaskgenError
from maskgen.images import write_bytes
from maskgen.journal import FOLDER, Journal, is_locked, stem_of_file
from maskgen.metadata import METADATA, RUN, SKIPPED, SPLITS, read_run
from maskgen.settings import Settings
from maskgen.storage import PART, LocalStore, Store, is_url

log = logging.getLogger(__name__)

_ID: Final = re.compile(r"[0-9a-f]{16}")

OURS: Final = (*SPLITS, METADATA, SKIPPED, RUN, FOLDER, "preview.jpg", "report.html")
"""Everything of a dataset folder that --overwrite may delete."""

CHECKPOINT_S: Final = 60.0
"""The lines of a run to an address are sent there no more often than this."""


def local_folder(output: str) -> Path:
    """Where the journal and the growing files lie: the output, or a spool beside the user's cache for an address."""
    if not is_url(output):
        return Path(output)
    cache = os.environ.get("MASKGEN_CACHE") or os.environ.get("XDG_CACHE_HOME")
    base = Path(cache) if cache else Path.home() / ".cache"
    return base / "maskgen-spool" / hashlib.sha256(output.rstrip("/").encode()).hexdigest()[:16]


def claim(store: Store, local: Path, settings: Settings, *, overwrite: bool) -> None:
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
        if ours and overwrite:
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


def sweep(store: Store, journal: Journal) -> None:
    """Delete what a killed run wrote and did not come to record; pictures that people put there have other names."""
    swept = 0
    for split in SPLITS:
        for name in store.names(split):
            parts = name.rsplit("/", 1)[-1].rsplit("_", 4)
            drawn = len(parts) == 5 and _ID.fullmatch(parts[1])
            if name.endswith(PART) or (drawn and journal.stem_of(parts[1]) != stem_of_file(name)):
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
    with suppress(OSError, ValueError):
        before = json.loads(path.read_bytes())
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
        "seconds": round(float(before.get("seconds", 0.0)) + elapsed_s, 3),
        "engine": engine,
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
        if isinstance(self._store, LocalStore) or now - self._at < CHECKPOINT_S:
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
