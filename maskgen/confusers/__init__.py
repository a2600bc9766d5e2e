"""What covers a face and is no mask; under the label ``without_mask``.

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
    "hand": 5.0,
    "scarf": 0.5,
    "shirt": 0.4,
    "collar": 1.0,
    "bandana": 0.1,
    "beard": 2.0,
    "phone": 1.5,
    "cup": 1.5,
    "microphone": 1.0,
    "food": 1.0,
}
"""How often each is met, for whoever samples; hands cover faces most of all.

Cloth over the nose is rare on purpose: it looks like a mask of cloth, and at
a third of all confusers it cost 2.8 points of balanced accuracy on real masks
(``benchmarks/sim2real.py``, frozen features).
"""

NAMES: Final[tuple[str, ...]] = tuple(WEIGHTS)

HELD: Final[frozenset[str]] = frozenset({"hand", "phone", "cup", "microphone", "food"})
"""Held before the face: they belong over glasses, hats and hair. The others are worn and lie beneath them."""


class _Kind(Protocol):
    def draw_params(self, rng: np.random.Generator) -> Params: ...

    def layer(self, face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer: ...


def draw_params(name: str, rng: np.random.Generator) -> Params:
    """All that chance decides about one confuser, as plain JSON values.

    Raises:
        InputError: no confuser is called ``name``.
    """
    return _kind(name).draw_params(rng)


def layer(name: str, face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw a confuser before a face.

    Args:
        name: one of ``NAMES``.
        face: in the photo's pixels.
        params: from ``draw_params``, possibly through JSON.
        frame_wh: the photo's width and height; nothing is drawn beyond it.
        skin_rgb: (3,) sRGB in [0, 1], the skin under white light
            (``skin.skin_albedo``).

    Raises:
        InputError: no confuser is called ``name``.
    """
    return _kind(name).layer(face, params, frame_wh, skin_rgb)


def _kind(name: str) -> _Kind:
    if name not in NAMES:
        raise InputError(f'no confuser is called "{name}"; choose from {", ".join(NAMES)}')
    return cast("_Kind", importlib.import_module(f"{__name__}.{name}"))
