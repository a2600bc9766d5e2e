from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from maskgen import images
from maskgen.errors import BundleError, DatasetError, InputError
from trainer.bundle import Bundle
from trainer.data.faces import Faces
from trainer.data.labelled import find_samples
from trainer.data.samples import Sample
from trainer.data.scenes import load as load_scenes
from trainer.metrics.evaluate import Measure, evaluate, run
from trainer.metrics.evaluation import Evaluation, judge
from trainer.report import classification as report
from trainer.report.mistakes import worst

from ..conftest import draw
from ..data.test_dataset import _generated

if TYPE_CHECKING:
    from collections.abc import Callable

LABELS = ("with_mask", "without_mask")


def _judged(truth: list[int], masked: list[float], labels: tuple[str, ...] = LABELS, **names: Any) -> Evaluation:
    samples = tuple(
        Sample(Path(f"{n}.png"), f"{n}.png", labels[t], str(n), record=names.get("record", {}))
        for n, t in enumerate(truth)
    )
    faces = Faces(np.zeros((len(truth), 8, 8, 3), np.uint8), np.array(truth, np.int64), samples)
    rows = np.array([[p, *[(1 - p) / (len(labels) - 1)] * (len(labels) - 1)] for p in masked], np.float32)
    return judge(faces, rows, labels, 0.5)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "scenes"
    (folder / "images").mkdir(parents=True)
    names = ["with_mask", "without_mask", "mask_weared_incorrect", "dog"]
    annotations = []
    for number in range(3):
        scene = rng.integers(0, 60, (100, 120, 3)).astype(np.uint8)
        scene[10:50, 10:50] = draw(rng, masked=True)
        scene[10:50, 60:100] = draw(rng, masked=False)
        images.write(folder / "images" / f"{number}.png", scene)
        boxes = [
            (0, [10, 10, 40, 40]),
            (1, [60, 10, 40, 40]),
            (1, [5, 60, 40, 12]),
            (2, [60, 60, 30, 30]),
            (3, [0, 0, 9, 9]),
        ]
        annotations += [{"image_id": number, "category_id": kind, "bbox": box} for kind, box in boxes]
    document = {
        "images": [{"id": number, "file_name": f"{number}.png"} for number in range(3)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
        "annotations": annotations,
    }
    (folder / "annotations.json").write_text(json.dumps(document))
    return folder


def test_figures_by_hand() -> None:
    result = _judged([0, 0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1, 0.7])
    assert result.confusion.tolist() == [[2, 1], [1, 1]]
    document = result.to_json()
    assert list(document) == [
        "n",
        "labels",
        "threshold",
        "balanced_accuracy",
        "accuracy",
        "auc",
        "per_label",
        "confusion",
    ]
    assert document["n"] == 5
    assert document["balanced_accuracy"]["value"] == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-6)
    assert document["balanced_accuracy"]["low"] <= document["balanced_accuracy"]["value"]
    assert document["accuracy"]["value"] == 0.6
    assert document["per_label"]["without_mask"] == {"n": 2, "recall": 0.5, "precision": 0.5}
    assert document["auc"] == pytest.approx(5 / 6, abs=1e-6)
    json.loads(json.dumps(document, allow_nan=False))


def test_one_label_alone_gives_nulls_and_no_error(tmp_path: Path) -> None:
    result = _judged([1, 1], [0.1, 0.2])
    document = result.to_json()
    assert document["auc"] is None
    assert document["per_label"]["with_mask"] == {"n": 0, "recall": None, "precision": None}
    assert document["balanced_accuracy"]["value"] == 1
    report.write_report(result, tmp_path / "report", title="one label")
    assert not (tmp_path / "report" / "mistakes.png").exists()


def test_plain_folders(trained: Path, plain_dataset: Path) -> None:
    result = evaluate(Bundle.load(trained), plain_dataset)
    assert result.to_json()["n"] == 24
    assert result.groups == 24
    coarse = evaluate(Bundle.load(trained), plain_dataset, Measure(face_px=4))
    assert not np.array_equal(coarse.faces.pixels, result.faces.pixels)


def test_coco_boxes(trained: Path, coco: Path, caplog: pytest.LogCaptureFixture) -> None:
    result = evaluate(Bundle.load(trained), coco, Measure(min_box=16))
    assert result.confusion.sum(axis=1).tolist() == [3, 3]
    assert result.left_out == {"smaller than 16 px": 3, "incorrect_mask": 3, "ignored": 3}
    assert result.groups == 3
    assert "dog" in caplog.text
    counted = evaluate(Bundle.load(trained), coco, Measure(incorrect="without_mask"))
    assert counted.confusion.sum(axis=1).tolist() == [3, 9]


@pytest.mark.parametrize("text", ["", "[]", '{"images": []}'])
def test_what_is_no_coco_file(coco: Path, text: str) -> None:
    (coco / "annotations.json").write_text(text)
    with pytest.raises(DatasetError, match="no COCO file"):
        find_samples(coco)


def test_coco_goes_on_without_deleted_pictures(coco: Path, caplog: pytest.LogCaptureFixture) -> None:
    (coco / "images" / "1.png").unlink()
    samples, _ = find_samples(coco)
    assert {sample.path.name for sample in samples} == {"0.png", "2.png"}
    assert "1 of the 3 pictures" in caplog.text


def test_faces_to_be_ignored_are_not_judged(coco: Path) -> None:
    """By the rules of the detector's reader, which is the same."""
    document = json.loads((coco / "annotations.json").read_text())
    document["annotations"][0]["iscrowd"] = 1
    document["annotations"][1]["ignore"] = 1
    document["annotations"][2]["bbox"][2] = 0
    (coco / "annotations.json").write_text(json.dumps(document))
    samples, left_out = find_samples(coco)
    assert len(samples) == 12 - 3
    assert left_out == {"ignored": 3 + 3}  # the dogs too
    scenes = load_scenes(coco, LABELS, val_fraction=0.0).parts["train"]
    assert sum(len(scene.real) for scene in scenes) == len(samples)


def test_a_folder_of_scenes_with_splits_is_judged_by_its_test_split(coco: Path) -> None:
    (coco / "annotations.json").rename(coco / "test.json")
    (coco / "train.json").write_text('{"images": [], "categories": [], "annotations": []}')
    samples, _ = find_samples(coco)
    assert {sample.split for sample in samples} == {"test"}
    with pytest.raises(DatasetError, match="no split called val"):
        find_samples(coco, split="val")


def test_slices_by_pattern(trained: Path, plain_dataset: Path) -> None:
    result = evaluate(
        Bundle.load(trained), plain_dataset, Measure(slices=[r"_(?P<side>[ab])\.", r"p(?P<number>\d+)", "label"])
    )
    assert [(item.name, item.value, item.n) for item in result.slices[:2]] == [("side", "a", 12), ("side", "b", 12)]
    numbers = [item.value for item in result.slices if item.name == "number"]
    assert numbers == [f"{n:02d}" for n in range(12)]
    by_label = {item.value: item for item in result.slices if item.name == "label"}
    assert set(by_label["without_mask"].recall) == {"without_mask"}
    assert "side = a" in report.text_report(result)
    assert len(result.to_json()["slices"]) == 16


def test_a_slice_drops_no_image(trained: Path, tmp_path: Path) -> None:
    """Bare faces have no ``wear``: they are a slice of their own."""
    folder = _generated(tmp_path)
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    for line in lines:
        line["wear"] = "correct" if line["label"] == "with_mask" else None
    (folder / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = evaluate(Bundle.load(trained), folder, Measure(split="all", slices=["wear", "yaw_deg"]))
    for field in ("wear", "yaw_deg"):
        assert sum(item.n for item in result.slices if item.name == field) == len(result.samples) == 8
    assert [item.value for item in result.slices if item.name == "wear"] == ["correct", "(none)"]


def test_judging_a_model_on_what_it_learned_from_is_said(
    trained: Path, plain_dataset: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evaluate(Bundle.load(trained), plain_dataset)
    assert "has seen 24 of these 24 pictures in training" in caplog.text
    caplog.clear()
    for label in LABELS:
        (tmp_path / "other" / label).mkdir(parents=True)
        for number in range(2):
            images.write(tmp_path / "other" / label / f"{number}.png", draw(np.random.default_rng(77), masked=True))
    evaluate(Bundle.load(trained), tmp_path / "other")
    assert "in training" not in caplog.text
    # The same picture under another name.
    shutil.copy(next((plain_dataset / "with_mask").iterdir()), tmp_path / "other" / "with_mask" / "new.png")
    evaluate(Bundle.load(trained), tmp_path / "other")
    assert "has seen 1 of these 5 pictures" in caplog.text


@pytest.mark.parametrize(("text", "message"), [("age", "no field"), ("(?P<a>zzz)", "no field"), ("(?P<a>", "--slice")])
def test_slices_that_find_nothing(trained: Path, plain_dataset: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(Bundle.load(trained), plain_dataset, Measure(slices=[text]))


def test_a_model_compared_with_itself(trained: Path, plain_dataset: Path) -> None:
    bundle = Bundle.load(trained)
    result = evaluate(bundle, plain_dataset, compare=bundle)
    assert result.comparison is not None
    assert (result.comparison.only_this, result.comparison.only_other, result.comparison.p) == (0, 0, 1.0)
    assert result.comparison.difference.value == 0
    assert 0 < result.comparison.difference.high == -result.comparison.difference.low < 0.2
    assert "McNemar" in report.text_report(result)


def test_nothing_to_judge_by(trained: Path, folders: Callable[..., Path]) -> None:
    with pytest.raises(DatasetError, match="no face"):
        evaluate(Bundle.load(trained), folders(incorrect_mask=2))
    with pytest.raises(BundleError, match="has no model_int8"):
        evaluate(Bundle.load(trained), folders(with_mask=1), Measure(file="model_int8.tflite"))


def test_threads_change_nothing(trained: Path) -> None:
    rois = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3)).astype(np.uint8)
    path = trained / "model.tflite"
    np.testing.assert_array_equal(run(path, rois, threads=1), run(path, rois, threads=3))
    assert run(path, rois[:0]).shape == (0, 2)


def test_the_report_says_it_all(tmp_path: Path) -> None:
    result = _judged([0] * 6 + [1] * 6, [0.9] * 4 + [0.1, 0.3] + [0.2] * 5 + [0.95])
    assert worst(result) == [11, 4, 5]
    history = [
        {"phase": "head", "loss": 1, "val_loss": 1, "accuracy": 1, "val_accuracy": 1, "val_balanced_accuracy": 1}
    ]
    report.write_report(result, tmp_path, title="A <model>", history=history)
    page = (tmp_path / "report.html").read_text()
    assert "A &lt;model&gt;" in page
    assert page.count("data:image/png;base64,") == 5
    text = (tmp_path / "classification_report.txt").read_text()
    assert "balanced accuracy" in text
    sheet = images.read_rgb(tmp_path / "mistakes.png")
    assert sheet.shape[2] == 3


def test_three_labels() -> None:
    labels = (*LABELS, "incorrect_mask")
    result = _judged([0, 1, 2], [0.9, 0.2, 0.3], labels)
    assert result.predicted.tolist() == [0, 1, 1]
    assert result.to_json()["per_label"]["incorrect_mask"]["recall"] == 0


def test_evaluating_imports_no_tensorflow(trained: Path, plain_dataset: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from trainer.bundle import Bundle;"
        "from trainer.metrics.evaluate import evaluate;"
        "evaluate(Bundle.load(Path(sys.argv[1])), Path(sys.argv[2]));"
        "bad = {'tensorflow', 'keras', 'albumentations'} & set(sys.modules); assert not bad, bad"
    )
    root = str(Path(report.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, str(trained), str(plain_dataset)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1
    assert "has seen 24 of these 24 pictures" in done.stderr
