"""YOLO: a text file an image, centre and size as shares of the image.

    data.yaml  images/train/*.jpg  labels/train/*.txt  ...

Images are hard links to the dataset's own where the disk has such.
"""

from __future__ import annotations

from pathlib import Path

from maskgen.dataset.formats.common import detections_of, labels_of, link
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import SPLITS


def write(dataset: Path, output: Path) -> Path:
    """Write the dataset; see ``maskgen.dataset.formats.write``."""
    from supervision.dataset.formats.yolo import detections_to_yolo_annotations

    labels = labels_of(dataset)
    for split in SPLITS:
        (output / "images" / split).mkdir(parents=True, exist_ok=True)
        (output / "labels" / split).mkdir(parents=True, exist_ok=True)
    for record in read_dataset(dataset):
        width, height = record.size_wh
        name = Path(record.file_name).name
        link(dataset / record.file_name, output / "images" / record.split / name)
        lines = detections_to_yolo_annotations(detections_of(record, labels), (height, width, 3))
        target = (output / "labels" / record.split / name).with_suffix(".txt")
        target.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    names = "".join(f"  {number}: {label}\n" for number, label in enumerate(labels))
    places = "".join(f"{split}: images/{split}\n" for split in SPLITS)
    path = output / "data.yaml"
    path.write_text(f"{places}nc: {len(labels)}\nnames:\n{names}", encoding="ascii")
    return path
