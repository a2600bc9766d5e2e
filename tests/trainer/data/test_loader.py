from __future__ import annotations

import threading

import numpy as np
import pytest

from trainer.data.augment import Augmenter
from trainer.data.loader import batches, epoch_order


def test_balanced_epochs_draw_every_class_equally_often() -> None:
    targets = np.array([0] * 30 + [1] * 4, np.int64)
    order = epoch_order(targets, 2, 17, np.random.default_rng(0), balance=True)
    assert len(order) == 34
    assert (np.bincount(targets[order]) == 17).all()
    assert len(set(order[targets[order] == 0])) == 17


def test_plain_epochs_show_every_image_and_fill_the_last_batch() -> None:
    order = epoch_order(np.zeros(10, np.int64), 1, 4, np.random.default_rng(0), balance=False)
    assert len(order) == 12
    assert set(order) == set(range(10))


def test_batches_come_in_order_and_can_be_skipped() -> None:
    pixels = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    order = np.array([4, 2, 9, 0, 1, 3])
    whole = [batch[:, 0, 0, 0].tolist() for batch in batches(pixels, order, 2, Augmenter("none"), 0)]
    assert whole == [[4, 2], [9, 0], [1, 3]]
    rest = list(batches(pixels, order, 2, Augmenter("none"), 0, skip=2))
    assert [batch[:, 0, 0, 0].tolist() for batch in rest] == [[1, 3]]
    assert rest[0].dtype == np.float32


def test_an_error_in_a_thread_reaches_the_caller_and_leaves_no_thread() -> None:
    class Broken(Augmenter):
        def __call__(self, image: np.ndarray, *number: int) -> np.ndarray:
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        list(batches(np.zeros((4, 2, 2, 3), np.uint8), np.arange(4), 2, Broken("none"), 0))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("augment")]
