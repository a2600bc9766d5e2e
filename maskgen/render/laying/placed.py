"""A layer on the part of the photo that it and its shadow touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgen.drawing.layer import Layer

_Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A layer's arrays, all of one shape, (h, w).

    Attributes:
        layer: whose they are.
        where: rows and columns of the photo.
        photo_wh: the photo's size.
        rgba: premultiplied colour and alpha.
        relief: height, gone on level beyond the layer, or None.
        sheer: how far what lies beneath shines through.
        body: alpha of the body.
        normal: (h, w, 2), or None.
    """

    layer: Layer
    where: tuple[slice, slice]
    photo_wh: tuple[int, int]
    rgba: _Float
    relief: _Float | None
    sheer: _Float | float
    body: _Float
    normal: _Float | None

    @property
    def corner(self) -> tuple[int, int]:
        """Left and top in the photo."""
        return self.where[1].start, self.where[0].start


def place(layer: Layer, pad: int, size_wh: tuple[int, int]) -> Placed | None:
    """The layer on a photo of a size, ``pad`` pixels left free about it; None where nothing of it is to be seen."""
    if layer.empty:
        return None
    filled = layer.rgba[..., 3] > 0.003
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not len(rows):
        return None
    tight = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    left, top = layer.origin_xy[0] + int(columns[0]), layer.origin_xy[1] + int(rows[0])
    w, h = int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1
    x0, y0 = max(left - pad, 0), max(top - pad, 0)
    x1, y1 = min(left + w + pad, size_wh[0]), min(top + h + pad, size_wh[1])
    if x1 <= x0 or y1 <= y0:
        return None
    inner = slice(max(top, y0) - y0, min(top + h, y1) - y0), slice(max(left, x0) - x0, min(left + w, x1) - x0)
    source = (
        slice(inner[0].start + y0 - top, inner[0].stop + y0 - top),
        slice(inner[1].start + x0 - left, inner[1].stop + x0 - left),
    )
    if inner[0].stop <= inner[0].start or inner[1].stop <= inner[1].start:
        return None

    def on_board(part: Any) -> Any:
        if not isinstance(part, np.ndarray):
            return part
        board = np.zeros((y1 - y0, x1 - x0, *part.shape[2:]), np.float32)
        board[inner] = part[tight][source]
        return board

    def surface(part: Any) -> Any:
        # It goes on level: an end of the relief would be shaded like a fold.
        return None if part is None else np.pad(part[tight][source], _around(inner, (y1 - y0, x1 - x0)), mode="edge")

    where = slice(y0, y1), slice(x0, x1)
    body = layer.rgba[..., 3] if layer.body is None else layer.body
    return Placed(
        layer,
        where,
        size_wh,
        on_board(layer.rgba),
        surface(layer.height),
        on_board(layer.translucency),
        on_board(body),
        on_board(layer.normal),
    )


def _around(inner: tuple[slice, slice], shape: tuple[int, int]) -> list[tuple[int, int]]:
    """How many rows and columns lie before and behind a part of an array."""
    return [(part.start, side - part.stop) for part, side in zip(inner, shape, strict=True)]
