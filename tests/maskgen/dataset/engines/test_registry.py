"""Engines and forms by name."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from maskgen.dataset.engines import ENGINES
from maskgen.dataset.engines.base import Job
from maskgen.dataset.engines.local import InlineEngine, LocalEngine
from maskgen.dataset.formats import FORMATS
from maskgen.errors import InputError


def test_engines_are_opened_with_a_job() -> None:
    job = Job("builtins:dict", {"a": 1}, workers=2)
    assert isinstance(ENGINES.load("local")(job), LocalEngine)
    assert isinstance(ENGINES.load("inline")(job), InlineEngine)
    with pytest.raises(InputError, match='no engine is called "steam"; choose from local, ray, inline'):
        ENGINES.load("steam")


def test_every_form_takes_a_dataset_and_a_folder() -> None:
    for name in FORMATS.builtin:
        assert list(inspect.signature(FORMATS.load(name)).parameters)[:2] == ["dataset", "output"], name
    with pytest.raises(InputError, match='no form is called "scroll"'):
        FORMATS.load("scroll")


def test_a_form_may_not_be_called_as_the_dataset_itself() -> None:
    assert FORMATS._check("folder", Path) is not None
    assert FORMATS._check("scroll", Path) is None
