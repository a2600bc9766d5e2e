from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from maskgen.errors import DatasetError, InputError, TrainError, WeightsError
from trainer.api import train
from trainer.config.classifier import TrainConfig
from trainer.config.detector import DetectorConfig
from trainer.loop import checkpoint
from trainer.loop.run_folder import SETTINGS, check_room, holds_unfinished, publish, stage, writing

from ..conftest import TINY

if TYPE_CHECKING:
    from pathlib import Path


def _unfinished(model: Path) -> Path:
    """The run's own folder as a killed run leaves it."""
    work = model / checkpoint.FOLDER
    work.mkdir(parents=True)
    (work / SETTINGS).write_text("{}")
    (work / checkpoint.NAME).write_bytes(b"state")
    return work


def _write(model: Path, end: BaseException, *names: str) -> None:
    """A run that has written these files when it ends so."""

    def run() -> None:
        work = model / checkpoint.FOLDER
        with writing(work, TrainConfig(), resume=False):
            for name in names:
                (work / name).write_bytes(b"x")
            raise end

    with pytest.raises(type(end)):
        run()


@pytest.mark.parametrize(
    ("change", "error"), [({"fine_tune": "99"}, InputError), ({"weights": "nowhere"}, WeightsError)]
)
def test_a_refused_command_leaves_no_folder(
    plain_dataset: Path, tmp_path: Path, change: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        train(plain_dataset, tmp_path / "model", TrainConfig(**{**TINY, **change}))
    assert not (tmp_path / "model").exists()


def test_a_detectors_refused_command_leaves_no_folder(tmp_path: Path) -> None:
    from trainer.api import train_detector

    (tmp_path / "scenes").mkdir()
    with pytest.raises(WeightsError, match="no model folder at nowhere"):
        train_detector(tmp_path / "scenes", tmp_path / "model", DetectorConfig(weights="nowhere"))
    assert not (tmp_path / "model").exists()


def test_what_is_refused_later_leaves_nothing_either(tmp_path: Path) -> None:
    _write(tmp_path / "model", DatasetError("all alike"), "train.npy")
    assert not (tmp_path / "model").exists()
    (tmp_path / "mine").mkdir()
    _write(tmp_path / "mine", DatasetError("all alike"))
    assert list((tmp_path / "mine").iterdir()) == []


def test_what_was_learned_stays(tmp_path: Path) -> None:
    _write(tmp_path / "broken", TrainError("nan"), checkpoint.NAME)
    assert holds_unfinished(tmp_path / "broken")
    assert (tmp_path / "broken" / checkpoint.FOLDER / checkpoint.NAME).is_file()
    _write(tmp_path / "stopped", KeyboardInterrupt())
    assert holds_unfinished(tmp_path / "stopped")


def test_overwriting_begins_after_the_dataset_was_found(plain_dataset: Path, tmp_path: Path) -> None:
    work = _unfinished(tmp_path / "model")
    with pytest.raises(DatasetError):
        train(tmp_path / "absent", tmp_path / "model", TrainConfig(**TINY), overwrite=True)
    assert (work / checkpoint.NAME).read_bytes() == b"state"
    with writing(work, TrainConfig(), resume=False):
        assert not (work / checkpoint.NAME).exists()


def test_a_folder_that_holds_no_model_is_not_overwritten(plain_dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(InputError, match="holds no model"):
        check_room(tmp_path, plain_dataset, resume=False, overwrite=True)


@pytest.mark.parametrize("resume", [False, True])
def test_somebody_elses_checkpoints_stay(plain_dataset: Path, tmp_path: Path, resume: bool) -> None:
    (tmp_path / checkpoint.FOLDER).mkdir()
    (tmp_path / checkpoint.FOLDER / "epoch_7.ckpt").write_text("a week's work")
    with pytest.raises(InputError, match=r"epoch_7\.ckpt, which no training run wrote"):
        check_room(tmp_path, plain_dataset, resume=resume, overwrite=True)
    with writing(tmp_path / checkpoint.FOLDER, TrainConfig(), resume=False):
        pass
    publish_into = stage(tmp_path / checkpoint.FOLDER)
    (publish_into / "bundle.json").write_text("{}")
    publish(tmp_path / checkpoint.FOLDER, tmp_path)
    assert [path.name for path in (tmp_path / checkpoint.FOLDER).iterdir()] == ["epoch_7.ckpt"]


def test_a_run_leaves_no_folder_of_its_own(tmp_path: Path) -> None:
    work = _unfinished(tmp_path)
    (stage(work) / "bundle.json").write_text("{}")
    publish(work, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.json"]


def test_no_random_block_is_frozen_unasked() -> None:
    assert TrainConfig().fine_tune == "13"
    assert TrainConfig(weights="none").fine_tune == "all"
    assert TrainConfig(weights="none", fine_tune="17").fine_tune == "17"
    assert TrainConfig.from_json(TrainConfig(weights="none").to_json()) == TrainConfig(weights="none")
    assert DetectorConfig().freeze == 3
    assert DetectorConfig(weights="none").freeze == 0
    assert DetectorConfig(weights="none", freeze=9).freeze == 9
