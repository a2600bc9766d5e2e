"""PyAV: loaded after OpenCV, and opened alike whatever its version.

Their wheels for Linux both carry a ``libxcb-shape`` of one name, and the first one loaded serves both. PyAV's stands on
a libxcb of its own, and with that one OpenCV's Qt window spins for ever. So nothing else imports ``av``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from av.container import InputContainer

_NO_METADATA_ERRORS: Final = 19
"""From this version on undecodable metadata is never an error, and PyAV does not know the argument."""


def load() -> Any:
    """The module ``av``."""
    import cv2  # noqa: F401

    # isort: split
    import av

    return av


def open_to_read(address: str, timeout_s: tuple[float, float], options: dict[str, str] | None = None) -> InputContainer:
    """A file or stream, opened with whatever its metadata hold.

    Args:
        address: a path or an address.
        timeout_s: for opening, and for every read.
        options: for FFmpeg's reader of the format.

    Raises:
        av.FFmpegError: it cannot be opened.
        OSError, ValueError: the address is none.
    """
    av = load()
    words: dict[str, Any] = {"options": options or {}, "timeout": timeout_s}
    if int(av.__version__.partition(".")[0]) < _NO_METADATA_ERRORS:
        words["metadata_errors"] = "replace"
    container: InputContainer = av.open(address, **words)
    return container
