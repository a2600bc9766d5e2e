"""Two face detectors fused: boxes of one face become one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from detect.sight import Search, Sight, might_be, parted
from maskgen.types import RGB, Box, Face

FUSED: Final = "fused"
"""``onestage`` and YuNet together: one sees masked faces best, the other bare ones."""

FUSED_OF: Final = ("onestage", "yunet")

WEAK_FROM: Final = 0.25
"""Least mean score with which a face that is known goes on in a film. ``benchmarks/coverage.py --every 24``, masked
faces covered and boxes on no annotated face a frame: 96.3 % and 0.54; from 0.2 on 97.9 % and 0.64; any 98.8 % and
0.73; without such faces 87.8 % and 0.26."""

SAME_IOU: Final = 0.3
"""Boxes of two detectors that overlap this much are one face: at 0.5, as COCO counts, boxes of one face stayed two
and the worse suppressed the better (mAP50 of a third of scenes_dev 0.816, not 0.823)."""


class FusedSearch:
    """Two searches whose boxes of one face become one; what only one of them saw counts half."""

    name = FUSED

    def __init__(
        self, first: Search, second: Search, *, least: float, cut: float = 0.0, begins: float = math.inf
    ) -> None:
        """Join two searches.

        Args:
            first, second: boxes of any score.
            least: mean score from which a box is a face.
            cut, begins: see ``Search``.
        """
        self._searches = first, second
        self.least = least
        self.cut = cut
        self.begins = begins

    def find(self, image: RGB, *, thorough: bool = False) -> list[Face]:
        """Every face, from left to right; see ``look``."""
        return self.look(image, thorough=thorough).faces

    def look(self, image: RGB, *, thorough: bool = False) -> Sight:
        """Every face, and what might be one; see ``FaceSearch.look``."""
        height, width = image.shape[:2]
        first, second = (search.look(image, thorough=thorough) for search in self._searches)
        joint = fused([*first.faces, *first.weak], [*second.faces, *second.weak])
        faces, weak = parted([face for face in joint if face.score >= min(self.least, WEAK_FROM)], self.least)
        boxes = [*first.doubtful, *second.doubtful, *(face.box for face in [*first.faces, *second.faces])]
        return Sight(faces, might_be(boxes, faces, width, height), weak)


def fused(one: Sequence[Face], other: Sequence[Face]) -> list[Face]:
    """The faces of two detectors, each once, best first.

    Faces that overlap by ``SAME_IOU`` are one: its box and score are the
    means; a face that one of them did not see has half its score. Five points
    come from ``other`` where it has them, what a face wears from whichever
    says so.
    """
    from maskgen.faces import merged

    pairs = sorted(
        ((a.box.iou(b.box), i, j) for i, a in enumerate(one) for j, b in enumerate(other)), key=lambda pair: -pair[0]
    )
    mate: dict[int, int] = {}
    for overlap, i, j in pairs:
        if overlap >= SAME_IOU and i not in mate and j not in mate.values():
            mate[i] = j
    joint = [_joined(a, other[mate[i]]) if i in mate else _alone(a) for i, a in enumerate(one)]
    return merged([*joint, *(_alone(b) for j, b in enumerate(other) if j not in mate.values())])


def _joined(one: Face, other: Face) -> Face:
    middle = Box(*((a + b) / 2 for a, b in zip(one.box.xyxy, other.box.xyxy, strict=True)))
    points = one.points if other.points is None else other.points
    scores = other.label_scores if one.label_scores is None else one.label_scores
    return Face(middle, (one.score + other.score) / 2, FUSED, points, scores)


def _alone(face: Face) -> Face:
    return replace(face, score=face.score / 2, detector=FUSED)
