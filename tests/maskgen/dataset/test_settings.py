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
