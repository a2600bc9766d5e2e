from __future__ import annotations

import numpy as np

from maskgen.dataset.reader import read_dataset
from maskgen.scenes.cutout import cut_out, head_of
from maskgen.scenes.pieces import reach
from maskgen.types import RGB, Points


def astronauts(pieces_folder: object) -> Points:
    """Landmarks of the astronaut's face, in her photo's pixels."""
    from pathlib import Path

    assert isinstance(pieces_folder, Path)
    record = next(r for r in read_dataset(pieces_folder) if "astronaut" in r.source)
    return np.array(record.faces[0].landmarks, np.float64)


def test_the_face_is_inside_and_the_corners_are_not(astronaut: RGB, pieces_folder: object) -> None:
    landmarks = astronauts(pieces_folder)
    alpha, below = cut_out(astronaut, landmarks)
    x, y = landmarks[[27, 30, 33, 36, 45, 48, 54]].T.astype(int)
    assert alpha[y, x].min() > 250
    assert alpha[:40, :40].max() == 0
    assert alpha[:100, -40:].max() < 60
    assert below > 1.5
    assert 0.05 < (alpha > 127).mean() < 0.75


def test_the_same_photo_gives_the_same_outline_whatever_came_before(astronaut: RGB, pieces_folder: object) -> None:
    landmarks = astronauts(pieces_folder)
    first, _ = cut_out(astronaut, landmarks)
    cut_out(astronaut[:, ::-1].copy(), landmarks * (-1, 1) + (astronaut.shape[1], 0))
    assert np.array_equal(cut_out(astronaut, landmarks)[0], first)


def test_a_face_that_fills_its_photo_is_still_cut_out(astronaut: RGB, pieces_folder: object) -> None:
    landmarks = astronauts(pieces_folder)
    left, top = np.floor(landmarks.min(axis=0)).astype(int)
    right, bottom = np.ceil(landmarks.max(axis=0)).astype(int)
    alpha, below = cut_out(astronaut[top:bottom, left:right].copy(), landmarks - (left, top))
    middle = alpha[alpha.shape[0] // 2, alpha.shape[1] // 2]
    assert middle > 250
    assert alpha[0].max() == 0
    assert below < 0.2


def test_a_heads_measures_follow_its_lean() -> None:
    points = np.zeros((68, 2))
    points[8], points[17:27], points[0], points[16] = (0, 0), (0, -10), (-5, -5), (5, -5)
    turn = np.radians(30)
    leaning = points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    upright, leans = head_of(points), head_of(leaning)
    assert (upright.height, upright.width, upright.angle_deg) == (10, 10, 0)
    assert abs(leans.angle_deg - 30) < 1e-6
    assert abs(leans.height - 10) < 1e-9


def test_a_cut_out_reaches_as_far_as_it_is_whole_below_the_chin() -> None:
    points = np.zeros((68, 2))
    points[:] = (50, 40)
    points[8], points[17:27], points[0], points[16] = (50, 60), (50, 20), (30, 40), (70, 40)
    alpha = np.zeros((120, 100), np.uint8)
    alpha[10:80, 20:80] = 255
    assert reach(alpha, points) == 0.5
    alpha[:] = 255
    assert reach(alpha, points) == 1.5
    assert reach(alpha[:55], points) == 0
