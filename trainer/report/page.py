"""Parts of every report: plot style, HTML tables, one HTML page that holds its pictures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from maskgen.io.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
"""Told apart by colour-blind readers (Okabe and Ito, "Color Universal Design", 2008)."""

GREY: Final = "#666666"

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
td, th {{ padding: .25rem .8rem; border-bottom: 1px solid #ddd; }}
td:not(:first-child), th:not(:first-child) {{ text-align: right; font-variant-numeric: tabular-nums; }}
img {{ max-width: 100%; }} figure {{ margin: 2rem 0; }} figcaption {{ color: #555; }}
</style></head><body><h1>{title}</h1>
{body}
</body></html>
"""


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Any]]:
    """An empty plot, inches wide and high, and its axes from left to right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    return figure, list(axes)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a plot as a PNG file, whole or not at all."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_whole(path, buffer.getvalue())


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table; a head without a word is left out."""

    def cells(row: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

    return "<table>" + (cells(head, "th") if any(head) else "") + "".join(cells(row, "td") for row in rows) + "</table>"


def page(title: str, parts: Sequence[str], folder: Path, pictures: Mapping[str, str]) -> str:
    """A page that needs no other file.

    Args:
        title: plain text.
        parts: HTML, from the top down.
        folder: where the pictures lie.
        pictures: name of a PNG or JPEG file -> its caption, below the parts.
    """
    figures = []
    for name, caption in pictures.items():
        data = base64.b64encode((folder / name).read_bytes()).decode()
        kind = "jpeg" if name.endswith(".jpg") else "png"
        alt = html.escape(caption)
        figures.append(
            f'<figure><img alt="{alt}" src="data:image/{kind};base64,{data}"><figcaption>{alt}</figcaption></figure>'
        )
    return _PAGE.format(title=html.escape(title), body="\n".join((*parts, *figures)))
