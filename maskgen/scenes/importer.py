"""Other people's COCO folders in the form of our scenes: one JSON a split, pictures below, three categories.

Categories are matched to labels by name; ``maskgen.types.CATEGORIES`` holds the names of public data sets.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from maskgen import __version__
from maskgen.dataset.formats.common import link
from maskgen.dataset.record import RUN, SPLITS
from maskgen.dataset.split import split_of
from maskgen.errors import DatasetError, ImageError, InputError
from maskgen.images import read_rgb, write_bytes
from maskgen.scenes.claim import claim
from maskgen.scenes.folder import Summary, save_coco
from maskgen.types import LABELS, Box, label_of

MARK: Final = "import.json"
SKIP: Final = "skip"
"""In place of a label: boxes of this category are left out."""

IGNORE: Final = "ignore"
"""In place of a label: finding such a box is neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class _Document:
    """A COCO file that was looked over: labels by category, pictures by id, annotations by picture."""

    labels: Mapping[int, str]
    images: Mapping[int, Mapping[str, Any]]
    boxes: Mapping[int, Sequence[Mapping[str, Any]]]


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
    document = _read(coco, meanings or {})
    # Every picture is looked for before the first is written.
    sources = {number: _find(coco, images, image) for number, image in document.images.items()}
    claim(output, MARK, _settings(coco, images, split, meanings or {}), what="import", overwrite=overwrite)
    done = _finished(output)
    if done is not None:
        return done
    summary = Summary(output)
    names = _flat(_name(image) for image in document.images.values())
    parts: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
    for number, image in document.images.items():
        name = _name(image)
        where = split_of(name, split)
        kept, faces = parts.setdefault(where, ([], []))
        target = f"{where}/{names[name]}"
        size_wh = _size(coco, image, sources[number])
        link(sources[number], output / target)
        kept.append({"id": len(kept) + 1, "file_name": target, "width": size_wh[0], "height": size_wh[1]})
        summary.counts.update({"scenes": 1, f"split:{where}": 1})
        for annotation in document.boxes[number]:
            face, word = _annotation(annotation, document.labels[int(annotation["category_id"])], size_wh)
            summary.counts[word] += 1
            if face is not None:
                faces.append({"id": len(faces) + 1, "image_id": len(kept), **face})
    info = {"description": f"imported from {coco.name} by maskgen", "version": __version__}
    for where in SPLITS:
        if where in parts:
            save_coco(output / f"{where}.json", info, *parts[where])
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


def _read(coco: Path, meanings: Mapping[str, str]) -> _Document:
    boxes: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    try:
        document = json.loads(coco.read_text(encoding="utf-8"))
        names = {int(category["id"]): str(category["name"]) for category in document["categories"]}
        images = {int(image["id"]): {**image, "file_name": image["file_name"]} for image in document["images"]}
        for number, annotation in enumerate(document["annotations"], 1):
            box = [float(value) for value in annotation["bbox"]]
            if (
                len(box) != 4
                or int(annotation["category_id"]) not in names
                or int(annotation["image_id"]) not in images
            ):
                raise ValueError(f"annotation {number} has no box, or an unknown image or category")
            boxes[int(annotation["image_id"])].append(annotation)
    except FileNotFoundError as error:
        raise InputError(f"no file {coco}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{coco} is no COCO file of boxes: {type(error).__name__} {error}") from error
    if not images:
        raise InputError(f"{coco} names no picture")
    unknown = set(meanings) - set(names.values())
    if unknown:
        raise InputError(f"--map names {', '.join(sorted(unknown))}; {coco} has {', '.join(names.values())}")
    labels = {number: _meaning(coco, name, meanings) for number, name in names.items()}
    return _Document(labels, images, boxes)


def _meaning(coco: Path, name: str, meanings: Mapping[str, str]) -> str:
    label = meanings.get(name) or label_of(name)
    if label is None:
        raise InputError(
            f'{coco}: no label is known for the category {name!r}; add --map "{name}=without_mask", or =skip'
        )
    return label


def _name(image: Mapping[str, Any]) -> str:
    """A picture's name, spelt in one way: some were written under Windows, some begin with a dot."""
    return str(PurePosixPath(str(image["file_name"]).replace("\\", "/")))


def _find(coco: Path, images: Path | None, image: Mapping[str, Any]) -> Path:
    name = PurePosixPath(_name(image))
    if name.is_absolute() or ".." in name.parts:
        raise DatasetError(f"{coco}: file_name {str(name)!r} points outside its folder")
    folders = (images,) if images is not None else (coco.parent, coco.parent / "images")
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(f"{coco} names {name}, which is not in {' or '.join(map(str, folders))}; see --images")


def _size(coco: Path, image: Mapping[str, Any], path: Path) -> tuple[int, int]:
    """Width and height of a picture, which must be what its annotations are meant for."""
    try:
        height, width = read_rgb(path).shape[:2]
    except ImageError as error:
        raise DatasetError(str(error)) from error
    said = image.get("width") or width, image.get("height") or height
    if said != (width, height):
        raise DatasetError(f"{path} is {width} x {height}, {coco} says {said[0]} x {said[1]}: is it the right picture?")
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
