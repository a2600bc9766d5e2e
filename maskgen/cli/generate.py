"""``maskgen generate``, ``preview``, ``convert`` and ``reproduce``: photos of faces in, a dataset folder out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from maskgen.dataset.pipeline import Progress, Summary

app = typer.Typer()

Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="A folder that maskgen generate wrote.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _option(*names: str, help: str, group: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=group, **more)


_DRAWN, _WRITTEN, _RUN = "What is drawn", "What is written", "How it runs"


@app.command()
def generate(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FACES... OUT",
            help="Photos, folders of photos, addresses such as s3://bucket/faces; last, the dataset folder to write.",
        ),
    ],
    masks: Annotated[
        str, _option("--masks", help="Names of masks, with commas between; all by default.", group=_DRAWN)
    ] = "",
    masks_dir: Annotated[
        Path | None, _option("--masks-dir", help="A folder of masks to use in place of ours.", group=_DRAWN)
    ] = None,
    wear: Annotated[
        str,
        _option(
            "--wear",
            help="How masks are worn: correct, nose_out, mouth_out, chin, one_ear, nose_only, high, chin_out, with "
            "commas; all but chin_out by default.",
            group=_DRAWN,
        ),
    ] = "",
    classes: Annotated[
        int, _option("--classes", help="2, or 3 to write incorrect_mask as well.", group=_DRAWN, min=2, max=3)
    ] = 2,
    count_incorrect_as: Annotated[
        str,
        _option(
            "--count-incorrect-as",
            help="With two classes, what a badly worn mask is: skip (none are drawn), with_mask or without_mask.",
            group=_DRAWN,
        ),
    ] = "skip",
    confusers: Annotated[
        float,
        _option(
            "--confusers", help="Share of unmasked faces behind a hand, a cup, a scarf...", group=_DRAWN, min=0, max=1
        ),
    ] = 0.12,
    scarf_label: Annotated[
        str,
        _option(
            "--scarf-label",
            help="What a scarf or shirt over the nose is: without_mask, with_mask or skip (none are drawn).",
            group=_DRAWN,
        ),
    ] = "without_mask",
    accessories: Annotated[
        float,
        _option("--accessories", help="Share of faces with glasses, a cap or hair.", group=_DRAWN, min=0, max=1),
    ] = 0.2,
    turn: Annotated[
        float,
        _option("--turn", help="Share of faces turned 12 to 45 degrees further aside.", group=_DRAWN, min=0, max=1),
    ] = 0.0,
    camera: Annotated[
        str, _option("--camera", help="How hard the camera treats pictures: none, mild or street.", group=_DRAWN)
    ] = "street",
    per_face: Annotated[
        int, _option("--per-face", help="Images of each class for every face.", group=_WRITTEN, min=1)
    ] = 1,
    crop: Annotated[
        str, _option("--crop", help="face: a square around each face; scene: the whole photo.", group=_WRITTEN)
    ] = "face",
    size: Annotated[int, _option("--size", help="Side of a written face, in pixels.", group=_WRITTEN)] = 224,
    split: Annotated[
        str, _option("--split", help="Shares of train, val and test.", group=_WRITTEN, metavar="80/10/10")
    ] = "80/10/10",
    group_by: Annotated[
        str | None,
        _option(
            "--group-by",
            help="Keep a person in one split: folder (a folder a person) or a regular expression for the path.",
            group=_WRITTEN,
        ),
    ] = None,
    extension: Annotated[str, _option("--image", help="Written as jpg, png or webp.", group=_WRITTEN)] = "jpg",
    quality: Annotated[int, _option("--quality", help="Of JPEG and WebP.", group=_WRITTEN, min=1, max=100)] = 92,
    formats: Annotated[
        str,
        _option(
            "--format",
            help="More forms, written beside OUT, with commas: coco, yolo, voc, webdataset, parquet.",
            group=_WRITTEN,
        ),
    ] = "folder",
    seed: Annotated[int, _option("--seed", help="The same seed draws the same images.", group=_RUN)] = 0,
    detector: Annotated[
        str, _option("--detector", help="auto, hog, yunet, onestage, cnn, haar, ssd or mtcnn.", group=_RUN)
    ] = "auto",
    predictor: Annotated[
        Path | None, _option("--predictor", help="A file of dlib's 68-point model.", group=_RUN)
    ] = None,
    min_face: Annotated[int, _option("--min-face", help="Leave out smaller faces, in pixels.", group=_RUN, min=1)] = 24,
    max_side: Annotated[
        int, _option("--max-side", help="Read photos no larger than this, in pixels; 0 for no limit.", group=_RUN)
    ] = 2048,
    keep_masked: Annotated[
        bool,
        _option("--keep-masked", help="Do not leave out people who wear a mask already.", group=_DRAWN),
    ] = False,
    engine: Annotated[str, _option("--engine", help="local, or ray for a cluster.", group=_RUN)] = "local",
    workers: Annotated[int, _option("--workers", help="Processes; 0 for one a core.", group=_RUN, min=0)] = 0,
    ray_address: Annotated[
        str | None, _option("--ray-address", help="Of a running Ray cluster, such as auto.", group=_RUN)
    ] = None,
    timeout: Annotated[
        float, _option("--timeout", help="Seconds without an image before a photo is given up.", group=_RUN, min=0.1)
    ] = 120.0,
    retry: Annotated[
        str,
        _option("--retry", help="Try photos again that were skipped for this reason, or all.", group=_RUN),
    ] = "",
    overwrite: Annotated[
        bool, _option("--overwrite", help="Delete the dataset that OUT holds, and begin anew.", group=_RUN)
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a dataset of faces with and without masks from photos of faces without.

    Stop it with Ctrl-C, or kill it: the same command goes on where it stopped.
    """
    import sys

    from maskgen.dataset import pipeline
    from maskgen.dataset.settings import Settings
    from maskgen.dataset.split import parse_fractions
    from maskgen.dataset.storage import is_url
    from maskgen.errors import InputError

    if len(paths) < 2:
        raise typer.BadParameter("name the photos and, last, the dataset folder to write", param_hint="FACES... OUT")
    *inputs, out = paths
    wanted = _listed(formats)
    _check_formats(wanted)
    if is_url(out) and set(wanted) - {"folder"}:
        raise InputError(f"--format {formats} needs a local OUT; copy {out} here and use maskgen convert")
    values: dict[str, Any] = {
        "masks": tuple(_listed(masks)),
        "masks_dir": str(masks_dir) if masks_dir else None,
        "wears": tuple(_listed(wear)),
        "classes": classes,
        "count_incorrect_as": count_incorrect_as,
        "confusers": confusers,
        "accessories": accessories,
        "turn": turn,
        "camera": camera,
        "scarf_label": scarf_label,
        "per_face": per_face,
        "crop": crop,
        "size": size,
        "split": parse_fractions(split),
        "seed": seed,
        "group_by": group_by,
        "detector": detector,
        "predictor": str(predictor) if predictor else None,
        "extension": extension.lstrip(".").replace("jpeg", "jpg"),
        "quality": quality,
        "min_face": min_face,
        "max_side": max_side,
        "keep_masked": keep_masked,
    }
    settings = Settings(output=out, **values)
    run = pipeline.Run(
        engine=engine,
        workers=workers,
        timeout_s=timeout,
        ray_address=ray_address,
        overwrite=overwrite,
        retry=tuple(_listed(retry)),
        command=("maskgen", *sys.argv[1:]),
    )
    with _progress_bar(run):
        summary = pipeline.generate(inputs, settings, run)
    if not summary.interrupted and not is_url(out):
        _after(Path(out), wanted)
    if as_json:
        import json

        typer.echo(json.dumps(summary.to_json(), indent=2))
    else:
        _print_summary(summary)
    if summary.interrupted:
        from maskgen import interrupt

        typer.echo("stopped; the same command goes on from here", err=True)
        raise typer.Exit(interrupt.exit_code())


@app.command()
def preview(
    dataset: Dataset,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The picture to write; DATASET/preview.jpg by default.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="How many pairs of images.", min=1, max=500)] = 40,
    split: Annotated[str | None, typer.Option("--split", help="Only from train, val or test.")] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Leave report.html as it is.")] = False,
) -> None:
    """Draw a contact sheet of a dataset, and its report."""
    from maskgen.dataset import report
    from maskgen.dataset.contact_sheet import contact_sheet

    path = output or dataset / "preview.jpg"
    contact_sheet(dataset, path, pairs=count, split=split)
    typer.echo(str(path))
    if not no_report and output is None:
        typer.echo(str(report.write_report(dataset)))


@app.command()
def convert(
    dataset: Dataset,
    formats: Annotated[str, typer.Option("--to", help="coco, yolo, voc, webdataset, parquet; with commas between.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write into; DATASET-FORMAT beside it by default.")
    ] = None,
) -> None:
    """Write a dataset in the form that another tool reads."""
    from maskgen.dataset import formats as forms
    from maskgen.errors import InputError

    wanted = _listed(formats)
    _check_formats(wanted)
    if output is not None and len(wanted) > 1:
        raise InputError(f"--output holds one form, got {formats}; leave it out, or convert one at a time")
    for name in wanted:
        if name != "folder":
            typer.echo(str(forms.write(name, dataset, output)))


@app.command()
def reproduce(
    dataset: Dataset,
    file_name: Annotated[str, typer.Argument(metavar="FILE_NAME", help="As in metadata.jsonl.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; without, it is only compared.")
    ] = None,
    photo: Annotated[
        str | None, typer.Option("--photo", help="The photo it was made from, if it lies elsewhere now.")
    ] = None,
) -> None:
    """Draw one image of a dataset again, from its line and its photo alone."""
    from maskgen.dataset.reader import read_dataset, read_run
    from maskgen.dataset.reproduce import remake
    from maskgen.dataset.settings import Settings
    from maskgen.dataset.wardrobe import open_wardrobe
    from maskgen.errors import DatasetError, InputError
    from maskgen.images import write_bytes

    for record in read_dataset(dataset, check_files=False):
        if record.file_name == file_name:
            break
    else:
        raise InputError(f"no line for {file_name} in {dataset}/metadata.jsonl")
    settings = Settings.from_json({**read_run(dataset)["settings"], "output": str(dataset)})
    data = remake(record, open_wardrobe(settings), photo)
    if output is not None:
        write_bytes(output, data)
        typer.echo(str(output))
        return
    path = dataset / file_name
    if not path.is_file():
        raise DatasetError(f"{path} is missing; write it anew with --output")
    same = path.read_bytes() == data
    typer.echo(f"{file_name}: {'the same, byte for byte' if same else 'differs'}")
    if not same:
        raise typer.Exit(1)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _check_formats(names: list[str]) -> None:
    from maskgen.dataset.formats import NAMES
    from maskgen.errors import InputError

    for name in names:
        if name not in ("folder", *NAMES):
            raise InputError(f"--format takes folder, {', '.join(NAMES)}; got {name!r}")


def _after(folder: Path, wanted: list[str]) -> None:
    """The sheet, the report and the other forms, once the images are written."""
    from maskgen.dataset import formats, report
    from maskgen.dataset.contact_sheet import contact_sheet

    contact_sheet(folder, folder / "preview.jpg")
    report.write_report(folder)
    for name in wanted:
        if name != "folder":
            formats.write(name, folder)


def _progress_bar(run: Any) -> Any:
    """A bar on stderr while the run lasts; nothing at all in a pipe."""
    import sys
    from contextlib import contextmanager

    @contextmanager
    def bar() -> Iterator[None]:
        if not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.1f} photos/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[skips]}", style="dim"),
        )
        with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("", total=None, rate=0.0, skips="")

            def update(progress: Progress) -> None:
                done = progress.counts["photos"]
                shown.update(
                    task,
                    completed=done + progress.counts["already"],
                    total=progress.total,
                    rate=done / max(progress.elapsed_s, 1e-6),
                    skips="stopping after the photos in hand" if run.stop.is_set() else _top_reasons(progress.counts),
                )

            run.on_progress = update
            yield

    return bar()


def _top_reasons(counts: Counter[str], limit: int = 3) -> str:
    skips = [(n, key.removeprefix("skipped:")) for key, n in counts.items() if key.startswith("skipped:")]
    return ", ".join(f"{n} {reason}" for n, reason in sorted(skips, reverse=True)[:limit])


def _print_summary(summary: Summary) -> None:
    data = summary.to_json()
    run = data["this_run"]
    lines = [
        (data["photos"], "photos"),
        (data["images"], "images" + _in_words(data["labels"])),
        ("", "  " + _in_words(data["splits"]).strip(" ()")),
        (sum(data["skipped"].values()), "photos gave nothing" + _in_words(data["skipped"])),
    ]
    if data["rejected_faces"]:
        lines.append((sum(data["rejected_faces"].values()), "faces left out" + _in_words(data["rejected_faces"])))
    if run["already_done"]:
        lines.append((run["already_done"], "photos were done before"))
    rate = f"{run['photos']} photos in {run['elapsed_s']:.1f} s, {run['photos_per_s']:.1f} a second"
    lines.append(("", rate if run["photos"] else "nothing was left to do"))
    width = max(len(str(number)) for number, _ in lines)
    for number, words in lines:
        typer.echo(f"{number!s:>{width}}  {words}".rstrip())
    typer.echo(summary.folder)


def _in_words(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{n} {name}' for name, n in counts.items())})" if counts else ""
