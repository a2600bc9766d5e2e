"""Counts people by label, per second or minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from detect.results import FaceResult


@dataclass(frozen=True, slots=True)
class Count:
    """One second or minute of a source.

    Attributes:
        start_s: when it began, in seconds of the source.
        period_s: how long it is.
        frames: frames looked at.
        people: faces a frame, on average.
        people_most: faces in the fullest frame.
        by_label: label -> faces a frame, on average.
        numbers: distinct faces that had a number.
    """

    start_s: float
    period_s: float
    frames: int
    people: float
    people_most: int
    by_label: Mapping[str, float]
    numbers: int

    @property
    def share_masked(self) -> float | None:
        """Share of faces with a mask; None when there were none."""
        return self.by_label.get("with_mask", 0.0) / self.people if self.people else None

    def to_row(self, labels: Sequence[str]) -> list[object]:
        share = self.share_masked
        return [
            round(self.start_s, 3),
            self.period_s,
            self.frames,
            round(self.people, 3),
            self.people_most,
            *(round(self.by_label.get(label, 0.0), 3) for label in labels),
            "" if share is None else round(share, 4),
            self.numbers,
        ]


@dataclass(slots=True)
class _Open:
    slot: int
    frames: int = 0
    faces: int = 0
    most: int = 0
    by_label: dict[str, int] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)


class Counter:
    """Turns frames into ``Count``s; holds only the current one."""

    def __init__(self, labels: Sequence[str], period_s: float = 1.0) -> None:
        self._labels = tuple(labels)
        self._period_s = period_s
        self._open: _Open | None = None

    def add(self, time_s: float, faces: Sequence[FaceResult]) -> list[Count]:
        """Count a frame's confirmed faces; gives what it completed (periods without frames are left out)."""
        faces = [face for face in faces if face.confirmed]
        slot = int(time_s // self._period_s)
        done = self.finish() if self._open is not None and self._open.slot != slot else []
        if self._open is None:
            self._open = _Open(slot)
        now = self._open
        now.frames += 1
        now.faces += len(faces)
        now.most = max(now.most, len(faces))
        for face in faces:
            now.by_label[face.label] = now.by_label.get(face.label, 0) + 1
            if face.track_id is not None:
                now.numbers.add(face.track_id)
        return done

    def finish(self) -> list[Count]:
        """The count that is still open, if any."""
        done, self._open = self._open, None
        if done is None:
            return []
        return [
            Count(
                done.slot * self._period_s,
                self._period_s,
                done.frames,
                done.faces / done.frames,
                done.most,
                {label: done.by_label.get(label, 0) / done.frames for label in self._labels},
                len(done.numbers),
            )
        ]
