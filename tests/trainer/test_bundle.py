from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgen.errors import BundleError
from maskgen.io.files import write_whole
from trainer.bundle import Bundle, file_sha256, open_bundle, predicted_label, predicted_labels, rescaled


def _bundle(folder: Path, **changes: Any) -> Bundle:
    values: dict[str, Any] = {
        "folder": folder,
        "labels": ("with_mask", "without_mask"),
        "arch": "mobilenetv2",
        "input_size_wh": (64, 64),
        **changes,
    }
    return Bundle(**values)


def _saved(folder: Path, **changes: Any) -> Bundle:
    (folder / "model.tflite").write_bytes(b"network")
    bundle = _bundle(folder, sha256={"model.tflite": file_sha256(folder / "model.tflite")}, **changes)
    bundle.save()
    return bundle


def test_load_gives_back_what_was_saved(tmp_path: Path) -> None:
    saved = _saved(tmp_path, threshold=0.4, margin=1.1, config={"epochs": 2}, versions={"keras": "3"})
    loaded = Bundle.load(tmp_path)
    assert loaded == saved
    assert loaded.path("model.tflite").read_bytes() == b"network"
    assert not list(tmp_path.glob("*.tmp"))


def test_a_crop_may_be_wider_than_high_and_older_bundles_grow_both_sides_alike(tmp_path: Path) -> None:
    _saved(tmp_path, margin=1.15, margin_high=1.0)
    assert Bundle.load(tmp_path).margin_wh == (1.15, 1.0)
    document = json.loads((tmp_path / "bundle.json").read_text())
    assert document["crop"] == {"margin": 1.15, "margin_high": 1.0, "fit": "stretch"}
    del document["crop"]["margin_high"]
    (tmp_path / "bundle.json").write_text(json.dumps(document))
    older = Bundle.load(tmp_path)
    assert older.margin_wh == (1.15, 1.15)
    assert "margin_high" not in older.to_json()["crop"]


def test_load_refuses_a_changed_file(tmp_path: Path) -> None:
    _saved(tmp_path)
    (tmp_path / "model.tflite").write_bytes(b"another")
    with pytest.raises(BundleError, match="not the file this model was saved with"):
        Bundle.load(tmp_path)
    assert Bundle.load(tmp_path, verify=False).arch == "mobilenetv2"


def test_load_refuses_a_missing_file(tmp_path: Path) -> None:
    _saved(tmp_path)
    (tmp_path / "model.tflite").unlink()
    with pytest.raises(BundleError, match=r"model\.tflite is missing"):
        Bundle.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scaling": "0..1"}, "scaling is '0..1'"),
        ({"colour_order": "BGR"}, "colour_order"),
        ({"format": 2}, "format is 2"),
        ({"labels": ["with_mask", "hat"]}, "labels must be"),
        ({"labels": ["without_mask", "incorrect_mask"]}, "lack with_mask"),
        ({"crop": {"margin": 9, "fit": "stretch"}}, "margin"),
        ({"crop": {"margin": 1, "margin_high": 0.1, "fit": "stretch"}}, "margin_high"),
        ({"crop": {"margin": 1, "fit": "pad"}}, r"crop\.fit"),
        ({"crop": 3}, "wrong form"),
        ({"input_size_wh": [64]}, "wrong form"),
        ({"threshold": 2}, "threshold"),
        ({"sha256": {"../../etc/passwd": "0"}}, "plain file name"),
    ],
)
def test_load_refuses_preprocessing_it_does_not_know(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    _saved(tmp_path)
    document = json.loads((tmp_path / "bundle.json").read_text()) | change
    (tmp_path / "bundle.json").write_text(json.dumps(document))
    with pytest.raises(BundleError, match=message):
        Bundle.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", "{}"])
def test_load_refuses_a_damaged_document(tmp_path: Path, text: str) -> None:
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(BundleError):
        Bundle.load(tmp_path)


def test_load_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model folder"):
        Bundle.load(tmp_path / "absent")
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        Bundle.load(tmp_path)


def test_predicted_label_follows_the_threshold(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path, threshold=0.3)
    assert predicted_label([0.3, 0.7], bundle) == "with_mask"
    assert predicted_label([0.29, 0.71], bundle) == "without_mask"


def test_predicted_labels_of_three_classes_fall_to_the_likelier_other() -> None:
    labels = ("incorrect_mask", "with_mask", "without_mask")
    rows = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.0, 0.6, 0.4]])
    assert predicted_labels(rows, labels, 0.5) == ["incorrect_mask", "without_mask", "with_mask"]
    assert predicted_labels(np.empty((0, 3)), labels, 0.5) == []


def test_write_whole_leaves_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_a_packaged_model_is_opened_by_its_name(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(trained, tmp_path / "models" / "classifier3")
    monkeypatch.setattr("maskgen.assets.assets_dir", lambda name: tmp_path / name)
    assert open_bundle(Path("classifier3")).folder == tmp_path / "models" / "classifier3"
    assert open_bundle(trained).folder == trained
    with pytest.raises(BundleError, match="no classifier"):
        open_bundle(None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "classifier3").mkdir()
    with pytest.raises(BundleError, match="holds no bundle"):
        open_bundle(Path("classifier3"))


THREE = ("without_mask", "with_mask", "incorrect_mask")


@given(
    rows=st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 3).filter(lambda row: sum(row) > 0), max_size=8),
    threshold=st.floats(0.001, 0.999),
    classes=st.sampled_from([2, 3]),
)
def test_rescaled_probabilities_say_at_a_half_what_the_raw_ones_say_at_the_threshold(
    rows: list[tuple[float, float, float]], threshold: float, classes: int
) -> None:
    """``evaluate`` judges the raw ones, ``detect`` shows the others: the labels are the same."""
    labels = THREE[:classes]
    raw = np.array([row[:classes] for row in rows], np.float32).reshape(-1, classes)
    raw = raw[raw.sum(axis=1) > 0]
    raw = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    shown = rescaled(raw, labels, threshold)
    assert shown.dtype == np.float32
    assert np.allclose(shown.sum(axis=1), 1, atol=1e-5)
    assert predicted_labels(shown, labels, 0.5) == predicted_labels(raw, labels, threshold)
    # A likelier mask never reads less likely.
    order = np.argsort(raw[:, 1])
    assert np.all(np.diff(shown[order, 1]) >= 0)


def test_rescaling_divides_odds_and_keeps_the_shares_of_the_rest() -> None:
    shown = rescaled(np.array([[0.42, 0.4, 0.18]]), THREE, 0.2)
    odds = (0.4 / 0.6) / (0.2 / 0.8)
    masked = odds / (1 + odds)
    assert np.allclose(shown, [[0.7 * (1 - masked), masked, 0.3 * (1 - masked)]])


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_rescaling_at_the_ends(threshold: float) -> None:
    shown = rescaled(np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]), THREE[:2], threshold)
    assert np.isfinite(shown).all()
    assert np.allclose(shown.sum(axis=1), 1)
