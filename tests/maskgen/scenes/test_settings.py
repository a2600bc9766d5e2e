from __future__ import annotations

import json

import pytest

from maskgen.errors import InputError
from maskgen.io import options
from maskgen.scenes.settings import Settings


def test_scenes_begun_before_go_on() -> None:
    """Names, values and their order as they stood before: the mark is compared as text."""
    old = (
        '{"datasets": ["a"], "scenes": 1000, "size": 416, "split": [0.95, 0.05, 0.0], "seed": 0, "backgrounds": [], '
        '"backgrounds_coco": [], "camera": "street", "quality": 90}'
    )
    assert json.dumps(options.to_json(Settings(("a",)))) == old
    assert options.from_json(Settings, json.loads(old)) == Settings(("a",))


@pytest.mark.parametrize("wrong", [{"scenes": 0}, {"size": 8}, {"camera": "film"}, {"quality": 101}])
def test_what_cannot_be_is_refused_by_name(wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(InputError, match=f"--{name} takes"):
        Settings(("a",), **wrong)
