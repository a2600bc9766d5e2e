from __future__ import annotations

import numpy as np
import pytest

from trainer.data.scenes import FACE_VALUES
from trainer.detector.assign import assign, overlaps
from trainer.detector.fit import cells

CENTRES, STRIDES = cells(64, 64)


def truth(*faces: tuple[float, ...], room: int = 4) -> np.ndarray:
    """(1, room, 21) of (x0, y0, x1, y1, label, kind)."""
    out = np.zeros((1, room, FACE_VALUES), np.float32)
    for row, face in zip(out[0], faces, strict=False):
        row[:6] = face
    return out


def run(faces: np.ndarray, boxes: np.ndarray | None = None, scores: np.ndarray | None = None, **options):
    count = len(CENTRES)
    if boxes is None:  # every cell says a box of twice its stride about its own centre
        # Not quite: of cells that agree exactly alike, more than the wanted number would be taken.
        half = STRIDES[:, None] + np.linspace(0, 1e-2, count)[:, None]
        boxes = np.concatenate([CENTRES - half, CENTRES + half], axis=1)
    scores = np.full((1, count, 2), 0.1, np.float32) if scores is None else scores
    found = assign(scores, boxes[None].astype(np.float32), CENTRES, STRIDES, faces, **options)
    return type(found)(*(np.asarray(value)[0] for value in found))


def test_cells_lie_in_the_middle_of_their_pixels() -> None:
    assert len(CENTRES) == 64 + 16 + 4
    np.testing.assert_array_equal(CENTRES[:2], [[4, 4], [12, 4]])
    np.testing.assert_array_equal(CENTRES[64], [8, 8])
    np.testing.assert_array_equal(CENTRES[-1], [48, 48])
    assert STRIDES.tolist() == [8] * 64 + [16] * 16 + [32] * 4


def test_overlaps_by_hand() -> None:
    a = np.array([[[0, 0, 2, 2], [5, 5, 5, 5]]], np.float32)
    b = np.array([[[1, 0, 3, 2], [9, 9, 10, 10]]], np.float32)
    np.testing.assert_allclose(np.asarray(overlaps(a, b)), [[[1 / 3, 0], [0, 0]]], atol=1e-6)


def test_nothing_to_find_gives_nothing() -> None:
    found = run(truth())
    assert found.weights.max() == 0
    assert found.scores.max() == 0
    assert found.counts.min() == 1


def test_the_cell_that_fits_best_answers() -> None:
    # Cell (1, 1) of stride 16 says exactly this box.
    found = run(truth((8, 8, 40, 40, 1, 1)))
    best = int(found.weights.argmax())
    assert (STRIDES[best], CENTRES[best].tolist()) == (16, [24, 24])
    assert found.weights[best] == pytest.approx(1, abs=2e-3)
    assert found.scores[best].tolist() == pytest.approx([0, 1], abs=2e-3)
    np.testing.assert_array_equal(found.boxes[best], [8, 8, 40, 40])
    assert (found.weights > 0).sum() <= 10
    inside = (CENTRES > 8).all(axis=1) & (CENTRES < 40).all(axis=1)
    assert not (found.weights[~inside] > 0).any()


def test_at_most_top_cells() -> None:
    assert (run(truth((0, 0, 64, 64, 0, 1)), top=3).weights > 0).sum() <= 3


def test_a_tiny_face_between_cells_gets_the_near_ones_of_the_finest_map() -> None:
    # Five pixels about (8, 8): no centre lies within.
    found = run(truth((5.5, 5.5, 10.5, 10.5, 0, 1)))
    answering = np.flatnonzero(found.weights > 0)
    assert sorted(CENTRES[answering].tolist()) == [[4, 4], [4, 12], [12, 4], [12, 12]]
    assert set(STRIDES[answering]) == {8}


def test_a_cell_wanted_twice_answers_for_the_face_it_overlaps_more() -> None:
    found = run(truth((0, 0, 32, 32, 0, 1), (4, 4, 64, 64, 1, 1)))
    rows = found.scores > 0
    assert not (rows[:, 0] & rows[:, 1]).any()
    assert rows[:, 0].any()
    assert rows[:, 1].any()


def test_ignored_faces_are_neither_found_nor_unlearned() -> None:
    found = run(truth((8, 8, 40, 40, 1, -1)))
    assert found.weights.max() == 0
    inside = (CENTRES > 8).all(axis=1) & (CENTRES < 40).all(axis=1)
    assert found.counts[inside & (STRIDES <= 32)].max() == 0
    assert found.counts[~inside & (STRIDES < 32)].min() == 1


def test_a_face_upon_an_ignored_one_counts() -> None:
    found = run(truth((0, 0, 64, 64, 1, -1), (8, 8, 40, 40, 0, 1)))
    assert found.counts[found.weights > 0].min() == 1
    assert found.counts.min() == 0


def test_the_score_of_the_faces_own_label_decides() -> None:
    """Two cells with the same box: the one that says the right label is asked more of."""
    boxes = np.tile(np.array([[8, 8, 40, 40]], np.float32), (len(CENTRES), 1))
    scores = np.full((1, len(CENTRES), 2), 0.05, np.float32)
    sure = int(np.flatnonzero((CENTRES == [20, 20]).all(axis=1))[0])
    scores[0, sure, 1] = 0.9
    found = run(truth((8, 8, 40, 40, 1, 1)), boxes, scores)
    assert int(found.weights.argmax()) == sure
    scores[0, sure] = (0.9, 0.05)
    assert found.weights[sure] > run(truth((8, 8, 40, 40, 1, 1)), boxes, scores).weights[sure] - 1e-6


def test_even_boxes_that_overlap_nothing_get_cells() -> None:
    nowhere = np.tile(np.array([[900, 900, 901, 901]], np.float32), (len(CENTRES), 1))
    counts = run(truth((8, 8, 40, 40, 1, 1)), nowhere)
    assert counts.boxes[:, 2].max() == 40
