"""``maskgen doctor``: what is here, what is missing, how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from maskgen.cli.doctor_checks import Diagnosis

app = typer.Typer()

_SIGNS = {
    "ok": ("ok", "green"),
    "missing": ("missing", "red"),
    "broken": ("broken", "red"),
    "absent": ("-", "dim"),
}


@app.command()
def doctor(
    stages: Annotated[
        list[str] | None,
        typer.Option("--for", metavar="STAGE", help="Fail only when this stage cannot run: generate, train or detect."),
    ] = None,
    download: Annotated[
        list[str] | None,
        typer.Option("--download", metavar="NAME", help="First fetch this model file (yunet, ssd) and check its sum."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what this machine has, what is missing and how to get it; draw a mask, look at a face and at a video.

    Exits with 1 when a stage could not run.
    """
    import json

    from maskgen import weights
    from maskgen.cli.doctor_checks import STAGES, diagnose

    wanted = [stage for stage in STAGES if not stages or stage in stages]
    unknown = sorted(set(stages or ()) - set(STAGES))
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}; choose from {', '.join(STAGES)}", param_hint="--for")
    for name in download or ():
        for file in ("ssd_caffemodel", "ssd_prototxt") if name == "ssd" else (name,):
            known = weights.register(file)
            size = f", {known.size:,} bytes" if known.size else ""
            source = f", from {known.urls[0]}" if known.urls else ""
            typer.echo(f"{file} is {known.purpose}; {known.licence}{size}{source}", err=True)
            typer.echo(f"{file}: {weights.download(file)}", err=True)

    diagnosis = diagnose(wanted)
    if as_json:
        typer.echo(json.dumps(diagnosis.to_json(), indent=2))
    else:
        _show(diagnosis)
    if not all(diagnosis.ready(stage) for stage in wanted):
        raise typer.Exit(1)


def _show(diagnosis: Diagnosis) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from maskgen.cli.console import printable
    from maskgen.cli.doctor_checks import STAGES

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    group = ""
    for check in diagnosis.checks:
        if check.group != group:
            if group:
                table.add_row()
            group = check.group
            table.add_row(Text(group, style="bold"), "", "")
        word, style = _SIGNS[check.status]
        story = Text(printable(check.detail))
        if check.remedy:
            story.append(f"\n{printable(check.remedy)}", style="cyan")
        if check.licence:
            story.append(f"\n{check.licence}", style="dim")
        table.add_row(f"  {check.name}", Text(word, style=style), story)
    console = Console(highlight=False)
    console.print(table)
    console.print()
    for stage in STAGES:
        blocking = [check.name for check in diagnosis.checks if stage in check.blocks]
        verdict = f"cannot run: {', '.join(blocking)}" if blocking else "ready"
        console.print(Text(f"{stage:9} {verdict}", style="red" if blocking else "green"))
