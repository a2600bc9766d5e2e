from __future__ import annotations

import math

import numpy as np
import pytest

from maskgen.faces import onestage_litert
from trainer.detector.fit import cells
from trainer.detector.losses import decode, detection_loss, distance_iou, quality_focal, smooth_l1


def number(value) -> float:
    return float(np.asarray(value))


def test_quality_focal_by_hand() -> None:
    # Score 0.5, wanted 1: 0.25 ln 2; wanted 0.5: nothing.
    assert number(quality_focal(np.float32(0), np.float32(1))) == pytest.approx(0.25 * math.log(2))
    assert number(quality_focal(np.float32(0), np.float32(0.5))) == pytest.approx(0)
    assert number(quality_focal(np.float32(-200), np.float32(1))) == pytest.approx(200)  # no overflow


def test_distance_iou_by_hand() -> None:
    a = np.array([[0, 0, 2, 2]], np.float32)
    assert number(distance_iou(a, a)[0]) == pytest.approx(0, abs=1e-6)
    # Side by side: IoU 0, centres 2 apart, joint diagonal squared 16 + 4.
    b = np.array([[2, 0, 4, 2]], np.float32)
    assert number(distance_iou(a, b)[0]) == pytest.approx(1 + 4 / 20)


def test_smooth_l1_by_hand() -> None:
    assert number(smooth_l1(np.float32(0.1), 0.2)) == pytest.approx(0.025)
    assert number(smooth_l1(np.float32(-1), 0.2)) == pytest.approx(0.9)


def test_both_decoders_agree() -> None:
    rng = np.random.default_rng(3)
    maps = [rng.normal(0, 1, (64 // s, 64 // s, 16)).astype(np.float32) for s in (8, 16, 32)]
    centres, strides = cells(64, 64)
    flat = np.concatenate([m.reshape(-1, 16) for m in maps])
    boxes, points = (np.asarray(value)[0] for value in decode(flat[None, :, 2:], centres, strides))
    found = onestage_litert.decode(maps, 2, 1e-6)
    order = np.argsort(-flat[:, :2].max(axis=1), kind="stable")
    np.testing.assert_allclose(found.boxes, boxes[order], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(found.points, points[order], rtol=1e-4, atol=1e-3)


def perfect(size: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What a network without fault says of one face, and the face."""
    centres, strides = cells(size, size)
    truth = np.zeros((1, 3, 21), np.float32)
    truth[0, 0, :6] = (8, 8, 40, 40, 1, 1)
    truth[0, 0, 6:] = np.array([[16, 16, 1], [32, 16, 1], [24, 24, 1], [16, 32, 1], [32, 32, 0]]).ravel()
    outputs = np.zeros((1, len(centres), 16), np.float32)
    outputs[..., :2] = -20
    unit = strides[:, None]
    outputs[0, :, 2:4] = (np.array([24, 24]) - centres) / unit
    outputs[0, :, 4:6] = np.log(32 / (2 * unit))
    outputs[0, :, 6:] = ((truth[0, 0, 6:].reshape(5, 3)[None, :, :2] - centres[:, None]) / unit[..., None]).reshape(
        -1, 10
    )
    return outputs, centres, strides, truth


def test_a_network_without_fault_is_not_punished() -> None:
    outputs, centres, strides, truth = perfect()
    from trainer.detector.assign import assign

    boxes, _ = decode(outputs[..., 2:], centres, strides)
    scores = 1 / (1 + np.exp(-outputs[..., :2]))
    wanted = np.asarray(assign(scores, boxes, centres, strides, truth).scores)
    outputs[..., :2] = np.where(wanted > 0.5, 20, -20)
    losses = [number(value) for value in detection_loss(outputs, centres, strides, truth, 2)]
    assert losses == pytest.approx([0, 0, 0], abs=1e-3)


def test_each_fault_raises_its_own_loss() -> None:
    outputs, centres, strides, truth = perfect()
    base = [number(value) for value in detection_loss(outputs, centres, strides, truth, 2)]
    wrong = outputs.copy()
    wrong[..., 2] += 0.5
    assert number(detection_loss(wrong, centres, strides, truth, 2)[1]) > base[1] + 0.1
    wrong = outputs.copy()
    wrong[..., 6] += 0.5
    assert number(detection_loss(wrong, centres, strides, truth, 2)[2]) > base[2] + 0.01
    wrong = outputs.copy()
    wrong[..., 14:] += 5  # the fifth point is unknown: nobody minds
    assert number(detection_loss(wrong, centres, strides, truth, 2)[2]) == pytest.approx(base[2], abs=1e-5)


def test_an_empty_picture_only_asks_for_silence() -> None:
    outputs, centres, strides, truth = perfect()
    score, box, point = (number(v) for v in detection_loss(outputs, centres, strides, truth * 0, 2))
    assert (score, box, point) == pytest.approx((0, 0, 0), abs=1e-4)
    loud = outputs.copy()
    loud[..., 0] = 3
    assert number(detection_loss(loud, centres, strides, truth * 0, 2)[0]) > 1
