"""Reader of labelled datasets: a generated folder or plain folders of faces, split and checked.

Everything that can be wrong with a dataset is found here, before the first
epoch: a class that is missing or empty, one image, images that are all alike,
labels nobody knows, lines for files that are not there. A picture that cannot
be read is left out with a line in the log.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskgen.dataset.record import METADATA, RUN, SPLITS
from maskgen.errors import DatasetError
from trainer.config.classifier import Incorrect
from trainer.data import folders, generated
from trainer.data.samples import Found, Sample, compile_pattern, relabel
from trainer.data.split import hold_out


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples by split, checked.

    Attributes:
        labels: in output order.
        train, val, test: the samples; ``test`` may be empty.
        digest: what it was, for the model card.
    """

    labels: tuple[str, ...]
    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    test: tuple[Sample, ...]
    digest: dict[str, Any]


def load(
    folder: Path,
    *,
    classes: int = 2,
    incorrect: Incorrect = "drop",
    val_fraction: float = 0.2,
    group_by: str | None = None,
    seed: int = 0,
) -> Dataset:
    """Find the images of a dataset folder and deal them out.

    A folder with ``metadata.jsonl`` keeps its splits; so do plain folders that
    lie under ``train``, ``val`` and ``test``. Otherwise a seeded hash of the
    group holds ``val_fraction`` of the groups out.

    Args:
        folder: the dataset.
        classes: 2 or 3.
        incorrect: with 2 classes, what an incorrectly worn mask counts as.
        val_fraction: share of the groups for validation.
        group_by: regular expression on the file name; its first group, or the
            whole match, names the person.
        seed: of the split.

    Raises:
        DatasetError: nothing can be learned from it, and why.
    """
    labels = ("with_mask", "without_mask") if classes == 2 else ("with_mask", "without_mask", "incorrect_mask")
    found = look(folder, group_by=group_by)
    samples = [sample for sample in found.samples if sample.split in ("", *SPLITS)]
    samples = relabel(samples, labels, incorrect)
    _check_classes(samples, labels, folder)
    parts: dict[str, list[Sample]] = {"train": [], "val": [], "test": []}
    for sample in samples:
        parts[sample.split or "train"].append(sample)
    if not parts["val"]:
        parts["train"], parts["val"] = hold_out(parts["train"], val_fraction, seed)
    for name in ("train", "val"):
        _check_classes(parts[name], labels, folder, where=f"the {name} split of ")
    return Dataset(labels, tuple(parts["train"]), tuple(parts["val"]), tuple(parts["test"]), _digest(found, parts))


def scan(folder: Path, *, group_by: str | None = None) -> list[Sample]:
    """Every labelled face of a folder; see ``look``."""
    return list(look(folder, group_by=group_by).samples)


def look(folder: Path, *, group_by: str | None = None) -> Found:
    """Find the labelled faces of a folder, and say what people changed in it.

    Args:
        folder: generated, or plain folders by label.
        group_by: names the person of a picture that no line of metadata knows.

    Raises:
        DatasetError: it is no folder, holds no labelled images, or says
            something that is not so.
        InputError: ``group_by`` is no regular expression.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"no dataset folder at {folder}; make one with: maskgen generate FACES {folder}")
    pattern = compile_pattern(group_by, "--group-by")
    if (folder / METADATA).is_file():
        return generated.read(folder, pattern)
    return Found(folder, tuple(folders.read(folder, pattern)))


def _check_classes(samples: Sequence[Sample], labels: Sequence[str], folder: Path, where: str = "") -> None:
    counts = Counter(sample.label for sample in samples)
    missing = [label for label in labels if not counts[label]]
    if missing:
        have = ", ".join(f"{count} {label}" for label, count in sorted(counts.items())) or "no images"
        raise DatasetError(f"{where}{folder} has no {' and no '.join(missing)} images (it has {have}); add some")
    alone = [label for label in labels if counts[label] < 2 and not where]
    if alone:
        raise DatasetError(f"{folder} has one {alone[0]} image only; at least two are needed, one of them to validate")


def _digest(found: Found, parts: dict[str, list[Sample]]) -> dict[str, Any]:
    digest: dict[str, Any] = {
        "name": found.folder.resolve().name,
        "counts": {name: dict(Counter(sample.label for sample in part)) for name, part in parts.items() if part},
        "groups": {name: len({sample.group for sample in part}) for name, part in parts.items() if part},
    }
    digest |= {name: count for name, count in (("gone", found.gone), ("beside", found.beside)) if count}
    run = found.folder / RUN
    if run.is_file():
        data = run.read_bytes()
        digest["run_sha256"] = hashlib.sha256(data).hexdigest()
        try:
            document = json.loads(data)
        except ValueError:
            document = {}
        if isinstance(document, dict):
            digest["run"] = {key: document[key] for key in ("version", "seed", "settings", "counts") if key in document}
    return digest
