"""A source through a detector: which frames are looked at, what the last one carries, what is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from detect.plan import Plan
from detect.results import Event, FrameResult
from detect.sight import Sight
from detect.sources.base import Frame
from detect.stream import Watch, limited
from detect.tracker import Untracked
from maskgen.types import RGB, Box, Face

IMAGE = np.zeros((48, 64, 3), np.uint8)
LABELS = ("with_mask", "without_mask")
END = Event(1, "with_mask", 0.0, 1.0, 0.9)


class Film:
    name, rate, duration_s = "film", 25.0, None

    def __init__(self, frames: int, live: bool = False, breaks: bool = False) -> None:
        self.frames, self.live, self.breaks = frames, live, breaks
        self.closed = 0

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frames):
            yield Frame(index, index / 25, IMAGE)
        if self.breaks:
            raise RuntimeError("torn")

    def close(self) -> None:
        self.closed += 1


class Follower(Untracked):
    """Keeps the frames it was asked about, and has one event at the end."""

    def __init__(self) -> None:
        super().__init__(LABELS)
        self.looked: list[int] = []
        self.doubtful: list[int] = []

    def plan(
        self, frame: Frame, found: Sequence[Face] | None, doubtful: Sequence[Box] = (), weak: Sequence[Face] = ()
    ) -> Plan:
        if found is not None:
            self.looked.append(frame.index)
            self.doubtful.append(len(doubtful))
        return super().plan(frame, found, doubtful)

    def finish(self) -> tuple[Event, ...]:
        return (END,)


def search(image: RGB) -> Sight:
    return Sight([Face(Box(1, 1, 20, 20), 0.9, "x")], (Box(30, 1, 50, 20),))


def classify(image: RGB, faces: Sequence[Face]) -> np.ndarray:
    return np.tile(np.array([[0.9, 0.1]], np.float32), (len(faces), 1))


def watch(film: Film, follower: Follower, every: int = 1, max_fps: float | None = None) -> list[FrameResult]:
    return list(Watch(search, classify, film, follower, threads=2, every=every, max_fps=max_fps))


def test_a_films_last_frame_carries_the_last_events() -> None:
    frames = watch(Film(5), Follower())
    assert [frame.index for frame in frames] == list(range(5))
    assert [frame.events for frame in frames] == [(), (), (), (), (END,)]
    assert watch(Film(0), Follower()) == []


def test_a_live_frame_is_not_held_back() -> None:
    film = Film(3, live=True)
    with Watch(search, classify, film, Follower()) as watching:
        assert [frame.events for frame in watching] == [(), (), ()]
        assert watching.finish() == (END,)
    assert film.closed == 1


def test_only_every_nth_frame_is_looked_at_and_what_might_be_a_face_is_passed_on() -> None:
    follower = Follower()
    frames = watch(Film(10), follower, every=4)
    assert follower.looked == [0, 4, 8]
    assert follower.doubtful == [1, 1, 1]
    assert [len(frame.faces) for frame in frames] == [1] * 10
    assert [frame.faces[0].seen for frame in frames[:5]] == [True, False, False, False, True]


@pytest.mark.parametrize(("rate", "count"), [(10, 30), (30, 90), (20, 60), (4, 12)])
def test_a_rate_is_kept_on_average(rate: float, count: int) -> None:
    kept = list(limited((Frame(i, i / 30, IMAGE) for i in range(90)), rate))
    assert len(kept) == count


def test_a_gap_is_not_caught_up_with() -> None:
    times = [0.0, 5.0, 5.01, 5.02, 5.1, 5.11]
    kept = [frame.time_s for frame in limited((Frame(i, t, IMAGE) for i, t in enumerate(times)), 10)]
    assert kept == [0.0, 5.0, 5.1]


def test_an_error_ends_every_thread_and_closes_the_source() -> None:
    film = Film(40, breaks=True)
    with pytest.raises(RuntimeError, match="torn"):
        watch(film, Follower())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("maskgen")]


def test_leaving_early_closes_the_source() -> None:
    film = Film(1000)
    with Watch(search, classify, film, Follower(), threads=2) as watching:
        next(watching)
    assert film.closed == 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("maskgen")]
