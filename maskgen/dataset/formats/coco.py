"""COCO: one JSON a split, boxes of faces and polygons of masks.

    train.json  val.json  test.json

``file_name`` is relative to the dataset folder, so no image is copied. A face
without a mask has a box and no polygon. Written in two passes over the lines,
so that memory does not grow with the dataset.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from maskgen import __version__
from maskgen.dataset.formats.common import detections_of, labels_of
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import SPLITS
from maskgen.io.files import whole


def write(dataset: Path, output: Path) -> Path:
    """Write the dataset's annotations; see ``maskgen.dataset.formats.write``."""
    from supervision.dataset.formats.coco import classes_to_coco_categories, detections_to_coco_annotations

    labels = labels_of(dataset)
    output.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        with whole(output / f"{split}.json") as temp, temp.open("w", encoding="ascii") as file:
            info = {"description": "faces with masks drawn by maskgen", "version": __version__}
            file.write(f'{{"info": {json.dumps(info)}, "licenses": [], ')
            file.write(f'"categories": {json.dumps(classes_to_coco_categories(labels))},\n"images": [')
            for number, record in enumerate(read_dataset(dataset, split=split), 1):
                width, height = record.size_wh
                image = {"id": number, "file_name": record.file_name, "width": width, "height": height}
                file.write(("," if number > 1 else "") + "\n" + json.dumps(image))
            file.write('],\n"annotations": [')
            following = 1
            for number, record in enumerate(read_dataset(dataset, split=split, gone=[]), 1):
                found, after = detections_to_coco_annotations(detections_of(record, labels), number, following)
                for annotation, face in zip(found, record.faces, strict=True):
                    annotation |= {"template": face.template, "wear": face.wear}
                    file.write(("," if annotation["id"] > 1 else "") + "\n" + json.dumps(annotation, default=_plain))
                following = after
            file.write("]}\n")
    return output


def _plain(value: Any) -> Any:
    """A numpy scalar as Python's own number, to a hundredth of a pixel."""
    return round(float(value), 2)
