"""Reads COCO files of other people: labels of categories, pictures, boxes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from maskgen.errors import DatasetError, InputError
from maskgen.types import label_of


@dataclass(frozen=True, slots=True)
class Document:
    """A COCO file that was looked over: labels by category, pictures by id, annotations by picture."""

    labels: Mapping[int, str]
    images: Mapping[int, Mapping[str, Any]]
    boxes: Mapping[int, Sequence[Mapping[str, Any]]]


def read(coco: Path, meanings: Mapping[str, str]) -> Document:
    """Look a COCO file over.

    Raises:
        InputError: it is missing, names no picture, or a category whose label nobody knows.
        DatasetError: it is no COCO of boxes.
    """
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
    return Document(labels, images, boxes)


def _meaning(coco: Path, name: str, meanings: Mapping[str, str]) -> str:
    label = meanings.get(name) or label_of(name)
    if label is None:
        raise InputError(
            f'{coco}: no label is known for the category {name!r}; add --map "{name}=without_mask", or =skip'
        )
    return label


def name_of(image: Mapping[str, Any]) -> str:
    """A picture's name, spelt in one way: some were written under Windows, some begin with a dot."""
    return str(PurePosixPath(str(image["file_name"]).replace("\\", "/")))


def find_picture(coco: Path, images: Path | None, image: Mapping[str, Any]) -> Path:
    """Where a picture lies.

    Raises:
        DatasetError: its name points outside, or it is missing.
    """
    name = PurePosixPath(name_of(image))
    if name.is_absolute() or ".." in name.parts:
        raise DatasetError(f"{coco}: file_name {str(name)!r} points outside its folder")
    folders = (images,) if images is not None else (coco.parent, coco.parent / "images")
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(f"{coco} names {name}, which is not in {' or '.join(map(str, folders))}; see --images")
