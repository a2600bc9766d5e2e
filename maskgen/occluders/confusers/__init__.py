"""What covers a face and is no mask; under the label ``without_mask``.

One module a kind, each with ``draw_params(rng)`` and
``layer(face, params, frame_wh, skin_rgb)``. ``docs/confusers.md`` shows them.
"""

from __future__ import annotations

from typing import Final

from maskgen.occluders.registry import Kinds

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
    "crowd": 3.0,
    "paper": 1.0,
}
"""How often each is met, for whoever samples; hands cover faces most of all.

Cloth over the nose is rare on purpose: it looks like a mask of cloth, and at
a third of all confusers it cost 2.8 points of balanced accuracy on real masks
(``benchmarks/sim2real.py``, frozen features).
"""

NAMES: Final[tuple[str, ...]] = tuple(WEIGHTS)

HELD: Final[frozenset[str]] = frozenset({"hand", "phone", "cup", "microphone", "food", "paper", "crowd"})
"""Held before the face: they belong over glasses, hats and hair. The others are worn and lie beneath them."""

_kinds: Final = Kinds(__name__, "confuser", WEIGHTS, {"hand": "maskgen.occluders.hands.hand"})

draw_params = _kinds.draw_params
layer = _kinds.layer
