from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen.assets import assets_dir
from maskgen.dataset.describe import rounded
from maskgen.dataset.engines.base import Task
from maskgen.dataset.masked import MaskedFaces
from maskgen.dataset.settings import Settings
from maskgen.dataset.wardrobe import open_wardrobe
from maskgen.dataset.worker import PhotoWorker
from maskgen.errors import WeightsError
from maskgen.faces.landmarks import FaceFinder, face_box
from maskgen.render.face import render_scene
from maskgen.render.params import ImageParams, MaskParams
from maskgen.types import RGB


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def masked(picture: RGB, finder: FaceFinder, wear: Any = "correct") -> RGB:
    """The portrait with a mask on."""
    face = rounded(finder.find(picture).faces[0])
    params = ImageParams("with_mask", mask=MaskParams("surgical", wear))
    return render_scene(picture, [(face, params)], open_wardrobe(Settings("out")))[0].image


def test_a_mask_is_seen_and_a_bare_face_is_bare(astronaut: RGB, hopper: RGB, finder: FaceFinder) -> None:
    look = MaskedFaces()
    for picture in (astronaut, hopper):
        face = finder.find(picture).faces[0]
        assert not look.worn(picture, face)
        for wear in ("correct", "nose_out"):
            assert look.worn(masked(picture, finder, wear), face), wear


def test_it_reads_what_detect_reads(hopper: RGB, finder: FaceFinder) -> None:
    from detect.classifier import Classifier

    face = finder.find(hopper).faces[0]

    classifier = Classifier.load()
    (row,) = classifier.classify_boxes(hopper, [face_box(face.landmarks).xyxy])
    bare = row[list(classifier.labels).index("without_mask")]
    assert MaskedFaces().probability(hopper, face) == pytest.approx(1 - bare, abs=1e-4)


class Memory:
    root = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data


def drawn(picture: RGB, tmp_path: Path, finder: FaceFinder, **settings: Any) -> Any:
    from maskgen.images import write

    write(tmp_path / "photo.png", picture)
    worker = PhotoWorker(Settings("out", **settings), finder, store=Memory())  # type: ignore[arg-type]
    return worker.do(Task(0, str(tmp_path / "photo.png")))


def test_people_who_wear_a_mask_already_are_left_out(hopper: RGB, tmp_path: Path, finder: FaceFinder) -> None:
    picture = masked(hopper, finder)
    outcome = drawn(picture, tmp_path, finder)
    assert outcome.reason == "already_masked"
    assert outcome.counts["rejected:already_masked"] == 1
    assert drawn(picture, tmp_path, finder, keep_masked=True).reason is None


def test_a_scene_with_somebody_masked_is_no_scene(
    astronaut: RGB, hopper: RGB, tmp_path: Path, finder: FaceFinder
) -> None:
    both = np.concatenate([astronaut, masked(hopper, finder)[:512]], axis=1)
    assert drawn(both, tmp_path, finder, crop="scene").reason == "already_masked"
    faces = drawn(both, tmp_path, finder)
    assert faces.reason is None
    assert faces.counts["faces"] == faces.counts["rejected:already_masked"] == 1


@pytest.mark.parametrize(
    "change", [{"task": "detector"}, {"scaling": "minus_one"}, {"labels": ["a", "b"]}, {"crop": 3}]
)
def test_another_model_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = shutil.copytree(assets_dir("models") / "classifier3", tmp_path / "model")
    plan = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(plan | change))
    with pytest.raises(WeightsError, match="classifier"):
        MaskedFaces(folder)


def test_a_damaged_model_is_one_clear_error(tmp_path: Path) -> None:
    folder = shutil.copytree(assets_dir("models") / "classifier3", tmp_path / "model")
    (folder / "model.tflite").write_bytes(b"not a model")
    with pytest.raises(WeightsError, match="LiteRT"):
        MaskedFaces(folder)


@pytest.mark.slow
def test_real_people(shared: Path) -> None:
    """Of sixty real masked faces at most four are taken for bare ones; of bare ones one in a hundred is left out."""
    from maskgen.images import read_rgb

    look, finder = MaskedFaces(), FaceFinder()

    def share(folder: str, number: int) -> float:
        paths = sorted(path for path in (shared / "data" / folder).iterdir() if path.is_file())[:: max(1, number)]
        worn = [look.worn(image, face) for image in map(read_rgb, paths[:60]) for face in finder.find(image).faces]
        return sum(worn) / len(worn)

    assert share("real_dev/with_mask", 10) >= 0.92
    assert share("real_dev/without_mask", 10) <= 0.02
