import numpy as np

from maskgen.faces.base import FaceDetector, OnSmallCopy, detect_enlarged, detect_padded, scaled
from maskgen.types import Box, Face


class Brightest:
    """Finds the bright rectangle of a dark picture; remembers what it was shown."""

    name = "brightest"

    def __init__(self):
        self.shapes = []

    def detect(self, image):
        self.shapes.append(image.shape)
        ys, xs = np.nonzero(image[..., 0] > 128)
        if not len(xs):
            return []
        box = Box(float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
        return [Face(box, 1.0, self.name, np.tile([box.left, box.top], (5, 1)))]


def picture(width=400, height=200, box=(100, 40, 140, 100)):
    image = np.zeros((height, width, 3), np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 255
    return image


def test_scaled_moves_box_and_points():
    face = Face(Box(1, 2, 3, 4), 0.5, "fake", np.array([[1.0, 2.0]] * 5))
    moved = scaled(face, 2.0, 10.0, 100, 1000)
    assert moved.box == Box(102, 1020, 106, 1040)
    assert moved.points.tolist() == [[102, 1020]] * 5
    assert scaled(Face(Box(0, 0, 1, 1), 0.5, "fake"), 3.0, 3.0).points is None


def test_a_small_copy_is_searched_and_answers_are_in_full_size():
    inner = Brightest()
    detector = OnSmallCopy(inner, 100)
    assert isinstance(detector, FaceDetector)
    assert detector.name == "brightest"
    (face,) = detector.detect(picture())
    assert inner.shapes == [(50, 100, 3)]
    assert face.box == Box(100, 40, 140, 100)
    assert face.points[0].tolist() == [100, 40]


def test_a_picture_that_is_small_already_is_searched_as_it_is():
    inner = Brightest()
    (face,) = OnSmallCopy(inner, 400).detect(picture())
    assert inner.shapes == [(200, 400, 3)]
    assert face.box == Box(100, 40, 140, 100)


def test_an_enlarged_copy_is_searched_and_answers_are_in_the_pictures_size():
    inner = Brightest()
    (face,) = detect_enlarged(inner, picture(), 800, at_most=4.0)
    assert inner.shapes == [(400, 800, 3)]
    assert np.allclose(face.box.xyxy, (100, 40, 140, 100), atol=0.6)
    detect_enlarged(inner, picture(), 800, at_most=1.5)
    assert inner.shapes[-1] == (300, 600, 3)


def test_a_padded_copy_is_searched_and_answers_are_in_the_pictures_place():
    inner = Brightest()
    # The rim is as bright as what this detector just fails to see.
    (face,) = detect_padded(inner, picture())
    assert inner.shapes == [(400, 600, 3)]
    assert face.box == Box(100, 40, 140, 100)
    assert face.points[0].tolist() == [100, 40]
