"""Hands before the face; ``maskgen.occluders.hands`` draws them, for whatever is held in one as well."""

from __future__ import annotations

from typing import Final

from maskgen.occluders.base import Occluder
from maskgen.occluders.hands import hand

# Hands cover faces most of all.
OCCLUDER: Final = Occluder("confuser", hand.draw_params, hand.layer, weight=5.0, place="held")
