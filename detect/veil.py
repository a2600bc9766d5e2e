"""Where faces may be that a frame does not report: doubtful ones, and those seen a moment ago; for ``--blur``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.types import Box

LOST_S: Final = 0.5
"""Where a face was seen last stays hidden for so long."""

LOST_LOOKS: Final = 3
"""And for at least so many looks, however slow they come."""

AHEAD_S: Final = 0.25
"""A face is carried on for so long at most: faces do not move straight for longer."""

_SAME_IOU: Final = 0.5
"""Less would let a face that was lost be taken for its neighbour."""

_GROWN: Final = 1.3
"""What was not seen again may have moved."""


@dataclass(frozen=True, slots=True)
class Place:
    """A box that a look saw.

    Attributes:
        box: in the picture's pixels.
        number: the face's, where it has one.
        velocity: (4,) pixels a second of the box's sides; None where nobody knows.
        reported: whether the frame's faces hold it.
    """

    box: Box
    number: int | None = None
    velocity: NDArray[np.float64] | None = None
    reported: bool = True


@dataclass(slots=True)
class _Seen:
    place: Place
    time_s: float
    missed: int = 0

    def box_at(self, time_s: float) -> Box:
        velocity = self.place.velocity
        return self.place.box if velocity is None else carried(self.place.box, velocity, time_s - self.time_s)


class Veil:
    """Remembers the places of the last looks."""

    def __init__(self) -> None:
        self._seen: list[_Seen] = []

    def look(self, time_s: float, places: Sequence[Place]) -> None:
        """Take in what a look saw, the doubtful too."""
        numbers = {place.number for place in places} - {None}
        kept = []
        for seen in self._seen:
            seen.missed += 1
            box = seen.box_at(time_s)
            again = seen.place.number in numbers or any(box.iou(place.box) > _SAME_IOU for place in places)
            if not again and (time_s - seen.time_s <= LOST_S or seen.missed <= LOST_LOOKS):
                kept.append(seen)
        self._seen = [*(_Seen(place, time_s) for place in places), *kept]

    def hidden(self, time_s: float, width: int, height: int, *, looked: bool) -> tuple[Box, ...]:
        """What to hide besides a frame's faces, within the picture.

        Args:
            looked: whether the last look was at this very frame.
        """
        return tuple(self._hidden(time_s, width, height, looked))

    def _hidden(self, time_s: float, width: int, height: int, looked: bool) -> Iterable[Box]:
        for seen in self._seen:
            here = looked and not seen.missed
            if here and seen.place.reported:
                continue
            box = seen.place.box if here else seen.box_at(time_s).grown(_GROWN)
            box = box.clipped(width, height)
            if box.area > 0:
                yield box


def carried(box: Box, velocity: NDArray[np.float64], elapsed_s: float) -> Box:
    """Where a box that moves on will be, up to ``AHEAD_S`` from now."""
    x0, y0, x1, y1 = np.asarray(box.xyxy) + velocity * min(elapsed_s, AHEAD_S)
    return Box(x0, y0, max(x0, x1), max(y0, y1))
