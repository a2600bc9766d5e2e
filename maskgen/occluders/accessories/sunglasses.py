"""Dark glasses: plain, graded or mirrored lenses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maskgen.occluders.accessories import glasses
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from maskgen.drawing.board import Params
    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace

_TINTS = ((0.04, 0.04, 0.05), (0.12, 0.08, 0.05), (0.05, 0.09, 0.07), (0.1, 0.06, 0.12), (0.05, 0.07, 0.14))
_MIRRORS = ((0.75, 0.45, 0.2), (0.25, 0.45, 0.75), (0.6, 0.62, 0.66), (0.55, 0.7, 0.45), (0.7, 0.35, 0.55))


def draw_params(rng: np.random.Generator) -> Params:
    """Shape, tint and mirror."""
    shape = str(rng.choice(["aviator", "aviator", "square", "round", "panto", "cat_eye", "wrap", "large", "browline"]))
    params = glasses.draw_frame(rng, shape)
    tint = list(_TINTS[rng.integers(len(_TINTS))])
    fade, mirror = rng.random() < 0.35, rng.random() < 0.25
    opacity = float(rng.uniform(0.82, 0.98))
    lens = list(_MIRRORS[rng.integers(len(_MIRRORS))]) if mirror else tint
    return params | {
        "rimless": False,
        "size": round(float(params["size"]) * float(rng.uniform(1.0, 1.15)), 3),
        "lens": lens,
        "lens_low": tint,
        "opacity": round(opacity, 3),
        "opacity_low": round(opacity * (float(rng.uniform(0.4, 0.8)) if fade else 1.0), 3),
        "glare": round(float(rng.choice([0.0, rng.uniform(0.08, 0.4)])), 3),
        "shine": [0.8, 0.87, 0.95],
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw them as spectacles are drawn."""
    return glasses.layer(face, params, frame_wh, skin_rgb)


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=2.0, family="glasses")
