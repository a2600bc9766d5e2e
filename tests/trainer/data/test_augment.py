from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING

import numpy as np
import pytest

from maskgen.errors import InputError
from trainer.data.augment import POLICIES, Augmenter
from trainer.data.preprocess import fit

if TYPE_CHECKING:
    from maskgen.types import RGB


@pytest.fixture
def face(astronaut: RGB) -> RGB:
    return fit(astronaut[50:200, 150:300], (64, 64))


@pytest.mark.parametrize("policy", POLICIES)
def test_the_same_seed_and_number_give_the_same_image(face: RGB, policy: str) -> None:
    before = face.copy()
    first = [Augmenter(policy, 3)(face, 1, number) for number in range(6)]  # type: ignore[arg-type]
    again = Augmenter(policy, 3)  # type: ignore[arg-type]
    for number in reversed(range(6)):
        np.testing.assert_array_equal(first[number], again(face, 1, number))
    np.testing.assert_array_equal(face, before)
    assert all(image.shape == face.shape and image.dtype == np.uint8 for image in first)


@pytest.mark.parametrize("policy", ["classic", "mild", "street"])
def test_threads_change_nothing_and_numbers_do(face: RGB, policy: str) -> None:
    augmenter = Augmenter(policy, 0)  # type: ignore[arg-type]
    alone = [augmenter(face, 0, number) for number in range(12)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: augmenter(face, 0, number), range(12)))
    np.testing.assert_array_equal(alone, together)
    assert len({image.tobytes() for image in alone}) > 10
    assert not np.array_equal(alone[0], Augmenter(policy, 1)(face, 0, 0))  # type: ignore[arg-type]


def test_none_changes_nothing(face: RGB) -> None:
    np.testing.assert_array_equal(Augmenter("none")(face, 5), face)


def test_unknown_policies_are_named() -> None:
    with pytest.raises(InputError, match="none, classic, mild, street"):
        Augmenter("wild")  # type: ignore[arg-type]
