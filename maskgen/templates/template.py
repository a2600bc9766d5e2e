"""Mask templates: a folder of pictures and a ``mask.json`` -> ``MaskTemplate``.

A template is drawn flat, as if pressed between two sheets of glass, in
colours to be multiplied by a tint. ``docs/masks.md`` describes every file and
field. Everything wrong with a folder is found in one pass, worded for the
person who drew it; ``load_template`` raises it, ``check_template`` lists it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.templates.anchors import Anchor
from maskgen.types import WEARS, Wear

STRAP_ENDS: Final = ("ear_top", "ear_bottom", "ear", "crown", "nape")
WORKING_WIDTH: Final = 512
"""Templates are reduced to this width: a mask is rarely drawn wider than 300 px."""


@dataclass(frozen=True, slots=True)
class Strap:
    """A band or loop, drawn by the renderer as a curve.

    Attributes:
        xy: where it leaves the mask, pixels of the picture.
        to: ``ear_top``, ``ear_bottom``, ``ear`` (its root), ``crown`` (over the
            ear, up the back of the head) or ``nape`` (under the ear, round the
            neck).
        width: in face widths.
        rgb: sRGB 0 to 255, or None: then ``own`` decides.
        own: without ``rgb``: True for a strap cut from the mask's own cloth, of
            exactly its tint; False for elastic, whose colour is drawn (white,
            black, the tint).
    """

    xy: tuple[float, float]
    to: str
    width: float
    rgb: tuple[int, int, int] | None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Material:
    """What the mask is made of.

    Attributes:
        translucency: 0 to 1, how far the skin's colour shows through.
        gloss: 0 (cloth) to 1 (polished plastic).
        relief: height of full white in ``height.png``, in face widths.
        rigid: it keeps its form when it is pulled down, as a rubber half mask does.
    """

    translucency: float = 0.0
    gloss: float = 0.05
    relief: float = 0.05
    rigid: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class MaskTemplate:
    """A mask's picture and how it lies on a face.

    Attributes:
        name: the folder's name.
        title: for people.
        kind: the family it belongs to: ``surgical``, ``kn95``, ``cloth``, ...
        rgba: (H, W, 4) uint8 sRGB, straight alpha: the flat-lit colour.
        height: (H, W) float32 in [0, 1] towards the viewer, above the face that
            the mask lies on; or None for a mask without relief.
        regions: (H, W, 3) float32 in [0, 1]: how far each pixel takes the tint,
            takes the pattern, and lets the skin through (times the material's
            translucency); None means tint and pattern everywhere.
        top: anchors of the upper edge, left to right.
        bottom: anchors of the lower edge, left to right.
        straps: bands and loops, both sides.
        colours: (palette name, weight) pairs.
        pattern_chance: how often it is printed, 0 to 1.
        material: see ``Material``.
        wears: how it can be worn.
        weight: how often it is drawn, relative to the others.
    """

    name: str
    title: str
    kind: str
    rgba: NDArray[np.uint8]
    height: NDArray[np.float32] | None
    regions: NDArray[np.float32] | None
    top: tuple[Anchor, ...]
    bottom: tuple[Anchor, ...]
    straps: tuple[Strap, ...] = ()
    colours: tuple[tuple[str, float], ...] = (("white", 1.0),)
    pattern_chance: float = 0.0
    material: Material = Material()
    wears: tuple[Wear, ...] = WEARS
    weight: float = 1.0

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.rgba.shape[1], self.rgba.shape[0]

    def planes(self, size_wh: tuple[int, int]) -> list[NDArray[np.uint8]]:
        """Premultiplied red, green and blue, and alpha, averaged down to a size: (h, w) each."""
        import cv2

        *colours, alpha = cv2.split(self.rgba)
        planes = [*(cv2.multiply(colour, alpha, scale=1 / 255) for colour in colours), alpha]
        return [np.asarray(cv2.resize(plane, size_wh, interpolation=cv2.INTER_AREA), np.uint8) for plane in planes]

    def reduced(self, max_width: int) -> MaskTemplate:
        """The template at most ``max_width`` pixels wide; itself when it already is.

        Colours are averaged with their alpha, so nothing leaks in from where
        the picture is transparent.
        """
        import cv2

        width, height = self.size_wh
        if width <= max_width:
            return self
        size = max_width, max(1, round(height * max_width / width))
        scale = size[0] / width, size[1] / height
        *colours, alpha = self.planes(size)
        divide = 255 / np.maximum(alpha, 1).astype(np.float32)
        straight = [np.minimum(colour * divide + 0.5, 255).astype(np.uint8) for colour in colours]
        rgba: Any = cv2.merge([*straight, alpha])

        def shrunk(picture: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
            if picture is None:
                return None
            return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)

        def moved(xy: tuple[float, float]) -> tuple[float, float]:
            return xy[0] * scale[0], xy[1] * scale[1]

        return replace(
            self,
            rgba=rgba,
            height=shrunk(self.height),
            regions=shrunk(self.regions),
            top=tuple(replace(anchor, xy=moved(anchor.xy)) for anchor in self.top),
            bottom=tuple(replace(anchor, xy=moved(anchor.xy)) for anchor in self.bottom),
            straps=tuple(replace(strap, xy=moved(strap.xy)) for strap in self.straps),
        )
