"""How many photos of people give a face that a mask can be laid on, by detector.

    python benchmarks/find_faces.py FOLDER... [--detector yunet --detector hog] [--limit 300]

Prints one line for each folder and detector: photos with a usable face, why
the others have none, and the time of decoding, of finding the face and its
landmarks. Quote its lines, with the machine, wherever a figure of them stands.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--detector", action="append", help="may be given several times; auto")
    parser.add_argument("--limit", type=int, help="look at this many photos of each folder, evenly spread")
    arguments = parser.parse_args()

    import cv2

    cv2.setNumThreads(1)
    print(
        f"{'folder':<16} {'detector':<8} {'photos':>6} {'usable':>13} {'faces':>6} {'decode':>9} {'find':>9}  the rest"
    )
    for folder in arguments.folders:
        for name in arguments.detector or ["auto"]:
            print(line(folder, name, arguments.limit), flush=True)


def line(folder: Path, detector: str, limit: int | None) -> str:
    """One row of the table."""
    from maskgen.errors import ImageError
    from maskgen.faces.landmarks import FaceFinder
    from maskgen.images import Skipped, decode_rgb, iter_paths, read_bytes

    finder = FaceFinder(detector)
    paths = [path for path in iter_paths([folder]) if not isinstance(path, Skipped)]
    if limit is not None and limit < len(paths):
        paths = [paths[i * len(paths) // limit] for i in range(limit)]
    usable = faces = 0
    reasons: Counter[str] = Counter()
    decode_s = find_s = 0.0
    for path in paths:
        began = time.perf_counter()
        try:
            photo = decode_rgb(read_bytes(path))
        except ImageError as error:
            reasons[error.reason] += 1
            continue
        decoded = time.perf_counter()
        found = finder.find(photo)
        find_s += time.perf_counter() - decoded
        decode_s += decoded - began
        faces += len(found.faces)
        if found.faces:
            usable += 1
        else:
            reasons[found.rejected[0][1] if found.rejected else "no_face"] += 1
    share = f"{usable} {usable / max(len(paths), 1):.1%}"
    decode_ms, find_ms = (1000 * s / max(len(paths), 1) for s in (decode_s, find_s))
    rest = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()) or "-"
    return (
        f"{folder.name:<16} {finder.detector:<8} {len(paths):>6} {share:>13} {faces:>6} "
        f"{decode_ms:>6.1f} ms {find_ms:>6.1f} ms  {rest}"
    )


if __name__ == "__main__":
    main()
