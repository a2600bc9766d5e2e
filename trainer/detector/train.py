"""A folder of scenes in, a model folder out: the whole of ``maskgen train-detector``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from maskgen import images
from maskgen.errors import BundleError, DatasetError, WeightsError
from maskgen.faces.onestage_litert import NMS_IOU, STRIDES, OneStage
from maskgen.io.files import write_whole
from maskgen.types import RGB
from trainer.bundle import BUNDLE_NAME, KERAS_NAME, LITERT_NAME, Bundle, file_sha256, packaged_bundle
from trainer.classifier.fit import Fitted
from trainer.config.detector import DetectorConfig
from trainer.config.export import Quantize
from trainer.data import scenes as data
from trainer.data import seen, twins
from trainer.data.scenes import Scene
from trainer.detector.fit import fit
from trainer.export import destination, detector
from trainer.loop.backend import load_keras
from trainer.loop.progress import Reporter
from trainer.loop.run_folder import Summary, check_room, publish, save_network, stage, versions, writing
from trainer.metrics.detection import Evaluation, measure
from trainer.models import compact, onestage
from trainer.report import detection

CHECK_PICTURES: Final = 48
"""Pictures on which an exported file is compared with Keras."""


def train(
    dataset: Path,
    model: Path,
    config: DetectorConfig,
    *,
    also: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    threads: int = 2,
    reporter: Reporter | None = None,
) -> Summary[Evaluation]:
    """Train a detector.

    Args:
        dataset: a COCO detection folder, as ``maskgen compose`` writes it.
        model: the model folder to write.
        config: settings.
        also: a second COCO detection folder to learn from; its ``train``
            split is mixed in, nothing of it is held out here.
        resume: go on where an earlier run with the same settings stopped.
        overwrite: replace a finished model.
        threads: for making training pictures.
        reporter: who is told.

    Raises:
        InputError: the model folder is in the way, or settings do not go together.
        DatasetError: nothing can be learned from the scenes.
        WeightsError: there are no first weights.
        TrainError: the run broke off; what it had is kept.
    """
    reporter = reporter or Reporter()
    model, dataset = Path(model), Path(dataset)
    work = check_room(model, dataset, resume=resume, overwrite=overwrite)
    check_weights(config.weights)
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
    twins.warn({split: twins.of_files([s.path for s in scenes], threads) for split, scenes in everything.items()})
    with writing(work, config, resume=resume):
        return _train(found, more, digest, model, work, config, resume, threads, reporter)


def _train(
    found: data.Scenes,
    also: Sequence[Scene],
    digest: dict[str, Any],
    model: Path,
    work: Path,
    config: DetectorConfig,
    resume: bool,
    threads: int,
    reporter: Reporter,
) -> Summary[Evaluation]:
    keras = load_keras()
    keras.utils.set_random_seed(config.seed)
    network = onestage.build(len(config.labels), config.width)
    source = start(network, config)
    reporter.note(f"first weights: {source}")
    if config.weights == "none" and config.freeze:
        reporter.note(f"with --freeze {config.freeze} the blocks below keep their random values")
    fitted = fit(
        network,
        found.parts["train"],
        found.parts["val"],
        config,
        work,
        also=also,
        resume=resume,
        threads=threads,
        reporter=reporter,
        on_best=lambda best: save_network(best, work / "best.keras"),
    )
    return finish(network, fitted, found, digest, model, work, config, source, reporter, also)


def finish(
    network: Any,
    fitted: Fitted,
    found: data.Scenes,
    digest: dict[str, Any],
    model: Path,
    work: Path,
    config: DetectorConfig,
    source: str,
    reporter: Reporter,
    also: Sequence[Scene] = (),
) -> Summary[Evaluation]:
    """Export, measure and describe a trained network, and put the model folder in place.

    Args:
        network: with its final weights.
        fitted: how its training went.
        found: the scenes it is checked and measured on.
        digest: what it was trained on.
        model: the folder to write.
        work: the run's own folder; deleted at the end.
        config: settings.
        source: where its first weights came from.
        reporter: who is told.
        also: scenes of a second folder that it learned from.
    """
    seconds = dict(fitted.seconds)
    staged = stage(work)
    if config.litert != "float32":
        # Rounded here, both files start from the same weights, but for what the converter folds.
        compact.round_weights(network)
    save_network(network, staged / KERAS_NAME)
    compact.compress(staged / KERAS_NAME)
    began = time.perf_counter()
    reporter.start("exporting", 1)
    quantize: Quantize = "none" if config.litert == "float32" else config.litert
    exported = detector.write(
        network,
        staged / LITERT_NAME,
        quantize,
        check_pictures(found.parts["val"]),
        len(config.labels),
        calibration=check_pictures(found.parts["train"]) if quantize == "int8" else (),
    )
    seconds["export"] = time.perf_counter() - began
    split = "test" if found.parts.get("test") else "val"
    by_split = _measure(staged / LITERT_NAME, found, ("val", split), config, digest["name"], reporter)
    result = by_split[split]
    bundle = Bundle(
        folder=staged,
        labels=config.labels,
        arch="onestage",
        input_size_wh=(config.longer_side or 416, config.longer_side or 416),
        threshold=choose_threshold(by_split["val"]),
        fit="pad",
        task="detector",
        sha256={name: file_sha256(staged / name) for name in (KERAS_NAME, LITERT_NAME)},
        dataset=digest,
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
    bundle.save()
    seen.save(staged, (scene.path for scene in (*found.parts["train"], *also, *found.parts["val"])))
    detection.write_report(result, staged, title=f"Detector {model.resolve().name}", history=fitted.history)
    write_whole(staged / "README.md", detection.model_card(bundle, result, source).encode())
    publish(work, model)
    return Summary(Bundle.load(model), result, split, source, seconds)


def _measure(
    file: Path,
    found: data.Scenes,
    splits: Sequence[str],
    config: DetectorConfig,
    name: str,
    reporter: Reporter,
) -> dict[str, Evaluation]:
    """What the file does on each split; the threshold comes from ``val``, whatever is reported."""
    runner = OneStage(file, len(config.labels))
    results: dict[str, Evaluation] = {}
    for split in dict.fromkeys(splits):
        reporter.start(f"evaluating {split}", len(found.parts[split]))
        results[split] = measure(
            runner,
            found.parts[split],
            config.labels,
            config.longer_side,
            lambda done, total: reporter.step(done),
            f"the {'test' if split == 'test' else 'validation'} split of `{name}`",
        )
    return results


def check_weights(wish: str) -> None:
    """See that named first weights are there, before anything heavy is loaded.

    Raises:
        WeightsError: there is no model folder.
        BundleError: it is damaged.
    """
    if wish in ("auto", "packaged", "imagenet", "none"):
        return
    if not (Path(wish) / BUNDLE_NAME).is_file():
        raise WeightsError(
            f"no model folder at {wish}; --weights takes auto, packaged, imagenet, none or a model folder"
        )
    Bundle.load(Path(wish))


def start(network: Any, config: DetectorConfig) -> str:
    """Give a fresh network its first weights.

    Returns:
        What was taken, for people.

    Raises:
        WeightsError: the weights are missing, cannot be fetched or do not fit.
    """
    from trainer.models.weights import imagenet_donor, load_network

    wish = config.weights
    if wish == "none":
        return "none: the network starts from random values"
    if wish in ("auto", "packaged"):
        try:
            donor = load_network(Bundle.load(packaged_bundle()).path(KERAS_NAME)).get_layer("backbone")
            onestage.copy_backbone(network, donor)
        except (BundleError, ValueError, WeightsError) as error:
            if wish == "packaged":
                raise WeightsError(f"{error}; or use --weights imagenet") from None
        else:
            return "packaged: the backbone of the classifier that ships with maskgen"
    if wish in ("auto", "imagenet"):
        onestage.copy_backbone(network, imagenet_donor("mobilenetv2", 1.0))
        return "imagenet: ImageNet weights through keras.applications"
    folder = Path(wish)
    bundle = Bundle.load(folder)
    donor = load_network(bundle.path(KERAS_NAME))
    if bundle.task != "detector":
        onestage.copy_backbone(network, donor.get_layer("backbone"))
        return f"file: the backbone of {folder}"
    try:
        network.set_weights(donor.get_weights())
    except ValueError:
        raise WeightsError(f"the detector in {folder} has other labels or another width") from None
    return f"file: {folder}"


def check_pictures(scenes: Sequence[Scene], count: int = CHECK_PICTURES) -> list[RGB]:
    """Pictures to compare an exported file on, or to calibrate it with, spread over the scenes."""
    chosen = scenes[:: max(1, len(scenes) // count)][:count]
    return [images.read_rgb(scene.path) for scene in chosen]


def choose_threshold(result: Evaluation) -> float:
    """The score at which precision times recall of boxes (their F1) is highest, any label for any."""
    from trainer.metrics.average_precision import curve

    whole = curve(result.found, None, least_px=16)
    if not len(whole.scores):
        return 0.5
    f1 = 2 * whole.precision * whole.recall / np.maximum(whole.precision + whole.recall, 1e-9)
    return round(float(np.clip(whole.scores[int(f1.argmax())], 0.05, 0.95)), 3)


def export_again(
    bundle: Bundle,
    quantize: str,
    output: Path | None,
    scenes: Path,
    max_shift: float | None,
    *,
    overwrite: bool = False,
) -> detector.Exported:
    """Write a detector's network for LiteRT once more and enter it in its ``bundle.json``.

    Args:
        bundle: the model folder.
        quantize: ``none``, ``float16`` or ``int8``.
        output: where to; None for ``model.tflite`` or ``model_int8.tflite`` and the like in the model folder.
        scenes: real pictures: of ``train`` to calibrate int8 with, of ``val`` to check on; ``test`` stays out of it.
        max_shift: instead of the limit for this storage.
        overwrite: what is there may be replaced.

    Raises:
        InputError: something is in the way.
        TrainError: the file differs too much; it is not kept.
    """
    from trainer.export.export import file_name
    from trainer.models.weights import load_network

    kind: Quantize = "int8" if quantize == "int8" else "float16" if quantize == "float16" else "none"
    target = destination.choose(bundle, file_name("litert", kind), output, folder=False, overwrite=overwrite)
    found = data.load(scenes, bundle.labels)
    checked, calibration = found.parts.get("val") or (), found.parts.get("train") or ()
    if not checked or (quantize == "int8" and not calibration):
        raise DatasetError(
            f"{scenes} has {len(checked)} pictures to check on (val) and {len(calibration)} to calibrate with (train); "
            "name a folder with both"
        )
    network = load_network(bundle.path(KERAS_NAME))
    made = detector.write(
        network,
        target,
        kind,
        check_pictures(checked),
        len(bundle.labels),
        calibration=check_pictures(calibration) if quantize == "int8" else (),
        max_shift=max_shift,
    )
    if target.parent.resolve() == bundle.folder.resolve():
        replace(
            bundle,
            sha256={**bundle.sha256, target.name: file_sha256(target)},
            export={**bundle.export, target.name: made.to_json()},
        ).save()
    return made
