"""Training of a detector, from folders of scenes to a model folder."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from maskgen.errors import DatasetError
from maskgen.faces.onestage_litert import NMS_IOU, STRIDES, OneStage
from maskgen.io.files import write_whole
from trainer.bundle import KERAS_NAME, LITERT_NAME, Bundle, file_sha256
from trainer.config.detector import DetectorConfig
from trainer.config.export import Quantize
from trainer.data import scenes as data
from trainer.data import seen, twins
from trainer.data.scenes import Scene
from trainer.detector import weights
from trainer.detector.export import check_pictures
from trainer.detector.fit import fit
from trainer.export import detector
from trainer.loop.backend import load_keras
from trainer.loop.epochs import Fitted, Run
from trainer.loop.run_folder import Summary, check_room, publish, save_network, stage, versions, writing
from trainer.metrics.average_precision import curve
from trainer.metrics.detection import Evaluation, measure
from trainer.models import compact, onestage
from trainer.report import detection


@dataclass(frozen=True, slots=True)
class Job:
    """A run under way.

    Attributes:
        config: its settings.
        model: the model folder to write.
        work: the run's own folder inside it.
        found: the scenes it learns from and is measured on.
        digest: what it learns from, for ``bundle.json``.
        also: scenes of the other folders that it learns from.
        run: how it is carried out.
    """

    config: DetectorConfig
    model: Path
    work: Path
    found: data.Scenes
    digest: Mapping[str, Any]
    also: Sequence[Scene] = ()
    run: Run = field(default_factory=Run)


def train(
    dataset: Path, model: Path, config: DetectorConfig, run: Run, *, also: Path | None = None, overwrite: bool = False
) -> Summary[Evaluation]:
    """Train a detector; see ``trainer.api.train_detector``.

    Args:
        dataset: a COCO detection folder, as ``maskgen compose`` writes it.
        model: the model folder to write.
        config: settings.
        run: how to carry it out; its folder becomes the run's own.
        also: a second COCO detection folder to learn from; its ``train``
            split is mixed in, nothing of it is held out here.
        overwrite: replace a finished model.
    """
    work = check_room(model, dataset, resume=run.resume, overwrite=overwrite)
    weights.check(config.weights)
    found = data.load(dataset, config.labels, incorrect=config.incorrect, val_fraction=config.val_fraction)
    if "train" not in found.parts:
        raise DatasetError(f"{dataset} has no train.json; nothing to learn from")
    more: Sequence[Scene] = ()
    digest = dict(found.digest)
    if also is not None:
        second = data.load(also, config.labels, incorrect=config.incorrect, val_fraction=0.0)
        if "train" not in second.parts:
            raise DatasetError(f"{also} has no train.json; nothing more to learn from")
        more = second.parts["train"]
        digest["also"] = dict(second.digest)
    everything = {**found.parts, "train": (*found.parts["train"], *more)}
    twins.warn({split: twins.of_files([s.path for s in scenes], run.threads) for split, scenes in everything.items()})
    job = Job(config, model, work, found, digest, more, replace(run, folder=work))
    with writing(work, config, resume=run.resume):
        network, fitted, source = _learn(job)
        return finish(job, network, fitted, source)


def _learn(job: Job) -> tuple[Any, Fitted, str]:
    """The trained network, how it went, and where its first weights came from."""
    config, reporter = job.config, job.run.reporter
    keras = load_keras()
    keras.utils.set_random_seed(config.seed)
    network = onestage.build(len(config.labels), config.width)
    source = weights.start(network, config)
    reporter.note(f"first weights: {source}")
    if config.weights == "none" and config.freeze:
        reporter.note(f"with --freeze {config.freeze} the blocks below keep their random values")
    run = replace(job.run, on_best=lambda best: save_network(best, job.work / "best.keras"))
    fitted = fit(network, job.found.parts["train"], job.found.parts["val"], config, run, job.also)
    return network, fitted, source


def finish(job: Job, network: Any, fitted: Fitted, source: str) -> Summary[Evaluation]:
    """Export, evaluate and describe a trained network, and put the model folder in place.

    Args:
        job: the run; its own folder is deleted at the end.
        network: with its final weights.
        fitted: how its training went.
        source: where its first weights came from.
    """
    found, config = job.found, job.config
    seconds = dict(fitted.seconds)
    staged = stage(job.work)
    if config.litert != "float32":
        # Rounded here, both files start from the same weights, but for what the converter folds.
        compact.round_weights(network)
    save_network(network, staged / KERAS_NAME)
    compact.compress(staged / KERAS_NAME)
    began = time.perf_counter()
    job.run.reporter.start("exporting", 1)
    exported = _export(job, network, staged)
    seconds["export"] = time.perf_counter() - began
    split = "test" if found.parts.get("test") else "val"
    by_split = _measure(job, staged / LITERT_NAME, ("val", split))
    result = by_split[split]
    bundle = _bundle(job, staged, choose_threshold(by_split["val"]), exported, source)
    bundle.save()
    seen.save(staged, (scene.path for scene in (*found.parts["train"], *job.also, *found.parts["val"])))
    detection.write_report(result, staged, title=f"Detector {job.model.resolve().name}", history=fitted.history)
    write_whole(staged / "README.md", detection.model_card(bundle, result, source).encode())
    publish(job.work, job.model)
    return Summary(Bundle.load(job.model), result, split, source, seconds)


def _export(job: Job, network: Any, staged: Path) -> detector.Exported:
    config, parts = job.config, job.found.parts
    quantize: Quantize = "none" if config.litert == "float32" else config.litert
    return detector.write(
        network,
        staged / LITERT_NAME,
        quantize,
        check_pictures(parts["val"]),
        len(config.labels),
        calibration=check_pictures(parts["train"]) if quantize == "int8" else (),
    )


def _bundle(job: Job, staged: Path, threshold: float, exported: detector.Exported, source: str) -> Bundle:
    config = job.config
    side = config.longer_side or 416
    return Bundle(
        folder=staged,
        labels=config.labels,
        arch="onestage",
        input_size_wh=(side, side),
        threshold=threshold,
        fit="pad",
        task="detector",
        sha256={name: file_sha256(staged / name) for name in (KERAS_NAME, LITERT_NAME)},
        dataset=job.digest,
        config={
            **config.to_json(),
            "first_weights": source.partition(":")[0],
            "strides": list(STRIDES),
            "nms_iou": NMS_IOU,
        },
        export={LITERT_NAME: exported.to_json()},
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _measure(job: Job, file: Path, splits: Sequence[str]) -> dict[str, Evaluation]:
    """What the file does on each split; the threshold comes from ``val``, whatever is reported."""
    config, reporter, parts = job.config, job.run.reporter, job.found.parts
    runner = OneStage(file, len(config.labels))
    results: dict[str, Evaluation] = {}
    for split in dict.fromkeys(splits):
        reporter.start(f"evaluating {split}", len(parts[split]))
        results[split] = measure(
            runner,
            parts[split],
            config.labels,
            config.longer_side,
            lambda done, total: reporter.step(done),
            f"the {'test' if split == 'test' else 'validation'} split of `{job.digest['name']}`",
        )
    return results


def choose_threshold(result: Evaluation) -> float:
    """Decision threshold: the score at which the boxes' F1 is highest, any label for any."""
    whole = curve(result.found, None, least_px=16)
    if not len(whole.scores):
        return 0.5
    f1 = 2 * whole.precision * whole.recall / np.maximum(whole.precision + whole.recall, 1e-9)
    return round(float(np.clip(whole.scores[int(f1.argmax())], 0.05, 0.95)), 3)
