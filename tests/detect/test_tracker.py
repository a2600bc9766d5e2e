from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.outputs.counts import Counter
from detect.results import FrameResult, face_result
from detect.smoothing import LEAST_LOOKS, SMOOTH_S
from detect.sources.base import Frame
from detect.tracker import LOST_S, FaceTracker, Untracked
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


def test_a_probability_moves_slowly_towards_what_a_look_says() -> None:
    faces = tracker()
    for index in range(40):
        follow(faces, index, Seen(100, 0.9))
    # A fortieth of a second against a time constant of 0.4 s: a tenth of the way.
    after = follow(faces, 40, Seen(100, 0.1)).faces[0].probabilities["with_mask"]
    assert after == pytest.approx(0.1 + 0.8 * np.exp(-0.04 / SMOOTH_S), abs=1e-6)


def test_a_label_that_does_not_last_is_never_taken() -> None:
    faces = tracker()
    labels = set()
    for index in range(60):
        bare = 20 <= index < 27  # as long as it takes the mean to cross the threshold
        frame = follow(faces, index, Seen(100, 0.0 if bare else 0.97))
        labels |= {face.label for face in frame.faces}
        assert frame.events == ()
        crossed = frame.faces[0].probabilities["with_mask"] < 0.5
        assert crossed == (index == 26)
    assert labels == {"with_mask"}


def test_the_models_threshold_holds_for_a_track_too() -> None:
    faces = FaceTracker(LABELS, threshold=0.8, recheck_s=0)
    for index in range(30):
        frame = follow(faces, index, Seen(100, 0.9 if index < 5 else 0.7))
    assert frame.faces[0].label == "without_mask"


def test_an_event_begins_at_the_first_look_and_has_its_own_labels_score() -> None:
    faces = tracker()
    events = []
    for index in range(100):
        events += follow(faces, index, Seen(100, 1.0 if index < 50 else 0.4)).events
    events += faces.finish()
    assert [event.start_s for event in events] == [0.0, 2.0]
    assert events[0].score > 0.8
    assert 0.5 < events[1].score < 0.6


def test_a_box_that_flickered_makes_no_event() -> None:
    faces = tracker()
    for index in range(40):
        frame = follow(faces, index, *([Seen(100)] if index < LEAST_LOOKS else []))
        assert frame.events == ()
    assert faces.finish() == ()


def test_a_short_gap_does_not_end_an_event() -> None:
    faces = tracker()
    events = []
    for index in range(60):
        events += follow(faces, index, *([] if 20 <= index < 35 else [Seen(100)])).events
    events += faces.finish()
    assert [(event.start_s, event.end_s) for event in events] == [(0.0, pytest.approx(59 / 25))]


@pytest.mark.parametrize(("least", "number"), [(0.5, None), (0.6, None), (0.3, 1)])
def test_a_face_of_a_low_score_is_confirmed_where_a_low_bar_was_asked_for(least: float, number: int | None) -> None:
    faces = FaceTracker(LABELS, least_score=least)
    for index in range(5):
        plan = faces.plan(Frame(index, index / 25, IMAGE), [Face(Box(10, 10, 90, 90), 0.4, "yunet")])
        rows = np.array([(0.9, 0.1)] * len(plan.to_classify), np.float32)
        (face,) = faces.label(plan, rows).faces
    assert (face.track_id, face.confirmed) == (number, number is not None)


def test_faces_come_from_left_to_right_whatever_the_detector_says_first() -> None:
    faces = tracker()
    for index in range(4):
        frame = follow(faces, index, Seen(400), Seen(20), Seen(200))
        assert [face.box.left for face in frame.faces] == [20, 200, 400]


def test_what_might_be_a_face_stays_hidden_until_the_next_look() -> None:
    faces = tracker()
    plan = faces.plan(Frame(0, 0.0, IMAGE), [], [Box(300, 100, 380, 200)])
    faces.label(plan, np.empty((0, 2), np.float32))
    for index in range(1, 30):
        assert len(follow(faces, index, looked=False).hidden) == 1


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


def test_a_face_seen_once_is_hidden_for_a_while_and_counted_by_nobody() -> None:
    faces = tracker()
    first = follow(faces, 0, Seen(100))
    assert [(face.track_id, face.confirmed) for face in first.faces] == [(None, False)]
    for index in range(1, 13):
        (box,) = follow(faces, index).hidden
        assert box.iou(Box(100, 100, 180, 200)) > 0.5
    assert follow(faces, 14).hidden == ()
    for index in range(20, 24):
        last = follow(faces, index, Seen(100))
    assert [(face.track_id, face.confirmed) for face in last.faces] == [(1, True)]
    counter = Counter(LABELS)
    counter.add(0.0, first.faces)
    counter.add(0.1, last.faces)
    (count,) = counter.finish()
    assert (count.frames, count.people, count.people_most) == (2, 0.5, 1)


@pytest.mark.parametrize("follower", [tracker(), Untracked(LABELS)])
def test_what_might_be_a_face_is_hidden_not_reported(follower: FaceTracker | Untracked) -> None:
    maybe = Box(300, 100, 380, 200)
    plan = follower.plan(Frame(0, 0.0, IMAGE), [], [maybe])
    assert plan.to_classify == []
    frame = follower.label(plan, np.empty((0, 2), np.float32))
    assert (frame.faces, frame.hidden) == ((), (maybe,))
    (box,) = follow(follower, 1).hidden
    assert box.iou(maybe) > 0.5
    (box,) = follow(follower, 2, looked=False).hidden
    assert box.iou(maybe) > 0.5


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


seen = st.builds(
    Face,
    st.builds(
        lambda x, y, side: Box(x, y, x + side, y + side), st.floats(-90, 640), st.floats(-90, 480), st.floats(0, 300)
    ),
    st.floats(0, 1),
    st.sampled_from(["yunet", "hog"]),
)
looks = st.lists(st.tuples(st.floats(0, 2), st.none() | st.lists(seen, max_size=5)), max_size=12)


@given(looks, st.booleans(), st.data())
def test_whatever_is_seen_when_the_answer_is_whole(
    looks: list[tuple[float, list[Face] | None]], tracked: bool, data: st.DataObject
) -> None:
    follower = tracker(0.15) if tracked else Untracked(LABELS)
    time_s, events = 0.0, []
    for index, (step_s, faces) in enumerate(looks):
        time_s += step_s
        plan = follower.plan(Frame(index, time_s, IMAGE), faces, [face.box for face in faces or ()][:1])
        rows = [(p := data.draw(st.floats(0, 1)), 1 - p) for _ in plan.to_classify]
        frame = follower.label(plan, np.array(rows, np.float32).reshape(-1, 2))
        events += frame.events
        numbers = [face.track_id for face in frame.faces if face.track_id is not None]
        assert len(numbers) == len(set(numbers))
        for face in frame.faces:
            assert face.label in LABELS
            assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-5)
            assert face.confirmed == (face.track_id is not None or not tracked)
        for box in (*(face.box for face in frame.faces), *frame.hidden):
            assert 0 <= box.left <= box.right <= 640
            assert 0 <= box.top <= box.bottom <= 480
    for event in [*events, *follower.finish()]:
        assert 0 <= event.start_s <= event.end_s <= time_s
        assert 0 <= event.score <= 1


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
    # The fullest frame need not be the last.
    assert [counter.add(index / 10, [masked] * people) for index, people in enumerate((1, 3, 2))] == [[], [], []]
    assert counter.finish()[0].people_most == 3
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


def test_a_known_face_goes_on_with_a_box_of_a_low_score() -> None:
    """ByteTrack's second stage; what nobody knew stays a doubtful box."""
    faces = tracker()
    low, stranger = Face(Box(100, 100, 180, 200), 0.35, "yunet"), Face(Box(400, 100, 480, 200), 0.35, "yunet")
    for index in range(3):
        follow(faces, index, Seen(100))
    for index in range(3, 9):
        plan = faces.plan(Frame(index, index / 25, IMAGE), [], [low.box, stranger.box], [low, stranger])
        result = faces.label(plan, np.array([(0.9, 0.1)] * len(plan.to_classify), np.float32))
        assert [(face.track_id, face.face_score) for face in result.faces] == [(1, 0.35)]
        assert stranger.box in result.hidden


def test_a_box_of_a_low_score_begins_no_face_whatever_its_detector_counts_in() -> None:
    faces = tracker()
    for index in range(4):
        weak = Face(Box(100, 100, 180, 200), -0.2, "hog")  # whose faces all count as certain
        plan = faces.plan(Frame(index, index / 25, IMAGE), [], [weak.box], [weak])
        assert faces.label(plan, np.empty((0, 2), np.float32)).faces == ()
