from dataclasses import dataclass

import numpy as np
import pytest

from detect.counts import Counter
from detect.results import FrameResult, face_result
from detect.sources import Frame
from detect.track import LOST_S, FaceTracker, Untracked
from maskgen.types import Box, Face

LABELS = ("with_mask", "without_mask")
IMAGE = np.zeros((480, 640, 3), np.uint8)


@dataclass(frozen=True)
class Seen:
    """A face as detector and classifier see it."""

    x: float
    p_mask: float = 0.95
    y: float = 100

    @property
    def face(self) -> Face:
        return Face(Box(self.x, self.y, self.x + 80, self.y + 100), 0.9, "yunet")


def follow(tracker: FaceTracker | Untracked, index: int, *seen: Seen, looked: bool = True) -> FrameResult:
    plan = tracker.plan(Frame(index, index / 25, IMAGE), [s.face for s in seen] if looked else None)
    by_box = {s.face.box: s.p_mask for s in seen}
    rows = [(by_box[p.face.box], 1 - by_box[p.face.box]) for p in plan.to_classify]
    return tracker.label(plan, np.array(rows, dtype=np.float32).reshape(-1, 2))


def tracker(recheck_s: float = 0.0) -> FaceTracker:
    return FaceTracker(LABELS, recheck_s=recheck_s)


def test_faces_keep_their_numbers_while_they_move() -> None:
    faces = tracker()
    for index in range(50):
        frame = follow(faces, index, Seen(20 + 4 * index), Seen(500 - 4 * index, 0.1, y=300))
    numbers = {found.box.top: found.track_id for found in frame.faces}
    assert numbers == {100: 1, 300: 2}


def test_one_wrong_look_does_not_change_the_label() -> None:
    faces = tracker()
    for index in range(40):
        frame = follow(faces, index, Seen(100, 0.02 if index == 20 else 0.97))
        assert frame.faces[0].label == "with_mask" or (index == 20 and frame.faces[0].track_id is None)
        assert frame.events == ()
    assert frame.faces[0].score == frame.faces[0].probabilities["with_mask"] > 0.9


def test_events_say_when_it_changed() -> None:
    faces = tracker()
    events = []
    for index in range(100):
        events += follow(faces, index, Seen(100, 0.97 if index < 50 else 0.03)).events
    events += faces.finish()
    assert [(e.track_id, e.label) for e in events] == [(1, "with_mask"), (1, "without_mask")]
    assert events[0].end_s == events[1].start_s == pytest.approx(2.0)
    assert events[1].end_s == pytest.approx(99 / 25)
    assert str(events[0]) == "face 1: with_mask from 0.0 s to 2.0 s"
    assert faces.finish() == ()


def test_a_face_that_left_ends_its_event_where_it_was_last_seen() -> None:
    faces = tracker()
    events = []
    for index in range(80):
        events += follow(faces, index, *([Seen(100)] if index < 25 else [])).events
    (event,) = events
    assert event.end_s == pytest.approx(24 / 25)
    assert faces.finish() == ()


def test_a_short_gap_keeps_the_number_and_hides_the_place() -> None:
    faces = tracker()
    for index in range(20):
        follow(faces, index, Seen(100))
    gap = [follow(faces, index) for index in range(20, 30)]
    assert all(frame.faces == () and len(frame.hidden) == 1 for frame in gap)
    assert gap[0].hidden[0].iou(Box(100, 100, 180, 200)) > 0.5
    assert follow(faces, 30, Seen(100)).faces[0].track_id == 1
    assert LOST_S > 10 / 25


def test_frames_nobody_looked_at_carry_the_faces_along() -> None:
    faces = tracker()
    for index in range(20):
        frame = follow(faces, index, Seen(100 + 5 * index), looked=index % 2 == 0)
    assert not frame.faces[0].seen
    assert frame.faces[0].track_id == 1
    assert frame.faces[0].box.left == pytest.approx(100 + 5 * 19, abs=2)


def test_settled_faces_are_classified_again_only_now_and_then() -> None:
    faces = tracker(recheck_s=0.2)
    asked = []
    for index in range(50):
        plan = faces.plan(Frame(index, index / 25, IMAGE), [Seen(100).face])
        faces.label(plan, np.array([(0.9, 0.1)] * len(plan.to_classify), dtype=np.float32).reshape(-1, 2))
        asked.append(len(plan.to_classify))
    assert asked[:6] == [1] * 6
    assert asked[6:] == ([0] * 4 + [1]) * 8 + [0] * 4


def test_a_change_shows_although_faces_are_left_alone() -> None:
    faces = tracker(recheck_s=0.15)
    events = []
    for index in range(150):
        events += follow(faces, index, Seen(100, 0.97 if index < 75 else 0.03)).events
    (event,) = events
    assert event.end_s == pytest.approx(3.0, abs=0.17)


def test_frames_with_one_time_stamp_are_no_problem() -> None:
    faces = tracker()
    for _ in range(5):
        plan = faces.plan(Frame(0, 1.0, IMAGE), [Seen(10).face])
        faces.label(plan, np.array([(0.9, 0.1)], dtype=np.float32))


def test_a_box_carried_out_of_the_picture_goes() -> None:
    faces = tracker()
    for index in range(10):
        follow(faces, index, Seen(480 + 16 * index))
    for index in range(10, 16):
        frame = follow(faces, index, looked=False)
    assert all(0 <= found.box.left < found.box.right <= 640 for found in frame.faces)


def test_untracked_faces_pass_as_they_are() -> None:
    follower = Untracked(LABELS)
    (found,) = follow(follower, 0, Seen(1)).faces
    assert (found.label, found.track_id, found.seen) == ("with_mask", None, True)
    assert [f.seen for f in follow(follower, 1, looked=False).faces] == [False]
    assert follower.finish() == ()


def test_counts_by_second() -> None:
    counter = Counter(LABELS, 1.0)
    done = []
    for index in range(20):
        masked = face_result(Box(1, 1, 9, 9), 0.9, "with_mask", LABELS, (0.9, 0.1))
        bare = face_result(Box(20, 1, 29, 9), 0.9, "without_mask", LABELS, (0.2, 0.8))
        done += counter.add(index / 10, [masked, bare] if index < 10 else [masked])
    done += counter.finish()
    assert [(c.start_s, c.frames, c.people, c.people_most) for c in done] == [(0.0, 10, 2.0, 2), (1.0, 10, 1.0, 1)]
    assert [c.share_masked for c in done] == [0.5, 1.0]
    assert done[0].to_row(LABELS) == [0.0, 1.0, 10, 2.0, 2, 1.0, 1.0, 0.5, 0]
    assert counter.finish() == []
    assert Counter(LABELS).add(5.0, []) == []


def test_a_face_keeps_its_number_where_looks_are_far_apart() -> None:
    """One look in two seconds, and a face that one of them misses."""
    tracker = FaceTracker(LABELS, rate=0.5)
    numbers = []
    for index in range(6):
        frame = Frame(index, 2.0 * index, np.zeros((100, 100, 3), np.uint8))
        found = [Face(Box(10, 10, 50, 50), 0.9, "yunet")] if index != 3 else []
        plan = tracker.plan(frame, found)
        result = tracker.label(plan, np.tile(np.array([[0.9, 0.1]], np.float32), (len(plan.to_classify), 1)))
        numbers.append([face.track_id for face in result.faces])
    assert numbers == [[None], [1], [1], [], [1], [1]]
    assert [event.end_s for event in tracker.finish()] == [10.0]
