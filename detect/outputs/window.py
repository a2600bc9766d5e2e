"""A window on this machine's display: q quits, s saves the picture, space pauses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from detect.outputs.base import StopWatching
from detect.results import Event, FrameResult
from maskgen.types import RGB

TITLE: Final = "maskgen (q quits, s saves, space pauses)"
_ESCAPE: Final = 27
_PAUSE_POLL_MS: Final = 50


class Window:
    """A sink that shows frames; only where ``maskgen.display`` says there is a window.

    OpenCV aborts the process where there is none. Use it from the main thread.

    Attributes:
        saved: pictures that the user saved.
    """

    wants_picture = True

    def __init__(self, folder: Path = Path()) -> None:
        """Open on the first frame.

        Args:
            folder: where ``s`` saves pictures.
        """
        self.saved: list[Path] = []
        self._folder = folder
        self._open = False

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        """Show a frame and do what the keys say.

        Raises:
            StopWatching: q, Escape, or the window was closed.
        """
        import cv2

        if picture is None:
            return
        if not self._open:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
            cv2.resizeWindow(TITLE, min(picture.shape[1], 1280), min(picture.shape[0], 720))
            self._open = True
        cv2.imshow(TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        self._obey(self._key(1), picture)

    def close(self, events: Sequence[Event] = ()) -> None:
        import cv2

        if self._open:
            self._open = False
            cv2.destroyWindow(TITLE)
            cv2.waitKey(1)

    def _obey(self, key: str, picture: RGB) -> None:
        paused = key == " "
        while True:
            if key == "q":
                raise StopWatching
            if key == "s":
                self._save(picture)
            if not paused:
                return
            key = self._key(_PAUSE_POLL_MS)
            if key == " ":
                return

    def _key(self, wait_ms: int) -> str:
        import cv2

        key = cv2.waitKey(wait_ms) & 0xFF
        if key == _ESCAPE or cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
            return "q"
        return chr(key).lower() if key != 0xFF else ""

    def _save(self, picture: RGB) -> None:
        from maskgen import images

        stem = time.strftime("maskgen-%Y%m%d-%H%M%S")
        path, number = self._folder / f"{stem}.png", 2
        while path.exists():
            path, number = self._folder / f"{stem}-{number}.png", number + 1
        images.write(path, picture)
        self.saved.append(path)
