from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from maskgen.errors import InputError
from trainer.bundle import Bundle, packaged_bundle
from trainer.export.destination import choose, put

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    (tmp_path / "model").mkdir()
    return Bundle(tmp_path / "model", ("with_mask", "without_mask"), "mobilenetv2", (32, 32))


def _saved_model(folder: Path) -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"old")
    return folder


def test_without_output_it_is_the_model_folder(bundle: Bundle, tmp_path: Path) -> None:
    assert choose(bundle, "a.tflite", None, folder=False, overwrite=False) == bundle.folder / "a.tflite"
    elsewhere = tmp_path / "new" / "b.tflite"
    assert choose(bundle, "a.tflite", elsewhere, folder=False, overwrite=False) == elsewhere
    assert not elsewhere.parent.exists()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["classifier", "classifier3", "detector"])
def test_what_ships_is_never_written_to(name: str, overwrite: bool) -> None:
    shipped = Bundle.load(packaged_bundle(name), verify=False)
    for output in (None, shipped.folder / "mine.tflite"):
        with pytest.raises(InputError, match=r"part of the installation.*--output model\.tflite"):
            choose(shipped, "model.tflite", output, folder=False, overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_never_deleted_for_a_file(bundle: Bundle, tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match=r"is a folder; name the file to write, for example --output .*model\.tflite"):
        choose(bundle, "model.tflite", tmp_path / "photos", folder=False, overwrite=overwrite)


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_somebodys_own_is_never_deleted_for_a_saved_model(
    bundle: Bundle, tmp_path: Path, beside: bool, overwrite: bool
) -> None:
    folder = _saved_model(tmp_path / "saved") if beside else tmp_path / "photos"
    folder.mkdir(exist_ok=True)
    (folder / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(InputError, match="other things than a SavedModel"):
        choose(bundle, "saved_model", folder, folder=True, overwrite=overwrite)
    (tmp_path / "made").mkdir()
    with pytest.raises(InputError):
        put(tmp_path / "made", folder)
    assert (folder / "mine.jpg").read_bytes() == b"mine"


def test_a_saved_model_is_replaced_when_asked(bundle: Bundle, tmp_path: Path) -> None:
    target = _saved_model(tmp_path / "saved")
    with pytest.raises(InputError, match="--overwrite"):
        choose(bundle, "saved_model", target, folder=True, overwrite=False)
    assert choose(bundle, "saved_model", target, folder=True, overwrite=True) == target
    made = tmp_path / "work" / "saved"
    made.mkdir(parents=True)
    (made / "saved_model.pb").write_bytes(b"new")
    put(made, target)
    assert (target / "saved_model.pb").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "saved", "work"]


def test_an_empty_folder_may_become_a_saved_model(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    choose(bundle, "saved_model", tmp_path / "empty", folder=True, overwrite=False)
    put(_saved_model(tmp_path / "made"), tmp_path / "empty")
    assert (tmp_path / "empty" / "saved_model.pb").is_file()


def test_a_file_is_replaced_when_asked(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"mine")
    with pytest.raises(InputError, match="is there already; replace it with --overwrite"):
        choose(bundle, "a.tflite", tmp_path / "a.jpg", folder=False, overwrite=False)
    with pytest.raises(InputError, match="is a file"):
        choose(bundle, "saved_model", tmp_path / "a.jpg", folder=True, overwrite=True)
    choose(bundle, "a.tflite", tmp_path / "a.jpg", folder=False, overwrite=True)
