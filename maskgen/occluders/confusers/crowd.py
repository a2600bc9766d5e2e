"""Somebody in front who hides mouth and chin: no mask is seen, and none may be guessed."""

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
    """Who it is; their head reaches from the chin up to the nose at most."""
    return people.draw_person(rng, ("below", "below", "corner"), (0.34, 0.74))


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw them."""
    return people.person_layer(face, params, frame_wh)


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=3.0, place="in_front")
