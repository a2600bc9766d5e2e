"""Evaluation by slice: the images with one value of a metadata field, or of a group in the file name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import InputError
from trainer.data.samples import Sample, compile_pattern
from trainer.metrics import classification
from trainer.metrics.bands import bands
from trainer.metrics.classification import Interval
from trainer.metrics.evaluation import Evaluation, Slice


def with_fields(sample: Sample, slices: Sequence[str]) -> Sample:
    """Add what the patterns find in the file's name to the sample's fields."""
    found: dict[str, Any] = {}
    for text in slices:
        if "(?P<" in text:
            pattern = compile_pattern(text, "--slice")
            if pattern is not None and (match := pattern.search(sample.path.name)):
                found |= match.groupdict()
    return replace(sample, record={**sample.record, "label": sample.label, **found})


def by_slice(result: Evaluation, slices: Sequence[str], folder: Path) -> tuple[Slice, ...]:
    """The slices of an evaluation, field by field.

    Args:
        result: the whole.
        slices: fields of the metadata, or regular expressions with named groups.
        folder: of the dataset, for people.

    Raises:
        InputError: a slice is neither a field nor a pattern.
    """
    fields: list[str] = []
    for text in slices:
        fields += list(re.compile(text).groupindex) if "(?P<" in text else [text]
    found: list[Slice] = []
    for name in fields:
        values = [sample.record.get(name) for sample in result.samples]
        if all(value is None for value in values):
            known = sorted({key for sample in result.samples for key in sample.record})
            raise InputError(
                f"--slice {name!r} is no field of {folder} and finds nothing in its file names "
                f"(fields: {', '.join(known[:20]) or 'none'}); a pattern needs named groups such as (?P<age>\\d+)"
            )
        banded = bands(values)
        order = dict.fromkeys(word for _, word in sorted(banded))
        words = np.array([word for _, word in banded])
        found.extend(_one_slice(result, name, word, words == word) for word in order)
    return tuple(found)


def _one_slice(result: Evaluation, name: str, value: str, chosen: NDArray[np.bool_]) -> Slice:
    truth, predicted = result.truth[chosen], result.predicted[chosen]
    groups = [sample.group for sample, take in zip(result.samples, chosen, strict=True) if take]
    counts = classification.confusion(truth, predicted, len(result.labels)).sum(axis=1)
    present = [(number, label) for number, label in enumerate(result.labels) if counts[number]]
    return Slice(
        name,
        value,
        int(chosen.sum()),
        classification.balanced_share_right(truth, predicted, groups, len(result.labels)),
        {label: _recall(truth, predicted, groups, number) for number, label in present},
        {label: int(counts[number]) for number, label in present},
    )


def _recall(truth: classification.Ints, predicted: classification.Ints, groups: Sequence[str], number: int) -> Interval:
    mine = truth == number
    return classification.share_right(predicted[mine] == number, [groups[int(place)] for place in np.flatnonzero(mine)])
