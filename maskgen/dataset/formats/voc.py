"""Pascal VOC: an XML file an image.

    JPEGImages/*.jpg  Annotations/*.xml  ImageSets/Main/train.txt  ...

Images are hard links to the dataset's own where the disk has such.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from maskgen.dataset.formats.common import detections_of, labels_of, link
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import SPLITS


def write(dataset: Path, output: Path) -> Path:
    """Write the dataset; see ``maskgen.dataset.formats.write``."""
    from supervision.dataset.formats.pascal_voc import detections_to_pascal_voc

    labels = labels_of(dataset)
    annotations, sets = output / "Annotations", output / "ImageSets" / "Main"
    for folder in (output / "JPEGImages", annotations, sets):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lists = {split: stack.enter_context((sets / f"{split}.txt").open("w", encoding="ascii")) for split in SPLITS}
        for record in read_dataset(dataset):
            name = Path(record.file_name).name
            width, height = record.size_wh
            link(dataset / record.file_name, output / "JPEGImages" / name)
            xml = detections_to_pascal_voc(detections_of(record, labels), list(labels), name, (height, width, 3))
            xml = xml.replace("<database>roboflow.ai</database>", "<database>maskgen</database>")
            (annotations / name).with_suffix(".xml").write_text(xml, encoding="utf-8")
            lists[record.split].write(Path(name).stem + "\n")
    return output
