"""Draws the masks again: ``python assets/masks/draw [--to FOLDER] [NAME ...]``; the same pictures every time.

Each drawing is a function that takes the mask's name and gives a canvas and
the words of its mask.json.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cloth
import cups
import folded
import special
import surgical

DRAWINGS = {
    **surgical.DRAWINGS, **folded.DRAWINGS, **cups.DRAWINGS, **cloth.DRAWINGS, **special.DRAWINGS
}  # fmt: skip


def main(words: list[str] | None = None) -> None:
    """Draw the masks named, or all of them."""
    parser = argparse.ArgumentParser(prog="python assets/masks/draw", description="Draw the masks again.")
    parser.add_argument("--to", type=Path, default=Path(__file__).resolve().parent.parent, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(DRAWINGS))
    wanted = parser.parse_args(words)
    for name in wanted.names or DRAWINGS:
        if name not in DRAWINGS:
            parser.error(f'no drawing is called "{name}"; there are {", ".join(DRAWINGS)}')
        canvas, description = DRAWINGS[name](name)
        folder = wanted.to / name
        canvas.save(folder, description)
        size = sum(path.stat().st_size for path in folder.iterdir())
        sys.stderr.write(f"{name}: {size / 1024:.0f} kB\n")


if __name__ == "__main__":
    main()
