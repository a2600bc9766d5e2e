"""What an output is: it takes a watched source's frames. Nothing is written unless asked.

A new output is a class behind ``Sink``; ``detect.outputs.registry`` opens them by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from detect.results import Event, FrameResult
from maskgen.types import RGB


class StopWatching(Exception):  # no error
    """Raised by a sink when the user asked to end (a window's q)."""


class Sink(Protocol):
    """Takes frames in order, from one thread.

    Attributes:
        wants_picture: whether ``write`` needs the drawn picture.
    """

    @property
    def wants_picture(self) -> bool: ...

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        """Take a frame.

        Args:
            frame: what was seen.
            picture: the frame with boxes drawn and, where asked for, faces
                hidden; None when no sink wants one. ``frame.image`` must not
                leave the program: it shows faces.
        """

    def close(self, events: Sequence[Event] = ()) -> None:
        """Finish; called once, also after an error.

        Args:
            events: what was still open when the source ended or was left.
        """
