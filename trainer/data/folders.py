"""Reader of plain folders of faces by label, perhaps below ``train``, ``val`` and ``test``."""

from __future__ import annotations

import re
from pathlib import Path

from maskgen.dataset.record import METADATA, SPLITS
from maskgen.errors import DatasetError
from maskgen.types import LABELS
from trainer.data.samples import Sample, group_of


def read(folder: Path, group_by: re.Pattern[str] | None) -> list[Sample]:
    """Every face, in a settled order.

    Raises:
        DatasetError: there are none, or in folders that are no labels.
    """
    splits = [name for name in SPLITS if (folder / name).is_dir()]
    roots = [(name, folder / name) for name in splits] or [("", folder)]
    samples: list[Sample] = []
    strangers: list[str] = []
    for split, root in roots:
        for child in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
            if child.name not in LABELS:
                if any(path.is_file() for path in child.rglob("*")):
                    strangers.append(child.relative_to(folder).as_posix())
                continue
            for path in sorted(child.rglob("*")):
                name = path.relative_to(folder).as_posix()
                if path.is_file() and not path.name.startswith("."):
                    samples.append(Sample(path, name, child.name, group_of(path, name, group_by), split))
    if strangers:
        raise DatasetError(
            f"{folder} holds {', '.join(strangers)}, which is no label; name the folders {', '.join(LABELS)}"
        )
    if not samples:
        raise DatasetError(
            f"{folder} holds neither {METADATA} nor images in with_mask/ and without_mask/; "
            "make a dataset with: maskgen generate"
        )
    return samples
