"""Somebody in front who hides a corner or the rim of a face, masked or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maskgen.occluders import people
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from maskgen.drawing.board import Params
    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


def draw_params(rng: np.random.Generator) -> Params:
    """Who it is, and where they stand; from below they stay under the mouth."""
    return people.draw_person(rng, ("below", "corner", "corner", "side"), (0.05, 0.42))


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw them."""
    return people.person_layer(face, params, frame_wh)


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=3.0, place="in_front")
