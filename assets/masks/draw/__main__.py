"""Draws the masks again: ``python assets/masks/draw [NAME ...]``; the same bytes every time.

Each drawing is a function that takes the mask's name and gives a canvas and
the words of its mask.json.
"""

from __future__ import annotations

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


def main(names: list[str]) -> None:
    """Draw the masks called ``names``, or all of them."""
    for name in names or DRAWINGS:
        if name not in DRAWINGS:
            raise SystemExit(f'no drawing is called "{name}"; there are {", ".join(DRAWINGS)}')
        canvas, words = DRAWINGS[name](name)
        folder = Path(__file__).parent.parent / name
        canvas.save(folder, words)
        size = sum(path.stat().st_size for path in folder.iterdir())
        sys.stderr.write(f"{name}: {size / 1024:.0f} kB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
