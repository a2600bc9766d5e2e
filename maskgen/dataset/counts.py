"""Counts of a run by word: ``photos``, ``images``, ``label:...``, ``skipped:...``, ``rejected:...``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from maskgen.dataset.record import Record, Skip

REJECTED: Final = "rejected:"
"""How the counts call a face that gave no image; its reason follows."""


def under(counts: Counter[str], prefix: str) -> dict[str, int]:
    """The counts whose words begin so, by what follows."""
    return {key.removeprefix(prefix): n for key, n in sorted(counts.items()) if key.startswith(prefix) and n}


def counts_of(skip: Skip) -> Counter[str]:
    """What a skipped input adds to the counts, beside itself."""
    return Counter({"skipped": 1, f"skipped:{skip.reason}": 1}) + prefixed(skip.rejected)


def known_by(skip: Skip) -> str | None:
    """The bytes by which a skipped photo is known; a duplicate's are another's."""
    return None if skip.reason == "duplicate" else skip.source_id


def prefixed(rejected: Mapping[str, int]) -> Counter[str]:
    return Counter({REJECTED + reason: n for reason, n in rejected.items()})


def rejected_of(counts: Counter[str]) -> dict[str, int]:
    return {word.removeprefix(REJECTED): n for word, n in counts.items() if word.startswith(REJECTED) and n}


def faces_of(records: Sequence[Record]) -> int:
    """Faces of a photo that are in its images."""
    return len({face.face_index for record in records for face in record.faces})
