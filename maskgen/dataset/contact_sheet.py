"""Contact sheets: what a dataset looks like at a glance."""

from __future__ import annotations

import hashlib
import heapq
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import Record
from maskgen.errors import DatasetError, ImageError
from maskgen.images import read_rgb, write
from maskgen.types import RGB

logger = logging.getLogger(__name__)

COLUMNS: Final = 8
PAPER: Final = (250, 249, 246)
INK: Final = (40, 42, 48)
COLOURS: Final = {"with_mask": (29, 120, 92), "without_mask": (178, 60, 48), "incorrect_mask": (196, 128, 20)}


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet.

    Attributes:
        image: RGB of any size.
        title: below it.
        mark: colour of the line under it, or None.
    """

    image: RGB
    title: str = ""
    mark: tuple[int, int, int] | None = None


def contact_sheet(
    dataset: Path, output: Path, *, pairs: int = 40, split: str | None = None, cell: int = 128, columns: int = COLUMNS
) -> Path:
    """Write a sheet of some faces of a dataset, the images of a face side by side.

    Which faces is decided by a hash of their names: the same dataset gives the
    same sheet, and it costs one pass over the lines and little memory.

    Args:
        dataset: a dataset folder.
        output: the picture to write.
        pairs: how many faces.
        split: only from this one.
        cell: side of a picture on the sheet, pixels.
        columns: pictures in a row.

    Raises:
        DatasetError: there is no image to show.
    """
    cells: list[Cell] = []
    for record in pick(read_dataset(dataset, split=split), pairs):
        try:
            image = read_rgb(dataset / record.file_name, max_side=4 * cell)
        except ImageError as error:
            logger.warning("left out: %s", error)
            continue
        cells.append(Cell(image, title_of(record), COLOURS.get(record.label)))
    if not cells:
        raise DatasetError(f"{dataset} holds no image{f' in {split}' if split else ''} to show")
    write(output, sheet(cells, cell=cell, columns=columns), quality=90)
    return output


def pick(records: Iterable[Record], count: int) -> list[Record]:
    """All images of ``count`` faces, spread evenly over the dataset."""
    groups: dict[str, list[Record]] = {}
    worst: list[tuple[int, str]] = []
    for record in records:
        key = f"{record.source_id} {record.face.face_index} {record.copy}"
        if key in groups:
            groups[key].append(record)
            continue
        rank = -int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
        if len(worst) < count:
            heapq.heappush(worst, (rank, key))
        elif rank > worst[0][0]:
            del groups[heapq.heapreplace(worst, (rank, key))[1]]
        else:
            continue
        groups[key] = [record]
    return [record for _, key in sorted(worst, reverse=True) for record in groups[key]]


def title_of(record: Record) -> str:
    """What an image shows, in two words."""
    face = record.face
    if face.template is not None:
        return face.template if face.wear in (None, "correct") else f"{face.template}, {face.wear}"
    confuser = face.params.get("confuser")
    return str(confuser["name"]) if confuser else record.label.replace("_mask", "")


def sheet(cells: Sequence[Cell], *, cell: int = 128, columns: int = COLUMNS) -> RGB:
    """Lay pictures out in rows.

    Args:
        cells: what to show; pictures keep their shape and are centred.
        cell: side of a picture, pixels.
        columns: pictures in a row.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    from PIL import Image, ImageDraw, ImageFont

    gap, line = 6, 16
    columns = max(1, min(columns, len(cells)))
    rows = max(1, -(-len(cells) // columns))
    size = (gap + columns * (cell + gap), gap + rows * (cell + line + gap))
    paper = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(paper)
    font = ImageFont.load_default(11)
    for number, item in enumerate(cells):
        x = gap + number % columns * (cell + gap)
        y = gap + number // columns * (cell + line + gap)
        picture = Image.fromarray(item.image)
        picture.thumbnail((cell, cell), Image.Resampling.LANCZOS)
        if max(picture.size) < cell:
            factor = cell / max(picture.size)
            wider = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
            picture = picture.resize(wider, Image.Resampling.NEAREST)
        paper.paste(picture, (x + (cell - picture.width) // 2, y + (cell - picture.height) // 2))
        if item.mark is not None:
            pen.rectangle((x, y + cell, x + cell - 1, y + cell + 1), fill=item.mark)
        title = item.title
        while title and pen.textlength(title, font=font) > cell:
            title = title[:-2].rstrip(" .") + "." if len(title) > 2 else ""
        pen.text((x, y + cell + 3), title, fill=INK, font=font)
    return np.asarray(paper, dtype=np.uint8).copy()
