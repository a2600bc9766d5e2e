import dlib

from maskgen.faces.nms import covered, from_dlib, merged
from maskgen.types import Box, Face


def face(left, top, right, bottom, score):
    return Face(Box(left, top, right, bottom), score, "fake")


def test_a_dlib_rectangle_gains_its_last_pixel():
    assert from_dlib(dlib.rectangle(10, 20, 19, 39)) == Box(10, 20, 20, 40)


def test_covered_is_the_share_of_the_smaller_box():
    assert covered(Box(0, 0, 10, 10), Box(5, 0, 25, 10)) == 0.5
    assert covered(Box(0, 0, 100, 100), Box(10, 10, 20, 20)) == 1.0
    assert covered(Box(0, 0, 10, 10), Box(10, 0, 20, 10)) == 0.0
    assert covered(Box(0, 0, 0, 0), Box(0, 0, 10, 10)) == 0.0


def test_no_faces():
    assert merged([]) == []


def test_the_best_of_overlapping_boxes_stays():
    worse, better, apart = face(0, 0, 10, 10, 0.5), face(1, 0, 11, 10, 0.9), face(30, 0, 40, 10, 0.7)
    assert merged([worse, better, apart]) == [better, apart]


def test_a_box_within_a_better_one_goes_and_neighbours_stay():
    whole, nose = face(0, 0, 100, 100, 0.9), face(40, 40, 60, 60, 0.8)
    assert merged([nose, whole]) == [whole]
    left, right = face(0, 0, 100, 100, 0.9), face(70, 0, 170, 100, 0.8)
    assert merged([left, right]) == [left, right]
