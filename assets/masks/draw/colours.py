"""How often each kind of mask is sold in which colour: guesses from shops and street photographs."""

from __future__ import annotations

SURGICAL = {
    "surgical_blue": 9, "light_blue": 6, "sky": 1.5, "white": 7, "black": 5, "surgical_green": 2, "mint": 1.5,
    "teal": 0.6, "pink": 1.6, "rose": 0.5, "grey": 0.8, "light_grey": 0.7, "charcoal": 0.5, "lavender": 0.7,
    "purple": 0.3, "beige": 0.6, "cream": 0.4, "skin_light": 0.5, "skin_medium": 0.4, "navy": 0.5, "yellow": 0.3,
    "red": 0.3, "burgundy": 0.3, "orange": 0.2,
}  # fmt: skip

FOLDED = {
    "white": 14, "black": 4, "light_grey": 1.2, "grey": 0.8, "light_blue": 0.8, "surgical_blue": 0.4, "sky": 0.3,
    "pink": 0.8, "beige": 0.6, "skin_light": 0.4, "cream": 0.5, "navy": 0.5, "charcoal": 0.4, "surgical_green": 0.4,
    "red": 0.2, "olive": 0.2, "purple": 0.2, "mint": 0.2, "lavender": 0.2, "orange": 0.1,
}  # fmt: skip

CUP = {"white": 18, "cream": 2, "light_grey": 1.5, "mint": 0.8, "light_blue": 0.8, "beige": 0.4, "yellow": 0.3,
       "sky": 0.3, "pink": 0.2, "black": 0.5, "surgical_green": 0.5}  # fmt: skip

SPONGE = {
    "black": 12, "charcoal": 3, "grey": 4, "light_grey": 1.5, "navy": 3, "pink": 2, "rose": 0.8, "white": 1.5,
    "red": 1, "burgundy": 0.6, "royal_blue": 0.6, "sky": 0.6, "beige": 1, "skin_light": 0.5, "skin_medium": 0.4,
    "olive": 0.6, "forest": 0.3, "lavender": 0.5, "mint": 0.3, "yellow": 0.3, "hot_pink": 0.4, "brown": 0.4,
    "purple": 0.3, "light_blue": 0.4, "denim": 0.4,
}  # fmt: skip

CLOTH = {
    "black": 6, "white": 3, "charcoal": 2, "grey": 2.5, "light_grey": 1.5, "navy": 3, "royal_blue": 1.2, "denim": 2,
    "sky": 1, "light_blue": 1, "teal": 1, "pink": 2, "rose": 1.2, "hot_pink": 0.7, "red": 2.2, "burgundy": 1.3,
    "orange": 0.8, "yellow": 0.9, "mustard": 1, "cream": 1.5, "beige": 1.5, "skin_light": 0.8, "skin_medium": 0.8,
    "skin_dark": 0.5, "brown": 1, "olive": 1.1, "forest": 0.9, "mint": 0.7, "surgical_green": 0.5, "purple": 0.9,
    "lavender": 0.8, "surgical_blue": 0.6,
}  # fmt: skip

CHILD = {"white": 4, "light_blue": 3, "pink": 3, "sky": 2, "yellow": 2, "mint": 1.5, "lavender": 1, "red": 1,
         "royal_blue": 1, "orange": 0.6, "hot_pink": 0.6, "cream": 1, "surgical_green": 0.6}  # fmt: skip

SPORT = {"black": 12, "charcoal": 3, "grey": 2, "navy": 1.5, "olive": 0.8, "red": 0.7, "royal_blue": 0.7,
         "light_grey": 0.6, "orange": 0.3, "forest": 0.3, "burgundy": 0.3, "hot_pink": 0.2}  # fmt: skip

RUBBER = {"grey": 5, "charcoal": 4, "black": 4, "light_grey": 2, "denim": 1.5, "navy": 1, "teal": 0.7,
          "royal_blue": 0.6, "beige": 0.4}  # fmt: skip

GAITER = {"black": 8, "charcoal": 2, "grey": 2, "navy": 2, "olive": 1.5, "forest": 0.6, "royal_blue": 1, "red": 1,
          "burgundy": 0.6, "denim": 0.8, "teal": 0.6, "orange": 0.5, "beige": 0.8, "brown": 0.6, "white": 0.8,
          "purple": 0.5, "sky": 0.5, "mustard": 0.4, "pink": 0.4}  # fmt: skip

VEIL = {"black": 14, "navy": 1.5, "charcoal": 1.2, "brown": 1, "burgundy": 0.8, "grey": 0.8, "beige": 0.8,
        "white": 0.8, "forest": 0.4, "purple": 0.4, "cream": 0.4, "olive": 0.3}  # fmt: skip
