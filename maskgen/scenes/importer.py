"""Imports COCO folders as scenes: one JSON a split, pictures below, three categories.

Categories are matched to labels by name; ``maskgen.types.CATEGORIES`` holds the names of public data sets.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from maskgen import __version__
from maskgen.dataset.engines.local import cores
from maskgen.dataset.formats.common import link
from maskgen.dataset.record import RUN, SPLITS
from maskgen.dataset.split import split_of
from maskgen.errors import DatasetError, ImageError, InputError
from maskgen.images import read_rgb, write_bytes
from maskgen.scenes import work
from maskgen.scenes.claim import claim
from maskgen.scenes.coco import save_coco
from maskgen.scenes.folder import Summary
from maskgen.scenes.foreign import Document, find_picture, name_of, read
from maskgen.scenes.work import SceneWorker
from maskgen.types import LABELS, Box

MARK: Final = "import.json"
FACTORY: Final = "maskgen.scenes.importer:open_worker"

MANY: Final = 500
"""Pictures from which on it is worth while to start processes for looking at them."""

SKIP: Final = "skip"
"""In place of a label: boxes of this category are left out."""

IGNORE: Final = "ignore"
"""In place of a label: finding such a box is neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture to bring in: its annotations' file, its id there, its split, its place, the size it is said to have."""

    coco: Path
    number: int
    split: str
    path: Path
    said_wh: tuple[Any, Any]


@dataclass(slots=True)
class _Split:
    """The images and annotations of a split."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)


def open_worker(told: dict[str, Any]) -> SceneWorker:
    """The worker of an import."""
    return PictureWorker(told["pictures"], told["output"])


class PictureWorker(SceneWorker):
    """Looks at the pictures of an import and links them; a task is the name of the new file."""

    def __init__(self, pictures: Mapping[str, _Picture], output: Path) -> None:
        self._pictures, self._output = pictures, output

    def lines(self, source: str) -> list[str]:
        """Link a picture that is what its annotations are meant for; its width and height."""
        picture = self._pictures[source]
        size_wh = _size(picture)
        link(picture.path, self._output / source)
        return [json.dumps(size_wh)]


def parse_map(text: str) -> dict[str, str]:
    """``--map``: category=label pairs with commas between.

    >>> parse_map("mask_weared_incorrect=incorrect_mask, dog=skip")
    {'mask_weared_incorrect': 'incorrect_mask', 'dog': 'skip'}

    Raises:
        InputError: a part is no pair, or names no label.
    """
    pairs: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, label = (piece.strip() for piece in part.partition("="))
        if not name or label not in (*LABELS, SKIP, IGNORE):
            choices = ", ".join((*LABELS, SKIP, IGNORE))
            raise InputError(f"--map takes CATEGORY=LABEL with a label of {choices}; got {part!r}")
        pairs[name] = label
    return pairs


def import_coco(
    coco: Path,
    output: Path,
    *,
    images: Path | None = None,
    split: tuple[float, float, float] = (0.9, 0.1, 0.0),
    meanings: Mapping[str, str] | None = None,
    overwrite: bool = False,
    command: Sequence[str] = (),
) -> Summary:
    """Write a folder of scenes from COCO annotations; pictures are linked, or copied where that fails.

    Called again with the same arguments it goes on where it was killed, and does nothing once it is done.

    Args:
        coco: annotations in COCO's form.
        output: the folder to write.
        images: where the pictures lie, by default beside ``coco`` or in ``images`` there.
        split: shares of train, val and test; a picture's name decides where it goes.
        meanings: what categories mean, beyond ``types.CATEGORIES``: a label, ``skip`` or ``ignore``.
        overwrite: delete an earlier import, of other settings, that the folder holds.
        command: for ``run.json``.

    Raises:
        InputError: a file is missing, a category unknown, or the output holds something else.
        DatasetError: the file is no COCO of boxes, or a picture is missing, damaged or of another size.
    """
    began = time.perf_counter()
    document = read(coco, meanings or {})
    # Every picture is looked for before the first is written.
    sources = {number: find_picture(coco, images, image) for number, image in document.images.items()}
    claim(output, MARK, _settings(coco, images, split, meanings or {}), what="import", overwrite=overwrite)
    done = _finished(output)
    if done is not None:
        return done
    summary = Summary(output)
    parts = _written(document, _pictures(coco, document, sources, split), output, summary.counts)
    info = {"description": f"imported from {coco.name} by maskgen", "version": __version__}
    for where in SPLITS:
        if where in parts:
            save_coco(output / f"{where}.json", info, parts[where].images, parts[where].annotations)
    summary.seconds = time.perf_counter() - began
    run = {
        "version": __version__,
        "command": list(command),
        "imported": str(coco),
        "settings": {"split": split, "map": dict(meanings or {})},
        "labels": list(LABELS),
        "counts": dict(sorted(summary.counts.items())),
        "seconds": round(summary.seconds, 2),
    }
    write_bytes(output / RUN, json.dumps(run, indent=2).encode("ascii") + b"\n")
    return summary


def _pictures(
    coco: Path, document: Document, sources: Mapping[int, Path], split: tuple[float, float, float]
) -> dict[str, _Picture]:
    """The pictures of a document by the name of their file in the output, in its order."""
    names = _flat(name_of(image) for image in document.images.values())
    pictures = {}
    for number, image in document.images.items():
        where = split_of(name_of(image), split)
        said_wh = image.get("width"), image.get("height")
        pictures[f"{where}/{names[name_of(image)]}"] = _Picture(coco, number, where, sources[number], said_wh)
    return pictures


def _written(
    document: Document, pictures: dict[str, _Picture], output: Path, counts: Counter[str]
) -> dict[str, _Split]:
    """Link the pictures, and number them and their faces split by split."""
    parts: defaultdict[str, _Split] = defaultdict(_Split)
    workers = cores() if len(pictures) >= MANY else 1
    told = {"pictures": pictures, "output": output}
    with closing(work.outcomes(FACTORY, told, pictures, workers)) as outcomes:
        for outcome in outcomes:
            picture = pictures[outcome.source]
            part = parts[picture.split]
            width, height = json.loads(outcome.lines[0])
            part.images.append(
                {"id": len(part.images) + 1, "file_name": outcome.source, "width": width, "height": height}
            )
            counts.update({"scenes": 1, f"split:{picture.split}": 1})
            for annotation in document.boxes[picture.number]:
                label = document.labels[int(annotation["category_id"])]
                face, word = _annotation(annotation, label, (width, height))
                counts[word] += 1
                if face is not None:
                    part.annotations.append({"id": len(part.annotations) + 1, "image_id": len(part.images), **face})
    return parts


def _settings(
    coco: Path, images: Path | None, split: tuple[float, float, float], meanings: Mapping[str, str]
) -> dict[str, Any]:
    """What decides the bytes of an import."""
    with coco.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    places = {"coco": str(coco), "images": None if images is None else str(images)}
    return {**places, "digest": digest, "split": list(split), "map": dict(sorted(meanings.items()))}


def _finished(output: Path) -> Summary | None:
    """What an import of the same settings says that it did, if it came to its end."""
    try:
        counts = json.loads((output / RUN).read_bytes())["counts"]
        return Summary(output, Counter({str(word): int(number) for word, number in counts.items()}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _flat(names: Iterable[str]) -> dict[str, str]:
    """File names without folders; those that would be the same have a part of their own name's digest added.

    >>> _flat(["a/b.jpg", "c.jpg"])
    {'a/b.jpg': 'a__b.jpg', 'c.jpg': 'c.jpg'}
    >>> _flat(["a/b.jpg", "a__b.jpg"])
    {'a/b.jpg': 'a__b-4a516362.jpg', 'a__b.jpg': 'a__b.jpg'}
    """
    unlike = dict.fromkeys(names)
    flat = {name: name.replace("/", "__") for name in unlike}
    # Some disks take large and small letters for the same.
    often = Counter(name.lower() for name in flat.values())
    for name, plain in flat.items():
        if often[plain.lower()] > 1 and plain != name:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            path = PurePosixPath(plain)
            flat[name] = f"{path.stem}-{digest}{path.suffix}"
    return flat


def _size(picture: _Picture) -> tuple[int, int]:
    """Width and height of a picture, which must be what its annotations are meant for."""
    try:
        height, width = read_rgb(picture.path).shape[:2]
    except ImageError as error:
        raise DatasetError(str(error)) from error
    said = picture.said_wh[0] or width, picture.said_wh[1] or height
    if said != (width, height):
        raise DatasetError(
            f"{picture.path} is {width} x {height}, {picture.coco} says {said[0]} x {said[1]}: is it the right picture?"
        )
    return width, height


def _annotation(
    annotation: Mapping[str, Any], label: str, size_wh: tuple[int, int]
) -> tuple[dict[str, Any] | None, str]:
    """A face in our form, or None; and the word to count it under."""
    if label == SKIP:
        return None, "skipped:category"
    x, y, width, height = (float(value) for value in annotation["bbox"])
    if width <= 0 or height <= 0:
        return None, "skipped:empty_box"
    box = Box(x, y, x + width, y + height).clipped(*size_wh)
    if box.area <= 0:
        return None, "skipped:outside"
    ignored = bool(label == IGNORE or annotation.get("ignore") or annotation.get("iscrowd"))
    kept: dict[str, Any] = {
        "category_id": 0 if label == IGNORE else list(LABELS).index(label),  # type: ignore[arg-type]
        "bbox": [round(value, 2) for value in (box.left, box.top, box.width, box.height)],
        "area": round(box.area, 2),
        "iscrowd": 0,
    }
    points = annotation.get("keypoints")
    if isinstance(points, list) and len(points) == 15:
        kept |= {"keypoints": points, "num_keypoints": sum(1 for known in points[2::3] if known)}
    if ignored:
        kept["ignore"] = 1
    return kept, "ignored" if ignored else f"label:{label}"
