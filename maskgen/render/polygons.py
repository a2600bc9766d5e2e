"""Coverage to polygons: marching squares at half coverage, holes joined to the outline round them.

Source:
    Lorensen and Cline, "Marching Cubes", SIGGRAPH 1987, in two dimensions (scikit-image).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.types import Points

Polygon = tuple[tuple[float, float], ...]

TOLERANCE_PX: Final = 0.2
"""How far a polygon may leave the outline: its area then differs by 0.1 % at 224 px and 0.5 % at 64."""

LEAST_SHARE: Final = 0.02
LEAST_PX: Final = 6.0
"""Specks below this share of the largest outline, or this many pixels, are left out; so are holes."""


def polygons(coverage: NDArray[np.float32], origin_xy: tuple[int, int] = (0, 0)) -> tuple[Polygon, ...]:
    """Outlines of what is more covered than not, largest first.

    A polygon list has no word for a hole: its ring is joined to the ring round it by a cut of no width,
    which every rasteriser and the shoelace formula read as what it is.

    Args:
        coverage: (h, w) float32 in [0, 1].
        origin_xy: where its top-left corner lies in the picture that the polygons are for.

    Returns:
        Pixels of that picture, pixel centres at i + 0.5, to a hundredth.
    """
    rings = _rings(coverage)
    if not rings:
        return ()
    areas = [_signed_area(ring) for ring in rings]
    least = max(LEAST_PX, LEAST_SHARE * max(areas))
    outer = sorted((i for i, area in enumerate(areas) if area >= least), key=lambda i: -areas[i])
    holes = [ring for ring, area in zip(rings, areas, strict=True) if -area >= LEAST_PX]
    found = []
    for index in outer:
        inside = [hole for hole in holes if _around(rings, outer, hole) == index]
        ring = _cut_open(_simple(rings[index]), [_simple(hole) for hole in inside])
        if len(ring) >= 3:
            found.append(tuple(map(tuple, (ring + origin_xy).round(2).tolist())))
    return tuple(found)


def _rings(coverage: NDArray[np.float32]) -> list[Points]:
    """Closed level lines at one half, outlines and holes with opposite turns; outlines have positive area."""
    from skimage.measure import find_contours

    covered = coverage > 0.5
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    if not len(rows):
        return []
    top, left = max(int(rows[0]) - 1, 0), max(int(columns[0]) - 1, 0)
    part = coverage[top : int(rows[-1]) + 2, left : int(columns[-1]) + 2]
    # Nothing lies beyond the picture: lines close along its edge.
    lines = find_contours(np.pad(part, 1), 0.5)
    return [line[:-1, ::-1] + (left - 0.5, top - 0.5) for line in lines if len(line) > 3]


def _signed_area(ring: Points) -> float:
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _around(rings: list[Points], outer: list[int], hole: Points) -> int | None:
    """The smallest outline that a hole lies in."""
    import cv2

    x, y = hole[0].tolist()
    within = [i for i in outer if cv2.pointPolygonTest(rings[i].astype(np.float32), (x, y), False) > 0]
    return within[-1] if within else None


def _simple(ring: Points) -> Points:
    import cv2

    shape: Any = ring.astype(np.float32)[:, None]
    return np.asarray(cv2.approxPolyDP(shape, TOLERANCE_PX, True)[:, 0], np.float64)


def _cut_open(ring: Points, holes: list[Points]) -> Points:
    """One ring that goes round an outline and, by way of the shortest cuts, round its holes."""
    for hole in holes:
        if len(hole) < 3:
            continue
        gaps = np.hypot(*(ring[:, None] - hole[None]).transpose(2, 0, 1))
        i, j = np.unravel_index(int(gaps.argmin()), gaps.shape)
        tour = np.concatenate([hole[j:], hole[: j + 1]])
        ring = np.concatenate([ring[: i + 1], tour, ring[i:]])
    return ring
