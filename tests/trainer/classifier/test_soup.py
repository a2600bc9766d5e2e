"""Averaging several fine-tuned networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen.errors import InputError
from tests.trainer.conftest import TINY, small_network
from trainer import models
from trainer.classifier import soup
from trainer.classifier.fit import fit
from trainer.config.classifier import TrainConfig
from trainer.data.faces import Faces
from trainer.data.samples import Sample
from trainer.loop.epochs import Run


def _config(**changes: Any) -> TrainConfig:
    return TrainConfig(**{**TINY, "fine_tune": "16", "soup": 2, "epochs": 1, "lr": 1e-3, **changes})


def _pixels(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)


def test_both_halves_together_say_what_the_network_says() -> None:
    config = _config()
    network = models.build(config, 2)
    pixels = _pixels(3)
    front, tail = soup.halves(network, config)
    found = tail.predict_on_batch(soup.cached(front, pixels).astype(np.float32))
    np.testing.assert_allclose(found, network.predict_on_batch(pixels.astype(np.float32)), atol=2e-3)


def test_a_soup_is_the_mean_of_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soup, "build", small_network)
    config = _config(head_epochs=0, fine_tune="17", batch_size=4)
    network = small_network(config, 2)
    samples = tuple(Sample(Path(f"{n}.png"), f"{n}.png", "with_mask", str(n)) for n in range(8))
    faces = Faces(_pixels(8), np.arange(8) % 2, samples)
    front, tail = soup.halves(network, config)
    first, runs = tail.get_weights(), []
    for number in range(2):
        tail.set_weights(first)
        list(soup.bowl(tail, soup.cached(front, faces.pixels), faces.targets, config, number))
        runs.append(np.array(tail.get_layer("logits").get_weights()[0]))
    fitted = fit(network, faces, faces, config, Run(tmp_path / "checkpoints"))
    assert np.abs(runs[0] - runs[1]).max() > 1e-5
    np.testing.assert_allclose(network.get_layer("logits").get_weights()[0], (runs[0] + runs[1]) / 2, atol=2e-5)
    assert [row["phase"] for row in fitted.history] == ["soup", "soup"]


@pytest.mark.parametrize("changes", [{"augment": "mild"}, {"fine_tune": "all"}, {"fine_tune": "none"}])
def test_a_soup_needs_images_as_they_are_and_a_block_to_begin_at(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="augment"):
        _config(**changes)
