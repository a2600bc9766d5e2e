"""Labelled faces of a dataset: where each lies, its label, group and split."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from maskgen.errors import InputError
from trainer.config.classifier import Incorrect


@dataclass(frozen=True, slots=True)
class Sample:
    """One face to learn from or to be judged by.

    Attributes:
        path: the picture.
        name: its path below the dataset folder, with forward slashes.
        label: what is true.
        group: what may not be torn apart: a person, or the photo.
        split: ``train``, ``val``, ``test``, or empty where nothing says.
        box: left, top, right, bottom of the face in the picture, to be grown
            by the margin; None where the whole picture is the face.
        record: fields to slice by.
    """

    path: Path
    name: str
    label: str
    group: str
    split: str = ""
    box: tuple[float, float, float, float] | None = None
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a folder.

    Attributes:
        folder: it.
        samples: every labelled face, in a settled order.
        gone: images that a line names and that are not there.
        beside: pictures that no line knows, which count under their folder's class.
    """

    folder: Path
    samples: tuple[Sample, ...]
    gone: int = 0
    beside: int = 0


def compile_pattern(text: str | None, option: str) -> re.Pattern[str] | None:
    """A user's regular expression, or a clear word about it."""
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise InputError(f"{option} {text!r} is no regular expression: {error}") from None


def relabel(samples: Iterable[Sample], labels: Sequence[str], incorrect: Incorrect) -> list[Sample]:
    """Leave out, or count as another, what a model of two classes does not know."""
    if "incorrect_mask" in labels:
        return list(samples)
    kept = []
    for sample in samples:
        if sample.label != "incorrect_mask":
            kept.append(sample)
        elif incorrect != "drop":
            kept.append(replace(sample, label=incorrect))
    return kept


def group_of(path: Path, name: str, group_by: re.Pattern[str] | None) -> str:
    """The person where the name says it, else the file's content, so that copies stay together."""
    if group_by is not None and (match := group_by.search(name)):
        return match.group(1) if match.re.groups and match.group(1) else match.group(0)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return name
