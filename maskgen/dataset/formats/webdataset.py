"""WebDataset: shards that a training job streams.

    train-000000.tar  ...

A sample is ``KEY.jpg``, ``KEY.cls`` (the class's number) and ``KEY.json`` (the
line of metadata). Written with the standard library: the same dataset gives
the same bytes.
"""

from __future__ import annotations

import io
import itertools
import tarfile
from pathlib import Path
from typing import Final

from maskgen.dataset.formats.common import labels_of
from maskgen.dataset.lines import record_line
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import SPLITS, Record

SHARD_BYTES: Final = 256 << 20
"""A shard is closed when it has grown past this; 100 MB to 1 GB is usual."""


def write(dataset: Path, output: Path, shard_bytes: int = SHARD_BYTES) -> Path:
    """Write the shards; see ``maskgen.dataset.formats.write``."""
    labels = labels_of(dataset)
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*-[0-9][0-9][0-9][0-9][0-9][0-9].tar"):
        old.unlink()
    for split in SPLITS:
        records = read_dataset(dataset, split=split)
        following = next(records, None)
        for number in itertools.count():
            if following is None:
                break
            with tarfile.open(output / f"{split}-{number:06d}.tar", "w") as shard:
                written = 0
                while following is not None and written < shard_bytes:
                    written += _add(shard, dataset, following, labels)
                    following = next(records, None)
    return output


def _add(shard: tarfile.TarFile, dataset: Path, record: Record, labels: list[str]) -> int:
    """Put a sample into a shard; its size in bytes."""
    path = Path(record.file_name)
    parts = {
        path.suffix: (dataset / path).read_bytes(),
        ".cls": str(labels.index(record.label)).encode(),
        ".json": record_line(record).encode(),
    }
    for suffix, data in parts.items():
        member = tarfile.TarInfo(path.stem + suffix)
        member.size, member.mode = len(data), 0o644
        shard.addfile(member, io.BytesIO(data))
    return sum(map(len, parts.values()))
