"""Records the outcomes of a run, in order, in the journal; takes back what came to nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from maskgen.dataset.counts import REJECTED, under
from maskgen.dataset.engines.base import Outcome
from maskgen.dataset.journal import Journal
from maskgen.dataset.names import drawn_from, encode_path, stem_of_file
from maskgen.dataset.record import SKIPPED, Skip
from maskgen.dataset.storage import Store
from maskgen.errors import InputError

BROKEN_OFF: Final = frozenset({"timeout", "worker_died"})
"""Reasons for which a worker was ended in the middle of a photo."""


class Recorder:
    """Takes the outcomes of a run, in order, into the journal.

    Attributes:
        unsure: a worker was ended in the middle of a photo, and what it had
            written of it nobody said.
    """

    def __init__(self, journal: Journal, store: Store, counts: Counter[str]) -> None:
        self._journal, self._store, self._counts = journal, store, counts
        self._files: list[str] = []
        self.unsure = False

    def take(self, outcome: Outcome) -> None:
        """Keep a part of a photo; with the last, record it or take all of it back."""
        self._files += outcome.files
        if outcome.rest is not None:
            if not self._known(outcome):
                self._journal.add_lines(outcome.lines)
            return
        before = Counter(self._journal.counts)
        self._finish(outcome)
        self._files.clear()
        self._counts.update(self._journal.counts - before)

    def _known(self, outcome: Outcome) -> bool:
        """Whether a photo before this one had its place or its bytes."""
        if outcome.source in self._journal:
            return True
        return outcome.source_id is not None and self._journal.stem_of(outcome.source_id) is not None

    def _finish(self, outcome: Outcome) -> None:
        if outcome.source in self._journal:
            # One path named twice, or spelt in two ways: the first counts.
            return
        source, source_bytes = encode_path(outcome.source)
        if self._known(outcome):
            self._delete()
            skip = Skip(source, "duplicate", "the same bytes as a photo before it", outcome.source_id, source_bytes)
            self._journal.skipped(outcome.source, skip)
        elif outcome.reason is not None:
            self._journal.drop_lines()
            self._delete()
            self.unsure |= outcome.reason in BROKEN_OFF
            left_out = under(outcome.counts, REJECTED)
            skip = Skip(source, outcome.reason, outcome.detail, outcome.source_id, source_bytes, left_out)
            self._journal.skipped(outcome.source, skip)
        else:
            assert outcome.source_id is not None
            stem = stem_of_file(self._files[0])
            self._journal.written(outcome.source, outcome.source_id, outcome.lines, stem, outcome.counts)

    def _delete(self) -> None:
        """Delete what was written of the photo, but for what a photo of the same bytes has recorded."""
        for name in self._files:
            if self._journal.stem_of(drawn_from(name) or "") != stem_of_file(name):
                self._store.delete(name)


def forget(journal: Journal, folder: Path, reasons: tuple[str, ...]) -> None:
    """Forget the photos that were skipped for these reasons, or for ``all``, so that they are tried again.

    Raises:
        InputError: no photo was skipped for any of them.
    """
    known = {k.removeprefix("skipped:") for k, n in journal.counts.items() if k.startswith("skipped:") and n > 0}
    wanted = known if "all" in reasons else set(reasons)
    if not wanted & known:
        have = ", ".join(sorted(known)) or "nothing"
        raise InputError(f"--retry {','.join(reasons)}: no photo was skipped for that; {folder / SKIPPED} holds {have}")
    journal.forget_skipped(wanted & known)
