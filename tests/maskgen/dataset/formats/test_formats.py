"""Every form is read back by the tool that others read it with."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_worker import photo

from maskgen.dataset import formats
from maskgen.dataset.pipeline import Run, generate
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.settings import Settings
from maskgen.errors import InputError

LABELS = ["with_mask", "without_mask"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 images of 12 photos, all three splits among them."""
    folder = tmp_path_factory.mktemp("formats")
    (folder / "in").mkdir()
    for number in range(12):
        (folder / "in" / f"{number}.jpg").write_bytes(photo(f"person {number}"))
    settings = Settings(str(folder / "out"), wardrobe="fake", split=(0.5, 0.25, 0.25))
    generate([str(folder / "in")], settings, Run(engine="inline", factory="fake_worker:build"))
    return folder / "out"


# pycocotools 2.0.11 with numpy 2
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_coco_is_read_by_pycocotools(dataset: Path, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    formats.write("coco", dataset, tmp_path)
    seen = 0
    for split in ("train", "val", "test"):
        coco = COCO(str(tmp_path / f"{split}.json"))
        assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == LABELS
        for image in coco.loadImgs(coco.getImgIds()):
            assert (dataset / image["file_name"]).is_file()
            (annotation,) = coco.loadAnns(coco.getAnnIds(image["id"]))
            assert annotation["bbox"] == [1, 2, 29, 38]
            if LABELS[annotation["category_id"] - 1] == "with_mask":
                area = int(coco.annToMask(annotation).sum())
                assert area == pytest.approx(annotation["area"], rel=0.1)
                assert annotation["segmentation"] == [[3, 20, 28, 20, 15, 38]]
            else:
                assert annotation["segmentation"] == []
            seen += 1
    assert seen == 24


def test_coco_is_read_by_supervision(dataset: Path, tmp_path: Path) -> None:
    import supervision as sv

    formats.write("coco", dataset, tmp_path)
    read = sv.DetectionDataset.from_coco(str(dataset), str(tmp_path / "train.json"))
    assert list(read.classes) == LABELS
    assert len(read) == sum(r.split == "train" for r in read_dataset(dataset))


def test_yolo_is_read_by_supervision(dataset: Path, tmp_path: Path) -> None:
    import supervision as sv

    path = formats.write("yolo", dataset, tmp_path)
    read = sv.DetectionDataset.from_yolo(str(tmp_path / "images/train"), str(tmp_path / "labels/train"), str(path))
    assert list(read.classes) == LABELS
    assert len(read) == sum(r.split == "train" for r in read_dataset(dataset))
    for _, image, found in read:
        assert image.shape == (48, 32, 3)
        assert found.xyxy[0] == pytest.approx([1, 2, 30, 40], abs=0.01)


def test_voc_is_read_by_supervision(dataset: Path, tmp_path: Path) -> None:
    import supervision as sv

    formats.write("voc", dataset, tmp_path)
    read = sv.DetectionDataset.from_pascal_voc(str(tmp_path / "JPEGImages"), str(tmp_path / "Annotations"))
    assert sorted(read.classes) == LABELS
    assert len(read) == 24
    names = [name for split in ("train", "val", "test") for name in _words(tmp_path / f"ImageSets/Main/{split}.txt")]
    assert sorted(names) == sorted(Path(r.file_name).stem for r in read_dataset(dataset))


def _words(path: Path) -> list[str]:
    return path.read_text().split()


def test_webdataset_is_read_by_webdataset(dataset: Path, tmp_path: Path) -> None:
    from maskgen.dataset.formats import webdataset as ours

    ours.write(dataset, tmp_path, shard_bytes=4000)
    shards = sorted(tmp_path.glob("train-*.tar"))
    assert len(shards) > 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import webdataset

        samples: list[Any] = list(
            webdataset.WebDataset([str(s) for s in shards], shardshuffle=False)
            .decode("rgb8")
            .to_tuple("jpg", "cls", "json")
        )
    records = list(read_dataset(dataset, split="train"))
    assert len(samples) == len(records)
    for (image, number, line), record in zip(samples, records, strict=True):
        assert image.shape == (48, 32, 3)
        assert LABELS[number] == record.label
        assert line["file_name"] == record.file_name
    again = tmp_path / "again"
    ours.write(dataset, again, shard_bytes=4000)
    assert [s.read_bytes() for s in shards] == [s.read_bytes() for s in sorted(again.glob("train-*.tar"))]


def test_parquet_is_read_by_datasets(dataset: Path, tmp_path: Path) -> None:
    import datasets

    formats.write("parquet", dataset, tmp_path)
    table = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "metadata.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(table) == 24
    first = next(read_dataset(dataset))
    assert table[0]["file_name"] == first.file_name
    assert np.array(table[0]["landmarks"]).shape == (68, 2)
    assert json.loads(table[0]["params"]) == first.face.params


def test_the_folder_is_read_by_datasets(dataset: Path, tmp_path: Path) -> None:
    import datasets

    read = datasets.load_dataset("imagefolder", data_dir=str(dataset), cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in read.items()} == {
        {"val": "validation"}.get(s, s): sum(r.split == s for r in read_dataset(dataset))
        for s in ("train", "val", "test")
    }
    row = read["train"][0]
    assert row["image"].size == (32, 48)
    assert read["train"].features["label"].names == LABELS
    assert row["label"] in (0, 1)


@pytest.mark.slow
def test_the_folder_is_read_by_keras(dataset: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

    read = keras.utils.image_dataset_from_directory(dataset / "train", image_size=(48, 32), batch_size=4, verbose=False)
    assert read.class_names == LABELS
    images, labels = next(iter(read))
    assert images.shape == (4, 48, 32, 3)
    assert labels.shape == (4,)


def test_an_unknown_form_is_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="coco, yolo"):
        formats.write("tfrecord", dataset, tmp_path)


def test_a_form_replaces_only_a_form(dataset: Path, tmp_path: Path) -> None:
    formats.write("voc", dataset, tmp_path / "voc")
    (tmp_path / "voc" / "JPEGImages" / "old.jpg").touch()
    formats.write("voc", dataset, tmp_path / "voc")
    assert not (tmp_path / "voc" / "JPEGImages" / "old.jpg").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").touch()
    with pytest.raises(InputError, match="something else"):
        formats.write("voc", dataset, tmp_path / "mine")
    assert (tmp_path / "mine" / "a.txt").exists()


def test_a_form_that_was_killed_while_it_was_deleted_is_written_anew(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted((tmp_path / "form").rglob("*.*")) if path.is_file()}

    formats.write("yolo", dataset, tmp_path / "form")
    first = files()

    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            formats.write("yolo", dataset, tmp_path / "form")
    assert not (tmp_path / "form" / "data.yaml").exists(), "what is half deleted leads a reader to the rest"
    formats.write("yolo", dataset, tmp_path / "form")
    assert files() == first
