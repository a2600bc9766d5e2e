import pickle

import numpy as np
import pytest

from maskgen.errors import InputError, WeightsError
from maskgen.faces.landmarks import FaceFinder, face_box
from maskgen.faces.starts import five_points
from maskgen.types import Box, Face

COLLINS = Box(170, 60, 280, 195)
HOPPER = Box(185, 90, 330, 300)


@pytest.fixture(scope="module")
def hog():
    return FaceFinder("hog")


@pytest.fixture
def yunet(yunet_weights):
    return FaceFinder("yunet")


@pytest.fixture(params=["hog", "yunet"])
def finder(request):
    return request.getfixturevalue(request.param)


def five(face):
    return five_points(face.landmarks)


def test_both_portraits(finder, astronaut, hopper):
    for photo, box in ((astronaut, COLLINS), (hopper, HOPPER)):
        found = finder.find(photo)
        (face,) = found.faces
        assert face_box(face.landmarks).iou(box) > 0.55
        assert face.face.detector == finder.detector
        left_eye, right_eye, nose, left_mouth, _ = five(face)
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[1] > nose[1] > left_eye[1]
        assert abs(face.pose.yaw_deg) < 30
        assert abs(face.pose.pitch_deg) < 25
        assert abs(face.pose.roll_deg) < 15


def test_a_mirrored_photo_gives_mirrored_landmarks_and_pose(finder, astronaut):
    (face,) = finder.find(astronaut).faces
    (mirrored,) = finder.find(np.ascontiguousarray(astronaut[:, ::-1])).faces
    expected = five(face)[[1, 0, 2, 4, 3]]
    expected[:, 0] = astronaut.shape[1] - expected[:, 0]
    assert np.abs(five(mirrored) - expected).max() < 6
    assert mirrored.pose.yaw_deg == pytest.approx(-face.pose.yaw_deg, abs=5)
    assert mirrored.pose.roll_deg == pytest.approx(-face.pose.roll_deg, abs=3)
    assert mirrored.pose.pitch_deg == pytest.approx(face.pose.pitch_deg, abs=5)


@pytest.mark.parametrize("angle", [-30, 30])
def test_a_leaning_head_is_turned_level_first(yunet, hopper, angle):
    import cv2

    (upright,) = yunet.find(hopper).faces
    height, width = hopper.shape[:2]
    # OpenCV counts anticlockwise, a pose clockwise.
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -angle, 1.0)
    leaning = cv2.warpAffine(hopper, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    (face,) = yunet.find(leaning).faces
    assert face.pose.roll_deg == pytest.approx(upright.pose.roll_deg + angle, abs=5)
    expected = (upright.landmarks - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
    eyes = np.hypot(*(five(upright)[1] - five(upright)[0]))
    assert np.abs(face.landmarks - expected).mean() < 0.08 * eyes


def test_landmarks_keep_their_place_when_the_photo_is_larger(finder, astronaut):
    import cv2

    (face,) = finder.find(astronaut).faces
    large = cv2.resize(astronaut, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    (again,) = finder.find(large).faces
    eyes = np.hypot(*(five(face)[1] - five(face)[0]))
    assert np.abs(again.landmarks / 4 - face.landmarks).mean() < 0.06 * eyes


@pytest.mark.parametrize(
    ("name", "left", "top", "right", "bottom"), [("yunet", 190, 105, 325, 285), ("hog", 175, 95, 340, 305)]
)
def test_a_tight_crop_is_padded_and_tried_again(request, hopper, name, left, top, right, bottom):
    finder = request.getfixturevalue(name)
    tight = np.ascontiguousarray(hopper[top:bottom, left:right])
    (face,) = finder.find(tight).faces
    assert face_box(face.landmarks).moved(left, top).iou(HOPPER) > 0.5


def test_several_faces(finder, astronaut, hopper):
    beside = np.concatenate([astronaut, hopper[:512]], axis=1)
    found = finder.find(beside)
    assert len(found.faces) == 2
    lefts = sorted(face.landmarks[30, 0] for face in found.faces)
    assert lefts[0] < 512 < lefts[1]


def test_nothing_in_nothing_of_any_size(finder):
    for height, width in ((1, 1), (5, 400), (400, 5), (300, 300)):
        found = finder.find(np.full((height, width, 3), 90, np.uint8))
        assert found.faces == ()
        assert found.rejected == ()


def test_the_photo_stays_as_it_was(finder, astronaut):
    before = astronaut.copy()
    finder.find(astronaut)
    np.testing.assert_array_equal(astronaut, before)


# ------------------------------------------------------------ with a detector that says what it is told


class Told:
    name = "yunet"

    def __init__(self, *faces):
        self.faces = list(faces)

    def detect(self, _image):
        return self.faces


def told(finder, monkeypatch, photo, *faces):
    monkeypatch.setattr(finder, "_detector", Told(*faces))
    return finder.find(photo)


def test_faces_of_a_few_pixels_are_too_small(hog, monkeypatch, astronaut):
    dot = Face(Box(5, 5, 15, 18), 0.9, "yunet")
    found = told(hog, monkeypatch, astronaut, dot)
    assert found.faces == ()
    assert found.rejected == ((dot, "too_small"),)


def test_a_face_much_smaller_than_the_main_one_is_background(hog, monkeypatch, hopper):
    main = Face(Box(150, 60, 400, 330), 0.9, "yunet")
    poster = Face(Box(10, 10, 60, 70), 0.8, "yunet")
    assert (poster, "too_small") in told(hog, monkeypatch, hopper, main, poster).rejected
    assert (poster, "too_small") not in told(hog, monkeypatch, hopper, poster).rejected


def test_points_that_landmarks_disagree_with_make_them_doubtful(hog, monkeypatch, astronaut):
    (right,) = hog.find(astronaut).faces
    points = five(right)
    agreed = Face(right.face.box, 0.9, "yunet", points)
    assert len(told(hog, monkeypatch, astronaut, agreed).faces) == 1
    # A profile: both eyes and the nose at the edge of the face.
    profile = points.copy()
    profile[:3, 0] = points[0, 0] - 0.4 * (points[1, 0] - points[0, 0])
    wrong = Face(right.face.box, 0.9, "yunet", profile)
    assert told(hog, monkeypatch, astronaut, wrong).rejected == ((wrong, "landmarks_doubtful"),)


def test_a_face_that_the_edge_cuts_off_is_left_out(hog, monkeypatch, astronaut):
    (whole,) = hog.find(astronaut).faces
    points = whole.landmarks
    for share, reasons in ((0.95, []), (0.6, ["cut_off"])):
        edge = round(float(np.quantile(points[:, 0], share)))
        photo = np.ascontiguousarray(astronaut[:, :edge])
        monkeypatch.setattr(hog, "_predict", lambda *_: points)
        found = told(hog, monkeypatch, photo, Face(whole.face.box, 0.9, "yunet", five(whole)))
        assert [reason for _, reason in found.rejected] == reasons
        assert len(found.faces) == (not reasons)


def test_a_crop_without_forehead_is_taken(hog, monkeypatch, hopper):
    """As recognition's crops are: brows above the edge, chin below it."""
    (whole,) = hog.find(hopper).faces
    top = round(float(whole.landmarks[36:48, 1].min())) - 3
    bottom = round(float(whole.landmarks[57, 1] + whole.landmarks[8, 1]) / 2)
    photo = np.ascontiguousarray(hopper[top:bottom])
    points = whole.landmarks - (0, top)
    assert (points[17:27, 1] < 0).sum() > 7
    assert points[8, 1] > len(photo)
    monkeypatch.setattr(hog, "_predict", lambda *_: points)
    box = whole.face.box.moved(0, -top)
    taken = told(hog, monkeypatch, photo, Face(box, 0.9, "yunet", five(whole) - (0, top)))
    assert len(taken.faces) == 1
    assert taken.rejected == ()
    # A mouth below the edge is another matter.
    cut = round(float(points[48:68, 1].min()))
    short = told(hog, monkeypatch, np.ascontiguousarray(photo[:cut]), Face(box, 0.9, "yunet", five(whole) - (0, top)))
    assert [reason for _, reason in short.rejected] == ["cut_off"]


def test_overlapping_answers_are_one_face(hog, monkeypatch, astronaut):
    (right,) = hog.find(astronaut).faces
    twice = [Face(right.face.box.moved(shift, 0), 0.9 - shift / 100, "hog") for shift in (0, 3, 6)]
    assert len(told(hog, monkeypatch, astronaut, *twice).faces) == 1


# ------------------------------------------------------------ the dataset's box


def test_the_box_spans_the_jaw_from_the_hairline_to_the_chin():
    landmarks = np.full((68, 2), 150.0)
    landmarks[0], landmarks[16], landmarks[8] = (100, 140), (200, 140), (150, 220)
    landmarks[17:27, 1] = 120
    box = face_box(landmarks)
    np.testing.assert_allclose(box.xyxy, (101.6, 120 - 0.285 * 100, 198.4, 218), atol=1e-9)
    assert face_box(landmarks * 3).xyxy == pytest.approx(box.scaled(3).xyxy)


def test_landmarks_in_one_point_have_an_empty_box():
    assert face_box(np.full((68, 2), 5.0)).area == 0


# ------------------------------------------------------------ files and names


def test_a_pickled_finder_answers_the_same(hog, astronaut):
    copy = pickle.loads(pickle.dumps(hog))
    np.testing.assert_array_equal(copy.find(astronaut).faces[0].landmarks, hog.find(astronaut).faces[0].landmarks)


def test_an_unknown_detector():
    with pytest.raises(InputError, match="nose"):
        FaceFinder("nose")


def test_a_predictor_that_is_none(tmp_path):
    path = tmp_path / "p.dat"
    path.write_bytes(b"no model")
    with pytest.raises(WeightsError, match=r"p\.dat"):
        FaceFinder("hog", path)
    with pytest.raises(WeightsError, match=r"missing\.dat"):
        FaceFinder("hog", tmp_path / "missing.dat")


def test_most_faces_of_every_source_are_usable(yunet, shared):
    from maskgen.images import iter_paths, read_rgb

    for name in ("portraits", "celebrities", "utk"):
        paths = list(iter_paths([shared / "data" / "faces" / name]))
        paths = paths[:: len(paths) // 40]
        usable = sum(bool(yunet.find(read_rgb(path)).faces) for path in paths)
        assert usable >= 0.9 * len(paths)
