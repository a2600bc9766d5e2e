from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen import images
from maskgen.errors import DatasetError, TrainError
from trainer.config.detector import DetectorConfig
from trainer.data.scenes import FACE_VALUES, Scene
from trainer.detector import fit as module
from trainer.detector.fit import cells, fit, stepper, validate
from trainer.loop.epochs import Run
from trainer.models import onestage


class Reached(Exception):
    """The test has seen what it came for."""


def _scene(folder: Path, *sides: float) -> Scene:
    """A grey picture of 64 px with faces of these sides, one below the other."""
    folder.mkdir(exist_ok=True)
    path = folder / "scene.png"
    images.write(path, np.full((64, 64, 3), 120, np.uint8))
    faces = np.zeros((len(sides), FACE_VALUES), np.float32)
    for row, side, top in zip(faces, sides, np.cumsum([0, *sides])[:-1], strict=True):
        row[:6] = (0, top, side, top + side, 0, 1)
    return Scene(path, (64, 64), faces)


def _config(**changes: Any) -> DetectorConfig:
    return DetectorConfig(**{"width": 8, "sizes": (64,), "batch_size": 1, "ema": 0.0, "longer_side": 64, **changes})


def test_the_optimizer_is_as_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    said: dict[str, Any] = {}

    class AdamW:
        def __init__(self, rate: Any, **options: Any) -> None:
            said.update(options, rates=[float(rate(step)) for step in (0, 1, 4)])

        def exclude_from_weight_decay(self, var_names: list[str]) -> None:
            said["spared"] = set(var_names)

        def build(self, variables: list[Any]) -> None:
            said["first"] = variables[0].path.partition("/")[0]
            raise Reached

    monkeypatch.setattr(keras.optimizers, "AdamW", AdamW)
    scene = _scene(tmp_path, 20)
    config = _config(lr=0.5, weight_decay=0.125, warmup=0.25, epochs=4, freeze=6)
    with pytest.raises(Reached):
        fit(onestage.build(2, 8), [scene], [scene], config, Run(tmp_path / "checkpoints"))
    assert said["weight_decay"] == 0.125
    assert said["rates"] == pytest.approx([0.01, 0.5, 0.01])
    assert said["spared"] == {"bias", "gamma", "beta"}
    assert said["first"] == "block_6_expand"


class Loop:
    """The loop without its network: a step makes a mark on the weights, a validation says the next figure."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *figures: float) -> None:
        self.network = onestage.build(2, 8)
        self.mark = self.network.get_layer("what").bias
        self.figures = iter(figures)
        monkeypatch.setattr(module, "stepper", lambda *_: self)
        monkeypatch.setattr(module, "validate", lambda *_: next(self.figures))

    def compile(self, **_: Any) -> None: ...

    def reset_metrics(self) -> None: ...

    def train_on_batch(self, *_: Any, **__: Any) -> dict[str, float]:
        self.mark.assign(self.mark + 1)
        return {"loss": 1.0, "score_loss": 0.5, "box_loss": 0.25, "point_loss": 0.25}


@pytest.mark.parametrize(("keep", "epochs"), [("best", 2), ("last", 3)])
def test_which_epoch_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, epochs: int) -> None:
    scene = _scene(tmp_path, 20)
    loop = Loop(monkeypatch, 0.3, 0.9, 0.5)
    before = np.array(loop.mark)
    fitted = fit(loop.network, [scene], [scene], _config(keep=keep, epochs=3), Run(tmp_path / "run" / "checkpoints"))
    np.testing.assert_allclose(np.array(loop.mark) - before, epochs, rtol=1e-5)
    assert [row["val_map50"] for row in fitted.history] == [0.3, 0.9, 0.5]
    assert fitted.history[0]["point_loss"] == 0.25


def test_a_network_that_gives_no_numbers_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = _scene(tmp_path, 20)
    loop = Loop(monkeypatch, float("nan"))
    with pytest.raises(TrainError, match=r"nan in the validation after epoch 1 of the training phase; lower the"):
        fit(loop.network, [scene], [scene], _config(), Run(tmp_path / "checkpoints"))


class Network:
    """Says what it is told to, whatever it is shown."""

    def __init__(self, *boxes: tuple[float, float, float, float], value: float = -20.0) -> None:
        centres, strides = cells(64, 64)
        rows = np.full((len(centres), 16), 0, np.float32)
        rows[:, :2] = value
        for x0, y0, x1, y1 in boxes:
            cell = int(np.abs(centres - ((x0 + x1) / 2, (y0 + y1) / 2)).sum(axis=1).argmin())
            unit = strides[cell]
            rows[cell, 0] = 5
            rows[cell, 2:4] = (np.array([x0 + x1, y0 + y1]) / 2 - centres[cell]) / unit
            rows[cell, 4:6] = np.log(np.array([x1 - x0, y1 - y0]) / (2 * unit))
        ends = np.cumsum([(64 // s) ** 2 for s in (8, 16, 32)])
        parts = zip(np.split(rows, ends[:-1]), (8, 16, 32), strict=True)
        self.maps = [part.reshape(64 // s, 64 // s, 16) for part, s in parts]

    def predict_on_batch(self, pixels: np.ndarray) -> list[np.ndarray]:
        return [np.repeat(part[None], len(pixels), axis=0) for part in self.maps]


def test_faces_too_small_to_learn_choose_no_epoch(tmp_path: Path) -> None:
    """The large one of two faces is found: half of both, all of those that count."""
    scene = _scene(tmp_path, 32, 4)
    network = Network((0, 0, 32, 32))
    assert validate(network, [scene], _config(min_face_px=5)) == pytest.approx(1)
    assert validate(network, [scene], _config(min_face_px=0)) == pytest.approx(51 / 101)


def test_a_picture_is_judged_in_its_own_pixels(tmp_path: Path) -> None:
    """A picture of 128 px, looked at in 64: a box of 16 there is one of 32 here."""
    images.write(tmp_path / "scene.png", np.full((128, 128, 3), 120, np.uint8))
    face = np.zeros((1, FACE_VALUES), np.float32)
    face[0, :6] = (32, 32, 64, 64, 0, 1)
    scene = Scene(tmp_path / "scene.png", (128, 128), face)
    assert validate(Network((16, 16, 32, 32)), [scene], _config()) == pytest.approx(1)
    assert validate(Network((32, 32, 64, 64)), [scene], _config()) == 0


def test_what_is_no_number_is_no_figure(tmp_path: Path) -> None:
    assert np.isnan(validate(Network(value=float("nan")), [_scene(tmp_path, 32)], _config()))


@pytest.mark.parametrize(("train", "val", "message"), [((), (20,), "training split"), ((20,), (4,), "face of 5 px")])
def test_without_a_face_nothing_begins(
    tmp_path: Path, train: tuple[float, ...], val: tuple[float, ...], message: str
) -> None:
    scenes = [_scene(tmp_path / "train", *train)], [_scene(tmp_path / "val", *val)]
    with pytest.raises(DatasetError, match=message):
        fit(object(), *scenes, _config(), Run(tmp_path / "checkpoints"))


def test_the_three_losses_are_added_up() -> None:
    from trainer.detector.losses import detection_loss

    centres, strides = cells(64, 64)
    truth = np.zeros((1, 2, FACE_VALUES), np.float32)
    truth[0, 0, :6] = (8, 8, 40, 40, 1, 1)
    truth[0, 0, 6:] = np.tile([24, 24, 1], 5)
    outputs = np.random.default_rng(0).normal(0, 1, (1, len(centres), 16)).astype(np.float32)
    parts = [float(np.asarray(value)) for value in detection_loss(outputs, centres, strides, truth, 2)]
    assert min(parts) > 0.01
    found = stepper(onestage.build(2, 8), 64, 2).compute_loss(y=truth, y_pred=outputs)
    assert float(np.asarray(found)) == pytest.approx(sum(parts), rel=1e-4)
