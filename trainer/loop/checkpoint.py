"""Checkpoints: the state of a training run on disk, so that a kill at any moment loses minutes, not the run."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import TrainError
from maskgen.io.files import write_whole

Arrays = list[NDArray[Any]]

FOLDER: Final = "checkpoints"
"""Where a run keeps its state, below the model folder."""

NAME: Final = "state.npz"
"""The file of a run's state in it."""


@dataclass(slots=True)
class State:
    """What a run needs to go on as if it had never stopped.

    Attributes:
        fingerprint: of settings and images; another run's state is refused.
        epoch: epochs of fine-tuning that are complete.
        step: steps of the next one that are done.
        sums: of those steps' figures.
        stale: epochs since the best one.
        best_loss: lowest validation loss so far.
        history: lines of ``history.csv`` so far.
        weights: of the network, and its seeds.
        optimizer: its variables.
        average: moving average of the trainable weights, or empty.
        best: weights of the best epoch, or empty.
    """

    fingerprint: str
    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    stale: int = 0
    best_loss: float = float("inf")
    history: list[dict[str, Any]] = field(default_factory=list)
    weights: Arrays = field(default_factory=list)
    optimizer: Arrays = field(default_factory=list)
    average: Arrays = field(default_factory=list)
    best: Arrays = field(default_factory=list)


_ARRAYS: Final = ("weights", "optimizer", "average", "best")


def fingerprint(settings: dict[str, Any], names: list[str]) -> str:
    """One word for what a run is about."""
    text = json.dumps([settings, names], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def save(folder: Path, state: State) -> None:
    """Write a state whole.

    Raises:
        TrainError: the disk is full or refuses.
    """
    plain = {name: getattr(state, name) for name in state.__slots__ if name not in _ARRAYS}
    arrays: dict[str, NDArray[Any]] = {"plain": np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)}
    for name in _ARRAYS:
        arrays |= {f"{name}.{number}": array for number, array in enumerate(getattr(state, name))}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / NAME, buffer.getvalue())
    except OSError as error:
        raise TrainError(
            f"the run's state cannot be written to {folder} ({error.strerror or error}); what was there is kept: "
            "make room and run the same command with --resume"
        ) from None


def load(folder: Path, expected: str) -> State | None:
    """The state a run left behind, or None.

    Args:
        folder: where it would be.
        expected: fingerprint of the run that wants to go on.

    Raises:
        TrainError: it is another run's, or damaged.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            plain = json.loads(archive["plain"].tobytes())
            lists: dict[str, Arrays] = {name: [] for name in _ARRAYS}
            for key in archive.files:
                name, _, number = key.partition(".")
                if number:
                    lists[name].append((int(number), archive[key]))  # type: ignore[arg-type]
        state = State(**plain)
        for name, pairs in lists.items():
            setattr(state, name, [array for _, array in sorted(pairs, key=lambda pair: int(pair[0]))])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainError(f"{path} is damaged ({error}); delete {folder} and train again") from None
    if state.fingerprint != expected:
        raise TrainError(
            f"{folder} belongs to a run with other settings or other images; "
            "resume with the same ones, or start anew with --overwrite"
        )
    return state


def write_history(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write ``history.csv`` beside the folder of checkpoints; nothing where no epoch has ended.

    Args:
        folder: of the checkpoints.
        history: a row an epoch, all with the same names.

    Raises:
        TrainError: the disk is full or refuses.
    """
    if not history:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]))
    writer.writeheader()
    writer.writerows(history)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder.parent / "history.csv", text.getvalue().encode())
    except OSError as error:
        raise TrainError(
            f"history.csv cannot be written: {error.strerror or error}; make room and use --resume"
        ) from None
