"""Train-validation split by group: images of a person or a photo stay together."""

from __future__ import annotations

import hashlib
import logging

from trainer.data.samples import Sample

logger = logging.getLogger(__name__)


def hold_out(samples: list[Sample], fraction: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Deal whole groups to validation by a seeded hash; every class gets at least one there."""
    ranks = {group: _hash01(seed, group) for group in {sample.group for sample in samples}}
    held = {group for group, rank in ranks.items() if rank < fraction}
    for label in sorted({sample.label for sample in samples}):
        groups = sorted({sample.group for sample in samples if sample.label == label}, key=lambda group: ranks[group])
        if len(groups) > 1:
            if not held & set(groups):
                held.add(groups[0])
            if set(groups) <= held:
                held.discard(groups[-1])
    train = [sample for sample in samples if sample.group not in held]
    val = [sample for sample in samples if sample.group in held]
    wanted = {sample.label for sample in samples}
    if {sample.label for sample in train} == wanted == {sample.label for sample in val}:
        return train, val
    logger.warning(
        "too few groups to hold any out: images of the same photo or person are in training and validation, "
        "so the validation figures say nothing about other people"
    )
    train, val = [], []
    for label in sorted(wanted):
        ranked = sorted((s for s in samples if s.label == label), key=lambda s: _hash01(seed, s.name))
        count = max(1, round(fraction * len(ranked))) if len(ranked) > 1 else 0
        val += ranked[:count]
        train += ranked[count:]
    return sorted(train, key=lambda s: s.name), sorted(val, key=lambda s: s.name)


def _hash01(seed: int, text: str) -> float:
    digest = hashlib.sha256(f"maskgen train\0{seed}\0{text}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
