"""Hashes of training pictures, so that evaluation on them (leakage) is said to be none.

``seen.npy`` in the model folder holds the first eight bytes of the SHA-256 of every file of the training and validation
splits, sorted: enough to know a file again, nothing of what it shows.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.dataset.record import RUN
from trainer.bundle import Bundle

logger = logging.getLogger(__name__)

NAME: Final = "seen.npy"


def save(folder: Path, paths: Iterable[Path], threads: int = 2) -> None:
    """Write ``seen.npy`` of a model folder.

    Args:
        folder: the model folder.
        paths: pictures of the training and validation splits.
        threads: for reading them.
    """
    np.save(folder / NAME, np.unique(_marks(paths, threads)), allow_pickle=False)


def warn(bundle: Bundle, dataset: Path, paths: Iterable[Path], splits: Iterable[str], threads: int = 2) -> int:
    """Say in the log how many pictures a model is to be judged on that it has seen in training.

    A model that was trained by an earlier version knows the datasets alone that it was trained on.

    Args:
        bundle: the model.
        dataset: the folder it is to be judged on.
        paths: the pictures chosen from it.
        splits: of the dataset that they are from.
        threads: for reading them.

    Returns:
        How many; all of them where only the dataset is known.
    """
    chosen = sorted(set(paths))
    file = bundle.folder / NAME
    if file.is_file():
        known = _load(file)
        count = int(np.isin(_marks(chosen, threads), known).sum())
    else:
        count = len(chosen) if _same_dataset(bundle.dataset, dataset) and set(splits) != {"test"} else 0
    if count:
        logger.warning(
            "%s has seen %d of these %d pictures in training: how it does on them says nothing about others",
            bundle.folder,
            count,
            len(chosen),
        )
    return count


def _same_dataset(digest: Mapping[str, Any], dataset: Path) -> bool:
    """By ``run.json`` where both have one, else by the folder's name."""
    run = dataset / RUN
    for known in (digest, digest.get("also") or {}):
        if "run_sha256" in known and run.is_file():
            if known["run_sha256"] == hashlib.sha256(run.read_bytes()).hexdigest():
                return True
        elif "run_sha256" not in known and not run.is_file() and known.get("name") == dataset.resolve().name:
            return True
    return False


def _load(file: Path) -> NDArray[np.uint64]:
    try:
        return np.asarray(np.load(file, allow_pickle=False), np.uint64)
    except (OSError, ValueError, EOFError) as error:
        logger.warning("%s cannot be read (%s): what the model has seen is not known", file, error)
        return np.zeros(0, np.uint64)


def _marks(paths: Iterable[Path], threads: int) -> NDArray[np.uint64]:
    """The first eight bytes of every file's SHA-256; of one that cannot be read, nothing."""

    def one(path: Path) -> int | None:
        try:
            with path.open("rb") as file:
                return int.from_bytes(hashlib.file_digest(file, "sha256").digest()[:8], "big")
        except OSError:
            return None

    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = list(pool.map(one, sorted(set(paths))))
    return np.array([mark for mark in found if mark is not None], np.uint64)
