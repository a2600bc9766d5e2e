"""Contact sheet of scenes with their boxes, to be looked at before anything is trained on them."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from maskgen.dataset.contact_sheet import COLOURS, Cell, sheet
from maskgen.dataset.record import SPLITS
from maskgen.errors import DatasetError, ImageError
from maskgen.images import read_rgb, write
from maskgen.types import RGB

IGNORED: Final = (150, 150, 150)


def contact_sheet(scenes: Path, output: Path, *, count: int = 24, cell: int = 320, columns: int = 6) -> Path:
    """Write a sheet of some scenes.

    Args:
        scenes: a folder of scenes.
        output: the picture to write.
        count: how many; spread evenly over the splits.
        cell: side of a scene on the sheet, pixels.
        columns: scenes in a row.

    Raises:
        DatasetError: there is no scene to show.
    """
    chosen: list[tuple[dict[str, Any], list[dict[str, Any]], dict[int, str]]] = []
    for split in SPLITS:
        path = scenes / f"{split}.json"
        if not path.is_file():
            continue
        document = json.loads(path.read_text(encoding="utf-8"))
        names = {category["id"]: category["name"] for category in document["categories"]}
        faces = defaultdict(list)
        for annotation in document["annotations"]:
            faces[annotation["image_id"]].append(annotation)
        chosen += [(image, faces[image["id"]], names) for image in document["images"]]
    if not chosen:
        raise DatasetError(f"{scenes} holds no scene to show")
    places = np.unique(np.linspace(0, len(chosen) - 1, min(count, len(chosen))).astype(int))
    cells = []
    for place in places:
        image, annotations, names = chosen[place]
        try:
            picture = read_rgb(scenes / image["file_name"])
        except ImageError as error:
            raise DatasetError(f"{error}; the folder of scenes is not whole") from error
        title = f"{image['file_name']}  {image.get('kind', '')} {len(annotations)}"
        cells.append(Cell(draw_boxes(picture, annotations, names), title))
    write(output, sheet(cells, cell=cell, columns=columns), quality=88)
    return output


def draw_boxes(picture: RGB, annotations: list[dict[str, Any]], names: dict[int, str]) -> RGB:
    """A copy of a picture with its annotations' boxes, coloured by label; grey what is to be ignored."""
    import cv2

    drawn = picture.copy()
    for annotation in annotations:
        x, y, width, height = annotation["bbox"]
        colour = IGNORED if annotation.get("ignore") else COLOURS.get(names[annotation["category_id"]], IGNORED)
        corner = round(x + width) - 1, round(y + height) - 1
        cv2.rectangle(drawn, (round(x), round(y)), corner, colour, 1)
        known = annotation.get("keypoints") or []
        for left, top, seen in zip(known[::3], known[1::3], known[2::3], strict=True):
            if seen and width > 30:
                cv2.circle(drawn, (round(left), round(top)), 1, (255, 230, 0), -1)
    return np.asarray(drawn, np.uint8)
