"""``maskgen masks``: look at the wardrobe, add masks of one's own and check them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from maskgen.authoring.trial import ShownFace
    from maskgen.templates.template import MaskTemplate

app = typer.Typer(help="The masks that generate draws: list, show, add and check them.", no_args_is_help=True)

Folder = Annotated[
    Path | None, typer.Option("--masks-dir", help="A folder of masks to use in place of ours.", show_default=False)
]


@app.command(name="list")
def list_(
    folder: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the masks: how often each is drawn, how often it is printed, its commonest colour."""
    import json

    from maskgen.templates.reader import load_wardrobe

    wardrobe = load_wardrobe(folder)
    if as_json:
        typer.echo(json.dumps([_described(template) for template in wardrobe.values()], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    from maskgen.cli.console import printable

    table = Table(box=None, pad_edge=False)
    for name in ("name", "title"):
        table.add_column(name, no_wrap=True)
    table.add_column("drawn", justify="right")
    table.add_column("printed", justify="right")
    table.add_column("most often", overflow="fold")
    total = sum(template.weight for template in wardrobe.values()) or 1
    for template in wardrobe.values():
        ranked = sorted(template.colours, key=lambda pair: -pair[1])
        table.add_row(
            printable(template.name),
            printable(template.title),
            f"{template.weight / total:.0%}",
            f"{template.pattern_chance:.0%}",
            ", ".join(name for name, _ in ranked[:1]),
        )
    Console(highlight=False).print(table)


@app.command()
def show(
    mask: Annotated[str, typer.Argument(metavar="NAME", help="A mask's name, or the path of its folder.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The picture to write; NAME.png here by default.")
    ] = None,
    face: Annotated[
        Path | None, typer.Option("--face", help="A photo of a face to put it on; a public-domain portrait by default.")
    ] = None,
    no_face: Annotated[bool, typer.Option("--no-face", help="Show the mask alone; needs no model files.")] = False,
    folder: Folder = None,
) -> None:
    """Write a large picture of a mask: with its anchors, in several colours, and worn."""
    from maskgen import images
    from maskgen.authoring import sheet
    from maskgen.cli.console import printable
    from maskgen.errors import WeightsError

    template = _find(mask, folder)
    photo = None if face is None else images.read_rgb(face)
    try:
        picture = sheet.sheet(template, photo, with_face=not no_face)
    except WeightsError as error:
        typer.echo(f"shown without a face: {error}", err=True)
        picture = sheet.sheet(template, with_face=False)
    path = Path(f"{template.name}.png") if output is None else output
    images.write(path, picture)
    typer.echo(printable(path))


@app.command()
def add(
    picture: Annotated[Path, typer.Argument(metavar="PNG", help="The mask, with all around it transparent.")],
    name: Annotated[str | None, typer.Option("--name", help="The mask's name; the file's by default.")] = None,
    to: Annotated[Path, typer.Option("--to", help="The folder of masks to write into.")] = Path("my-masks"),
    anchors: Annotated[
        Path | None,
        typer.Option("--anchors", help="A mask.json, or its anchors alone: writes the mask at once, without the page."),
    ] = None,
    face: Annotated[
        Path | None, typer.Option("--face", help="A photo to try it on; two public-domain portraits by default.")
    ] = None,
    cut_out: Annotated[
        bool, typer.Option("--cut-out", help="Remove an even background from a picture without transparency.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a mask of that name.")] = False,
    port: Annotated[
        int, typer.Option("--port", help="The page's port; any free one by default.", min=0, max=65535)
    ] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Give up when no browser shows itself for so many minutes.", min=0.01)
    ] = 60.0,
) -> None:
    """Make a mask of a picture: opens a page to click where it touches the face."""
    from maskgen import images
    from maskgen.authoring import editor, trial
    from maskgen.authoring.folder import NAME, extras_beside, save, valid_name
    from maskgen.authoring.picture import encode_png, read_picture
    from maskgen.authoring.words import completed, read_anchors
    from maskgen.errors import InputError, TemplateError

    rgba = read_picture(picture, cut_out=cut_out)
    called = name or valid_name(picture.parent.name if picture.name == "mask.png" else picture.stem)
    extras = extras_beside(picture)
    if anchors is not None:
        words = completed(read_anchors(anchors), rgba, called)
        folder, problems = save(to, called, encode_png(rgba), words, extras, overwrite=overwrite)
        if problems:
            raise TemplateError("; ".join(problems))
        _say_saved(folder)
        return
    if not NAME.fullmatch(called):
        raise InputError(f"{called!r} cannot be a mask's name; use letters, digits, - and _")
    if (to / called).exists() and not overwrite:
        raise InputError(f"there is a mask called {called} in {to} already; pass --name or --overwrite")
    photo = None if face is None else images.read_rgb(face)
    titles = trial.PUBLIC if face is None else (face.name,)

    def faces() -> list[ShownFace]:
        if photo is None:
            return trial.public_faces()
        return [trial.find_face(photo, titles[0])]

    beside = picture.with_name("mask.json") if picture.name == "mask.png" else None
    known = read_anchors(beside) if beside is not None and beside.is_file() else None
    draft = editor.Draft(called, rgba, known, extras)
    page = editor.AnchorPage(draft, to, faces, overwrite=overwrite, port=port, titles=titles)
    with page:
        typer.echo(f"open {page.url}", err=True)
        typer.echo("click the anchors there and save; Ctrl-C leaves without saving", err=True)
        if not no_browser:
            _open_browser(page.url)
        folder = page.wait(timeout * 60)
    _say_saved(folder)


@app.command()
def check(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER...]", help="Folders of one mask each, or of many; ours by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is wrong with a mask's files, and where. Exits with 1 when anything is."""
    import json

    from maskgen.assets import assets_dir
    from maskgen.cli.console import printable
    from maskgen.templates.reader import check_template

    found: dict[str, list[str]] = {}
    for folder in folders or [assets_dir("masks")]:
        for one in _masks_in(folder):
            found[str(one)] = check_template(one)
    wrong = sum(bool(problems) for problems in found.values())
    if as_json:
        typer.echo(json.dumps([{"folder": name, "problems": problems} for name, problems in found.items()], indent=2))
    else:
        for name, problems in found.items():
            for problem in problems:
                typer.echo(f"{printable(name)}: {printable(problem)}")
        masks = "1 mask" if len(found) == 1 else f"{len(found)} masks"
        typer.echo(f"{masks} checked, {wrong} with problems", err=True)
    if wrong:
        raise typer.Exit(1)


def _say_saved(folder: Path) -> None:
    from maskgen.authoring.editor import use_words
    from maskgen.cli.console import printable

    typer.echo(printable(folder))
    typer.echo(f"to draw it besides ours: {printable(use_words(folder))}", err=True)


def _open_browser(url: str) -> None:
    """Where there is a screen; a browser that runs in the terminal would take it over."""
    import os
    import sys
    import webbrowser

    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)


def _masks_in(folder: Path) -> list[Path]:
    """The folder itself if it is a mask, else the masks in it; itself again when it holds none."""
    if (folder / "mask.json").exists() or (folder / "mask.png").exists() or not folder.is_dir():
        return [folder]
    inside = {path.parent for name in ("mask.json", "mask.png") for path in folder.glob(f"*/{name}")}
    return sorted(inside) or [folder]


def _find(mask: str, folder: Path | None) -> MaskTemplate:
    from maskgen.templates.reader import load_template, load_wardrobe

    if folder is None and ("/" in mask or "\\" in mask or (Path(mask) / "mask.json").exists()):
        return load_template(Path(mask))
    return load_wardrobe(folder, [mask], max_width=None)[mask]


def _described(template: MaskTemplate) -> dict[str, Any]:
    return {
        "name": template.name,
        "title": template.title,
        "kind": template.kind,
        "weight": template.weight,
        "pattern_chance": template.pattern_chance,
        "colours": dict(template.colours),
        "wears": list(template.wears),
        "straps": len(template.straps),
    }
