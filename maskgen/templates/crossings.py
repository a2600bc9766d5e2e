"""Edges of a template that cross themselves or each other, found before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from maskgen.templates.anchors import Anchor, typical_landmarks
from maskgen.templates.template import MaskTemplate


def crossings(template: MaskTemplate) -> list[str]:
    """Edges that cross, in the picture and on a typical face."""
    face = typical_landmarks()
    problems = []
    on_picture: Callable[[Anchor], tuple[float, float]] = lambda anchor: anchor.xy  # noqa: E731
    on_face: Callable[[Anchor], tuple[float, float]] = lambda anchor: _xy(anchor.spot.resolve(face))  # noqa: E731
    for where, place in (("in the picture", on_picture), ("on a typical face", on_face)):
        top, bottom = ([place(anchor) for anchor in edge] for edge in (template.top, template.bottom))
        for name, edge in (("top", top), ("bottom", bottom)):
            if edge[0][0] >= edge[-1][0]:
                problems.append(f"mask.json: anchors.{name}: {where} the first anchor lies right of the last")
        if np.mean(top, axis=0)[1] >= np.mean(bottom, axis=0)[1]:
            problems.append(f"mask.json: anchors: {where} the top edge lies below the bottom edge")
            continue
        outline = top + bottom[::-1]
        labels = [f"top[{i}]" for i in range(len(top))] + [f"bottom[{i}]" for i in reversed(range(len(bottom)))]
        for i, j in _crossing_pairs(outline):
            a, b, c, d = labels[i], labels[(i + 1) % len(labels)], labels[j], labels[(j + 1) % len(labels)]
            problems.append(f"mask.json: anchors: {where} the line {a} to {b} crosses the line {c} to {d}")
    return problems


def _xy(point: NDArray[np.float64]) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _crossing_pairs(outline: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """Pairs of sides of a closed polygon that cross, by the index of their first corner."""
    count = len(outline)

    def turn(p: tuple[float, float], q: tuple[float, float], r: tuple[float, float]) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    pairs = []
    for i in range(count):
        a, b = outline[i], outline[(i + 1) % count]
        for j in range(i + 2, count - (i == 0)):
            c, d = outline[j], outline[(j + 1) % count]
            if turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0:
                pairs.append((i, j))
    return pairs
