"""A worker that draws nothing real: for tests of what surrounds the drawing.

A photo is a small file; its text says what befalls the worker: ``hang``,
``die``, ``die once FILE``, ``orphan once FILE`` (the process that it was
forked from dies, if there is one), ``skip
REASON``, ``reject REASON`` (a skip with a face that was left out), ``half REASON`` (written, with one left out),
``parts NUMBER SECONDS [END]`` (as many pairs of images, one a part, and after them ``hang``, ``die`` or ``fail``);
anything else is written as two images.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgen.dataset.engines.base import Outcome, Rest
from maskgen.dataset.inputs import read_input
from maskgen.dataset.lines import record_line
from maskgen.dataset.names import encode_path, image_name
from maskgen.dataset.record import FaceRecord, Record
from maskgen.dataset.settings import Settings
from maskgen.dataset.split import group_of, split_of
from maskgen.dataset.storage import open_store
from maskgen.errors import ImageError, InputError
from maskgen.images import encode, source_id

if TYPE_CHECKING:
    from maskgen.dataset.engines.base import Task

JPEG = b"\xff\xd8\xff"


def photo(text: str) -> bytes:
    """The bytes of a photo for this worker; they pass for a JPEG at a glance."""
    return JPEG + text.encode()


def record(settings: Settings, task: Task, identity: str, label: Any, copy: int = 0) -> Record:
    group = group_of(task.source, identity, settings.group_by)
    split = split_of(group, settings.split)
    source, source_bytes = encode_path(task.source)
    face = FaceRecord(
        label=label,
        face_index=0,
        box_xyxy=(1.0, 2.0, 30.0, 40.0),
        landmarks=tuple((float(i), i / 2) for i in range(68)),
        pose_deg=(1.0, 2.0, 3.0),
        detector="fake",
        template="surgical" if label == "with_mask" else None,
        wear="correct" if label == "with_mask" else None,
        coverage=(((3.0, 20.0), (28.0, 20.0), (15.0, 38.0)),) if label == "with_mask" else (),
        params={"seed": settings.seed},
    )
    return Record(
        file_name=image_name(split, label, task.source, identity, 0, copy, settings.extension),
        label=label,
        split=split,
        source=source,
        source_id=identity,
        group=group,
        copy=copy,
        seed=settings.seed,
        size_wh=(32, 48),
        encoding={"crop": "face", "quality": 92, "max_side": 0},
        faces=(face,),
        source_bytes=source_bytes,
    )


class FakeWorker:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = Settings.from_json(settings)
        self.store = open_store(self.settings.output)
        self.pause_s = float(os.environ.get("FAKE_PAUSE_S", "0"))
        self.padding = int(os.environ.get("FAKE_PADDING", "0"))

    def do(self, task: Task) -> Outcome:
        try:
            data = read_input(task.place or task.source)
        except ImageError as error:
            return Outcome(task.number, task.source, reason=error.reason, detail=str(error))
        identity = source_id(data)
        text = data.removeprefix(JPEG).decode().split()
        time.sleep(self.pause_s)
        match text:
            case ["hang", *_]:
                time.sleep(600)
            case ["die", "once", flag, *_] if not Path(flag).exists():
                Path(flag).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            case ["orphan", "once", flag, *_] if not Path(flag).exists():
                started_by = multiprocessing.parent_process()
                # A worker that was not forked is a child of the run itself.
                if started_by is not None and os.getppid() != started_by.pid:
                    Path(flag).touch()
                    os.kill(os.getppid(), signal.SIGKILL)
            case ["die", word, *_] if word != "once":
                os.kill(os.getpid(), signal.SIGKILL)
            case ["skip", reason, *_]:
                return Outcome(task.number, task.source, identity, reason=reason, detail="as told")
            case ["reject", reason, *_]:
                left_out = Counter({f"rejected:{reason}": 1})
                return Outcome(task.number, task.source, identity, reason=reason, detail="as told", counts=left_out)
            case ["parts", number, seconds, *end]:
                return self._part(task, identity, int(number), float(seconds), *end)
            case ["full", *_]:
                return Outcome(task.number, task.source, identity, fatal="the disk is full; make room")
        records = [record(self.settings, task, identity, label) for label in self.settings.labels]
        counts = Counter(images=len(records), faces=1)
        if text[0] == "half":
            counts[f"rejected:{text[1]}"] = 1
        return self._written(task, identity, records, counts)

    def _part(self, task: Task, identity: str, number: int, seconds: float, end: str = "") -> Outcome:
        time.sleep(seconds)
        copy = task.rest.copy if task.rest is not None else 0
        if copy == number:
            if end == "hang":
                time.sleep(600)
            if end == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            return Outcome(task.number, task.source, identity, reason="failed", detail="as told")
        records = [record(self.settings, task, identity, label, copy) for label in self.settings.labels]
        if copy + 1 == number and not end:
            return self._written(task, identity, records, Counter(images=2 * number, faces=1), pairs=number)
        outcome = self._written(task, identity, records, Counter())
        return replace(outcome, rest=Rest(0, copy + 1, identity))

    def _written(
        self, task: Task, identity: str, records: list[Record], counts: Counter[str], pairs: int = 1
    ) -> Outcome:
        try:
            for one in records:
                self.store.write(one.file_name, picture(identity, one.label) + b"\0" * self.padding)
        except OSError as error:
            return Outcome(task.number, task.source, identity, fatal=f"the disk is full ({error.errno})")
        for one in records:
            counts.update({f"label:{one.label}": pairs, f"split:{one.split}": pairs})
        lines = tuple(record_line(one) for one in records)
        return Outcome(task.number, task.source, identity, lines, tuple(r.file_name for r in records), counts=counts)


def picture(identity: str, label: str) -> bytes:
    """A 32 x 48 JPEG whose colour depends on the photo."""
    image = np.full((48, 32, 3), [int(identity[i : i + 2], 16) for i in (0, 2, 4)], dtype=np.uint8)
    if label == "with_mask":
        image[20:38, 3:28] = 240
    return encode(image)


def build(settings: dict[str, Any]) -> FakeWorker:
    return FakeWorker(settings)


def threaded(settings: dict[str, Any]) -> FakeWorker:
    """A worker beside which a thread runs, so that its process must not be forked."""
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    return FakeWorker(settings)


def refuse(settings: dict[str, Any]) -> FakeWorker:
    raise InputError("no such setting")
