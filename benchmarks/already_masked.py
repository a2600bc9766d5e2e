"""How many faces ``maskgen generate`` takes for masked already, folder by folder.

    python benchmarks/already_masked.py REAL/with_mask REAL/without_mask FACES...

A folder of masked people should be taken out whole, a folder of bare ones not at all. Prints a line for each.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, help="look at this many photos of each folder, evenly spread")
    arguments = parser.parse_args()

    import cv2

    cv2.setNumThreads(1)
    print(f"{'folder':<28} {'photos':>6} {'faces':>6} {'taken for masked':>17}")
    for folder in arguments.folders:
        print(line(folder, arguments.limit), flush=True)


def line(folder: Path, limit: int | None) -> str:
    """One row of the table."""
    from maskgen.dataset.masked import MaskedFaces
    from maskgen.errors import ImageError
    from maskgen.faces.landmarks import FaceFinder
    from maskgen.images import Skipped, iter_paths, read_rgb

    finder, look = FaceFinder("auto"), MaskedFaces()
    paths = [path for path in iter_paths([folder]) if not isinstance(path, Skipped)]
    if limit is not None and limit < len(paths):
        paths = [paths[i * len(paths) // limit] for i in range(limit)]
    faces = worn = 0
    for path in paths:
        try:
            photo = read_rgb(path)
        except ImageError:
            continue
        for face in finder.find(photo).faces:
            faces += 1
            worn += look.worn(photo, face)
    name = "/".join(folder.parts[-2:])
    return f"{name:<28} {len(paths):>6} {faces:>6} {worn:>9} {worn / max(faces, 1):>7.1%}"


if __name__ == "__main__":
    main()
