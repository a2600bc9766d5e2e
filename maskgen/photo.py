"""One photo: bytes in, images and their lines out. What every engine's worker does.

A photo is read, decoded and searched for faces once, whatever the number of
copies. All images of a photo are drawn and encoded before the first is
written, and a face gives either one image of every class or none: both
classes are drawn the same number of times.
"""

from __future__ import annotations

import errno
import logging
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.engines.base import Outcome, Task
from maskgen.errors import ImageError, InputError, MaskgenError
from maskgen.images import decode_rgb, encode, show, source_id
from maskgen.metadata import (
    FaceRecord,
    Pairs,
    Record,
    SourceFace,
    encode_path,
    group_of,
    image_name,
    record_line,
    split_of,
)
from maskgen.pose import head_pose
from maskgen.settings import Settings
from maskgen.storage import Store, open_store, read_input
from maskgen.types import RGB, WEARS, Box, Face, Label, LandmarkedFace, Points, Wear

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from maskgen.landmarks import FaceFinder
    from maskgen.params import ImageParams
    from maskgen.sampling import SamplingSettings, Weighted
    from maskgen.synthesize import FaceLight, Rendered
    from maskgen.templates import MaskTemplate

log = logging.getLogger(__name__)

ATTEMPTS: Final = 4
"""Draws of one image before its face is given up."""

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One image before it is written."""

    image: RGB
    faces: tuple[FaceRecord, ...]


def open_worker(settings: dict[str, Any]) -> PhotoWorker:
    """What a worker process builds once: the finder, the masks, the store.

    Raises:
        MaskgenError: a model file, a template or a setting is not usable.
    """
    import cv2
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

    cv2.setNumThreads(1)
    # Small equations take several times as long on several threads of a busy
    # machine. Worker processes have it from their environment; where everything
    # happens in this process, numpy is loaded already.
    threadpool_limits(1, user_api="blas")
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

    def do(self, task: Task) -> Outcome:
        """Draw, write and describe everything that comes of a photo. Never raises."""
        began = time.perf_counter()
        identity: str | None = None
        try:
            data = read_input(task.place or task.source)
            identity = source_id(data)
            photo = decode_rgb(data, self._settings.max_side or None)
            del data
            outcome = self._photo(task, photo, identity)
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
        return replace(outcome, seconds=time.perf_counter() - began)

    def _photo(self, task: Task, photo: RGB, identity: str) -> Outcome:
        from maskgen.synthesize import FaceLight

        settings = self._settings
        found = self._finder.find(photo)
        counts = Counter({f"rejected:{reason}": n for reason, n in Counter(r for _, r in found.rejected).items()})
        faces = [rounded(face) for face in sorted(found.faces, key=lambda f: f.face.box.left)]
        small = [face for face in faces if max(face.face.box.width, face.face.box.height) < settings.min_face]
        if small:
            counts["rejected:too_small"] += len(small)
        faces = [face for face in faces if face not in small]
        if not faces:
            reason = max(counts, key=lambda r: counts[r]).removeprefix("rejected:") if counts else "no_face"
            detail = f"{counts.total()} found, none usable" if counts else ""
            return Outcome(task.number, task.source, identity, reason=reason, detail=detail, counts=counts)
        group = group_of(task.source, identity, settings.group_by)
        split = split_of(group, settings.split)
        source, source_bytes = encode_path(task.source)
        written: list[tuple[str, bytes]] = []
        lines: list[str] = []
        for index, subjects in enumerate([faces] if settings.crop == "scene" else [[face] for face in faces]):
            light = None if settings.crop == "scene" else FaceLight.read(photo, subjects[0])
            for copy in range(settings.per_face):
                drawn: dict[Label, Drawn] = {}
                for label in settings.labels:
                    one = self._draw(photo, subjects, light, index, identity, copy, label)
                    if isinstance(one, str):
                        counts[f"rejected:{one}"] += 1
                        break
                    drawn[label] = one
                if len(drawn) < len(settings.labels):
                    continue
                for label, image in drawn.items():
                    name = image_name(split, label, task.source, identity, index, copy, settings.extension)
                    record = Record(
                        file_name=name,
                        label=label,
                        split=split,
                        source=source,
                        source_id=identity,
                        group=group,
                        copy=copy,
                        seed=settings.seed,
                        size_wh=(image.image.shape[1], image.image.shape[0]),
                        encoding={"crop": settings.crop, "quality": settings.quality, "max_side": settings.max_side},
                        faces=image.faces,
                        source_bytes=source_bytes,
                    )
                    written.append((name, encode(image.image, f".{settings.extension}", settings.quality)))
                    lines.append(record_line(record))
                    counts.update({"images": 1, f"label:{label}": 1, f"split:{split}": 1})
        if not written:
            reasons = Counter({k.removeprefix("rejected:"): n for k, n in counts.items() if k.startswith("rejected:")})
            reason = reasons.most_common(1)[0][0] if reasons else "failed"
            detail = f"{len(faces)} found, no usable image of any"
            return Outcome(task.number, task.source, identity, reason=reason, detail=detail, counts=counts)
        for name, data in written:
            self._write(name, data)
        counts["faces"] += len(faces)
        files = tuple(name for name, _ in written)
        return Outcome(task.number, task.source, identity, tuple(lines), files, counts=counts)

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
        its record says so; the scene is given up when no face took one.
        """
        from maskgen import synthesize

        scene = self._settings.crop == "scene"
        params = [self._params(first + i, identity, copy, label, 0) for i in range(len(subjects))]
        attempts = [0] * len(subjects)
        refusals: list[str] = []
        for attempt in range(1, ATTEMPTS + 1):
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
                if attempt < ATTEMPTS - 1:
                    params[i] = self._params(first + i, identity, copy, label, attempt)
                elif scene:
                    params[i] = replace(params[i], label="without_mask", mask=None, confuser=None)
        else:
            return refusals[0]
        if all(p.label != label for p in params):
            return refusals[0]
        faces = (
            describe(r, p, face, first + i, attempts[i])
            for i, (r, p, face) in enumerate(zip(rendered, params, subjects, strict=True))
        )
        return Drawn(rendered[0].image, tuple(faces))

    def _params(self, index: int, identity: str, copy: int, label: Label, attempt: int) -> ImageParams:
        from maskgen import sampling

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


def _told(error: Exception, task: Task) -> str:
    """An error's words, with the photo's path as it was given."""
    return str(error).replace(show(task.place), show(task.source)) if task.place else str(error)


class _WriteError(MaskgenError):
    """The output cannot be written; no other photo would fare better."""


# ---------------------------------------------------------------- parts


def open_finder(settings: Settings) -> FaceFinder:
    """The face finder that the settings name."""
    from maskgen.landmarks import FaceFinder

    predictor = Path(settings.predictor) if settings.predictor else None
    return FaceFinder(settings.detector, predictor)


def open_wardrobe(settings: Settings) -> Mapping[str, MaskTemplate]:
    """The templates that the settings name.

    Raises:
        InputError: there is none.
    """
    from maskgen.templates import load_wardrobe

    folder = Path(settings.masks_dir) if settings.masks_dir else None
    wardrobe = load_wardrobe(folder, settings.masks or None)
    if not wardrobe:
        raise InputError(f"no masks in {folder or 'the package'}; see maskgen masks list")
    return wardrobe


SCARVES: Final = ("scarf", "bandana", "shirt")
"""Confusers that may be cloth over the nose: what they count as, --scarf-label says. A collar never is."""

BADLY_WORN: Final = 0.25
"""Share of a class's images that show a badly worn mask, where two classes count it in."""


def sampling_settings(settings: Settings) -> SamplingSettings:
    """The settings as ``sampling.draw`` takes them."""
    from maskgen.sampling import INCORRECT, WHEN_ASKED, SamplingSettings

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
    from maskgen import confusers

    weights = confusers.WEIGHTS.items()
    return (
        tuple((name, weight) for name, weight in weights if name in SCARVES),
        tuple((name, weight) for name, weight in weights if name not in SCARVES),
    )


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


def face_of(record: FaceRecord) -> LandmarkedFace:
    """The face in its photo, from its record alone.

    Raises:
        InputError: the record does not say where the face lies in the photo.
    """
    source = record.source_face
    if source is None:
        raise InputError("the line has no source_face; it was written by another tool")
    points = np.array(source.points, dtype=np.float64) if source.points else None
    face = Face(Box(*source.box_xyxy), source.score, record.detector, points)
    landmarks = np.array(source.landmarks, dtype=np.float64)
    # The line's own pose is that of the written image, a turn included.
    return LandmarkedFace(face, landmarks, head_pose(landmarks))


def remake(record: Record, wardrobe: Mapping[str, MaskTemplate], source: str | None = None) -> bytes:
    """Draw a written image again, from its line and its photo alone.

    Args:
        record: the line.
        wardrobe: at least the templates that the line names.
        source: where the photo lies now, None for where it lay then.

    Returns:
        The bytes of the file, the same as were written.

    Raises:
        InputError: the photo is not the one the line was made from.
        ImageError: the photo cannot be read.
    """
    from maskgen import synthesize
    from maskgen.params import ImageParams

    path = source if source is not None else record.source_path()
    data = read_input(path)
    if source_id(data) != record.source_id:
        raise InputError(f"{path} is not the photo that {record.file_name} was made from: its bytes differ")
    photo = decode_rgb(data, int(record.encoding.get("max_side") or 0) or None)
    dressed = [(face_of(face), ImageParams.from_json(face.params)) for face in record.faces]
    if record.encoding.get("crop") == "scene":
        image = synthesize.render_scene(photo, dressed, wardrobe)[0].image
    else:
        image = synthesize.render(photo, *dressed[0], wardrobe).image
    return encode(image, Path(record.file_name).suffix, int(record.encoding.get("quality", 92)))
