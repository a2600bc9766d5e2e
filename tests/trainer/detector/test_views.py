from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskgen import images
from maskgen.errors import ImageError
from trainer.config.detector import DetectorConfig
from trainer.data.scenes import FACE_VALUES, KIND, Scene
from trainer.detector.batches import ROOM, batch_of, batches, epoch_plan, padded
from trainer.detector.views import Views, cut_faces, mirrored, photometric


def face(*values: float, points: np.ndarray | None = None) -> np.ndarray:
    row = np.zeros(FACE_VALUES, np.float32)
    row[: len(values)] = values
    if points is not None:
        row[6:] = points.ravel()
    return row


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A white square, its face, on black; 120 x 90 px."""
    image = np.zeros((90, 120, 3), np.uint8)
    image[30:60, 40:80] = 255
    images.write(tmp_path / "scene.png", image)
    points = np.array([[50, 40, 1], [70, 40, 1], [60, 45, 1], [52, 52, 1], [68, 52, 1]], np.float32)
    return Scene(tmp_path / "scene.png", (120, 90), face(40, 30, 80, 60, 1, 1, points=points)[None])


def test_boxes_follow_the_pixels(scene: Scene) -> None:
    """Whatever the cut, zoom, flip and light: the box lies on the white square."""
    views = Views([scene], DetectorConfig(mosaic=0.0))
    looked = 0
    for number in range(40):
        pixels, faces = views(0, 96, (1, number))
        assert pixels.shape == (96, 96, 3)
        for row in faces[faces[:, KIND] > 0]:
            x0, y0, x1, y1 = row[:4].round().astype(int)
            if min(x1 - x0, y1 - y0) < 12:
                continue
            looked += 1
            inside = pixels[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3].mean()
            for beside in (
                pixels[y0 + 3 : y1 - 3, max(0, x0 - 6) : max(0, x0 - 3)],
                pixels[max(0, y0 - 6) : max(0, y0 - 3), x0 + 3 : x1 - 3],
            ):
                if beside.size:
                    assert inside > beside.mean() + 40
            points = row[6:].reshape(5, 3)
            known = points[points[:, 2] > 0, :2]
            assert (known >= row[:2] - 1).all()
            assert (known <= row[2:4] + 1).all()
            if len(known) == 5:
                assert known[0, 0] < known[1, 0]  # the left eye stays left, flipped or not
    assert looked > 20


def test_mosaics_hold_four(scene: Scene) -> None:
    views = Views([scene], DetectorConfig(mosaic=1.0, zoom=(0.6, 0.6)))
    counts = [len(views(0, 128, (1, n))[1]) for n in range(12)]
    assert max(counts) == 4


def test_the_same_seed_gives_the_same_picture(scene: Scene) -> None:
    views = Views([scene], DetectorConfig())
    (one, a), (two, b), (other, _) = views(0, 96, (3, 1)), views(0, 96, (3, 1)), views(0, 96, (3, 2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(a, b)
    assert (one != other).any()


def test_cut_off_faces_are_ignored() -> None:
    faces = np.stack(
        [face(-5, 0, 15, 20, 0, 1), face(-15, 0, 5, 20, 0, 1), face(-30, 0, -10, 20, 0, 1), face(5, 5, 8, 30, 0, 1)]
    )
    found = cut_faces(faces, (100, 100), 5)
    np.testing.assert_array_equal(found[:, KIND], [1, -1, -1])  # seen 3/4, seen 1/4, [gone], 3 px wide
    np.testing.assert_array_equal(found[0, :4], [0, 0, 15, 20])


def test_points_beyond_the_edge_are_unknown() -> None:
    points = np.array([[-1, 5, 1], [5, 5, 1], [5, 50, 1], [5, 5, 0], [9, 9, 1]], np.float32)
    found = cut_faces(face(-5, 0, 15, 20, 0, 1, points=points)[None], (40, 40), 0)
    assert found[0, 6:].reshape(5, 3)[:, 2].tolist() == [0, 1, 0, 0, 1]


def test_a_mirror_turns_left_into_right_and_twice_is_nothing() -> None:
    points = np.array([[10, 5, 1], [20, 5, 1], [15, 8, 1], [11, 12, 1], [19, 12, 0]], np.float32)
    one = face(8, 2, 24, 16, 1, 1, points=points)[None]
    turned = mirrored(one, 100)
    assert turned[0, :4].tolist() == [76, 2, 92, 16]
    assert turned[0, 6:].reshape(5, 3).tolist() == [[80, 5, 1], [90, 5, 1], [85, 8, 1], [81, 12, 0], [89, 12, 1]]
    np.testing.assert_array_equal(mirrored(turned, 100), one)


def test_light_changes_pixels_of_a_copy() -> None:
    pixels = np.full((40, 40, 3), 120, np.uint8)
    means = []
    for number in range(30):
        changed = photometric(pixels, np.random.default_rng(number))
        assert changed.shape == pixels.shape
        assert changed.dtype == np.uint8
        means.append(changed.mean())
    assert (pixels == 120).all()
    assert min(means) < 100 < 140 < max(means)


def test_views_come_in_many_lights(scene: Scene) -> None:
    """The white square stays white only where nobody changed the light."""
    views = Views([scene], DetectorConfig(mosaic=0.0))
    brightest = [int(views(0, 96, (2, number))[0].max(axis=(0, 1)).min()) for number in range(12)]
    assert len(set(brightest)) > 3


def test_padding_keeps_the_largest_that_count() -> None:
    assert padded([np.zeros((0, FACE_VALUES), np.float32)]).shape == (1, ROOM[0], FACE_VALUES)
    many = np.stack([face(0, 0, n + 1, 10, 0, 1) for n in range(ROOM[-1] + 5)])
    many[-1, KIND] = -1
    kept = padded([many, many[:1]])
    assert kept.shape == (2, ROOM[-1], FACE_VALUES)
    assert kept[0, :, 2].min() == 5
    assert kept[0, :, KIND].min() == 1
    assert kept[1, 1:].max() == 0


def test_an_epoch_shows_every_scene_and_a_share_of_the_others() -> None:
    config = DetectorConfig(batch_size=4, also_share=0.25)
    plan = epoch_plan(12, 5, config, 0)
    assert sorted(n for f, n, _ in plan if f == 0) == list(range(12))
    assert sum(f == 1 for f, _, _ in plan) == 4
    assert all(len({size for _, _, size in plan[i : i + 4]}) == 1 for i in range(0, 16, 4))
    assert plan == epoch_plan(12, 5, config, 0)
    assert plan != epoch_plan(12, 5, config, 1)


def test_a_batch_has_one_size_though_the_first_folder_is_smaller() -> None:
    config = DetectorConfig(batch_size=8, also_share=0.75)
    plan = epoch_plan(5, 20, config, 0)
    batch = batch_of(plan, config)
    assert (batch, len(plan)) == (8, 16)
    assert all(len({size for _, _, size in plan[i : i + batch]}) == 1 for i in range(0, len(plan), batch))
    alone = epoch_plan(5, 0, config, 0)
    assert (batch_of(alone, config), len(alone)) == (5, 5)


def test_an_unreadable_scene_is_named(scene: Scene) -> None:
    scene.path.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"scene\.png is not a JPEG"):
        Views([scene], DetectorConfig())


def test_batches_do_not_hang_on_where_they_begin(scene: Scene) -> None:
    config = DetectorConfig(batch_size=2, sizes=(64,))
    views, plan = (Views([scene], config),), [(0, 0, 64)] * 6
    whole = list(batches(views, plan, 2, 0, threads=3))
    rest = list(batches(views, plan, 2, 0, skip=1, threads=1))
    assert (len(whole), len(rest)) == (3, 2)
    for (a, b), (c, d) in zip(whole[1:], rest, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
