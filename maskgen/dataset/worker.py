"""Worker of ``generate``: a photo's bytes in, images and their lines out.

A photo is read, decoded and searched for faces once, whatever the number of
copies. Images are written as they are drawn; a photo that takes long is done
in parts, so that memory and the wait for news stay small. A copy of a face
gives either one image of every class or none: both classes are drawn the same
number of times.
"""

from __future__ import annotations

import errno
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from maskgen.dataset.counts import REJECTED
from maskgen.dataset.describe import rounded
from maskgen.dataset.engines.base import Outcome, Rest, Task
from maskgen.dataset.inputs import read_input
from maskgen.dataset.lines import record_line
from maskgen.dataset.masked import MaskedFaces
from maskgen.dataset.pair import MOST, PairDrawer, Photo
from maskgen.dataset.record import Record
from maskgen.dataset.settings import Settings
from maskgen.dataset.storage import Store, open_store
from maskgen.dataset.threads import single_threaded
from maskgen.dataset.wardrobe import open_wardrobe
from maskgen.errors import ImageError, MaskgenError
from maskgen.images import decode_rgb, show, source_id
from maskgen.types import RGB, LandmarkedFace

if TYPE_CHECKING:
    from maskgen.faces.landmarks import FaceFinder
    from maskgen.templates.template import MaskTemplate

log = logging.getLogger(__name__)

PART_S: Final = 1.0
"""A photo that takes longer is done in parts of about this length."""

BEGUN: Final = 2
"""Photos that a worker keeps between their parts: as many as it has in its hands."""

MANY: Final = 8
"""Faces of a scene from which on its images may take their time, each face the time of one."""

ALREADY_MASKED: Final = "already_masked"
FEW_MASKED: Final = "few_masked"

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


def open_worker(settings: dict[str, Any]) -> PhotoWorker:
    """What a worker process builds once: the finder, the masks, the store.

    Raises:
        MaskgenError: a model file, a template or a setting is not usable.
    """
    return PhotoWorker(Settings.from_json(settings))


class PhotoWorker:
    """Does photos under one group of settings."""

    def __init__(
        self,
        settings: Settings,
        finder: FaceFinder | None = None,
        wardrobe: Mapping[str, MaskTemplate] | None = None,
        store: Store | None = None,
    ) -> None:
        self._settings = settings
        self._finder = finder if finder is not None else open_finder(settings)
        self._drawer = PairDrawer(settings, wardrobe if wardrobe is not None else open_wardrobe(settings))
        self._store = store if store is not None else open_store(settings.output)
        self._masked = None if settings.keep_masked else MaskedFaces()
        self._begun: OrderedDict[str, Photo] = OrderedDict()

    def do(self, task: Task) -> Outcome:
        """Draw, write and describe what comes of a photo, or a part of it. Never raises."""
        began = time.perf_counter()
        files: list[str] = []
        identity = task.rest.source_id if task.rest is not None else None
        try:
            with single_threaded():
                goes_on = task.rest is not None and task.source in self._begun
                data = None if goes_on else read_input(task.place or task.source)
                identity = identity or (source_id(data) if data is not None else None)
                outcome = self._part(task, self._in_hand(task, data), files, began + PART_S)
        except ImageError as error:
            outcome = Outcome(task.number, task.source, identity, reason=error.reason, detail=_told(error, task))
        except _WriteError as error:
            outcome = Outcome(task.number, task.source, identity, fatal=str(error))
        except MemoryError:
            outcome = Outcome(task.number, task.source, identity, reason="memory", detail="not enough memory")
        except Exception as error:
            log.exception("%s failed", task.source)
            words = f"{type(error).__name__}: {error}"
            outcome = Outcome(task.number, task.source, identity, reason="failed", detail=words)
        if outcome.rest is None:
            self._begun.pop(task.source, None)
        return replace(outcome, files=tuple(files), seconds=time.perf_counter() - began)

    def _in_hand(self, task: Task, data: bytes | None) -> Photo:
        """The photo with its faces: as it was begun, or read anew where another worker began it."""
        if data is None:
            return self._begun[task.source]
        identity = source_id(data)
        if task.rest is not None and task.rest.source_id != identity:
            raise ImageError("unreadable", f"{task.source} was changed while it was being drawn")
        image = decode_rgb(data, self._settings.max_side or None)
        faces, counts = self._usable(image)
        reason = self._unfit(faces, counts)
        photo = Photo(task.source, identity, image, [] if reason else faces, counts, reason)
        self._begun[task.source] = photo
        if len(self._begun) > BEGUN:
            self._begun.popitem(last=False)
        return photo

    def _usable(self, image: RGB) -> tuple[list[LandmarkedFace], Counter[str]]:
        """The faces that can be dressed, left to right, and why others cannot."""
        found = self._finder.find(image)
        counts = Counter(REJECTED + reason for _, reason in found.rejected)
        usable = []
        for face in map(rounded, sorted(found.faces, key=lambda f: f.face.box.left)):
            if max(face.face.box.width, face.face.box.height) < self._settings.min_face:
                counts[f"{REJECTED}too_small"] += 1
            elif self._masked is not None and self._masked.worn(image, face):
                counts[f"{REJECTED}{ALREADY_MASKED}"] += 1
            else:
                usable.append(face)
        return usable, counts

    def _unfit(self, faces: list[LandmarkedFace], counts: Counter[str]) -> str | None:
        """Why a photo makes no scene: the faces that are left out stay in it as they are."""
        if self._settings.crop != "scene" or not faces:
            return None
        if counts[REJECTED + ALREADY_MASKED]:
            return ALREADY_MASKED
        return FEW_MASKED if len(faces) < MOST * (len(faces) + counts.total()) else None

    def _part(self, task: Task, photo: Photo, files: list[str], until: float) -> Outcome:
        """Draw and write images from the task's ``rest`` on, until the photo is done or it is time to report.

        Args:
            task: the photo's.
            photo: the same, searched.
            files: filled with the names of what is written.
            until: of ``time.perf_counter``.
        """
        scene, copies = self._settings.crop == "scene", self._settings.per_face
        subjects = min(1, len(photo.faces)) if scene else len(photo.faces)
        load = len(photo.faces) if scene else 1
        at = task.rest or Rest(source_id=photo.identity, counts=Counter(photo.counts), load=load)
        if task.rest is None and load > MANY:
            return Outcome(task.number, task.source, photo.identity, rest=at)
        counts, lines = Counter(at.counts), list[str]()
        subject, wrote, drew = None, at.wrote, False
        for number in range(at.face * copies + at.copy, subjects * copies):
            index, copy = divmod(number, copies)
            if copy == 0:
                subject, wrote = None, False
            if drew and time.perf_counter() > until:
                later = Rest(index, copy, photo.identity, counts, wrote, load)
                return Outcome(task.number, task.source, photo.identity, tuple(lines), rest=later)
            subject, drew = subject or self._drawer.subject(photo, index), True
            drawn = self._drawer.pair(photo, subject, copy)
            if isinstance(drawn, str):
                counts[REJECTED + drawn] += 1
            else:
                wrote = True
                lines += self._written(drawn, files, counts)
            if wrote and copy == copies - 1:
                counts["faces"] += len(subject.faces)
        if counts["images"]:
            return Outcome(task.number, task.source, photo.identity, tuple(lines), counts=counts)
        return _nothing(task, photo, counts)

    def _written(self, drawn: list[tuple[Record, bytes]], files: list[str], counts: Counter[str]) -> list[str]:
        """Write the images of a pair; their lines."""
        for record, data in drawn:
            self._write(record.file_name, data)
            files.append(record.file_name)
            counts.update({"images": 1, f"label:{record.label}": 1, f"split:{record.split}": 1})
        return [record_line(record) for record, _ in drawn]

    def _write(self, name: str, data: bytes) -> None:
        try:
            self._store.write(name, data)
        except FileNotFoundError as error:
            raise _WriteError(
                f"the output folder {self._store.root} has gone; bring it back and run the same command again"
            ) from error
        except OSError as error:
            if error.errno in _FULL:
                words = "is full; make room and run the same command again, it goes on where it stopped"
                raise _WriteError(f"the disk that holds {self._store.root} {words}") from error
            raise _WriteError(f"cannot write {self._store.root}/{name}: {error.strerror or error}") from error


def _nothing(task: Task, photo: Photo, counts: Counter[str]) -> Outcome:
    """The outcome of a photo without an image."""
    reasons = {word.removeprefix(REJECTED): n for word, n in counts.items() if word.startswith(REJECTED) and n}
    if not reasons:
        return Outcome(task.number, task.source, photo.identity, reason="no_face", counts=counts)
    total = sum(reasons.values())
    detail = f"{len(photo.faces)} found, no usable image of any" if photo.faces else f"{total} found, none usable"
    if photo.reason is not None:
        detail = f"{total} faces of the photo would stay as they are"
    reason = photo.reason or min(reasons, key=lambda word: (-reasons[word], word))
    return Outcome(task.number, task.source, photo.identity, reason=reason, detail=detail, counts=counts)


def _told(error: Exception, task: Task) -> str:
    """An error's words, with the photo's path as it was given."""
    return str(error).replace(show(task.place), show(task.source)) if task.place else str(error)


class _WriteError(MaskgenError):
    """The output cannot be written; no other photo would fare better."""


def open_finder(settings: Settings) -> FaceFinder:
    """The face finder that the settings name."""
    from maskgen.faces.landmarks import FaceFinder

    predictor = Path(settings.predictor) if settings.predictor else None
    return FaceFinder(settings.detector, predictor)
