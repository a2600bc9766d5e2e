import numpy as np
import pytest

from detect.counts import Counter
from detect.results import Detections, FaceResult, FrameResult
from detect.sources import Frame
from detect.track import LOST_S, FaceTracker, Untracked
from maskgen.types import Box

LABELS = ("with_mask", "without_mask")
IMAGE = np.zeros((480, 640, 3), np.uint8)


def face(x: float, p_mask: float = 0.95, y: float = 100, score: float = 0.9) -> FaceResult:
    label = "with_mask" if p_mask >= 0.5 else "without_mask"
    by_label = {"with_mask": p_mask, "without_mask": 1 - p_mask}
    return FaceResult(Box(x, y, x + 80, y + 100), label, by_label[label], by_label, face_score=score)


def follow(tracker: FaceTracker, index: int, *faces: FaceResult, rate: float = 25.0) -> FrameResult:
    return tracker.follow(Frame(index, index / rate, IMAGE), Detections(640, 480, faces))


def test_faces_keep_their_numbers_while_they_move() -> None:
    tracker = FaceTracker(LABELS)
    for index in range(50):
        frame = follow(tracker, index, face(20 + 4 * index), face(500 - 4 * index, 0.1, y=300))
    numbers = {face.box.top: face.track_id for face in frame.faces}
    assert numbers == {100: 1, 300: 2}


def test_one_wrong_look_does_not_change_the_label() -> None:
    tracker = FaceTracker(LABELS)
    for index in range(40):
        frame = follow(tracker, index, face(100, 0.02 if index == 20 else 0.97))
        assert frame.faces[0].label == "with_mask" or (index == 20 and frame.faces[0].track_id is None)
        assert frame.events == ()
    assert frame.faces[0].score == frame.faces[0].probabilities["with_mask"] > 0.9


def test_events_say_when_it_changed() -> None:
    tracker = FaceTracker(LABELS)
    events = []
    for index in range(100):
        events += follow(tracker, index, face(100, 0.97 if index < 50 else 0.03)).events
    events += tracker.finish()
    assert [(e.track_id, e.label) for e in events] == [(1, "with_mask"), (1, "without_mask")]
    assert events[0].end_s == events[1].start_s == pytest.approx(2.0)
    assert events[1].end_s == pytest.approx(99 / 25)
    assert str(events[0]) == "face 1: with_mask from 0.0 s to 2.0 s"
    assert tracker.finish() == ()


def test_a_face_that_left_ends_its_event_where_it_was_last_seen() -> None:
    tracker = FaceTracker(LABELS)
    events = []
    for index in range(80):
        events += follow(tracker, index, *([face(100)] if index < 25 else [])).events
    (event,) = events
    assert event.end_s == pytest.approx(24 / 25)
    assert tracker.finish() == ()


def test_a_short_gap_keeps_the_number_and_hides_the_place() -> None:
    tracker = FaceTracker(LABELS)
    for index in range(20):
        follow(tracker, index, face(100))
    gap = [follow(tracker, index) for index in range(20, 30)]
    assert all(frame.faces == () and len(frame.hidden) == 1 for frame in gap)
    assert gap[0].hidden[0].iou(Box(100, 100, 180, 200)) > 0.5
    assert follow(tracker, 30, face(100)).faces[0].track_id == 1
    assert LOST_S > 10 / 25


def test_frames_nobody_looked_at_carry_the_faces_along() -> None:
    tracker = FaceTracker(LABELS)
    for index in range(20):
        looked = index % 2 == 0
        faces = Detections(640, 480, (face(100 + 5 * index),)) if looked else None
        frame = tracker.follow(Frame(index, index / 25, IMAGE), faces)
    assert not frame.faces[0].seen
    assert frame.faces[0].track_id == 1
    assert frame.faces[0].box.left == pytest.approx(100 + 5 * 19, abs=2)


def test_frames_with_one_time_stamp_are_no_problem() -> None:
    tracker = FaceTracker(LABELS)
    for _ in range(5):
        tracker.follow(Frame(0, 1.0, IMAGE), Detections(640, 480, (face(10),)))


def test_a_box_carried_out_of_the_picture_goes() -> None:
    tracker = FaceTracker(LABELS)
    for index in range(10):
        follow(tracker, index, face(480 + 16 * index))
    for index in range(10, 16):
        frame = tracker.follow(Frame(index, index / 25, IMAGE), None)
    assert all(0 <= f.box.left < f.box.right <= 640 for f in frame.faces)


def test_untracked_faces_pass_as_they_are() -> None:
    follower = Untracked()
    frame = Frame(0, 0.0, IMAGE)
    assert follower.follow(frame, Detections(640, 480, (face(1),))).faces == (face(1),)
    assert [f.seen for f in follower.follow(frame, None).faces] == [False]
    assert follower.finish() == ()


def test_counts_by_second() -> None:
    counter = Counter(LABELS, 1.0)
    done = []
    for index in range(20):
        faces = [face(1), face(200, 0.1)] if index < 10 else [face(1)]
        done += counter.add(index / 10, faces)
    done += counter.finish()
    assert [(c.start_s, c.frames, c.people, c.people_most) for c in done] == [(0.0, 10, 2.0, 2), (1.0, 10, 1.0, 1)]
    assert [c.share_masked for c in done] == [0.5, 1.0]
    assert done[0].to_row(LABELS) == [0.0, 1.0, 10, 2.0, 2, 1.0, 1.0, 0.5, 0]
    assert counter.finish() == []
    assert Counter(LABELS).add(5.0, []) == []
