"""A drawn thing on its way into a photo: what warp makes and blend lays down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import ShapeError
from maskgen.types import RGBA


@dataclass(frozen=True, slots=True)
class Layer:
    """One drawn object in a photo's frame, unlit.

    ``blend.composite`` gives it the face's light, its shadow and its edge.

    Attributes:
        rgba: (h, w, 4) float32 in [0, 1], premultiplied alpha; the colour is
            the object's own (sRGB albedo), as flat white light would show it.
        origin_xy: where the top-left pixel of ``rgba`` lies in the photo; may
            be negative, the layer may reach beyond the photo.
        height: (h, w) float32, pixels towards the viewer, or None for a
            surface without relief. Only its slopes matter.
        normal: (h, w, 3) float32 unit vectors (x right, y down, z towards the
            viewer) of the large shape beneath the relief, or None: then the
            object curves as the face does if ``follows_face``, else it is
            flat apart from ``height``.
        follows_face: whether it lies on the face like cloth (True) or stands
            before it like a hand or a cup.
        translucency: 0 to 1, or (h, w) float32 of the same: how far the skin's
            colour beneath shows through.
        gloss: 0 (cloth) to 1 (polished plastic).
        shadow: strength 0 to 1 of the shadow it casts on what lies beneath.
        lift: distance from the skin in pixels; the shadow moves and softens
            with it.
        lit: 0 to 1, how far it takes the face's light; below 1 for what shines
            by itself or was already shaded.
        body: (h, w) float32 in [0, 1] or None: the part of alpha that counts as
            the object's body (a mask without its straps). None means all.
    """

    rgba: RGBA
    origin_xy: tuple[int, int] = (0, 0)
    height: NDArray[np.float32] | None = None
    normal: NDArray[np.float32] | None = None
    follows_face: bool = True
    translucency: float | NDArray[np.float32] = 0.0
    gloss: float = 0.0
    shadow: float = 0.5
    lift: float = 1.5
    lit: float = 1.0
    body: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.rgba.ndim != 3 or self.rgba.shape[2] != 4 or self.rgba.dtype != np.float32:
            raise ShapeError(f"a layer is (h, w, 4) float32, got {self.rgba.shape} {self.rgba.dtype}")
        for name in ("height", "normal", "body"):
            part = getattr(self, name)
            if part is not None and part.shape[:2] != self.rgba.shape[:2]:
                raise ShapeError(f"the layer's {name} is {part.shape}, its colour {self.rgba.shape}")

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.rgba.shape[1], self.rgba.shape[0]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to lay down."""
        return self.rgba.size == 0 or not bool(self.rgba[..., 3].any())
