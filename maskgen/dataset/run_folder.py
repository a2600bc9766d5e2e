"""Output folder of a run: claimed, swept after a kill, recorded in ``run.json``, sent to an address."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from maskgen import __version__
from maskgen.dataset.journal import Journal
from maskgen.dataset.journal_db import FOLDER, is_locked
from maskgen.dataset.names import drawn_from, stem_of_file
from maskgen.dataset.reader import read_run
from maskgen.dataset.record import METADATA, RUN, SKIPPED, SPLITS
from maskgen.dataset.run_json import run_record
from maskgen.dataset.settings import Settings
from maskgen.dataset.storage import LocalStore, Store, open_store
from maskgen.errors import InputError
from maskgen.faces.auto import choose
from maskgen.images import write_bytes
from maskgen.io.files import is_part, sweep_parts

log = logging.getLogger(__name__)

LINES: Final = (METADATA, SKIPPED, RUN)
"""What grows while a run writes, in the order in which it is sent to an address."""

PAGES: Final = ("preview.jpg", "report.html")
"""What is drawn of a finished dataset."""

CHECKPOINT_S: Final = 60.0
"""The lines of a run to an address are sent there no more often than this."""


class RunFolder:
    """The output of a run, from the moment that it is ours.

    Attributes:
        settings: of the run, with the detector that ``auto`` stands for.
        store: where the images go.
        desk: where the journal and the lines grow.
    """

    def __init__(self, settings: Settings, store: Store, *, command: Sequence[str] = (), engine: str = "") -> None:
        self.settings, self.store, self.desk = settings, store, store.desk
        self._command, self._engine = command, engine
        self._sent, self._sent_at = 0, time.monotonic()

    @classmethod
    def claim(
        cls, settings: Settings, *, overwrite: bool = False, command: Sequence[str] = (), engine: str = ""
    ) -> RunFolder:
        """Make sure that the output is ours to write, under these settings.

        The detector that ``auto`` stands for is the one that the dataset was
        begun with, else the best that is here.

        Args:
            settings: of the run.
            overwrite: delete the dataset that is there.
            command: for ``run.json``; so is ``engine``.
            engine: its name.

        Raises:
            InputError: the output is something else's, of other settings, or in work.
        """
        store = open_store(settings.output)
        try:
            settings = _claimed(store, settings, overwrite=overwrite)
        except OSError as error:
            raise InputError(f"cannot write the output {settings.output}: {error.strerror or error}") from error
        return cls(settings, store, command=command, engine=engine)

    def record(self, totals: Counter[str], elapsed_s: float, *, finished: bool) -> None:
        """Write ``run.json``, and send the lines to where the images are."""
        data = run_record(self.desk, self.settings, totals, elapsed_s)
        data |= {"command": list(self._command) or data["command"], "finished": finished, "engine": self._engine}
        write_bytes(self.desk / RUN, (json.dumps(data, indent=2) + "\n").encode())
        self.store.publish(LINES)

    def sweep(self, journal: Journal) -> None:
        """Delete what a killed run wrote and did not come to record."""
        sweep(self.store, journal)

    def checkpoint(self, journal: Journal) -> None:
        """Send the lines to an address if it is time, so that another machine could go on.

        They are sent whole, and only when they have grown by a quarter: in all
        at most five times what is sent at the end.
        """
        now = time.monotonic()
        due = now - self._sent_at >= CHECKPOINT_S and journal.between_photos
        if not self.store.publishes or not due:
            return
        self._sent_at = now
        journal.flush()
        size = sum((self.desk / name).stat().st_size for name in (METADATA, SKIPPED))
        if size > 1.25 * self._sent:
            self.store.publish(LINES)
            self._sent = size


def _claimed(store: Store, settings: Settings, *, overwrite: bool) -> Settings:
    """The settings of an output that is ours from now on."""
    desk = store.desk
    if not (desk / RUN).exists() and store.exists(RUN):
        store.fetch(LINES)
    ours = (desk / RUN).is_file() or (desk / FOLDER).is_dir()
    if not ours and (why := store.occupied()):
        raise InputError(f"the output {settings.output} {why}")
    if ours and is_locked(desk):
        raise InputError(f"another maskgen is writing {settings.output}; wait for it, or choose another folder")
    if ours and (overwrite or _half_deleted(desk)):
        _delete_dataset(store)
    elif ours and (desk / RUN).is_file():
        settings = _same_settings(desk, settings)
    if settings.detector == "auto":
        settings = replace(settings, detector=choose())
    desk.mkdir(parents=True, exist_ok=True)
    sweep_parts(desk)
    store.prepare(f"{split}/{label}" for split in SPLITS for label in settings.labels)
    return settings


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


def _delete_dataset(store: Store) -> None:
    """Delete a dataset; pictures that somebody else put into its folders stay.

    The record goes first: killed at any moment, what is left is not taken for
    a dataset, and the next run goes on deleting.
    """
    record = json.dumps(_DELETING).encode()
    local = store.desk
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
