"""``maskgen generate``, ``preview``, ``convert`` and ``reproduce``: photos of faces in, a dataset folder out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskgen.dataset.settings import RunOptions, Settings
from maskgen.io.options import from_settings

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from maskgen.dataset.pipeline import Progress, Summary

app = typer.Typer()

Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="A folder that maskgen generate wrote.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command(epilog="Example: maskgen generate photos/ dataset --per-face 2 --format coco")
@from_settings
def generate(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FACES... OUT", help="Photos, folders or addresses (s3://bucket/faces); last, the folder to write."
        ),
    ],
    make: partial[Settings],
    how: RunOptions,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help="Also as, with commas: coco, yolo, voc, webdataset, parquet.",
            rich_help_panel="What is written",
            metavar="NAMES",
        ),
    ] = "folder",
    as_json: AsJson = False,
) -> None:
    """Write a dataset of faces with and without masks from photos of faces without.

    Stop it with Ctrl-C, or kill it: the same command goes on where it stopped.
    """
    import sys
    from dataclasses import asdict

    from maskgen.dataset import pipeline
    from maskgen.dataset.storage import is_url
    from maskgen.errors import InputError

    if len(paths) < 2:
        raise typer.BadParameter("name the photos and, last, the dataset folder to write", param_hint="FACES... OUT")
    *inputs, out = paths
    wanted = _listed(formats)
    _check_formats(wanted)
    if is_url(out) and set(wanted) - {"folder"}:
        raise InputError(f"--format {formats} needs a local OUT; copy {out} here and use maskgen convert")
    settings = make(output=out)
    run = pipeline.Run(**asdict(how), command=("maskgen", *sys.argv[1:]))
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
    from maskgen.dataset.formats import FORMATS
    from maskgen.errors import InputError

    for name in names:
        if name != "folder" and name not in FORMATS.names:
            raise InputError(f"--format takes folder, {', '.join(FORMATS.names)}; got {name!r}")


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
