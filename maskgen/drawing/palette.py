"""The colours that masks are sold in.

Names are shared by the templates' ``mask.json``, ``metadata.jsonl`` and the
docs. Values are sRGB as the fabric looks in neutral daylight, picked by eye
from product photographs; every drawn mask jitters them.
"""

from __future__ import annotations

import colorsys
from typing import Final, TypeAlias

import numpy as np

RGBTriple: TypeAlias = tuple[int, int, int]

PALETTE: Final[dict[str, RGBTriple]] = {
    "white": (243, 244, 243),
    "surgical_blue": (122, 178, 208),
    "light_blue": (170, 208, 226),
    "sky": (104, 163, 210),
    "teal": (52, 138, 146),
    "surgical_green": (116, 190, 172),
    "mint": (176, 220, 203),
    "black": (24, 24, 26),
    "charcoal": (56, 58, 62),
    "grey": (124, 126, 129),
    "light_grey": (190, 191, 192),
    "navy": (30, 40, 72),
    "royal_blue": (36, 72, 160),
    "denim": (70, 92, 124),
    "pink": (236, 178, 192),
    "rose": (208, 138, 148),
    "hot_pink": (222, 72, 136),
    "red": (182, 36, 42),
    "burgundy": (104, 30, 44),
    "orange": (224, 118, 46),
    "yellow": (236, 204, 84),
    "mustard": (196, 152, 60),
    "cream": (238, 228, 206),
    "beige": (212, 192, 164),
    "skin_light": (228, 188, 166),
    "skin_medium": (190, 140, 112),
    "skin_dark": (112, 76, 58),
    "brown": (98, 68, 48),
    "olive": (104, 106, 66),
    "forest": (40, 82, 58),
    "purple": (104, 62, 132),
    "lavender": (188, 172, 214),
}


def jitter(rng: np.random.Generator, rgb: RGBTriple) -> RGBTriple:
    """A dye lot of the same colour: hue, saturation and value moved a little.

    Args:
        rng: where chance comes from; four numbers are drawn.
        rgb: sRGB, 0 to 255.

    Returns:
        sRGB, 0 to 255. White stays nearly white and black nearly black: what
        moves most is the hue of what has one.
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))
    hue = (hue + rng.normal(0, 0.018)) % 1
    saturation = min(max(saturation * np.exp(rng.normal(0, 0.22)) + rng.normal(0, 0.012), 0), 1)
    value = min(max(value * np.exp(rng.normal(0, 0.09)), 0.02), 0.99)
    red, green, blue = (round(255 * channel) for channel in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
