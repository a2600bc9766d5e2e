from __future__ import annotations

import numpy as np

from trainer.models.predict import predict


class Sums:
    """Says the sum of every input, of batches of one size alone."""

    output = np.zeros((1, 1))

    def __init__(self) -> None:
        self.sizes: set[int] = set()

    def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
        self.sizes.add(len(inputs))
        return inputs.reshape(len(inputs), -1).sum(axis=1, keepdims=True)


def test_predict_takes_any_number() -> None:
    network = Sums()
    assert predict(network, np.zeros((0, 2, 2, 3), np.uint8)).shape == (0, 1)
    for count in (1, 32, 33):
        inputs = np.random.default_rng(count).integers(0, 256, (count, 2, 2, 3)).astype(np.uint8)
        np.testing.assert_array_equal(predict(network, inputs)[:, 0], inputs.sum(axis=(1, 2, 3)))
    assert network.sizes == {32}
