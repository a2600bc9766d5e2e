from __future__ import annotations

import importlib
import sys

import pytest

from maskgen.adapters import MissingExtraError


@pytest.mark.parametrize("name", ["albumentations", "torchvision"])
def test_a_missing_library_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library = "torch" if name == "torchvision" else name
    monkeypatch.setitem(sys.modules, library, None)
    module = importlib.import_module(f"maskgen.adapters.{name}")
    monkeypatch.delitem(vars(module), "MaskPeople", raising=False)
    with pytest.raises(MissingExtraError, match=f"needs {library}.*pip install {library}"):
        _ = module.MaskPeople
    with pytest.raises(AttributeError, match="Other"):
        _ = module.Other


def test_keras_without_tensorflow_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from maskgen.adapters import keras
    from maskgen.transform import MaskTransform

    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match="pip install tensorflow"):
        keras.dataset_map(MaskTransform())
