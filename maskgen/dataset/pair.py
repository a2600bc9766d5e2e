"""Draws a copy of a face, or of a scene: one image of every class, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from maskgen.dataset.describe import describe
from maskgen.dataset.names import encode_path, image_name
from maskgen.dataset.recipe import sampling_settings
from maskgen.dataset.record import FaceRecord, Record
from maskgen.dataset.settings import Settings
from maskgen.dataset.split import group_of, split_of
from maskgen.images import encode
from maskgen.types import RGB, Label, LandmarkedFace

if TYPE_CHECKING:
    from maskgen.render.face import FaceLight, Rendered
    from maskgen.render.params import ImageParams
    from maskgen.templates.template import MaskTemplate

ATTEMPTS: Final = 4
"""Draws of one image before its face is given up."""

MOST: Final = 0.5
"""Share of a scene's faces that must wear what the scene counts as."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that was searched for faces.

    Attributes:
        source: its path or address as given.
        identity: its ``source_id``.
        image: (H, W, 3) uint8.
        faces: the usable ones, left to right.
        counts: of what was left out.
        reason: why none is usable, where the counts do not say it; or None.
    """

    source: str
    identity: str
    image: RGB
    faces: list[LandmarkedFace]
    counts: Counter[str]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What an image shows of a photo: a face, or all of a scene's.

    Attributes:
        first: the first face's place among the photo's.
        faces: one at least.
        light: of the face; None in a scene.
    """

    first: int
    faces: Sequence[LandmarkedFace]
    light: FaceLight | None = None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One image before it is written."""

    image: RGB
    faces: tuple[FaceRecord, ...]


class PairDrawer:
    """Draws under one group of settings."""

    def __init__(self, settings: Settings, wardrobe: Mapping[str, MaskTemplate]) -> None:
        self._settings, self._wardrobe = settings, wardrobe
        self._sampling = sampling_settings(settings)
        self._scene = settings.crop == "scene"

    def subject(self, photo: Photo, index: int) -> Subject:
        """What the images of that number show: a face each, or a scene all of them."""
        from maskgen.render.face import FaceLight

        if self._scene:
            return Subject(index, photo.faces)
        face = photo.faces[index]
        return Subject(index, [face], FaceLight.read(photo.image, face))

    def pair(self, photo: Photo, subject: Subject, copy: int) -> list[tuple[Record, bytes]] | str:
        """One image of every class with its record, or why there is none."""
        settings = self._settings
        source, source_bytes = encode_path(photo.source)
        group = group_of(photo.source, photo.identity, settings.group_by)
        split = split_of(group, settings.split)
        pair = []
        for label in settings.labels:
            drawn = self._draw(photo, subject, copy, label)
            if isinstance(drawn, str):
                return drawn
            record = Record(
                file_name=image_name(
                    split, label, photo.source, photo.identity, subject.first, copy, settings.extension
                ),
                label=label,
                split=split,
                source=source,
                source_id=photo.identity,
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

    def _draw(self, photo: Photo, subject: Subject, copy: int, label: Label) -> _Drawn | str:
        """One image of a class, or why there is none.

        A face of a scene that takes no mask after all attempts stays bare, and
        its record says so; the scene is given up when most of its faces do.
        """

        def chosen(i: int, attempt: int) -> ImageParams:
            return self._params(photo.identity, subject.first + i, copy, label, attempt)

        params = [chosen(i, 0) for i in range(len(subject.faces))]
        attempts = [0] * len(params)
        refusals: list[str] = []
        for attempt in range(1, ATTEMPTS + 1 + self._scene):
            rendered = self._render(photo, subject, params)
            refused = _refused(rendered, params)
            if not refused:
                break
            refusals = list(refused.values())
            for i in refused:
                attempts[i] = attempt
                if attempt < ATTEMPTS:
                    params[i] = chosen(i, attempt)
                elif self._scene:
                    params[i] = replace(params[i], label="without_mask", mask=None, confuser=None)
        else:
            return refusals[0]
        if sum(p.label == label for p in params) < MOST * len(params):
            return Counter(refusals).most_common(1)[0][0]
        faces = (
            describe(r, p, face, subject.first + i, attempts[i])
            for i, (r, p, face) in enumerate(zip(rendered, params, subject.faces, strict=True))
        )
        return _Drawn(rendered[0].image, tuple(faces))

    def _render(self, photo: Photo, subject: Subject, params: Sequence[ImageParams]) -> list[Rendered]:
        """The image, once for each of its faces."""
        from maskgen.render import face

        if self._scene:
            dressed = list(zip(subject.faces, params, strict=True))
            return face.render_scene(photo.image, dressed, self._wardrobe)
        return [face.render(photo.image, subject.faces[0], params[0], self._wardrobe, subject.light)]

    def _params(self, identity: str, index: int, copy: int, label: Label, attempt: int) -> ImageParams:
        from maskgen.render import sampling

        rng = sampling.image_rng(self._settings.seed, identity, index, copy, label, attempt)
        return sampling.draw(rng, label, self._wardrobe, self._sampling)


def _refused(rendered: Sequence[Rendered], params: Sequence[ImageParams]) -> dict[int, str]:
    """Which faces came out as no example of their class, and why."""
    from maskgen.render import face

    gates = [face.gate(r, p) for r, p in zip(rendered, params, strict=True)]
    return {i: reason for i, reason in enumerate(gates) if reason is not None}
