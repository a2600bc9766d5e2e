"""Animated pictures (GIF, WebP, PNG, AVIF) as videos: every frame, with the time it is shown at."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from detect.sources.base import MAX_PIXELS, Frame
from maskgen import images
from maskgen.errors import SourceError
from maskgen.types import RGB

_SHORTEST_MS: Final = 20
_USUAL_MS: Final = 100
"""Browsers show a frame that asks for less than the former for the latter."""

_FORMATS: Final = ("GIF", "WEBP", "PNG", "AVIF")
_HEADS: Final = (b"GIF8", b"RIFF", b"\x89PNG")
_AVIF: Final = (b"ftypavif", b"ftypavis")


class Animation:
    """A picture that moves; see ``detect.sources.base.Source``.

    Attributes:
        path: the file.
        rate: frames a second, by the first one's time.
        duration_s: None: the file says so only at its end.
    """

    live = False
    duration_s = None

    def __init__(self, path: Path, image: Any) -> None:
        """Take a picture that Pillow has opened; most callers want ``if_animated``."""
        self.path = path
        self.name = str(path)
        self._image = image
        image.load()
        self.rate = 1 / _shown_s(image)

    @classmethod
    def if_animated(cls, path: Path) -> Animation | None:
        """The animation in a file; None for anything else, which others may be able to read.

        Raises:
            SourceError: its frames are absurdly large.
        """
        from PIL import Image

        try:
            with path.open("rb") as file:
                head = file.read(12)
            if not head.startswith(_HEADS) and head[4:12] not in _AVIF:
                return None
            image = Image.open(path, formats=[name for name in _FORMATS if name in _known()])
        except Exception:  # Pillow raises whatever a damaged byte led to; the next reader explains it
            return None
        width, height = image.size
        try:
            if getattr(image, "is_animated", False):
                if width * height > MAX_PIXELS:
                    raise SourceError(
                        f"{path} has frames of {width} x {height} px, more than {MAX_PIXELS} pixels; shrink it"
                    )
                return cls(path, image)
        except SourceError:
            image.close()
            raise
        except Exception:
            pass
        image.close()
        return None

    def __iter__(self) -> Iterator[Frame]:
        """Every frame.

        Raises:
            SourceError: one cannot be decoded.
        """
        time_s = 0.0
        for index in itertools.count():
            try:
                self._image.seek(index)
                self._image.load()
                picture = _on_background(self._image)
            except EOFError:
                return
            except Exception as error:
                raise SourceError(
                    f"{self.name} ends after {time_s:.1f} s: it is cut off or damaged ({error})"
                ) from None
            yield Frame(index, time_s, picture)
            time_s += _shown_s(self._image)

    def again(self) -> Animation:
        """The same file, from its beginning."""
        moving = Animation.if_animated(self.path)
        if moving is None:
            raise SourceError(f"{self.name} is no animation any more")
        return moving

    def close(self) -> None:
        self._image.close()


def _known() -> set[str]:
    """Formats that this Pillow reads."""
    from PIL import Image

    Image.init()
    return set(Image.OPEN)


def _shown_s(image: Any) -> float:
    milliseconds = float(image.info.get("duration") or 0)
    return (milliseconds if milliseconds >= _SHORTEST_MS else _USUAL_MS) / 1000


def _on_background(image: Any) -> RGB:
    rgba = np.asarray(image.convert("RGBA"), dtype=np.uint16)
    alpha = rgba[..., 3:]
    mixed = (rgba[..., :3] * alpha + np.array(images.BACKGROUND, np.uint16) * (255 - alpha) + 127) // 255
    return np.asarray(mixed, dtype=np.uint8)
