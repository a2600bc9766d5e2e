"""Progress reporters: none, terminal, TensorBoard, Keras callbacks."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


class Reporter:
    """Hears how a run goes; this one keeps it to itself."""

    def begin(self, network: Any) -> None:
        """A Keras model begins to train."""

    def end(self) -> None:
        """It has ended training."""

    def note(self, text: str) -> None:
        """Something people should know, said once."""

    def start(self, phase: str, total: int) -> None:
        """A phase of ``total`` steps begins."""

    def step(self, done: int, text: str = "") -> None:
        """So many steps of the phase are done."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch ended; ``row`` is its line of ``history.csv``."""

    def stop(self) -> None:
        """The run ended, one way or another."""


class TerminalReporter(Reporter):
    """A bar with the time left on stderr, where stderr is a terminal; in a pipe the notes and a line an epoch."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True, highlight=False)
        self._bar: Any = None
        self._task: Any = None
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description:<28}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[text]}"),
                console=self._console,
                transient=True,
            )
            self._bar.start()

    def note(self, text: str) -> None:
        # A line stays a line in a log: only a terminal has an edge.
        self._console.print(text, markup=False, soft_wrap=self._bar is None)

    def start(self, phase: str, total: int) -> None:
        if self._bar is None:
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(phase, total=max(1, total), text="")

    def step(self, done: int, text: str = "") -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, text=text)

    def epoch(self, row: Mapping[str, Any]) -> None:
        if "val_map50" in row:
            figures = f"validation mAP50 {row['val_map50']:.3f}  {row['seconds']:.0f} s"
        else:
            balanced = f"val balanced accuracy {100 * row['val_balanced_accuracy']:.2f} %"
            figures = f"val loss {row['val_loss']:.4f}  {balanced}"
        self.note(f"{row['phase']:>9} {row['epoch']:>3}  loss {row['loss']:.4f}  {figures}")

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()


class CallbackReporter(Reporter):
    """Keras callbacks: they hear when a network begins, of every epoch, and when it ends, and may stop it early."""

    def __init__(self, callbacks: Sequence[Any]) -> None:
        """Take the callbacks.

        Args:
            callbacks: of ``keras.callbacks``; steps they do not hear of.
        """
        self._callbacks = callbacks
        self._heard: Any = None

    def begin(self, network: Any) -> None:
        import keras

        self._heard = keras.callbacks.CallbackList(list(self._callbacks), model=network)
        self._heard.on_train_begin()

    def epoch(self, row: Mapping[str, Any]) -> None:
        figures = {name: value for name, value in row.items() if name not in ("phase", "epoch")}
        self._heard.on_epoch_end(row["epoch"] - 1, figures)

    def end(self) -> None:
        self._heard.on_train_end()


class TensorBoardReporter(Reporter):
    """Passes everything on, and writes every epoch's figures for TensorBoard.

    Only whoever looks at them needs the package tensorboard: ``tf.summary.scalar`` asks for it, a plain event does not.
    """

    def __init__(self, inner: Reporter, folder: Path) -> None:
        self._inner = inner
        self._folder = folder
        self._writer: Any = None
        self._count = 0

    def begin(self, network: Any) -> None:
        self._inner.begin(network)

    def end(self) -> None:
        self._inner.end()

    def note(self, text: str) -> None:
        self._inner.note(text)

    def start(self, phase: str, total: int) -> None:
        self._inner.start(phase, total)

    def step(self, done: int, text: str = "") -> None:
        self._inner.step(done, text)

    def epoch(self, row: Mapping[str, Any]) -> None:
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))
        self._count += 1
        figures = {name: value for name, value in row.items() if isinstance(value, float) and math.isfinite(value)}
        event = tf.compat.v1.Summary()
        for name, value in figures.items():
            event.value.add(tag=name, simple_value=value)
        with self._writer.as_default():
            tf.summary.experimental.write_raw_pb(event.SerializeToString(), step=self._count)
        self._writer.flush()
        self._inner.epoch(row)

    def stop(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._inner.stop()


@contextlib.contextmanager
def reporting(tensorboard: Path | None = None) -> Iterator[Reporter]:
    """The reporter of a command, stopped at its end."""
    reporter: Reporter = TerminalReporter()
    if tensorboard is not None:
        reporter = TensorBoardReporter(reporter, tensorboard)
    try:
        yield reporter
    finally:
        reporter.stop()
        sys.stderr.flush()
