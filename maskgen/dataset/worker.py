"""One photo: bytes in, images and their lines out. What every engine's worker does.

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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.dataset.engines.base import Outcome, Rest, Task
from maskgen.dataset.journal import REJECTED
from maskgen.dataset.masked import MaskedFaces
from maskgen.dataset.record import FaceRecord, Pairs, Record, SourceFace, encode_path, image_name, record_line
from maskgen.dataset.settings import Settings
from maskgen.dataset.split import group_of, split_of
from maskgen.dataset.storage import Store, open_store, read_input
from maskgen.errors import ImageError, InputError, MaskgenError
from maskgen.faces.pose import head_pose
from maskgen.images import decode_rgb, encode, show, source_id
from maskgen.types import RGB, WEARS, Box, Face, Label, LandmarkedFace, Points, Wear

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from maskgen.faces.landmarks import FaceFinder
    from maskgen.render.face import FaceLight, Rendered
    from maskgen.render.params import ImageParams
    from maskgen.render.sampling import SamplingSettings, Weighted
    from maskgen.templates.template import MaskTemplate

log = logging.getLogger(__name__)

ATTEMPTS: Final = 4
"""Draws of one image before its face is given up."""

PART_S: Final = 1.0
"""A photo that takes longer is done in parts of about this length."""

BEGUN: Final = 2
"""Photos that a worker keeps between their parts: as many as it has in its hands."""

MANY: Final = 8
"""Faces of a scene from which on its images may take their time, each face the time of one."""

MOST: Final = 0.5
"""Share of a scene's faces that must wear what the scene counts as."""

ALREADY_MASKED: Final = "already_masked"
FEW_MASKED: Final = "few_masked"

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One image before it is written."""

    image: RGB
    faces: tuple[FaceRecord, ...]


@dataclass(frozen=True, slots=True)
class _InHand:
    """A photo that is being drawn: what every part of it needs.

    Attributes:
        task: the photo's.
        identity: its ``source_id``.
        image: (H, W, 3) uint8.
        faces: the usable ones, left to right.
        counts: of what was left out.
        reason: why none is usable, where the counts do not say it; or None.
    """

    task: Task
    identity: str
    image: RGB
    faces: list[LandmarkedFace]
    counts: Counter[str]
    reason: str | None


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
        self._wardrobe = wardrobe if wardrobe is not None else open_wardrobe(settings)
        self._store = store if store is not None else open_store(settings.output)
        self._sampling = sampling_settings(settings)
        self._masked = None if settings.keep_masked else MaskedFaces()
        self._begun: OrderedDict[str, _InHand] = OrderedDict()

    def do(self, task: Task) -> Outcome:
        """Draw, write and describe what comes of a photo, or a part of it. Never raises."""
        from maskgen.dataset.threads import single_threaded

        began = time.perf_counter()
        files: list[str] = []
        identity = task.rest.source_id if task.rest is not None else None
        try:
            with single_threaded():
                goes_on = task.rest is not None and task.source in self._begun
                data = None if goes_on else read_input(task.place or task.source)
                identity = identity or (source_id(data) if data is not None else None)
                outcome = self._part(self._in_hand(task, data), task.rest, files, began + PART_S)
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

    def _in_hand(self, task: Task, data: bytes | None) -> _InHand:
        """The photo with its faces: as it was begun, or read anew where another worker began it."""
        if data is None:
            return self._begun[task.source]
        identity = source_id(data)
        if task.rest is not None and task.rest.source_id != identity:
            raise ImageError("unreadable", f"{task.source} was changed while it was being drawn")
        image = decode_rgb(data, self._settings.max_side or None)
        faces, counts = self._usable(image)
        reason = self._unfit(faces, counts)
        hand = self._begun[task.source] = _InHand(task, identity, image, [] if reason else faces, counts, reason)
        if len(self._begun) > BEGUN:
            self._begun.popitem(last=False)
        return hand

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

    def _part(self, hand: _InHand, rest: Rest | None, files: list[str], until: float) -> Outcome:
        """Draw and write images from ``rest`` on, until the photo is done or it is time to report.

        Args:
            hand: the photo.
            rest: where to begin.
            files: filled with the names of what is written.
            until: of ``time.perf_counter``.
        """
        from maskgen.render.face import FaceLight

        task, settings = hand.task, self._settings
        scene = settings.crop == "scene"
        pictures = [hand.faces] if scene and hand.faces else [[face] for face in hand.faces]
        load = len(hand.faces) if scene else 1
        at = rest or Rest(source_id=hand.identity, counts=Counter(hand.counts), load=load)
        counts, lines, drew = Counter(at.counts), list[str](), False
        if rest is None and load > MANY:
            return Outcome(task.number, task.source, hand.identity, rest=at)
        for index in range(at.face, len(pictures)):
            subjects = pictures[index]
            light = None if scene else FaceLight.read(hand.image, subjects[0])
            begins = index == at.face
            wrote = at.wrote and begins
            for copy in range(at.copy if begins else 0, settings.per_face):
                if drew and time.perf_counter() > until:
                    later = Rest(index, copy, hand.identity, counts, wrote, load)
                    return Outcome(task.number, task.source, hand.identity, tuple(lines), rest=later)
                drew = True
                drawn = self._pair(hand, subjects, light, index, copy)
                if isinstance(drawn, str):
                    counts[REJECTED + drawn] += 1
                    continue
                wrote = True
                for record, data in drawn:
                    self._write(record.file_name, data)
                    files.append(record.file_name)
                    lines.append(record_line(record))
                    counts.update({"images": 1, f"label:{record.label}": 1, f"split:{record.split}": 1})
            if wrote:
                counts["faces"] += len(subjects)
        if counts["images"]:
            return Outcome(task.number, task.source, hand.identity, tuple(lines), counts=counts)
        return _nothing(hand, counts)

    def _pair(
        self, hand: _InHand, subjects: list[LandmarkedFace], light: FaceLight | None, index: int, copy: int
    ) -> list[tuple[Record, bytes]] | str:
        """One image of every class with its record, or why there is none."""
        settings, identity = self._settings, hand.identity
        source, source_bytes = encode_path(hand.task.source)
        group = group_of(hand.task.source, identity, settings.group_by)
        split = split_of(group, settings.split)
        pair = []
        for label in settings.labels:
            drawn = self._draw(hand.image, subjects, light, index, identity, copy, label)
            if isinstance(drawn, str):
                return drawn
            record = Record(
                file_name=image_name(split, label, hand.task.source, identity, index, copy, settings.extension),
                label=label,
                split=split,
                source=source,
                source_id=identity,
                group=group,
                copy=copy,
                seed=settings.seed,
                size_wh=(drawn.image.shape[1], drawn.image.shape[0]),
                encoding={"crop": settings.crop, "quality": settings.quality, "max_side": settings.max_side},
                faces=drawn.faces,
                source_bytes=source_bytes,
            )
            pair.append((record, encode(drawn.image, f".{settings.extension}", settings.quality)))
        return pair

    def _draw(
        self,
        photo: RGB,
        subjects: list[LandmarkedFace],
        light: FaceLight | None,
        first: int,
        identity: str,
        copy: int,
        label: Label,
    ) -> Drawn | str:
        """One image of a class, or why there is none.

        A face of a scene that takes no mask after all attempts stays bare, and
        its record says so; the scene is given up when most of its faces do.
        """
        from maskgen.render import face as synthesize

        scene = self._settings.crop == "scene"
        params = [self._params(first + i, identity, copy, label, 0) for i in range(len(subjects))]
        attempts = [0] * len(subjects)
        refusals: list[str] = []
        for attempt in range(1, ATTEMPTS + 1 + scene):
            if scene:
                rendered = synthesize.render_scene(photo, list(zip(subjects, params, strict=True)), self._wardrobe)
            else:
                rendered = [synthesize.render(photo, subjects[0], params[0], self._wardrobe, light)]
            gates = [synthesize.gate(r, p) for r, p in zip(rendered, params, strict=True)]
            refused = [i for i, reason in enumerate(gates) if reason is not None]
            if not refused:
                break
            refusals = [reason for reason in gates if reason is not None]
            for i in refused:
                attempts[i] = attempt
                if attempt < ATTEMPTS:
                    params[i] = self._params(first + i, identity, copy, label, attempt)
                elif scene:
                    params[i] = replace(params[i], label="without_mask", mask=None, confuser=None)
        else:
            return refusals[0]
        if sum(p.label == label for p in params) < MOST * len(params):
            return Counter(refusals).most_common(1)[0][0]
        faces = (
            describe(r, p, face, first + i, attempts[i])
            for i, (r, p, face) in enumerate(zip(rendered, params, subjects, strict=True))
        )
        return Drawn(rendered[0].image, tuple(faces))

    def _params(self, index: int, identity: str, copy: int, label: Label, attempt: int) -> ImageParams:
        from maskgen.render import sampling

        rng = sampling.image_rng(self._settings.seed, identity, index, copy, label, attempt)
        return sampling.draw(rng, label, self._wardrobe, self._sampling)

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


def _nothing(hand: _InHand, counts: Counter[str]) -> Outcome:
    """The outcome of a photo without an image."""
    task = hand.task
    reasons = {word.removeprefix(REJECTED): n for word, n in counts.items() if word.startswith(REJECTED) and n}
    if not reasons:
        return Outcome(task.number, task.source, hand.identity, reason="no_face", counts=counts)
    total = sum(reasons.values())
    detail = f"{len(hand.faces)} found, no usable image of any" if hand.faces else f"{total} found, none usable"
    if hand.reason is not None:
        detail = f"{total} faces of the photo would stay as they are"
    reason = hand.reason or min(reasons, key=lambda word: (-reasons[word], word))
    return Outcome(task.number, task.source, hand.identity, reason=reason, detail=detail, counts=counts)


def _told(error: Exception, task: Task) -> str:
    """An error's words, with the photo's path as it was given."""
    return str(error).replace(show(task.place), show(task.source)) if task.place else str(error)


class _WriteError(MaskgenError):
    """The output cannot be written; no other photo would fare better."""


# ---------------------------------------------------------------- parts


def open_finder(settings: Settings) -> FaceFinder:
    """The face finder that the settings name."""
    from maskgen.faces.landmarks import FaceFinder

    predictor = Path(settings.predictor) if settings.predictor else None
    return FaceFinder(settings.detector, predictor)


def open_wardrobe(settings: Settings) -> Mapping[str, MaskTemplate]:
    """The templates that the settings name.

    Raises:
        InputError: there is none.
    """
    from maskgen.templates.reader import load_wardrobe

    folder = Path(settings.masks_dir) if settings.masks_dir else None
    wardrobe = load_wardrobe(folder, settings.masks or None)
    if not wardrobe:
        raise InputError(f"no masks in {folder or 'the package'}; see maskgen masks list")
    return wardrobe


BADLY_WORN: Final = 0.25
"""Share of a class's images that show a badly worn mask, where two classes count it in."""


def sampling_settings(settings: Settings) -> SamplingSettings:
    """The settings as ``sampling.draw`` takes them."""
    from maskgen.render.sampling import INCORRECT, WHEN_ASKED, SamplingSettings

    usual = dict(INCORRECT)
    asked = settings.wears or ("correct", *usual)
    # The order of --wear changes nothing.
    bad = tuple(
        (wear, usual.get(wear, WHEN_ASKED))
        for wear in dict.fromkeys((*usual, *WEARS))
        if wear in asked and wear != "correct"
    )
    good: tuple[tuple[Wear, float], ...] = (("correct", 1.0),) if "correct" in asked else ()
    wears = good
    if settings.classes == 2 and settings.count_incorrect_as == "with_mask" and bad:
        share = BADLY_WORN if good else 1.0
        total = sum(weight for _, weight in bad)
        wears = tuple((wear, 1 - share) for wear, _ in good) + tuple((w, share * weight / total) for w, weight in bad)
    bare = settings.classes == 2 and settings.count_incorrect_as == "without_mask" and bool(bad)
    scarves, others = ((), ()) if settings.scarf_label == "without_mask" else _scarves_and_others()
    counts_as_mask = settings.scarf_label == "with_mask" and bool(scarves) and settings.confusers > 0
    return SamplingSettings(
        wears=wears,
        incorrect_wears=bad or INCORRECT,
        unmasked_wears=bad or INCORRECT,
        unmasked_wear_chance=BADLY_WORN * (1 - settings.confusers) if bare else 0.0,
        confuser_chance=settings.confusers,
        confusers=others,
        masked_confusers=scarves,
        masked_confuser_chance=settings.confusers / 3 if counts_as_mask else 0.0,
        accessory_chance=settings.accessories,
        turn_chance=settings.turn,
        camera=settings.camera,
        crop=settings.crop,
        size=settings.size,
    )


def _scarves_and_others() -> tuple[Weighted, Weighted]:
    from maskgen.occluders.registry import OCCLUDERS, weights

    scarves = tuple(pair for pair in weights("confuser") if OCCLUDERS.load(pair[0]).family == "scarf")
    return scarves, tuple(pair for pair in weights("confuser") if pair not in scarves)


# ---------------------------------------------------------------- faces and records


def rounded(face: LandmarkedFace) -> LandmarkedFace:
    """The face with coordinates to a hundredth of a pixel.

    What is drawn from is then exactly what the line holds; the pose follows from the landmarks.
    """

    def short(values: Iterable[float]) -> list[float]:
        return [round(float(v), 2) for v in values]

    box = Box(*short(face.face.box.xyxy))
    points = None if face.face.points is None else _rounded(face.face.points)
    inner = Face(box, round(float(face.face.score), 4), face.face.detector, points)
    landmarks = _rounded(face.landmarks)
    return LandmarkedFace(inner, landmarks, head_pose(landmarks))


def _rounded(points: Points) -> Points:
    return np.asarray(np.round(points, 2), dtype=np.float64)


def describe(rendered: Rendered, params: ImageParams, face: LandmarkedFace, index: int, attempt: int) -> FaceRecord:
    """The record of a drawn face."""
    mask, pose = params.mask, rendered.pose
    x, y, right, bottom = (round(float(v), 2) for v in rendered.box.xyxy)
    return FaceRecord(
        label=params.label,
        face_index=index,
        box_xyxy=(x, y, right, bottom),
        landmarks=_pairs(rendered.landmarks),
        pose_deg=(round(pose.yaw_deg, 2), round(pose.pitch_deg, 2), round(pose.roll_deg, 2)),
        detector=face.face.detector,
        template=mask.template if mask else None,
        wear=mask.wear if mask else None,
        colour=mask.colour if mask else None,
        pattern=mask.pattern if mask else None,
        params=params.to_json(),
        coverage=tuple(_pairs(polygon) for polygon in rendered.coverage),
        visible=round(float(rendered.visible), 4),
        attempt=attempt,
        source_face=SourceFace(
            face.face.box.xyxy,
            face.face.score,
            _pairs(face.landmarks),
            () if face.face.points is None else _pairs(face.face.points),
        ),
    )


def _pairs(points: Any) -> Pairs:
    """(N, 2) as pairs of plain numbers, to a hundredth of a pixel."""
    return tuple(map(tuple, np.asarray(points, dtype=np.float64).round(2).tolist()))
