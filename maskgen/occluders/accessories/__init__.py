"""What people with and without a mask wear alike.

One module a kind, each with ``draw_params(rng)`` and
``layer(face, params, frame_wh, skin_rgb)``. ``docs/confusers.md`` shows them.
"""

from __future__ import annotations

from typing import Final

from maskgen.occluders.registry import Kinds

WEIGHTS: Final[dict[str, float]] = {
    "glasses": 4.0,
    "sunglasses": 2.0,
    "cap": 3.0,
    "hard_hat": 6.0,
    "surgical_cap": 1.5,
    "balaclava": 0.7,
    "hood": 1.0,
    "hair": 2.0,
    "headscarf": 1.0,
    "face_shield": 0.5,
    "passer_by": 3.0,
}
"""How often each is met, for whoever samples."""

NAMES: Final[tuple[str, ...]] = tuple(WEIGHTS)

HEADGEAR: Final = ("cap", "hard_hat", "surgical_cap", "hood", "balaclava", "headscarf")
GLASSES: Final = ("glasses", "sunglasses")

_kinds: Final = Kinds(__name__, "accessory", WEIGHTS)

draw_params = _kinds.draw_params
layer = _kinds.layer
