from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskgen.errors import BundleError, DatasetError, InputError, WeightsError
from trainer.bundle import Bundle
from trainer.config.detector import DetectorConfig
from trainer.loop.progress import Reporter
from trainer.metrics.detection import evaluate

pytestmark = pytest.mark.slow


def test_it_learns_discs(disc_model: Path, scenes: Path) -> None:
    result = evaluate(Bundle.load(disc_model), scenes)
    assert result.rows[0]["map50"] > 0.9
    assert result.rows[0]["recall"] > 0.95
    assert result.coco["AP50"] == pytest.approx(result.rows[0]["map50"], abs=0.02)


def test_the_folder_is_whole(disc_model: Path) -> None:
    bundle = Bundle.load(disc_model)
    assert (bundle.task, bundle.arch, bundle.labels) == ("detector", "onestage", ("with_mask", "without_mask"))
    names = {path.name for path in disc_model.iterdir()}
    assert {"model.keras", "model.tflite", "README.md", "metrics.json", "history.csv", "sheet.jpg"} <= names
    assert {"precision_recall.png", "curves.png", "report.html", "detection_report.txt"} <= names
    assert not (disc_model / "checkpoints").exists()
    exported = bundle.export["model.tflite"]
    assert exported["max_shift"] < 0.03
    assert exported["faces_lost"] == 0
    assert "validation split" in (disc_model / "README.md").read_text()


def test_litert_says_what_keras_says_at_any_size(disc_model: Path, scenes: Path) -> None:
    from maskgen.faces.onestage_litert import OneStage
    from trainer.models.weights import load_network

    network = load_network(disc_model / "model.keras")
    runner = OneStage(disc_model / "model.tflite", 2)
    rng = np.random.default_rng(0)
    for size_hw in ((96, 96), (64, 160), (320, 256)):
        pixels = rng.integers(0, 255, (*size_hw, 3)).astype(np.uint8)
        said = [np.asarray(m[0]) for m in network(pixels[None].astype(np.float32), training=False)]
        for one, other in zip(said, runner.maps(pixels), strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, atol=0.15)
            assert np.abs(one - other).mean() < 0.02


def test_it_finds_the_discs_of_a_picture_through_detect(disc_model: Path) -> None:
    from discs import draw_scene

    from detect import Detector

    image, faces = draw_scene(np.random.default_rng(77))
    found = Detector.load(disc_model).detect(image)
    assert len(found) == 2
    for face, (box, label) in zip(found, sorted(faces), strict=True):
        assert face.label == ("with_mask", "without_mask")[label]
        assert face.box.center_xy == pytest.approx((box[0] + box[2] / 2, box[1] + box[3] / 2), abs=4)
        assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-4)


def test_it_is_a_face_detector(disc_model: Path) -> None:
    import pickle

    from discs import draw_scene

    from maskgen import faces

    image, _ = draw_scene(np.random.default_rng(78))
    detector = faces.load("onestage", model=disc_model)
    found = detector.detect(image)
    assert len(found) == 2
    assert found[0].points is not None
    assert found[0].points[0] == pytest.approx(found[0].box.center_xy, abs=4)
    again = pickle.loads(pickle.dumps(detector)).detect(image)
    assert [face.box for face in again] == [face.box for face in found]
    assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == []


def test_what_does_not_go_together_is_refused(disc_model: Path, tmp_path: Path) -> None:
    from detect import Detector
    from detect.classifier import Classifier
    from maskgen.faces.onestage import OneStageFaces

    with pytest.raises(InputError, match="finds its faces itself"):
        Detector.load(disc_model, faces="hog")
    with pytest.raises(InputError, match="--labels detector needs"):
        Detector.load(faces="hog", labels="detector")
    with pytest.raises(BundleError, match="is a detector, not a classifier"):
        Classifier.load(disc_model)
    with pytest.raises(WeightsError, match="no model folder of a detector"):
        OneStageFaces(tmp_path)


def test_both_may_say_what_a_face_wears(disc_model: Path) -> None:
    from discs import draw_scene

    from detect import Detector

    image, _ = draw_scene(np.random.default_rng(79))
    rows = {
        by: Detector.load(disc_model, labels=by, min_score=0).detect(image)  # type: ignore[arg-type]
        for by in ("detector", "classifier", "both")
    }
    for one, other, joint in zip(rows["detector"], rows["classifier"], rows["both"], strict=True):
        p, q = one.probabilities["with_mask"], max(other.probabilities["with_mask"], 1e-4)
        p, q = max(p, 1e-4), min(q, 1 - 1e-4)
        wanted = np.sqrt(p * q) / (np.sqrt(p * q) + np.sqrt((1 - p) * (1 - q)))
        assert joint.probabilities["with_mask"] == pytest.approx(wanted, abs=0.01)


def test_going_on_from_a_detector(disc_model: Path, scenes: Path, tmp_path: Path) -> None:
    from trainer.detector.weights import start
    from trainer.models import onestage
    from trainer.models.weights import load_network

    network = onestage.build(2, 32)
    assert start(network, DetectorConfig(weights=str(disc_model))).startswith("file")
    wanted = load_network(disc_model / "model.keras").get_weights()
    for one, other in zip(network.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(WeightsError, match="other labels or another width"):
        start(onestage.build(3, 32), DetectorConfig(weights=str(disc_model)))


def test_int8_is_smaller_and_runs(disc_model: Path, scenes: Path, tmp_path: Path) -> None:
    """How near it comes hangs on the network: a barely trained one may be refused."""
    from maskgen.faces.onestage_litert import OneStage
    from trainer.data.scenes import load
    from trainer.detector.export import check_pictures
    from trainer.export.convert import quiet
    from trainer.export.detector import convert
    from trainer.models.weights import load_network

    pictures = check_pictures(load(scenes, ("with_mask", "without_mask")).parts["val"], 8)
    with quiet():
        convert(load_network(disc_model / "model.keras"), tmp_path / "small.tflite", "int8", pictures)
    assert (tmp_path / "small.tflite").stat().st_size < 0.75 * (disc_model / "model.tflite").stat().st_size
    assert len(OneStage(tmp_path / "small.tflite", 2).find(pictures[0], None, 0.01)) < 300


@pytest.mark.parametrize(("litert", "wanted"), [("float32", "none"), ("float16", "float16"), ("int8", "int8")])
def test_model_tflite_is_stored_as_asked(
    litert: str, wanted: str, disc_model: Path, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from discs import SETTINGS

    from trainer.data.scenes import load
    from trainer.detector import train
    from trainer.export import detector
    from trainer.loop.epochs import Fitted
    from trainer.models.weights import load_network

    class AskedFor(Exception):
        pass

    def write(network: object, target: Path, quantize: str, *more: object, **names: object) -> None:
        raise AskedFor(quantize)

    monkeypatch.setattr(detector, "write", write)
    config = DetectorConfig(**{**SETTINGS, "litert": litert})
    network = load_network(disc_model / "model.keras")
    job = train.Job(config, tmp_path / "model", tmp_path / "work", load(scenes, config.labels), {})
    with pytest.raises(AskedFor, match=f"^{wanted}$"):
        train.finish(job, network, Fitted(), "none: discs")


def test_the_threshold_comes_from_validation_whatever_is_reported(
    disc_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from discs import SETTINGS, write_scenes

    from trainer.data.scenes import load
    from trainer.detector import train
    from trainer.export import detector
    from trainer.loop.epochs import Fitted
    from trainer.models.weights import load_network

    asked: dict[str, Any] = {}

    def write(network: object, target: Path, quantize: str, pictures: Any, labels: int, **names: Any) -> Any:
        asked.update(names, pictures=pictures)
        target.write_bytes((disc_model / "model.tflite").read_bytes())
        return detector.Exported(target, 0, 0, 0, 0.0, 0.0, 1.0, 0)

    monkeypatch.setattr(detector, "write", write)
    monkeypatch.setattr(train, "choose_threshold", lambda result: 0.25 if len(result.scenes) == 3 else 0.75)
    config = DetectorConfig(**{**SETTINGS, "litert": "int8"})
    found = load(write_scenes(tmp_path / "scenes", train=5, val=3, test=4), config.labels)
    (tmp_path / "model").mkdir()
    job = train.Job(config, tmp_path / "model", tmp_path / "model" / "checkpoints", found, found.digest)
    summary = train.finish(job, load_network(disc_model / "model.keras"), Fitted(), "none: discs")
    assert summary.split == "test"
    assert len(summary.result.scenes) == 4
    assert summary.bundle.threshold == 0.25
    # int8 learns its ranges from training pictures and is checked on validation ones.
    assert (len(asked["calibration"]), len(asked["pictures"])) == (5, 3)


def test_judging_a_detector_on_what_it_learned_from_is_said(
    disc_model: Path, scenes: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from discs import write_scenes

    evaluate(Bundle.load(disc_model), scenes, split="train")
    assert "in training" in caplog.text
    caplog.clear()
    other = write_scenes(tmp_path / "other", val=2)
    for path in (other / "val").iterdir():
        path.write_bytes(path.read_bytes() + b"\0")
    evaluate(Bundle.load(disc_model), other)
    assert caplog.text == ""


def test_an_export_that_differs_is_not_kept(disc_model: Path, scenes: Path, tmp_path: Path) -> None:
    from maskgen.errors import TrainError
    from trainer.detector.export import export_again

    with pytest.raises(TrainError, match="it was not kept"):
        export_again(Bundle.load(disc_model), "float16", tmp_path / "x.tflite", scenes, -1.0)
    assert not (tmp_path / "x.tflite").exists()


class Killer(Reporter):
    """Stops the run in the middle of its second epoch, as Ctrl-C would."""

    def step(self, done: int, text: str = "") -> None:
        if done == 3 and text.startswith("loss"):
            raise KeyboardInterrupt


class Listener(Reporter):
    """Keeps what TensorBoard would hear."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] = []

    def epoch(self, row: Mapping[str, Any]) -> None:
        self.rows.append(row)


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    import keras
    from discs import SETTINGS, write_scenes

    from trainer.data.scenes import load
    from trainer.detector.fit import fit
    from trainer.loop.epochs import Run
    from trainer.models import onestage

    config = DetectorConfig(**{**SETTINGS, "epochs": 2, "sizes": (64,), "checkpoint_s": 0.0, "freeze": 14})
    found = load(write_scenes(tmp_path / "scenes", train=16, val=2), config.labels)
    ends = []
    for killed in (False, True):
        keras.utils.set_random_seed(0)
        network = onestage.build(2, 32)
        folder = tmp_path / str(killed) / "checkpoints"
        if killed:
            with pytest.raises(KeyboardInterrupt):
                fit(network, found.parts["train"], found.parts["val"], config, Run(folder, reporter=Killer()))
            network = onestage.build(2, 32)
        heard = Listener()
        run = Run(folder, resume=killed, reporter=heard)
        fitted = fit(network, found.parts["train"], found.parts["val"], config, run)
        assert heard.rows == fitted.history[1 if killed else 0 :]
        assert fitted.resumed is killed
        ends.append((network.get_weights(), fitted.history))
    for one, other in zip(ends[0][0], ends[1][0], strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)
    assert [row["epoch"] for row in ends[1][1]] == [1, 2]


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    from trainer.api import train_detector

    with pytest.raises(DatasetError, match="no folder of scenes"):
        train_detector(tmp_path / "none", tmp_path / "model", DetectorConfig())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no COCO detection folder"):
        train_detector(tmp_path / "empty", tmp_path / "model", DetectorConfig())


def test_a_second_folder_without_anything_to_learn_from(scenes: Path, tmp_path: Path) -> None:
    from trainer.api import train_detector

    (tmp_path / "also").mkdir()
    (tmp_path / "also" / "val.json").write_text('{"images": [], "categories": [], "annotations": []}')
    with pytest.raises(DatasetError, match=r"also has no train\.json"):
        train_detector([scenes, tmp_path / "also"], tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(InputError, match="one folder of scenes or two, got 3"):
        train_detector([scenes] * 3, tmp_path / "model")


def test_commands(disc_model: Path, scenes: Path) -> None:
    from typer.testing import CliRunner

    from trainer.commands.app import app

    runner = CliRunner()
    done = runner.invoke(app, ["evaluate", str(disc_model), str(scenes), "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures["by_least_px"]["0"]["map50"] > 0.9
    for words in (
        ["train-detector", "--dropout", "0.1"],
        ["train", "--mosaic", "0.1"],
        ["train", "--task", "detector"],
    ):
        wrong = runner.invoke(app, [*words, str(scenes), str(scenes / "m")])
        assert wrong.exit_code == 2
        assert "No such option" in wrong.output
    wrong = runner.invoke(app, ["evaluate", str(disc_model), str(scenes), "--slice", "label", "--face-px", "20"])
    assert "--face-px, --slice: not for a detector" in str(wrong.exception)
    wrong = runner.invoke(app, ["evaluate", str(scenes), "--longer-side", "320"])
    assert "--longer-side: not for a classifier" in str(wrong.exception)
