"""What people with and without a mask wear alike.

One module a kind, each with ``draw_params(rng)`` and
``layer(face, params, frame_wh, skin_rgb)``. ``docs/confusers.md`` shows them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, Protocol, cast

from maskgen.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from maskgen.canvas import Params
    from maskgen.layer import Layer
    from maskgen.types import LandmarkedFace

WEIGHTS: Final[dict[str, float]] = {
    "glasses": 4.0,
    "sunglasses": 2.0,
    "cap": 2.0,
    "hood": 1.0,
    "hair": 2.0,
    "headscarf": 1.0,
    "face_shield": 0.5,
}
"""How often each is met, for whoever samples."""

NAMES: Final[tuple[str, ...]] = tuple(WEIGHTS)


class _Kind(Protocol):
    def draw_params(self, rng: np.random.Generator) -> Params: ...

    def layer(self, face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer: ...


def draw_params(name: str, rng: np.random.Generator) -> Params:
    """All that chance decides about one accessory, as plain JSON values.

    Raises:
        InputError: no accessory is called ``name``.
    """
    return _kind(name).draw_params(rng)


def layer(name: str, face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw an accessory on a face.

    Args:
        name: one of ``NAMES``.
        face: in the photo's pixels.
        params: from ``draw_params``, possibly through JSON.
        frame_wh: the photo's width and height; nothing is drawn beyond it.
        skin_rgb: (3,) sRGB in [0, 1], the skin under white light
            (``skin.skin_albedo``).

    Raises:
        InputError: no accessory is called ``name``.
    """
    return _kind(name).layer(face, params, frame_wh, skin_rgb)


def _kind(name: str) -> _Kind:
    if name not in NAMES:
        raise InputError(f'no accessory is called "{name}"; choose from {", ".join(NAMES)}')
    return cast("_Kind", importlib.import_module(f"{__name__}.{name}"))
