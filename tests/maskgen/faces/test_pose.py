import numpy as np
import pytest

from maskgen.errors import ShapeError
from maskgen.faces.pose import HEAD, head_pose


def turned(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, scale=2.0, perspective=0.0):
    """The head's own landmarks as a camera sees them; other landmarks in its middle.

    Turned about the upright axis first, then nodded, then leant, so that small
    angles are what the pose calls them and a single one always is.
    """
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    points = np.array(list(HEAD.values()), float)
    points[:, 2] -= points[:, 2].mean()
    x, y, z = points.T
    x, z = x * np.cos(yaw) - z * np.sin(yaw), z * np.cos(yaw) + x * np.sin(yaw)
    y, z = y * np.cos(pitch) + z * np.sin(pitch), z * np.cos(pitch) - y * np.sin(pitch)
    x, y = x * np.cos(roll) - y * np.sin(roll), y * np.cos(roll) + x * np.sin(roll)
    flat = np.stack([x, y], axis=1) * scale / (1 + perspective * z[:, None]) + 300
    landmarks = np.tile(flat.mean(axis=0), (68, 1))
    landmarks[list(HEAD)] = flat
    return landmarks


def angles(landmarks):
    pose = head_pose(landmarks)
    return pose.yaw_deg, pose.pitch_deg, pose.roll_deg


@pytest.mark.parametrize("angle", [-60, -25, 0, 10, 45])
def test_each_angle_comes_back_alone(angle):
    np.testing.assert_allclose(angles(turned(yaw_deg=angle)), (angle, 0, 0), atol=1e-6)
    np.testing.assert_allclose(angles(turned(pitch_deg=angle)), (0, angle, 0), atol=1e-6)
    np.testing.assert_allclose(angles(turned(roll_deg=angle)), (0, 0, angle), atol=1e-6)


def test_the_signs_are_those_that_the_types_promise():
    right = turned(yaw_deg=30)
    assert right[30, 0] > right[[36, 45], 0].mean()
    assert head_pose(right).yaw_deg > 0
    up = turned(pitch_deg=30)
    assert up[30, 1] - up[36, 1] < turned()[30, 1] - turned()[36, 1]
    assert head_pose(up).pitch_deg > 0
    leaning = turned(roll_deg=30)
    assert leaning[45, 1] > leaning[36, 1]
    assert head_pose(leaning).roll_deg > 0


def test_size_and_place_do_not_matter():
    small, large = turned(20, -10, 5, scale=0.05), turned(20, -10, 5, scale=30) + np.array([4000, -900])
    np.testing.assert_allclose(angles(small), angles(large), atol=1e-6)


def test_perspective_and_noise_move_it_a_little_and_never_flip_it():
    rng = np.random.default_rng(5)
    for yaw, pitch in ((0, 0), (35, 5), (-35, -15), (10, 25)):
        expected = angles(turned(yaw, pitch))
        for _ in range(20):
            # A selfie from 40 cm; 3 % of the face's width of noise.
            seen = turned(yaw, pitch, perspective=1 / 400) + rng.normal(0, 8, (68, 2))
            assert np.abs(np.subtract(angles(seen), expected)).max() < 20


def test_landmarks_in_one_point_are_no_crash():
    assert all(np.isfinite(angles(np.full((68, 2), 7.0))))


def test_another_number_of_points():
    with pytest.raises(ShapeError, match=r"\(5, 2\)"):
        head_pose(np.zeros((5, 2)))
