"""Pictures of what can be drawn on a face: every mask, wear, light, camera, confuser, accessory.

Everything is drawn as ``maskgen generate`` draws it. ``rows`` are for the demo, each holds all but one thing still;
``kinds`` are the pictures of ``docs/gallery.md``, one a kind.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.render.camera import CameraParams
from maskgen.render.face import gate, render
from maskgen.render.params import LightParams
from maskgen.render.sampling import SamplingSettings, draw
from maskgen.types import RGB, WEARS, LandmarkedFace, Wear

if TYPE_CHECKING:
    from maskgen.render.face import Wardrobe
    from maskgen.render.params import ImageParams
    from maskgen.types import Label

PICTURE_PX: Final = 224
MARGIN: Final = 1.45
"""Factor on the face's box: room for the straps, the ears and the chin."""

WELL_KNOWN: Final = ("surgical", "kn95", "cloth_contour", "n95_cup", "sponge")
"""Templates for the rows in which the mask stays the same; whichever of them there are."""

ATTEMPTS: Final = 8

KIND_PX: Final = 200
WHOLE_HEAD: Final = 1.9
"""Factor on the face's box where a hat or a hood is shown."""

SEEN: Final = 40
"""Change of a pixel, of 255, that is seen at a glance."""

LEAST_SEEN: Final = 0.02
"""Share of a picture's pixels that what it shows must change so much: no stubble, no lens without a tint."""

PLAIN_LIGHT: Final = LightParams(direction_xy=(0.0, -0.1), ambient=0.4)

WEAR_WORDS: Final[dict[Wear, str]] = {
    "correct": "over nose, mouth and chin",
    "nose_out": "under the nose",
    "mouth_out": "under the mouth",
    "chin_out": "over nose and mouth, the chin bare",
    "chin": "on the chin",
    "one_ear": "hanging from one ear",
    "nose_only": "over the nose, the mouth bare",
    "high": "pushed up over the eyes or onto the forehead",
}

CAMERA: Final[dict[str, tuple[str, CameraParams]]] = {
    "none": ("no camera at all", CameraParams()),
    "exposure": ("two stops too dark", CameraParams(exposure_ev=-2.0)),
    "gamma": ("a steep tone curve", CameraParams(gamma=1.7)),
    "contrast": ("hardly any contrast", CameraParams(contrast=0.5)),
    "white_balance": ("set for other light", CameraParams(white_balance=(1.5, 1.0, 0.6))),
    "saturation": ("nearly grey", CameraParams(saturation=0.15)),
    "tint": ("coloured light over everything", CameraParams(tint_rgb=(0.9, 0.4, 0.1), tint=0.35)),
    "vignette": ("dark corners", CameraParams(vignette=0.8)),
    "focus": ("out of focus", CameraParams(focus_px=4.0)),
    "motion": ("moved", CameraParams(motion_px=18.0, motion_deg=20.0)),
    "resolution": ("a face of 24 pixels, enlarged", CameraParams(face_px=24.0, down="area", up="linear")),
    "noise": ("little light, much gain", CameraParams(noise=0.12, noise_grain=1.6, noise_seed=3)),
    "sharpen": ("sharpened by the camera", CameraParams(sharpen=2.0, focus_px=1.0)),
    "jpeg": ("saved small, twice", CameraParams(codecs=(("jpeg", 12), ("jpeg", 20)))),
    "webp": ("saved small as WebP", CameraParams(codecs=(("webp", 4),))),
}
"""One fault each, as strong as the street camera's strongest or stronger, to be seen at a glance."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture and the words under it."""

    image: RGB
    caption: str


@dataclass(frozen=True, slots=True)
class Row:
    """Pictures that differ in one thing.

    Attributes:
        name: for file names: ``masks``, ``wears``, ``light``, ``camera``, ``confusers``.
        title: what differs.
        pictures: in order.
    """

    name: str
    title: str
    pictures: tuple[Picture, ...]


Subject = tuple[RGB, LandmarkedFace]
"""A photo and the face in it."""


def rows(subjects: Sequence[Subject], wardrobe: Wardrobe, *, count: int = 6, seed: int = 0) -> Iterator[Row]:
    """Draw every row.

    Args:
        subjects: photos with their faces; they take turns.
        wardrobe: templates by name.
        count: pictures of the rows that could go on for ever.
        seed: of everything drawn.
    """
    rng = np.random.default_rng(seed)
    still = SamplingSettings(
        confuser_chance=0, accessory_chance=0, camera="none", size=PICTURE_PX, margin=(MARGIN, MARGIN)
    )

    def one(turn: int, label: Label, settings: SamplingSettings) -> tuple[ImageParams, RGB]:
        """Draw until the picture shows what it is said to show."""
        photo, face = subjects[turn % len(subjects)]
        for _ in range(ATTEMPTS):
            params = _framed(draw(rng, label, wardrobe, settings), face)
            drawn = render(photo, face, params, wardrobe)
            if gate(drawn, params) is None:
                break
        return params, drawn.image

    pictures = []
    for turn, name in enumerate(sorted(wardrobe)):
        _, image = one(turn, "with_mask", replace(still, templates=((name, 1.0),)))
        pictures.append(Picture(image, wardrobe[name].title))
    yield Row("masks", "Every mask, in colours and patterns that it is sold in", tuple(pictures))

    known = tuple((name, 1.0) for name in WELL_KNOWN if name in wardrobe) or tuple((n, 1.0) for n in wardrobe)
    pictures = []
    for wear in WEARS:
        if not any(wear in wardrobe[name].wears for name, _ in known):
            continue
        label: Label = "with_mask" if wear == "correct" else "incorrect_mask"
        settings = replace(still, wears=((wear, 1.0),), incorrect_wears=((wear, 1.0),), templates=known)
        pictures += [Picture(one(turn, label, settings)[1], wear) for turn in range(len(subjects))]
    yield Row("wears", "How it is worn: as it should be, and in ways that do not help", tuple(pictures))

    photo, face = subjects[-1]
    base, _ = one(len(subjects) - 1, "with_mask", replace(still, templates=known[:1], without=("colours", "patterns")))
    pictures = []
    for number in range(count):
        light = draw(rng, "with_mask", wardrobe, still).light
        pictures.append(Picture(render(photo, face, replace(base, light=light), wardrobe).image, f"light {number + 1}"))
    yield Row("light", "The same mask in other light: level, colour, direction, shadow", tuple(pictures))

    pictures = []
    for number in range(count):
        camera = draw(rng, "with_mask", wardrobe, replace(still, camera="street")).camera
        shot = render(photo, face, replace(base, camera=camera), wardrobe).image
        pictures.append(Picture(shot, f"camera {number + 1}"))
    yield Row("camera", "The same picture through other cameras, the same for every class", tuple(pictures))

    from maskgen.occluders.registry import of_kind

    pictures = []
    for turn, name in enumerate(of_kind("confuser")):
        settings = replace(still, confuser_chance=1.0, confusers=((name, 1.0),))
        pictures.append(Picture(one(turn, "without_mask", settings)[1], name.replace("_", " ")))
    yield Row("confusers", "What covers a face and is no mask: labelled without_mask", tuple(pictures))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of what can be drawn, on every portrait, side by side.

    Attributes:
        group: ``templates``, ``wears``, ``confusers``, ``accessories`` or ``camera``.
        name: what users call it.
        words: what it is, in a line.
        source: the file that says how it is drawn, from the repository's root.
    """

    group: str
    name: str
    words: str
    source: str


def kinds(wardrobe: Wardrobe) -> list[Kind]:
    """Everything that has a picture in ``docs/gallery.md``: a new kind joins by being registered."""
    from maskgen.occluders.base import KINDS
    from maskgen.occluders.registry import OCCLUDERS, of_kind

    found = [Kind("templates", name, wardrobe[name].title, f"assets/masks/{name}/mask.json") for name in wardrobe]
    found += [Kind("wears", wear, WEAR_WORDS[wear], "maskgen/render/wear/misworn.py") for wear in WEARS]
    for kind in KINDS:
        for name in of_kind(kind):
            if name in OCCLUDERS.builtin:
                module = OCCLUDERS.builtin[name].partition(":")[0]
                words = (importlib.import_module(module).__doc__ or "").strip().partition("\n")[0]
                group = "confusers" if kind == "confuser" else "accessories"
                found.append(Kind(group, name, words, f"{module.replace('.', '/')}.py"))
    found += [Kind("camera", name, words, "maskgen/render/camera.py") for name, (words, _) in CAMERA.items()]
    return found


def picture(kind: Kind, subjects: Sequence[Subject], wardrobe: Wardrobe) -> RGB:
    """Draw a kind on every portrait; what is drawn hangs on its own name alone, so that a new kind moves no other."""
    rng = np.random.default_rng(list(f"{kind.group}/{kind.name}".encode()))
    images = [_one_of(kind, number, rng, subject, wardrobe) for number, subject in enumerate(subjects)]
    return np.concatenate(images, axis=1)


def _one_of(kind: Kind, number: int, rng: np.random.Generator, subject: Subject, wardrobe: Wardrobe) -> RGB:
    on_head = kind.group == "accessories"
    margin = WHOLE_HEAD if on_head else MARGIN
    settings = SamplingSettings(
        templates=((kind.name if kind.group == "templates" else _template_for(kind, wardrobe), 1.0),),
        confuser_chance=float(kind.group == "confusers"),
        confusers=((kind.name, 1.0),),
        accessory_chance=float(on_head),
        accessories=((kind.name, 1.0),),
        camera="none",
        size=KIND_PX,
        margin=(margin, margin),
        without=("patterns",),
    )
    label: Label = "with_mask"
    # An accessory is worn with a mask and without.
    if kind.group == "confusers" or (on_head and number == 0):
        label = "without_mask"
        settings = replace(settings, confuser_chance=float(kind.group == "confusers"))
    if kind.group == "wears":
        settings = replace(settings, wears=((kind.name, 1.0),))  # type: ignore[arg-type]
    photo, face = subject
    for _ in range(ATTEMPTS):
        params = replace(_framed(draw(rng, label, wardrobe, settings), face), light=PLAIN_LIGHT)
        if params.mask is not None:
            params = replace(params, mask=replace(params.mask, straps=True))
        if kind.group == "accessories":
            params = replace(params, accessories=params.accessories[-1:])
        if kind.group == "camera":
            params = replace(params, camera=CAMERA[kind.name][1])
        drawn = render(photo, face, params, wardrobe)
        if gate(drawn, params) is None and _shows(drawn.image, params, subject, wardrobe):
            break
    return drawn.image


def _shows(image: RGB, params: ImageParams, subject: Subject, wardrobe: Wardrobe) -> bool:
    """Whether somebody sees at a glance what is drawn besides a mask."""
    if params.confuser is None and not params.accessories:
        return True
    bare = render(*subject, replace(params, confuser=None, accessories=()), wardrobe).image
    changed = np.abs(image.astype(np.int16) - bare).max(axis=2) > SEEN
    return float(changed.mean()) > LEAST_SEEN


def _template_for(kind: Kind, wardrobe: Wardrobe) -> str:
    """A well-known mask, one that can be worn as the kind says."""
    wear = kind.name if kind.group == "wears" else "correct"
    able = [name for name in (*WELL_KNOWN, *wardrobe) if name in wardrobe and wear in wardrobe[name].wears]
    return able[0]


def _framed(params: ImageParams, face: LandmarkedFace) -> ImageParams:
    """The same params with a crop that sits squarely on the face and keeps its proportions."""
    from maskgen.faces.landmarks import face_box

    box = face_box(face.landmarks)
    return replace(params, crop=replace(params.crop, shift_xy=(0.0, 0.0), aspect=box.height / box.width))
