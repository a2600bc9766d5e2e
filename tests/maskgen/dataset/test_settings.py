from __future__ import annotations

from typing import Any

import pytest

from maskgen.dataset.settings import Settings
from maskgen.errors import InputError


def test_settings_survive_json() -> None:
    one = Settings(
        "out", masks=("kn95",), wears=("correct", "chin"), classes=3, split=(0.5, 0.5, 0.0), group_by=r"(\d+)"
    )
    assert Settings.from_json(one.to_json()) == one
    with pytest.raises(InputError, match="another version"):
        Settings.from_json({"output": "out", "flavour": 1})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"classes": 4}, "--classes"),
        ({"per_face": 0}, "--per-face"),
        ({"size": 5}, "--size"),
        ({"quality": 101}, "--quality"),
        ({"confusers": 2.0}, "--confusers"),
        ({"accessories": -1.0}, "--accessories"),
        ({"turn": 2.0}, "--turn takes"),
        ({"turn": 0.1, "crop": "scene"}, "--turn needs --crop face"),
        ({"camera": "film"}, "none, mild, street"),
        ({"crop": "round"}, "face, scene"),
        ({"extension": "gif"}, "jpg, png, webp"),
        ({"wears": ("hat",)}, "nose_out"),
        ({"group_by": "("}, "regular expression"),
        ({"wears": ("chin",)}, "--count-incorrect-as with_mask"),
        ({"wears": ("chin",), "classes": 3}, "add correct"),
        ({"wears": ("correct",), "classes": 3}, "add nose_out"),
        ({"max_side": 5}, "--max-side"),
        ({"min_face": 0}, "--min-face"),
        ({"split": (80, 20, 0)}, "add up to 1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Settings("out", **wrong)


def test_differences_name_the_options() -> None:
    mine, theirs = Settings("a", seed=1, masks=("kn95",), wardrobe="x"), Settings("b", wardrobe="y")
    assert mine.differences(theirs) == [
        "--masks (all), not kn95",
        "other mask pictures of the same names",
        "--seed 0, not 1",
    ]
    assert Settings("a").differences(Settings("b")) == []
    assert Settings("a").digest() == Settings("b").digest() != mine.digest()


def test_a_dataset_begun_before_goes_on() -> None:
    """Names, values and their order as they stood before the settings made the command."""
    old = {
        "output": "out", "masks": [], "masks_dir": None, "wardrobe": "", "wears": [], "classes": 2,
        "count_incorrect_as": "skip", "confusers": 0.12, "accessories": 0.2, "turn": 0.0, "camera": "street",
        "scarf_label": "without_mask", "per_face": 1, "crop": "face", "size": 224, "split": [0.8, 0.1, 0.1], "seed": 0,
        "group_by": None, "detector": "auto", "predictor": None, "extension": "jpg", "quality": 92, "min_face": 24,
        "max_side": 2048, "keep_masked": False,
    }  # fmt: skip
    assert Settings.from_json(old) == Settings("out")
    assert list(Settings("out").to_json().items()) == list(old.items())
    assert Settings("out").digest() == "402e95be1d23"


def test_differences_are_worded_as_the_options_are_typed() -> None:
    mine, theirs = Settings("a", wears=("correct",), extension="png"), Settings("a")
    assert mine.differences(theirs) == ["--wear (all), not correct", "--image jpg, not png"]
