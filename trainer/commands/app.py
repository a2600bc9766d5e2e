"""``maskgen train``, ``maskgen evaluate``, ``maskgen export``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from trainer.bundle import Bundle
    from trainer.config.classifier import TrainConfig
    from trainer.loop.run_folder import SettingsT, Summary

app = typer.Typer()


class Arch(StrEnum):
    mobilenetv2 = "mobilenetv2"
    resnet50 = "resnet50"


class Head(StrEnum):
    classic = "classic"
    gap = "gap"


class Policy(StrEnum):
    none = "none"
    classic = "classic"
    mild = "mild"
    street = "street"


class Optimizer(StrEnum):
    adam = "adam"
    rmsprop = "rmsprop"
    sgd = "sgd"


class Incorrect(StrEnum):
    drop = "drop"
    with_mask = "with_mask"
    without_mask = "without_mask"


class Precision(StrEnum):
    auto = "auto"
    float32 = "float32"
    mixed_float16 = "mixed_float16"


class To(StrEnum):
    litert = "litert"
    onnx = "onnx"
    saved_model = "saved_model"


class Quantize(StrEnum):
    none = "none"
    float16 = "float16"
    int8 = "int8"


class Task(StrEnum):
    classifier = "classifier"
    detector = "detector"


class LiteRT(StrEnum):
    float32 = "float32"
    float16 = "float16"
    int8 = "int8"


_CLASSIFIER_MEASURES = ("face_px", "min_box", "group_by", "slices", "compare", "threshold")
_DETECTOR_ONLY = ("also", "also_share", "sizes", "freeze", "mosaic", "keep", "longer_side")


def _classifier(*words: str, **more: Any) -> Any:
    """An option that means nothing for a detector."""
    return typer.Option(*words, rich_help_panel="For a classifier", **more)


def _detector(*words: str, **more: Any) -> Any:
    """An option that means nothing for a classifier."""
    return typer.Option(*words, rich_help_panel="For a detector (--task detector)", **more)


DatasetDir = Annotated[Path, typer.Argument(help="From maskgen generate, or a folder of with_mask/ and without_mask/.")]
ModelOut = Annotated[Path, typer.Argument(help="The model folder to write.")]
_PERSON = "Names the person in a file's name, for folders without metadata.jsonl."
GroupBy = Annotated[str | None, typer.Option(metavar="REGEX", help=_PERSON)]
LearnGroupBy = Annotated[str | None, _classifier(metavar="REGEX", help=_PERSON)]
CountIncorrect = Annotated[Incorrect, typer.Option(help="What an incorrectly worn mask counts as with two classes.")]
LearnIncorrect = Annotated[
    Incorrect,
    typer.Option(
        help="What an incorrectly worn mask counts as with two classes.", show_default="drop; detector: without_mask"
    ),
]
Threads = Annotated[int, typer.Option(min=1, help="For reading and augmenting, or faces judged at once.")]


@app.command()
def train(
    ctx: typer.Context,
    dataset: DatasetDir,
    model: ModelOut,
    arch: Annotated[Arch, _classifier(help="The network.")] = Arch.mobilenetv2,
    head: Annotated[Head, _classifier(help="Its last layers (mobilenetv2).")] = Head.classic,
    alpha: Annotated[float, _classifier(help="Its width: 0.35, 0.5, 0.75, 1, 1.3 or 1.4 (mobilenetv2).")] = 1.0,
    size: Annotated[int, _classifier(help="Side of its input in pixels.")] = 224,
    weights: Annotated[
        str, typer.Option(help="First weights: auto, packaged, imagenet, none, a model folder or a file.")
    ] = "auto",
    classes: Annotated[int, typer.Option(min=2, max=3, help="3 adds incorrect_mask.")] = 2,
    incorrect: LearnIncorrect = Incorrect.drop,
    augment: Annotated[Policy, _classifier(help="What training images go through.")] = Policy.street,
    fine_tune: Annotated[
        str,
        _classifier(
            metavar="auto|all|none|BLOCK",
            help="Which part of the backbone learns, from this block on.",
            show_default="auto: 13, or all with --weights none",
        ),
    ] = "auto",
    epochs: Annotated[
        int,
        typer.Option(
            help="Passes through the network (of the head, with --fine-tune none).", show_default="5; detector: 20"
        ),
    ] = 5,
    head_epochs: Annotated[int, _classifier(help="Passes over the cached features before that.")] = 12,
    views: Annotated[int, _classifier(help="Augmented views of every image in the head phase.")] = 3,
    head_limit: Annotated[int | None, _classifier(help="Most images the head phase looks at.")] = None,
    batch_size: Annotated[int, typer.Option(help="Images a step.", show_default="32; detector: 16")] = 32,
    optimizer: Annotated[Optimizer, _classifier(help="For the passes through the network.")] = Optimizer.adam,
    lr: Annotated[
        float,
        typer.Option(
            help="Highest learning rate there; rises, then falls as a cosine.", show_default="0.00015; detector: 0.001"
        ),
    ] = 1.5e-4,
    head_lr: Annotated[float, _classifier(help="Highest learning rate of the head phase.")] = 2e-3,
    dropout: Annotated[float, _classifier(help="Share of the head's units dropped.")] = 0.5,
    label_smoothing: Annotated[float, _classifier(help="How far targets stay from 0 and 1.")] = 0.05,
    ema: Annotated[
        float,
        typer.Option(help="Momentum of the weights' moving average; 0 for none.", show_default="0; detector: 0.998"),
    ] = 0.0,
    wise: Annotated[
        float, _classifier(help="Share of what fine-tuning changed that is kept (WiSE-FT); 0.5 suits real faces best.")
    ] = 1.0,
    soup: Annotated[int, _classifier(help="Runs of fine-tuning whose weights are averaged; with --augment none.")] = 1,
    incorrect_prior: Annotated[
        float | None, _classifier(help="With --classes 3: share of badly worn masks to expect in use, 0.1 say.")
    ] = None,
    patience: Annotated[int, _classifier(help="Epochs without a better validation loss before it stops.")] = 4,
    balance: Annotated[bool, _classifier(help="Draw every class equally often.")] = True,
    val_fraction: Annotated[
        float, typer.Option(help="Share held out where the dataset has no splits.", show_default="0.2; detector: 0.1")
    ] = 0.2,
    group_by: LearnGroupBy = None,
    margin: Annotated[float, _classifier(help="How far detect shall widen a face's box.")] = 1.15,
    margin_high: Annotated[float, _classifier(help="How far detect shall heighten it.")] = 1.0,
    precision: Annotated[Precision, _classifier(help="auto is mixed on a GPU.")] = Precision.auto,
    litert: Annotated[
        LiteRT, typer.Option(help="How model.tflite stores its weights.", show_default="float32; detector: float16")
    ] = LiteRT.float32,
    compact: Annotated[bool, _classifier("--compact", help="Round weights to 16 bits and compress them.")] = False,
    checkpoint_s: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where this run stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished model, or a preview.")] = False,
    threads: Threads = 2,
    tensorboard: Annotated[Path | None, typer.Option(help="A folder for TensorBoard's files.")] = None,
    preview_augment: Annotated[
        Path | None, _classifier(metavar="PNG", help="Only draw what augmentation does, and leave.")
    ] = None,
    task: Annotated[
        Task, typer.Option(help="detector: boxes too, from a folder of scenes (maskgen compose).")
    ] = Task.classifier,
    also: Annotated[
        Path | None,
        _detector(metavar="SCENES", help="A second folder to learn from.", show_default="none"),
    ] = None,
    also_share: Annotated[float, _detector(help="Share of training pictures from it.")] = 0.3,
    sizes: Annotated[
        str, _detector(metavar="PX,PX", help="Sides of training pictures, multiples of 32.")
    ] = "256,320,384",
    freeze: Annotated[
        int,
        _detector(help="Blocks of the backbone that stay as they are.", show_default="3, or 0 with --weights none"),
    ] = 3,
    mosaic: Annotated[float, _detector(help="Share of pictures put together from four.")] = 0.25,
    keep: Annotated[str, _detector(metavar="best|last", help="Which epoch's weights stay.")] = "best",
    longer_side: Annotated[int, _detector(help="What pictures are scaled to in use; 0: as they are.")] = 448,
) -> None:
    """Train a classifier on DATASET, or a detector on scenes, and write the folder MODEL."""
    from trainer.config.classifier import TrainConfig

    _check_folder("--tensorboard", tensorboard)
    given = {name: getattr(value, "value", value) for name, value in ctx.params.items()}
    if task is Task.detector:
        _train_detector(ctx, given)
        return
    _refuse(ctx, _DETECTOR_ONLY, "only with --task detector")
    config = TrainConfig.from_json(given)
    if preview_augment is not None:
        _preview(dataset, preview_augment, config, overwrite=overwrite)
        return
    from trainer.api import train as run
    from trainer.loop.progress import reporting

    if resume and (earlier := _earlier(ctx, model, config)) is not None:
        config = earlier
    elif resume and (model / "bundle.json").is_file() and not overwrite:
        typer.echo(f"{model} is finished already", err=True)
        return
    with _resumable(ctx), reporting(tensorboard) as reporter:
        summary = run(dataset, model, config, resume=resume, overwrite=overwrite, threads=threads, reporter=reporter)
    from trainer.report.plots import text_report

    typer.echo(text_report(summary.result))
    _say_done(summary, dataset, model, "FOLDER")


@app.command()
def evaluate(
    ctx: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(metavar="[MODEL] DATASET", help="Without MODEL: the classifier that ships.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    face_px: Annotated[int | None, typer.Option(min=1, help="First shrink every face to this longer side.")] = None,
    min_box: Annotated[float, typer.Option(min=0, help="Leave out boxes whose shorter side is less (COCO).")] = 0,
    split: Annotated[
        str | None, typer.Option(help="train, val, test or all of a generated dataset; test where there is one.")
    ] = None,
    incorrect: CountIncorrect = Incorrect.drop,
    group_by: GroupBy = None,
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="FIELD|REGEX", help="Also by this field, or by named groups in file names."),
    ] = None,
    compare: Annotated[Path | None, typer.Option(metavar="MODEL", help="Another model, on the same images.")] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Instead of the model's own.")] = None,
    file: Annotated[str, typer.Option(help="Which of the model's .tflite files.")] = "model.tflite",
    report: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write report.html and pictures.")] = None,
    threads: Threads = 2,
    task: Annotated[
        Task | None, typer.Option(help="What kind of model, where none is named.", show_default="the model's own")
    ] = None,
    longer_side: Annotated[
        int | None,
        typer.Option(min=0, help="Detector: scale pictures to this, 0: as they are.", show_default="its own"),
    ] = None,
) -> None:
    """Measure MODEL on DATASET: generated, plain folders by label, or photographs with COCO annotations.

    A detector is measured on scenes with COCO annotations.
    """
    import json

    from maskgen.errors import InputError
    from trainer.loop.progress import reporting
    from trainer.metrics.evaluate import evaluate as run
    from trainer.report.plots import text_report, write_report

    if len(paths) > 2:
        raise typer.BadParameter("one model and one dataset expected", param_hint="[MODEL] DATASET")
    bundle = _bundle(paths[0] if len(paths) == 2 else None, (task or Task.classifier).value)
    if task is not None and bundle.task != task.value:
        raise InputError(f"{bundle.folder} is a {bundle.task}, not a {task.value}")
    if bundle.task == "detector":
        _refuse(ctx, _CLASSIFIER_MEASURES, f"not for a detector such as {bundle.folder}")
        _evaluate_detector(bundle, paths[-1], split, incorrect, file, longer_side, report, as_json)
        return
    _refuse(ctx, ("longer_side",), f"not for a classifier such as {bundle.folder}")
    with reporting() as reporter:
        reporter.start("evaluating", 100)
        result = run(
            bundle,
            paths[-1],
            face_px=face_px,
            min_box=min_box,
            split=split,
            incorrect=incorrect.value,
            group_by=group_by,
            slices=slices or (),
            compare=None if compare is None else _bundle(compare),
            threshold=threshold,
            file=file,
            threads=threads,
            progress=lambda done, total: reporter.step(100 * done // total),
        )
    if report is not None:
        write_report(result, report, title=f"{bundle.folder.resolve().name} on {paths[-1].resolve().name}")
    if as_json:
        typer.echo(json.dumps(result.to_json()))
    else:
        typer.echo(text_report(result))
        if report is not None:
            typer.echo(f"wrote {report / 'report.html'}")


@app.command()
def export(
    model: Annotated[Path | None, typer.Argument(help="A model folder; without: the classifier that ships.")] = None,
    to: Annotated[To, typer.Option(help="The format.")] = To.litert,
    quantize: Annotated[Quantize, typer.Option(help="How LiteRT stores the weights.")] = Quantize.none,
    output: Annotated[
        Path | None, typer.Option(help="Where to; without: into the model folder. Needed for a model that ships.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file or SavedModel that is there.")] = False,
    crops: Annotated[
        Path | None, typer.Option(metavar="DATASET", help="Real faces to check on and to calibrate int8 with.")
    ] = None,
    max_shift: Annotated[
        float | None, typer.Option(help="Refuse a file that moves a probability by more than this.")
    ] = None,
) -> None:
    """Write a model in another format, checked against Keras on real faces before it is kept."""
    from trainer.export import export as exporting

    bundle = _bundle(model)
    if bundle.task == "detector":
        _export_detector(bundle, to.value, quantize.value, output, crops, max_shift, overwrite=overwrite)
        return
    faces = calibration = None
    if crops is not None:
        from trainer.export.export import real_faces

        faces, calibration = real_faces(crops, bundle)
    else:
        typer.echo("no --crops: checked on two public-domain portraits, varied", err=True)
    made = exporting.export(
        bundle,
        to.value,
        quantize.value,
        output=output,
        overwrite=overwrite,
        faces=faces,
        calibration=calibration,
        max_shift=max_shift,
    )
    exporting.record(bundle, made)
    typer.echo(
        f"{made.path}: {made.size} bytes; largest change of a probability {made.max_shift:.2g}, mean "
        f"{made.mean_shift:.2g}; {made.changed} of {made.faces} labels changed"
    )


def _check_folder(option: str, folder: Path | None) -> None:
    """Said before a run begins that would otherwise find out at the end of its first epoch."""
    from maskgen.errors import InputError

    if folder is not None and folder.exists() and not folder.is_dir():
        raise InputError(f"{option} takes a folder; {folder} is a file")


@contextmanager
def _resumable(ctx: typer.Context) -> Iterator[None]:
    """Say at Ctrl-C which command goes on, where a run has been begun."""
    from trainer.loop.run_folder import holds_unfinished

    try:
        yield
    except KeyboardInterrupt:
        if holds_unfinished(ctx.params["model"]):
            typer.echo(f"interrupted; go on with: {_resuming(ctx)}", err=True)
        raise


def _resuming(ctx: typer.Context) -> str:
    """The command that goes on: the run has kept its settings, all else must be said again."""
    words = ["maskgen", "train", str(ctx.params["dataset"]), str(ctx.params["model"]), "--resume"]
    for name in ("task", "also", "threads", "tensorboard"):
        if _on_command_line(ctx, name):
            value = ctx.params[name]
            words += [f"--{name}", str(getattr(value, "value", value))]
    return shlex.join(words)


def _bundle(folder: Path | None, default: str = "classifier") -> Bundle:
    from trainer.bundle import open_bundle

    return open_bundle(folder, default)


def _earlier(ctx: typer.Context, model: Path, config: SettingsT) -> SettingsT | None:
    """The settings of the unfinished run in MODEL, which the words said now may repeat but not change."""
    from maskgen.errors import InputError
    from trainer.loop.run_folder import settings_of

    earlier = settings_of(model, type(config))
    if earlier is None:
        return None
    said = [name for name in ctx.params if hasattr(earlier, name) and _on_command_line(ctx, name)]
    changed = sorted(name for name in said if getattr(earlier, name) != getattr(config, name))
    if changed:
        raise InputError(
            f"the run in {model} has other settings for {', '.join(changed)}; "
            "leave them out, or start anew with --overwrite"
        )
    return earlier


def _say_done(summary: Summary[Any], dataset: Path, model: Path, other: str) -> None:
    spent = ", ".join(f"{name.replace('_', ' ')} {value:.0f} s" for name, value in summary.seconds.items())
    typer.echo(f"{summary.split} split of {dataset}; {spent}")
    typer.echo(f"wrote {model}; try: maskgen evaluate {model} {other}, or maskgen detect image --model {model} PHOTO")


def _refuse(ctx: typer.Context, names: Iterable[str], why: str) -> None:
    """Options that mean nothing here are said, not passed over."""
    from maskgen.errors import InputError

    words = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
    stray = sorted(words[name] for name in names if _on_command_line(ctx, name))
    if stray:
        raise InputError(f"{', '.join(stray)}: {why}")


def _train_detector(ctx: typer.Context, given: dict[str, Any]) -> None:
    """``maskgen train --task detector``; what was not said takes the detector's own defaults."""
    from dataclasses import fields

    from maskgen.errors import InputError
    from trainer.config.detector import DetectorConfig
    from trainer.detector.train import train as run
    from trainer.loop.progress import reporting
    from trainer.report.detection import text_report

    named = {name for name in given if _on_command_line(ctx, name)}
    settings = {field.name for field in fields(DetectorConfig)}
    general = {"dataset", "model", "task", "also", "resume", "overwrite", "threads", "tensorboard"}
    _refuse(ctx, named - settings - general, "not with --task detector")
    if given["incorrect"] == "drop":
        given["incorrect"] = "ignore"
    try:
        given["sizes"] = [int(size) for size in str(given["sizes"]).split(",")]
    except ValueError:
        raise InputError(f"--sizes takes numbers with commas between, got {given['sizes']!r}") from None
    config = DetectorConfig.from_json({name: given[name] for name in named & settings})
    model, resume, overwrite = given["model"], given["resume"], given["overwrite"]
    if resume and (earlier := _earlier(ctx, model, config)) is not None:
        config = earlier
    elif resume and (model / "bundle.json").is_file() and not overwrite:
        typer.echo(f"{model} is finished already", err=True)
        return
    with _resumable(ctx), reporting(given["tensorboard"]) as reporter:
        summary = run(
            given["dataset"],
            model,
            config,
            also=given["also"],
            resume=resume,
            overwrite=overwrite,
            threads=given["threads"],
            reporter=reporter,
        )
    typer.echo(text_report(summary.result))
    _say_done(summary, given["dataset"], model, "SCENES")


def _evaluate_detector(
    bundle: Bundle,
    folder: Path,
    split: str | None,
    incorrect: Incorrect,
    file: str,
    longer_side: int | None,
    report: Path | None,
    as_json: bool,
) -> None:
    import json

    from trainer.config.detector import IncorrectFaces
    from trainer.loop.progress import reporting
    from trainer.metrics.detection import evaluate as run
    from trainer.report.detection import text_report, write_report

    # The classifier's default, leaving them out, would hide faces that a detector has to find.
    counted: IncorrectFaces = "with_mask" if incorrect is Incorrect.with_mask else "without_mask"
    with reporting() as reporter:
        reporter.start("evaluating", 100)
        result = run(
            bundle,
            folder,
            split=split,
            incorrect=counted,
            file=file,
            longer_side=longer_side,
            progress=lambda done, total: reporter.step(100 * done // total),
        )
    if report is not None:
        title = f"{bundle.folder.resolve().name} on {folder.resolve().name}"
        write_report(result, report, title=title, threshold=bundle.threshold)
    if as_json:
        typer.echo(json.dumps(result.to_json()))
        return
    typer.echo(text_report(result))
    if report is not None:
        typer.echo(f"wrote {report / 'report.html'}")


def _export_detector(
    bundle: Bundle,
    to: str,
    quantize: str,
    output: Path | None,
    scenes: Path | None,
    max_shift: float | None,
    *,
    overwrite: bool,
) -> None:
    from maskgen.errors import InputError
    from trainer.detector.train import export_again

    if to != "litert":
        raise InputError(f"a detector is exported to litert; {to} is for classifiers")
    if scenes is None:
        raise InputError("name real pictures to check on, a folder of scenes, with --crops SCENES")
    made = export_again(bundle, quantize, output, scenes, max_shift, overwrite=overwrite)
    typer.echo(
        f"{made.path}: {made.size} bytes; largest change of a score {made.max_shift:.2g}, mean {made.mean_shift:.2g}; "
        f"{made.lost} of {made.faces} faces lost on {made.pictures} pictures"
    )


def _on_command_line(ctx: typer.Context, name: str) -> bool:
    source: Any = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _preview(dataset: Path, picture: Path, config: TrainConfig, *, overwrite: bool) -> None:
    """Eight images, each as it is and seven times augmented."""
    import numpy as np

    from maskgen import images
    from maskgen.errors import InputError
    from trainer.data.augment import Augmenter
    from trainer.data.dataset import decode, load

    if picture.exists() and not overwrite:
        raise InputError(f"{picture} is there already; replace it with --overwrite, or name another file")
    found = load(
        dataset, classes=config.classes, incorrect=config.incorrect, group_by=config.group_by, seed=config.seed
    )
    chosen = found.train[:: max(1, len(found.train) // 8)][:8]
    faces = decode(chosen, found.labels, (128, 128), margin=config.margin_wh)
    augmenter = Augmenter(config.augment, config.seed)
    rows = [
        np.concatenate([face, *(augmenter(face, number, draw) for draw in range(7))], axis=1)
        for number, face in enumerate(faces.pixels)
    ]
    images.write(picture, np.concatenate(rows))
    typer.echo(f"wrote {picture}: the first column as it is, then --augment {config.augment} seven times")
