"""Labelled faces to judge a classifier by: from a generated, plain or COCO folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from maskgen.errors import DatasetError
from trainer.data import coco
from trainer.data.dataset import scan
from trainer.data.samples import Sample


def find_samples(
    folder: Path, *, min_box: float = 0, group_by: str | None = None, split: str | None = None
) -> tuple[list[Sample], dict[str, int]]:
    """The labelled faces of a folder of any of the three kinds, and what was left out.

    Args:
        folder: generated, plain or COCO.
        min_box: leave boxes out whose shorter side has fewer pixels (COCO).
        group_by: names the person of a picture that no line of metadata knows.
        split: one of the folder's, or ``all``; None for ``test`` where there is one, else all.

    Raises:
        DatasetError: it is none of the three, or has no such split.
    """
    folder = Path(folder)
    left_out: dict[str, int] = {}
    if coco.is_folder(folder):
        samples, left_out = _from_coco(folder, min_box)
    else:
        samples = scan(folder, group_by=group_by)
    splits = {sample.split for sample in samples}
    chosen = split or ("test" if "test" in splits else None)
    if chosen is not None and chosen != "all":
        samples = [sample for sample in samples if sample.split == chosen]
        if not samples:
            raise DatasetError(
                f"{folder} has no split called {chosen} (it has {', '.join(sorted(splits - {''})) or 'none'})"
            )
    return samples, left_out


def _from_coco(folder: Path, min_box: float) -> tuple[list[Sample], dict[str, int]]:
    samples: list[Sample] = []
    left_out: Counter[str] = Counter()
    for split, pictures in coco.read_folder(folder).items():
        for picture in pictures:
            name = picture.path.relative_to(folder).as_posix()
            for face in picture.faces:
                left, top, right, bottom = face.box_xyxy
                width, height = right - left, bottom - top
                if face.ignored or face.label is None:
                    left_out["ignored"] += 1
                elif min(width, height) < min_box:
                    left_out[f"smaller than {min_box:g} px"] += 1
                else:
                    record = {"width": width, "height": height, "face_px": max(width, height)}
                    samples.append(Sample(picture.path, name, face.label, name, split, face.box_xyxy, record))
    return samples, dict(left_out)
