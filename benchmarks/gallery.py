"""Draw docs/gallery.md: one small picture of every mask, wear, confuser, accessory and fault of a camera.

    make gallery        or: python benchmarks/gallery.py [--only hard_hat]

From the two public-domain portraits; about a minute. A test draws some of them again and compares.
"""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path

from contact_sheets import portraits

from maskgen.cli import gallery
from maskgen.images import write
from maskgen.templates.reader import load_wardrobe

DOCS = Path(__file__).parent.parent / "docs"

TITLES = {
    "templates": ("Masks", "`--masks NAME`; [how to add one](masks.md)."),
    "wears": ("How they are worn", "`--wear NAME`."),
    "confusers": ("What covers a face and is no mask", "Labelled `without_mask`; [why](confusers.md)."),
    "accessories": ("What both classes wear", "Bare on the left, with a mask on the right; [why](confusers.md)."),
    "camera": (
        "Faults of cameras",
        "The same for every class; one at a time and strong here, mixed by `--camera street`.",
    ),
}
COLUMNS = 3


def page(kinds: list[gallery.Kind]) -> str:
    """The page, as Markdown."""
    lines = [
        "# The picture of every kind",
        "",
        "Drawn by `make gallery` on two portraits in the public domain: Eileen Collins (NASA), Grace Hopper (US Navy).",
        "A new kind joins by being registered: see [plug-ins](plugins.md). The name links to the file that draws it.",
    ]
    for group, members in groupby(kinds, key=lambda kind: kind.group):
        title, words = TITLES[group]
        cells = [
            f"![{kind.name}](images/gallery/{group}-{kind.name}.jpg)"
            f"<br>[`{kind.name}`](../{kind.source})<br>{kind.words}"
            for kind in members
        ]
        lines += ["", f"## {title}", "", words, "", "| " * COLUMNS + "|", "|---" * COLUMNS + "|"]
        for start in range(0, len(cells), COLUMNS):
            row = cells[start : start + COLUMNS]
            lines.append("| " + " | ".join(row + [""] * (COLUMNS - len(row))) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="draw only kinds whose name holds this word")
    args = parser.parse_args()
    wardrobe = load_wardrobe()
    subjects = [(photo, face) for _, photo, face in portraits()]
    kinds = gallery.kinds(wardrobe)
    folder = DOCS / "images" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    for old in set(folder.glob("*.jpg")) - {folder / f"{kind.group}-{kind.name}.jpg" for kind in kinds}:
        old.unlink()
    for kind in kinds:
        if not args.only or args.only in kind.name:
            write(folder / f"{kind.group}-{kind.name}.jpg", gallery.picture(kind, subjects, wardrobe), quality=85)
    (DOCS / "gallery.md").write_text(page(kinds), encoding="utf-8")


if __name__ == "__main__":
    main()
