"""Rows of pictures that show what can be drawn on a face: every mask, wear, light, camera, confuser.

Everything is drawn as ``maskgen generate`` draws it; each row holds all but one thing still.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.render.face import gate, render
from maskgen.render.sampling import SamplingSettings, draw
from maskgen.types import RGB, WEARS, LandmarkedFace

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


def _framed(params: ImageParams, face: LandmarkedFace) -> ImageParams:
    """The same params with a crop that sits squarely on the face and keeps its proportions."""
    from maskgen.faces.landmarks import face_box

    box = face_box(face.landmarks)
    return replace(params, crop=replace(params.crop, shift_xy=(0.0, 0.0), aspect=box.height / box.width))
