from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from maskgen.errors import TrainError
from trainer.loop import checkpoint
from trainer.loop.steps import LAST_RATE, Average, cosine, put, require_number, take

if TYPE_CHECKING:
    from pathlib import Path


def test_the_rate_rises_then_falls() -> None:
    rates = [float(cosine(0.1, 100, 0.2)(step)) for step in (0, 10, 20, 60, 100, 200)]
    assert rates == pytest.approx([0.1 * LAST_RATE, 0.051, 0.1, 0.051, 0.002, 0.002], abs=1e-5)
    assert float(cosine(0.1, 100, 0.0)(0)) == pytest.approx(0.1)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_only_numbers_go_on(tmp_path: Path, loss: float) -> None:
    require_number(0.5, "epoch 1", None, "lower it")
    with pytest.raises(TrainError, match=rf"became {loss} in epoch 1; lower it"):
        require_number(loss, "epoch 1", tmp_path, "lower it")
    checkpoint.save(tmp_path, checkpoint.State("x"))
    with pytest.raises(TrainError, match="the best weights so far are in"):
        require_number(loss, "epoch 1", tmp_path, "lower it")


def test_an_average_is_there_while_it_is_swapped_in() -> None:
    import keras

    variable = keras.Variable(np.zeros(2, np.float32))
    average = Average([variable], 0.5)
    put([variable], [np.array([1.0, 2.0], np.float32)])
    average.update(100)
    with average.swapped_in():
        np.testing.assert_allclose(take([variable])[0], [0.5, 1.0])
    np.testing.assert_allclose(take([variable])[0], [1.0, 2.0])


def test_a_young_average_forgets_the_start() -> None:
    import keras

    variable = keras.Variable(np.zeros(1, np.float32))
    average = Average([variable], 0.99)
    put([variable], [np.ones(1, np.float32)])
    average.update(0)  # momentum 1/10
    np.testing.assert_allclose(average.values[0], [0.9], rtol=1e-6)


def test_as_many_values_as_variables() -> None:
    with pytest.raises(TrainError, match="has 1 variables, the network 0"):
        put([], [np.zeros(1)])
