"""One image in, the same image with a mask on its face out, and the truth about it: for anybody's training loop."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskgen.errors import InputError, ShapeError
from maskgen.faces.given import GIVEN, LEAST_FACE_PX, FaceLike, as_face, landmarked, usable
from maskgen.types import LABELS, WEARS, Box, Face, Label, LandmarkedFace, Points, Wear

if TYPE_CHECKING:
    from maskgen.faces.landmarks import FaceFinder
    from maskgen.render.camera import Strength
    from maskgen.render.choices import SamplingSettings
    from maskgen.render.covers import Covers
    from maskgen.render.measures import Rendered
    from maskgen.render.params import ImageParams
    from maskgen.render.polygons import Polygon
    from maskgen.templates.template import MaskTemplate
    from maskgen.types import RGB

Weights: TypeAlias = "Mapping[str, float] | Iterable[str] | None"
"""Names with weights, names alike, or None for all at their usual weights."""

ATTEMPTS: Final = 4
"""Draws before a face is given up: some masks cannot be seen on some faces."""


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """An image with a mask on its face.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        label: what it shows.
        covers: shares of nose, mouth and chin beneath the mask.
        alpha: (H, W) float32 in [0, 1], what is seen of the mask; its straps and its shadow are no part of it.
        polygons: outlines of the same, pixels of ``image``.
        box_xyxy: the face's box in ``image``; may reach beyond it.
        landmarks: (68, 2) in ``image``.
        pose_deg: yaw, pitch, roll.
        params: all that chance decided; ``to_json`` makes plain values of it.
        source_landmarks: (68, 2) in the image that came in: with ``params`` they draw this image again.
    """

    image: RGB
    label: Label
    covers: Covers
    alpha: NDArray[np.float32]
    polygons: tuple[Polygon, ...]
    box_xyxy: tuple[float, float, float, float]
    landmarks: Points
    pose_deg: tuple[float, float, float]
    params: ImageParams
    source_landmarks: Points


class MaskTransform:
    """Puts a mask on the face of an image.

    It holds settings and, once they are used, the masks and a face finder a
    thread; nothing in it changes what a call gives. It can be pickled, shared
    by threads and carried into forked processes.

    Args:
        masks: names of masks, paths of folders, or names with weights; None for all.
        wears: how masks are worn, with weights or alike; ``correct`` is for ``with_mask``, the others are for
            ``incorrect_mask``. None for the usual shares.
        confusers: share of ``without_mask`` images with something before the face that is no mask.
        accessories: share of all images with glasses, a cap, hair.
        camera: None leaves every pixel that nothing was drawn on as it was; ``mild`` and ``street`` photograph
            the whole image anew, masked or not.
        size: side of the square that is cut about the face, as ``maskgen generate`` writes it; None keeps the
            image's frame and size.
        p: share of calls that draw anything; the others answer ``without_mask``.
        seed: where no ``rng`` is passed, an image's draw hangs on this and its bytes; None takes the system's chance.
        detector: one of ``maskgen.faces.DETECTORS`` or ``auto``, for images that come without a face.

    Raises:
        InputError: a setting is none that is known.
        TemplateError: a mask is not there.

    Example:
        >>> import maskgen, numpy
        >>> maskgen.MaskTransform(masks=["surgical"], p=0.5)
        MaskTransform(masks=['surgical'], p=0.5)
    """

    def __init__(
        self,
        masks: Weights = None,
        wears: Weights = None,
        confusers: float = 0.0,
        accessories: float = 0.0,
        camera: Strength | None = None,
        size: int | None = None,
        p: float = 1.0,
        seed: int | None = None,
        detector: str = "auto",
    ) -> None:
        from maskgen.faces import DETECTORS
        from maskgen.render.camera import STRENGTHS
        from maskgen.templates.reader import find_masks

        for name, share in (("confusers", confusers), ("accessories", accessories), ("p", p)):
            if not 0 <= share <= 1:
                raise InputError(f"{name} is a share from 0 to 1, got {share!r}")
        if camera is not None and camera not in STRENGTHS:
            raise InputError(f"camera is None or one of {', '.join(STRENGTHS)}, got {camera!r}")
        if size is not None and not 16 <= size <= 4096:
            raise InputError(f"size is a side of 16 to 4096 pixels or None, got {size!r}")
        if detector not in ("auto", *DETECTORS.names):
            raise InputError(f'no face detector is called "{detector}"; choose one of {", ".join(DETECTORS.names)}')
        self._masks, self._wears = _weights(masks), _weights(wears)
        if strange := [wear for wear in self._wears or () if wear not in WEARS]:
            raise InputError(f'no mask is worn "{strange[0]}"; choose from {", ".join(WEARS)}')
        # Names, and the masks in paths of folders, at their weights: read when the first image comes.
        chosen = {mask: weight for name, weight in (self._masks or _ALL).items() for mask in find_masks(None, [name])}
        self._templates = tuple(chosen.items()) if isinstance(masks, Mapping) else ()
        self._confusers, self._accessories, self._camera = confusers, accessories, camera
        self._size, self._p, self._seed, self._detector = size, p, seed, detector
        given = {"masks": masks, "wears": wears, "confusers": confusers, "accessories": accessories}
        given |= {"camera": camera, "size": size, "p": p, "seed": seed, "detector": detector}
        self._given = {name: value for name, value in given.items() if value != _DEFAULTS[name]}
        self._sampling = self._settings()
        self._loaded = _Loaded()

    @property
    def size(self) -> int | None:
        """Side of the squares that come out; None where images keep their size."""
        return self._size

    def __repr__(self) -> str:
        return f"MaskTransform({', '.join(f'{name}={value!r}' for name, value in self._given.items())})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_loaded"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._loaded = _Loaded()

    def __call__(
        self,
        image: RGB,
        face: FaceLike = None,
        label: Label = "with_mask",
        rng: np.random.Generator | None = None,
    ) -> Masked | None:
        """Draw a mask as chance decides.

        Args:
            image: (H, W, 3) uint8 RGB; keeps its values.
            face: where the face is, as far as you know; with landmarks nothing is searched and no model is loaded.
            label: what the image shall show.
            rng: where chance comes from.

        Returns:
            The image and its truth, or None where there is no usable face, or no mask can be seen on it.

        Raises:
            ShapeError: the image or the landmarks have another shape or type.
            InputError: the label is none, or no mask can be worn as it asks.
        """
        from maskgen.render.measures import gate
        from maskgen.render.sampling import draw

        _check(image)
        if label not in LABELS:
            raise InputError(f"a label is one of {', '.join(get_args(Label))}, got {label!r}")
        if self._wears is not None and label == "with_mask" and "correct" not in self._wears:
            raise InputError(f'with_mask needs the wear "correct"; wears are {", ".join(self._wears)}')
        if self._wears is not None and label == "incorrect_mask" and set(self._wears) <= {"correct"}:
            raise InputError('incorrect_mask needs another wear than "correct", which is the only one')
        found = self._face(image, face)
        if found is None:
            return None
        rng = rng if rng is not None else self._chance(image)
        bare = self._p < 1 and rng.random() >= self._p
        for _ in range(ATTEMPTS):
            params = draw(rng, "without_mask" if bare else label, self._wardrobe(), self._sampling)
            if self._camera is None:
                params = replace(params, camera=None)
            if bare:
                params = replace(params, confuser=None, accessories=())
            rendered = self._render(image, found, params)
            if gate(rendered, params) is None:
                return _masked(image, rendered, params, found)
        return None

    def apply(self, image: RGB, face: LandmarkedFace | ArrayLike, params: ImageParams | Mapping[str, Any]) -> Masked:
        """Draw recorded params again, byte for byte.

        Args:
            image: the image that came in then.
            face: ``source_landmarks`` of the result, or the face.
            params: of the result, or what ``to_json`` made of them.

        Raises:
            ShapeError: the image or the landmarks have another shape or type.
            InputError: the params are none, or name a mask that this transform does not have.
        """
        from maskgen.render.params import ImageParams

        _check(image)
        wanted = params if isinstance(params, ImageParams) else ImageParams.from_json(dict(params))
        if wanted.mask is not None and wanted.mask.template not in self._wardrobe():
            raise InputError(f'this transform has no mask called "{wanted.mask.template}"; see masks=')
        landmarks = face.landmarks if isinstance(face, LandmarkedFace) else np.asarray(face, np.float64)
        found = landmarked(landmarks)
        return _masked(image, self._render(image, found, wanted), wanted, found)

    def _settings(self) -> SamplingSettings:
        """What chance may choose from."""
        from maskgen.render.choices import INCORRECT, SamplingSettings

        wears: dict[Wear, float] = {wear: float((self._wears or {}).get(wear, 0)) for wear in WEARS}
        bad = tuple((wear, weight) for wear, weight in wears.items() if wear != "correct" and weight > 0)
        return SamplingSettings(
            templates=self._templates,
            incorrect_wears=bad or INCORRECT,
            confuser_chance=self._confusers,
            accessory_chance=self._accessories,
            camera=self._camera or "none",
            crop="scene" if self._size is None else "face",
            size=self._size or 224,
        )

    def _render(self, image: RGB, face: LandmarkedFace, params: ImageParams) -> Rendered:
        from maskgen.render.face import render

        return render(image, face, params, self._wardrobe())

    def _chance(self, image: RGB) -> np.random.Generator:
        if self._seed is None:
            return np.random.default_rng()
        digest = hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest()
        return np.random.default_rng([self._seed, int.from_bytes(digest[:8], "little")])

    def _wardrobe(self) -> Mapping[str, MaskTemplate]:
        if self._loaded.wardrobe is None:
            from maskgen.templates.reader import load_wardrobe

            self._loaded.wardrobe = load_wardrobe(None, list(self._masks or _ALL))
        return self._loaded.wardrobe

    def _face(self, image: RGB, face: FaceLike) -> LandmarkedFace | None:
        """The face with its landmarks, or None where there is none that can be used."""
        if isinstance(face, LandmarkedFace):
            return usable(face.landmarks, image)
        if face is None:
            found = self._loaded.finder(self._detector).find(image)
            return usable(found.faces[0].landmarks, image) if found.faces else None
        if not isinstance(face, (Face, Box)):
            points = np.asarray(face, np.float64)
            if points.shape == (68, 2):
                return usable(points, image)
            face = as_face(points)
        elif isinstance(face, Box):
            face = Face(face, 1.0, GIVEN)
        if min(face.box.width, face.box.height) < LEAST_FACE_PX:
            return None
        found = self._loaded.finder(self._detector).with_landmarks(image, [face])
        return usable(found.faces[0].landmarks, image) if found.faces else None


_DEFAULTS: Final = {
    "masks": None,
    "wears": None,
    "confusers": 0.0,
    "accessories": 0.0,
    "camera": None,
    "size": None,
    "p": 1.0,
    "seed": None,
    "detector": "auto",
}


_ALL: Final = {"all": 1.0}


class _Loaded:
    """What is read once: the masks, and a face finder for every thread of every process."""

    def __init__(self) -> None:
        self.wardrobe: Mapping[str, MaskTemplate] | None = None
        self._here = threading.local()

    def finder(self, detector: str) -> FaceFinder:
        if getattr(self._here, "pid", None) != os.getpid():
            from maskgen.faces.landmarks import FaceFinder

            self._here.finder, self._here.pid = FaceFinder(detector), os.getpid()
        finder: FaceFinder = self._here.finder
        return finder


def _weights(names: Weights) -> dict[str, float] | None:
    if names is None:
        return None
    if isinstance(names, str):
        raise InputError(f"a list of names is expected, got the text {names!r}")
    weights = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 1.0)
    if not weights or any(weight < 0 for weight in weights.values()) or sum(weights.values()) <= 0:
        raise InputError(f"names with weights of 0 or more are expected, got {weights}")
    return weights


def _check(image: RGB) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        got = f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"an image is (H, W, 3) uint8 RGB, got {got}")
    if min(image.shape[:2]) < 1:
        raise ShapeError(f"an image has at least one pixel, got shape {image.shape}")


def _masked(image: RGB, rendered: Rendered, params: ImageParams, face: LandmarkedFace) -> Masked:
    alpha = np.zeros(rendered.image.shape[:2], np.float32)
    left, top = rendered.origin_xy
    height, width = rendered.body.shape
    alpha[top : top + height, left : left + width] = rendered.body
    pose = rendered.pose
    return Masked(
        image=rendered.image,
        label=params.label,
        covers=rendered.covers,
        alpha=alpha,
        polygons=rendered.coverage,
        box_xyxy=rendered.box.xyxy,
        landmarks=rendered.landmarks,
        pose_deg=(pose.yaw_deg, pose.pitch_deg, pose.roll_deg),
        params=params,
        source_landmarks=face.landmarks,
    )
