from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from maskgen.errors import BundleError, InputError, WeightsError
from trainer import models
from trainer.bundle import Bundle
from trainer.config.classifier import TrainConfig
from trainer.models import compact
from trainer.models.weights import load_network, start

if TYPE_CHECKING:
    from pathlib import Path


def _config(**changes: Any) -> TrainConfig:
    return TrainConfig(**{"size": 32, "alpha": 0.35, "weights": "none", **changes})


def _pixels(side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, side, side, 3)).astype(np.float32)


def test_the_classic_head_is_the_tutorials() -> None:
    network = models.build(_config(size=64), 2)
    names = [type(layer).__name__ for layer in network.layers]
    assert names[3:] == ["AveragePooling2D", "Flatten", "Dense", "Dropout", "Dense", "Softmax"]
    assert network.get_layer("pool").pool_size == (2, 2)
    assert network.get_layer("hidden").units == 128
    assert network.get_layer("dropout").rate == 0.5
    probabilities = np.asarray(network(_pixels(64)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_gap_head_has_no_hidden_layer() -> None:
    names = [type(layer).__name__ for layer in models.build(_config(head="gap"), 3).layers]
    assert names[3:] == ["GlobalAveragePooling2D", "Dropout", "Dense", "Softmax"]


def test_pixels_are_scaled_as_the_first_weights_want_them() -> None:
    """ImageNet's MobileNetV2 learned from -1 to 1."""
    import keras

    from trainer.models import onestage

    for network in (models.build(_config(), 2), onestage.build(2, 8)):
        scaled = keras.Model(network.input, network.get_layer("scale").output)
        pixels = np.stack([np.full((32, 32, 3), value, np.float32) for value in (0, 127.5, 255)])
        np.testing.assert_allclose(np.asarray(scaled(pixels))[:, 0, 0, 0], [-1, 0, 1], atol=1e-6)


def test_blocks_are_numbered_as_keras_names_them() -> None:
    network = models.build(_config(), 2)
    backbone = network.get_layer("backbone")
    everything = models.freeze_below(network, "mobilenetv2", "all")
    some = models.freeze_below(network, "mobilenetv2", "13")
    trainable = [layer.name for layer in backbone.layers if layer.trainable]
    assert trainable[0] == "block_13_expand"
    assert 0 < some < everything
    assert models.freeze_below(network, "mobilenetv2", "none") == 0
    for wrong in ("18", "-1", "some"):
        with pytest.raises(InputError, match="block from 0 to 17"):
            models.freeze_below(network, "mobilenetv2", wrong)


def test_resnet50_turns_colours_round_and_takes_the_mean_off() -> None:
    import keras

    network = models.build(_config(arch="resnet50"), 2)
    scaled = keras.Model(network.input, network.get_layer("scale").output)
    pixels = _pixels()
    expected = pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
    np.testing.assert_allclose(np.asarray(scaled(pixels)), expected, atol=1e-3)
    assert [type(layer).__name__ for layer in network.layers[3:5]] == ["GlobalAveragePooling2D", "Dense"]
    assert models.freeze_below(network, "resnet50", "13") > 0


def test_folding_batch_norm_changes_nothing_but_the_numbers(tmp_path: Path) -> None:
    network = models.build(_config(), 2)
    rng = np.random.default_rng(1)
    backbone = network.get_layer("backbone")
    for layer in backbone.layers:
        if type(layer).__name__ == "BatchNormalization":
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([gamma * rng.uniform(0.5, 2, gamma.shape), beta + 0.1, mean + 0.05, variance * 1.3])
    before = np.asarray(backbone(_pixels() / 127.5 - 1))
    assert compact.fold_batch_norm(network) == 52
    np.testing.assert_allclose(np.asarray(backbone(_pixels() / 127.5 - 1)), before, atol=1e-4)

    compact.round_weights(network)
    expected = np.asarray(network(_pixels()))
    path = tmp_path / "network.keras"
    network.save(path)
    was, now = compact.compress(path)
    assert now < 0.65 * was
    np.testing.assert_array_equal(np.asarray(load_network(path)(_pixels())), expected)
    kernel = load_network(path).get_layer("hidden").get_weights()[0]
    np.testing.assert_array_equal(kernel, kernel.astype(np.float16))


def test_a_lambda_layer_is_refused_before_keras_sees_it(tmp_path: Path) -> None:
    import keras

    path = tmp_path / "bad.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1)]).save(path)
    with pytest.raises(BundleError, match="Lambda layer"):
        load_network(path)


def test_a_reference_to_foreign_code_is_refused(tmp_path: Path, trained: Path) -> None:
    path = tmp_path / "bad.keras"
    with zipfile.ZipFile(trained / "model.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json":
                plan = json.loads(data)
                plan["config"]["layers"][0]["config"]["dtype"] = {
                    "module": "os",
                    "class_name": "system",
                    "config": "true",
                    "registered_name": None,
                }
                data = json.dumps(plan).encode()
            target.writestr(name, data)
    with pytest.raises(BundleError, match=r"os\.system"):
        load_network(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_damaged_networks_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.keras"
    path.write_bytes(content)
    with pytest.raises(BundleError):
        load_network(path)
    with pytest.raises(BundleError, match="no network"):
        load_network(tmp_path / "absent.keras")


def test_weights_from_a_model_folder(trained: Path) -> None:
    network = models.build(_config(weights=str(trained)), 2)
    assert start(network, _config(weights=str(trained))).startswith("file: ")
    donor = load_network(trained / "model.keras").get_layer("backbone").get_weights()
    for mine, theirs in zip(network.get_layer("backbone").get_weights(), donor, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_weights_that_do_not_fit_or_do_not_exist(trained: Path, tmp_path: Path) -> None:
    wide = _config(alpha=0.5, weights=str(trained))
    with pytest.raises(WeightsError, match="another kind"):
        start(models.build(wide, 2), wide)
    absent = _config(weights=str(tmp_path / "absent.h5"))
    with pytest.raises(WeightsError, match="no weights at"):
        start(models.build(absent, 2), absent)
    junk = tmp_path / "junk.weights.h5"
    junk.write_bytes(b"junk")
    with pytest.raises(WeightsError, match="does not fit"):
        start(models.build(_config(), 2), _config(weights=str(junk)))


def test_no_network_no_imagenet(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    def offline(**_: Any) -> None:
        print("Downloading data from somewhere")  # noqa: T201 as Keras does
        raise OSError("Name or service not known\nand more")

    monkeypatch.setattr(keras.applications, "MobileNetV2", offline)
    with pytest.raises(WeightsError, match="KERAS_HOME") as caught:
        start(object(), _config(weights="imagenet"))
    assert "\n" not in str(caught.value)


def test_auto_prefers_the_classifier_that_ships_where_it_is_of_the_kind(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.models.weights.packaged_bundle", lambda: trained)
    assert start(models.build(_config(), 2), _config(weights="auto")).startswith("packaged")
    taken = []
    monkeypatch.setattr("trainer.models.weights._copy_imagenet", lambda *_: taken.append(1))
    assert start(object(), _config(alpha=0.5, weights="auto")).startswith("imagenet")
    assert taken


def test_without_a_classifier_that_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise BundleError("this installation carries no classifier")

    monkeypatch.setattr("trainer.models.weights.packaged_bundle", none)
    with pytest.raises(WeightsError, match="--weights imagenet"):
        start(object(), _config(weights="packaged"))


def test_the_bundle_remembers_the_settings(trained: Path) -> None:
    settings = TrainConfig.from_json(Bundle.load(trained).config)
    assert (settings.alpha, settings.size, settings.compact) == (0.35, 32, True)


@pytest.mark.parametrize("change", [
    {"arch": "vgg"},
    {"alpha": 0.6},
    {"size": 16},
    {"classes": 4},
    {"lr": float("nan")},
    {"fine_tune": "x"},
    {"incorrect_prior": 0.1},
    {"classes": 3, "incorrect_prior": 1.0},
])  # fmt: skip
def test_settings_are_checked(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        TrainConfig(**change)
