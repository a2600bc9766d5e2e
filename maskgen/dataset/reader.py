"""Reads a dataset folder: its records, its skips, ``run.json``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskgen.dataset.lines import parse_object, parse_record, parse_skip
from maskgen.dataset.record import METADATA, RUN, SKIPPED, Record, Skip
from maskgen.errors import DatasetError

logger = logging.getLogger(__name__)


def read_dataset(
    folder: Path, *, split: str | None = None, check_files: bool = True, gone: list[str] | None = None
) -> Iterator[Record]:
    """The records of a dataset folder, one at a time, in the order they were written.

    People delete pictures they do not like, so a line whose image is missing is passed over and counted.

    Args:
        folder: what ``maskgen generate`` wrote.
        split: only this one.
        check_files: leave out lines whose image is not there.
        gone: takes the names of those images; None to have their number logged.

    Raises:
        DatasetError: no ``metadata.jsonl``, or a line that breaks the contract (with its number).
    """
    listed = 0
    missing: list[str] = [] if gone is None else gone
    for _, record in numbered(folder):
        if split is not None and record.split != split:
            continue
        listed += 1
        if check_files and not (folder / record.file_name).is_file():
            missing.append(record.file_name)
        else:
            yield record
    if missing and gone is None:
        logger.warning(
            "%d of the %d images %sthat %s lists are gone; went on without them (maskgen check %s says which)",
            len(missing),
            listed,
            f"of {split} " if split else "",
            folder / METADATA,
            folder,
        )


def numbered(folder: Path) -> Iterator[tuple[int, Record]]:
    """Every line's number and record."""
    path = folder / METADATA
    if not path.is_file():
        raise DatasetError(f'no {METADATA} in {folder}; "maskgen generate" writes one')
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield number, parse_record(line)
            except DatasetError as error:
                raise DatasetError(f"{path}, line {number}: {error}") from error


def read_skipped(folder: Path) -> Iterator[Skip]:
    """The skips of a dataset folder; none where there is no ``skipped.jsonl``.

    Raises:
        DatasetError: a line breaks the contract.
    """
    path = folder / SKIPPED
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield parse_skip(line)
                except DatasetError as error:
                    raise DatasetError(f"{path}, line {number}: {error}") from error


def read_run(folder: Path) -> dict[str, Any]:
    """``run.json``.

    Raises:
        DatasetError: it is missing or no JSON object.
    """
    path = folder / RUN
    try:
        return parse_object(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(f'no {RUN} in {folder}; "maskgen generate" writes one') from error
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
