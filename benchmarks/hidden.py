"""How many real faces --blur hides: what is found alone, and with what might be a face.

    python benchmarks/hidden.py ANNOTATED [--faces yunet] [--every 1] [--least 12]

ANNOTATED holds annotations.json (COCO) and images/. A face counts as hidden
when 70 % of its box lies under what is hidden. Also the share of each picture
that is hidden and lies on no annotated face.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

# detect.py beside this file has the package's name and would be found in its place.
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

from detect.outputs.draw import GROWN
from detect.search import load
from maskgen import images
from maskgen.types import Box


def cover(boxes: list[Box], width: int, height: int) -> np.ndarray:
    """(H, W) bool: what ``draw.hide`` would hide."""
    plane = np.zeros((height, width), bool)
    for box in boxes:
        left, top, right, bottom = (round(side) for side in box.clipped(width, height).xyxy)
        plane[top:bottom, left:right] = True
    return plane


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotated", type=Path)
    parser.add_argument("--faces", default="auto")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--least", type=float, default=12, help="Shorter side of a face in pixels.")
    options = parser.parse_args()
    coco = json.loads((options.annotated / "annotations.json").read_text("utf-8"))
    truth: dict[int, list[Box]] = {}
    for one in coco["annotations"]:
        x, y, w, h = one["bbox"]
        if min(w, h) >= options.least:
            truth.setdefault(one["image_id"], []).append(Box(x, y, x + w, y + h))
    search = load(options.faces)
    faces = np.zeros(3, int)
    beside: list[tuple[float, float]] = []
    for image in coco["images"][:: options.every]:
        picture = images.read_rgb(options.annotated / "images" / image["file_name"])
        height, width = picture.shape[:2]
        sight = search.look(picture, thorough=True)
        found = [face.box.grown(GROWN) for face in sight.faces]
        planes = [
            cover(boxes, width, height) for boxes in (found, found + [box.grown(GROWN) for box in sight.doubtful])
        ]
        boxes = truth.get(image["id"], [])
        people = cover([box.grown(1.5) for box in boxes], width, height)
        beside.append(tuple(float((plane & ~people).mean()) for plane in planes))  # type: ignore[arg-type]
        for box in boxes:
            own = cover([box], width, height)
            faces += [1, *((plane & own).sum() >= 0.7 * own.sum() for plane in planes)]
    lost = 100 * np.mean(beside, axis=0)
    print(f"{search.name}: {faces[0]} faces of {options.least:.0f} px and more in {len(beside)} pictures")
    for name, hidden, area in zip(("found alone", "with what might be one"), faces[1:], lost, strict=True):
        print(f"  {name}: {hidden} hidden, {100 * hidden / faces[0]:.1f} %; {area:.2f} % of the picture beside faces")


if __name__ == "__main__":
    main()
