"""Parquet: the lines of metadata as a table with a fixed schema.

    metadata.parquet

``params`` and ``encoding`` stay JSON text: their fields depend on what was
drawn.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from maskgen.dataset.lines import dumps
from maskgen.dataset.reader import read_dataset
from maskgen.dataset.record import Record
from maskgen.io.files import whole

ROWS = 2000
"""Of one row group."""


def write(dataset: Path, output: Path) -> Path:
    """Write the table; see ``maskgen.dataset.formats.write``."""
    import pyarrow as pa
    from pyarrow import parquet

    point = pa.list_(pa.float64())
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("file_name", "label", "split", "source", "source_id", "group")),
            *((name, pa.int64()) for name in ("face_index", "copy", "seed", "width", "height")),
            ("box_xyxy", point),
            ("landmarks", pa.list_(point)),
            ("pose_deg", point),
            *((name, pa.string()) for name in ("detector", "template", "wear", "colour", "pattern")),
            ("coverage", pa.list_(pa.list_(point))),
            ("visible", pa.float64()),
            ("params", pa.string()),
            ("encoding", pa.string()),
        ]
    )
    output.mkdir(parents=True, exist_ok=True)
    path, records = output / "metadata.parquet", read_dataset(dataset)
    with whole(path) as temp, parquet.ParquetWriter(temp, schema, compression="zstd") as writer:
        while rows := [row for record in islice(records, ROWS) for row in _rows(record)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    return path


def _rows(record: Record) -> list[dict[str, Any]]:
    """One row a face."""
    return [
        {
            "file_name": record.file_name,
            "label": face.label,
            "split": record.split,
            "source": record.source,
            "source_id": record.source_id,
            "group": record.group,
            "face_index": face.face_index,
            "copy": record.copy,
            "seed": record.seed,
            "width": record.size_wh[0],
            "height": record.size_wh[1],
            "box_xyxy": face.box_xyxy,
            "landmarks": face.landmarks,
            "pose_deg": face.pose_deg,
            "detector": face.detector,
            "template": face.template,
            "wear": face.wear,
            "colour": face.colour,
            "pattern": face.pattern,
            "coverage": face.coverage,
            "visible": face.visible,
            "params": dumps(face.params),
            "encoding": dumps(record.encoding),
        }
        for face in record.faces
    ]
