from itertools import pairwise

import numpy as np
import pytest

from maskgen.faces.tiles import OnTiles, _starts, detect_small
from maskgen.types import Box, Face


class Spots:
    """Sees bright squares of 24 px and more: a detector with a least size."""

    name = "spots"

    def detect(self, image):
        import cv2

        _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 128).astype(np.uint8))
        boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:].tolist() if min(w, h) >= 24]
        return [Face(Box(*map(float, box)), 1.0, self.name) for box in boxes]


def squares(*corners, side, width=1000, height=700):
    image = np.zeros((height, width, 3), np.uint8)
    for x, y in corners:
        image[y : y + side, x : x + side] = 255
    return image


@pytest.mark.parametrize(("length", "tile"), [(100, 320), (320, 320), (321, 320), (1000, 320), (5000, 320)])
def test_tiles_cover_everything_and_overlap_enough(length, tile):
    starts = _starts(length, tile, 0.25)
    assert starts[0] == 0
    assert starts[-1] + tile >= length
    assert all(0 < b - a <= tile * 0.75 + 1 for a, b in pairwise(starts))


def test_small_faces_are_found_once_wherever_they_lie():
    corners = [(0, 0), (310, 200), (317, 430), (980, 680), (500, 100)]
    image = squares(*corners, side=16)
    assert Spots().detect(image) == []
    found = detect_small(Spots(), image)
    assert len(found) == len(corners)
    for (x, y), face in zip(sorted(corners), sorted(found, key=lambda f: f.box.xyxy), strict=True):
        np.testing.assert_allclose(face.box.xyxy, (x, y, x + 16, y + 16), atol=1)


def test_a_large_face_is_not_cut_into_pieces():
    image = squares((200, 150), side=400)
    assert [face.box for face in OnTiles(Spots()).detect(image)] == [Box(200, 150, 600, 550)]


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 2000, 3), (319, 321, 3)])
def test_odd_sizes(shape):
    assert detect_small(Spots(), np.zeros(shape, np.uint8)) == []
