"""Faces that need no photograph: painted, and found by their colour."""

from __future__ import annotations

import numpy as np

from maskgen.types import RGB, Box, Face

_YELLOW, _BLUE, _RED, _GREY = (230, 210, 20), (20, 40, 230), (230, 30, 20), (110, 110, 110)


def paint(size_wh: tuple[int, int], *faces: tuple[int, int, int, bool]) -> RGB:
    """A grey picture with faces (x, y, side, masked): yellow above, blue (mask) or red below."""
    picture = np.full((size_wh[1], size_wh[0], 3), _GREY, dtype=np.uint8)
    for x, y, side, masked in faces:
        picture[y : y + side // 2, x : x + side] = _YELLOW
        picture[y + side // 2 : y + side, x : x + side] = _BLUE if masked else _RED
    return picture


class PaintedFaces:
    """Finds what ``paint`` painted, through any camera or codec."""

    name = "painted"

    def detect(self, image: RGB) -> list[Face]:
        import cv2

        red, green, blue = (image[..., channel].astype(int) for channel in range(3))
        yellow = ((red > 150) & (green > 140) & (blue < 110)).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(yellow)
        faces = []
        for left, top, width, height, area in stats[1:count]:
            if area >= 30 and width >= 8 and height >= 4:
                box = Box(float(left), float(top), float(left + width), float(top + 2 * height))
                faces.append(Face(box, 0.9, self.name))
        return faces
