from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen.errors import DatasetError, InputError
from maskgen.images import read_rgb, write
from maskgen.scenes.importer import import_coco, parse_map

TRAIN = (1.0, 0.0, 0.0)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Two pictures as other people annotate them."""
    for name, shape in (("a.png", (40, 60, 3)), ("b.png", (30, 30, 3))):
        (tmp_path / "images" / "day1").mkdir(parents=True, exist_ok=True)
        write(tmp_path / "images" / "day1" / name, np.full(shape, 90, np.uint8))
    document = {
        "images": [
            {"id": 7, "file_name": "day1\\a.png", "width": 60, "height": 40},
            {"id": 9, "file_name": "day1/b.png"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [50, 10, 20, 10], "keypoints": [1, 2, 2] * 5},
            {"id": 2, "image_id": 7, "category_id": 5, "bbox": [1, 2, 3, 4], "iscrowd": 1},
            {"id": 3, "image_id": 9, "category_id": 4, "bbox": [5, 5, 10, 10]},
            {"id": 4, "image_id": 9, "category_id": 4, "bbox": [5, 5, 0, 10]},
            {"id": 5, "image_id": 9, "category_id": 4, "bbox": [40, 5, 10, 10]},
        ],
        "categories": [
            {"id": 3, "name": "with_mask"},
            {"id": 4, "name": "Mask weared-incorrect"},
            {"id": 5, "name": "without_mask"},
        ],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(document))
    return tmp_path / "boxes.json"


def change(coco: Path, change: Any) -> Path:
    document = json.loads(coco.read_text())
    change(document)
    coco.write_text(json.dumps(document))
    return coco


def test_a_foreign_folder_gets_our_form(coco: Path, tmp_path: Path) -> None:
    summary = import_coco(coco, tmp_path / "out", split=TRAIN, command=("maskgen", "import"))
    document = json.loads((tmp_path / "out" / "train.json").read_text())
    assert [(i["file_name"], i["width"], i["height"]) for i in document["images"]] == [
        ("train/day1__a.png", 60, 40),
        ("train/day1__b.png", 30, 30),
    ]
    assert all((tmp_path / "out" / image["file_name"]).is_file() for image in document["images"])
    names = {category["id"]: category["name"] for category in document["categories"]}
    cut, crowd, wrong = document["annotations"]
    assert (names[cut["category_id"]], cut["bbox"], cut["image_id"]) == ("with_mask", [50, 10, 10, 10], 1)
    assert cut["keypoints"] == [1, 2, 2] * 5
    assert (names[crowd["category_id"]], crowd["ignore"]) == ("without_mask", 1)
    assert (names[wrong["category_id"]], wrong["image_id"]) == ("incorrect_mask", 2)
    assert summary.counts["skipped:empty_box"] == summary.counts["skipped:outside"] == 1
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["counts"]["scenes"] == 2
    assert run["command"] == ["maskgen", "import"]


def test_categories_are_mapped_skipped_and_ignored(coco: Path, tmp_path: Path) -> None:
    meanings = parse_map("with_mask=without_mask,Mask weared-incorrect=skip, without_mask = ignore")
    summary = import_coco(coco, tmp_path / "out", split=TRAIN, meanings=meanings)
    assert summary.counts["label:without_mask"] == 1
    assert summary.counts["ignored"] == 1
    assert summary.counts["skipped:category"] == 3
    with pytest.raises(InputError, match="--map names dog"):
        import_coco(coco, tmp_path / "out2", meanings={"dog": "skip"})


@pytest.mark.parametrize("text", ["with_mask", "=skip", "cat=dog"])
def test_a_map_that_says_nothing(text: str) -> None:
    with pytest.raises(InputError, match="--map takes"):
        parse_map(text)


def test_an_unknown_category_is_asked_about(coco: Path, tmp_path: Path) -> None:
    change(coco, lambda d: d["categories"][0].update(name="dog"))
    with pytest.raises(InputError, match=r'--map "dog=without_mask"'):
        import_coco(coco, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pictures_must_be_there_and_be_the_right_ones(coco: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="--images"):
        import_coco(coco, tmp_path / "out", images=tmp_path / "elsewhere")
    change(coco, lambda d: d["images"][0].update(width=61))
    with pytest.raises(DatasetError, match=r"60 x 40.*61 x 40"):
        import_coco(coco, tmp_path / "out")
    change(coco, lambda d: d["images"][0].update(file_name="../a.png"))
    with pytest.raises(DatasetError, match="outside"):
        import_coco(coco, tmp_path / "out2")


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("categories"),
        lambda d: d["annotations"][0].pop("bbox"),
        lambda d: d["annotations"][0].update(bbox=[1, 2, 3]),
        lambda d: d["annotations"][0].update(image_id=8),
        lambda d: d["annotations"][0].update(category_id=8),
    ],
)
def test_damage_is_named(coco: Path, tmp_path: Path, damage: Any) -> None:
    change(coco, damage)
    with pytest.raises(DatasetError, match="no COCO file of boxes"):
        import_coco(coco, tmp_path / "out")


def test_an_import_is_not_overwritten_by_chance(coco: Path, tmp_path: Path) -> None:
    import_coco(coco, tmp_path / "out", split=TRAIN)
    with pytest.raises(InputError, match="--overwrite"):
        import_coco(coco, tmp_path / "out", split=(0.0, 1.0, 0.0))
    import_coco(coco, tmp_path / "out", split=(0.0, 1.0, 0.0), overwrite=True)
    assert not (tmp_path / "out" / "train.json").exists()
    assert (tmp_path / "out" / "val.json").is_file()
    with pytest.raises(InputError, match="holds no import"):
        import_coco(coco, tmp_path, overwrite=True)
    assert coco.is_file()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is not hidden; ``run.json`` without its seconds."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".maskgen" not in path.parts
    }
    return found | {"run.json": json.dumps({**json.loads(found["run.json"]), "seconds": 0}).encode()}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("step", range(7))
def test_killed_and_called_again_it_comes_to_its_end(
    coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, overwrite: bool
) -> None:
    import_coco(coco, tmp_path / "whole")
    count = iter(range(1000))
    replace = Path.replace

    def fatal(path: Path, target: Path) -> Path:
        if next(count) >= step:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fatal)
        try:
            import_coco(coco, tmp_path / "out")
        except KeyboardInterrupt:
            assert step < 5
    summary = import_coco(coco, tmp_path / "out", overwrite=overwrite)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert summary.counts["scenes"] == 2


def test_the_same_import_again_changes_nothing(coco: Path, tmp_path: Path) -> None:
    first = import_coco(coco, tmp_path / "out")
    before = contents(tmp_path / "out")
    again = import_coco(coco, tmp_path / "out")
    assert again.counts == first.counts
    assert contents(tmp_path / "out") == before
    change(coco, lambda d: d["annotations"].pop())
    with pytest.raises(InputError, match=r"other settings or sources.*--overwrite"):
        import_coco(coco, tmp_path / "out")


def test_a_folder_in_a_name_and_underscores_are_two_pictures(coco: Path, tmp_path: Path) -> None:
    write(tmp_path / "images" / "day1__a.png", np.full((20, 20, 3), 10, np.uint8))
    write(tmp_path / "images" / "DAY1__B.png", np.full((20, 20, 3), 20, np.uint8))
    change(coco, lambda d: d["images"].append({"id": 11, "file_name": "day1__a.png"}))
    change(coco, lambda d: d["images"].append({"id": 12, "file_name": "./DAY1__B.png"}))
    import_coco(coco, tmp_path / "out", split=TRAIN)
    images = json.loads((tmp_path / "out" / "train.json").read_text())["images"]
    names = [image["file_name"] for image in images]
    assert len({name.lower() for name in names}) == 4
    assert [(tmp_path / "out" / name).stat().st_size > 0 for name in names] == [True] * 4
    sizes = {image["file_name"]: read_rgb(tmp_path / "out" / image["file_name"]).shape[:2] for image in images}
    assert list(sizes.values()) == [(40, 60), (30, 30), (20, 20), (20, 20)]


def test_an_import_of_version_0_1_needs_to_be_told(coco: Path, tmp_path: Path) -> None:
    import_coco(coco, tmp_path / "out")
    (tmp_path / "out" / ".maskgen" / "import.json").unlink()
    with pytest.raises(InputError, match="--overwrite"):
        import_coco(coco, tmp_path / "out")
    import_coco(coco, tmp_path / "out", overwrite=True)
