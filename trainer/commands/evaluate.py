"""``maskgen evaluate``: a model and a labelled folder in, figures and a report out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from maskgen.io.options import from_settings, option
from trainer.commands.common import refuse
from trainer.config.classifier import PERSON, Incorrect

if TYPE_CHECKING:
    from trainer.bundle import Bundle
    from trainer.config.detector import IncorrectFaces

app = typer.Typer()

_CLASSIFIER, _DETECTOR = "For a classifier", "For a detector"
_CLASSIFIER_MEASURES: Final = ("face_px", "min_box", "group_by", "slices", "threshold")
_CLASSIFIER_ONLY: Final = (*_CLASSIFIER_MEASURES, "compare")


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What ``maskgen evaluate`` is told."""

    as_json: bool = option(False, "Print the figures as JSON.", "--json")
    report: Path | None = option(None, "Write report.html and pictures.", metavar="FOLDER")
    split: str | None = option(
        None, "Of a generated dataset.", metavar="train|val|test|all", shown="test where there is one"
    )
    incorrect: Incorrect = option(
        "drop",
        "Label of badly worn masks: drop, with_mask, without_mask.",
        metavar="LABEL|drop",
        shown="drop; detector: without_mask",
    )
    file: str = option("model.tflite", "Which of the model's .tflite files.", metavar="NAME")
    threads: int = option(2, "Faces judged at once.", least=1)
    slices: tuple[str, ...] = option(
        (),
        "Also by this field, or by named groups in file names.",
        "--slice",
        group=_CLASSIFIER,
        metavar="FIELD|REGEX",
        typed=list[str],
        read=tuple,
        show=list,
    )
    compare: Path | None = option(None, "Another model, on the same images.", group=_CLASSIFIER, metavar="MODEL")
    face_px: int | None = option(
        None, "First shrink every face to this longer side.", group=_CLASSIFIER, metavar="N", least=1
    )
    min_box: float = option(0.0, "Leave out boxes with a shorter side (COCO).", group=_CLASSIFIER, least=0)
    group_by: str | None = option(None, PERSON, group=_CLASSIFIER, metavar="REGEX")
    threshold: float | None = option(None, "Instead of the model's own.", group=_CLASSIFIER, least=0, most=1)
    longer_side: int | None = option(
        None, "Scale pictures to this; 0: as they are.", group=_DETECTOR, least=0, shown="the model's own"
    )


@app.command(epilog="Example: maskgen evaluate model photos/ --slice template --report report/")
@from_settings
def evaluate(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] DATASET",
            help="MODEL: a folder, or classifier, classifier3 or detector; without: classifier.",
        ),
    ],
    told: EvaluateOptions,
) -> None:
    """Measure MODEL on DATASET: generated, plain folders by label, or photographs with COCO annotations.

    A detector is measured on scenes with COCO annotations.
    """
    if len(paths) > 2:
        raise typer.BadParameter("one model and one dataset expected", param_hint="[MODEL] DATASET")
    from trainer.bundle import open_bundle

    bundle, folder = open_bundle(paths[0] if len(paths) == 2 else None), paths[-1]
    if bundle.task == "detector":
        refuse(ctx, _CLASSIFIER_ONLY, f"not for a detector such as {bundle.folder}")
        words = _detector(bundle, folder, told)
    else:
        refuse(ctx, ("longer_side",), f"not for a classifier such as {bundle.folder}")
        words = _classifier(bundle, folder, told)
    typer.echo(words)
    if told.report is not None and not told.as_json:
        typer.echo(f"wrote {told.report / 'report.html'}")


def _classifier(bundle: Bundle, folder: Path, told: EvaluateOptions) -> str:
    """Figures of a classifier, in words or as JSON."""
    from trainer.report.classification import text_report, write_report

    measure = {name: getattr(told, name) for name in (*_CLASSIFIER_MEASURES, "split", "incorrect", "file")}
    result = _measured(bundle, folder, compare=told.compare, threads=told.threads, **measure)
    if told.report is not None:
        write_report(result, told.report, title=f"{bundle.folder.resolve().name} on {folder.resolve().name}")
    return _as_json(result) if told.as_json else text_report(result)


def _detector(bundle: Bundle, folder: Path, told: EvaluateOptions) -> str:
    """Figures of a detector, in words or as JSON."""
    from trainer.report.detection import text_report, write_report

    # The classifier's default, leaving them out, would hide faces that a detector has to find.
    counted: IncorrectFaces = "with_mask" if told.incorrect == "with_mask" else "without_mask"
    result = _measured(
        bundle, folder, split=told.split, incorrect=counted, file=told.file, longer_side=told.longer_side
    )
    if told.report is not None:
        title = f"{bundle.folder.resolve().name} on {folder.resolve().name}"
        write_report(result, told.report, title=title, threshold=bundle.threshold)
    return _as_json(result) if told.as_json else text_report(result)


def _measured(bundle: Bundle, folder: Path, **told: Any) -> Any:
    """What ``trainer.evaluate`` answers, with progress in per cent."""
    from trainer import api
    from trainer.loop.progress import reporting

    with reporting() as reporter:
        reporter.start("evaluating", 100)
        return api.evaluate(bundle, folder, progress=lambda done, total: reporter.step(100 * done // total), **told)


def _as_json(result: Any) -> str:
    import json

    return json.dumps(result.to_json())
