"""What ships with the package is found in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskgen import assets, weights
from maskgen.dataset.masked import MaskedFaces
from maskgen.errors import BundleError, MaskgenError, WeightsError
from trainer.bundle import PACKAGED, packaged_bundle


@pytest.mark.parametrize("name", PACKAGED)
def test_everybody_finds_the_same_packaged_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASKGEN_WEIGHTS", raising=False)
    folder = assets.packaged_model(name)
    assert folder is not None
    assert weights.find(name) == packaged_bundle(name) == folder
    assert weights.FILES[name].ships


def test_an_installation_without_models_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "assets_dir", lambda name: tmp_path / name)
    monkeypatch.setenv("MASKGEN_CACHE", str(tmp_path))
    assert assets.packaged_model("classifier3") is None
    assert weights.locate("classifier3") is None
    with pytest.raises(WeightsError, match="carries no classifier3"):
        MaskedFaces()
    with pytest.raises(BundleError, match="carries no classifier3"):
        packaged_bundle("classifier3")


def test_a_missing_folder_is_named() -> None:
    with pytest.raises(MaskgenError, match="no packaged folder assets/hats"):
        assets.assets_dir("hats")
