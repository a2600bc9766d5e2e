"""Mask editor: a page on 127.0.0.1 where anchors are clicked and the mask is seen on a face at once.

Only the standard library serves it, to this machine only. The address carries
a token made for this run, which moves into a cookie; the Host and Origin
headers are checked, so that no other site's page can reach it through the
browser. The page sends ``mask.json`` as it would be written; the server draws
it through ``face.render`` and answers with a JPEG, or with what is wrong.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from maskgen import interrupt
from maskgen.authoring.folder import save, write_words
from maskgen.authoring.handler import EditorHandler
from maskgen.authoring.picture import encode_png
from maskgen.authoring.trial import ShownFace, worn
from maskgen.authoring.words import Words, begin
from maskgen.drawing.palette import PALETTE
from maskgen.errors import InputError, MaskgenError
from maskgen.io.json_text import json_text
from maskgen.templates.reader import read_template
from maskgen.templates.template import STRAP_ENDS, WORKING_WIDTH
from maskgen.types import WEARS
from maskgen.web import LOOPBACK, LocalServer, same_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgen.types import RGBA

logger = logging.getLogger(__name__)

KINDS: Final = (
    "surgical", "kn95", "ffp2", "cup", "duckbill", "sponge", "cloth", "sport", "respirator", "window", "gaiter", "veil",
    "child", "other",
)  # fmt: skip
_DRAWING_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A mask as it comes into the editor.

    Attributes:
        name: what its folder is to be called; the page can change it.
        rgba: (H, W, 4) uint8, its picture.
        words: ``mask.json`` to begin with; None guesses anchors.
        extras: ``height.png`` and ``regions.png``, where there are any.
    """

    name: str
    rgba: RGBA
    words: Words | None = None
    extras: dict[str, bytes] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """What the page is told of it."""
        return {
            "name": self.name,
            "size": [self.rgba.shape[1], self.rgba.shape[0]],
            "axis_x": _axis(self.rgba),
            "words": self.words or begin(self.rgba, self.name),
            "guessed": self.words is None,
            "relief": "height.png" in self.extras,
            "palette": {colour: "#{:02x}{:02x}{:02x}".format(*rgb) for colour, rgb in PALETTE.items()},
            "kinds": KINDS,
            "wears": WEARS,
            "strap_ends": STRAP_ENDS,
        }


class AnchorPage:
    """The page, and what it makes.

    Attributes:
        url: the address to open, token included.
        port: where it listens.
        token: what a browser must know.
        saved: the folder that was written, once it was.
    """

    def __init__(
        self,
        draft: Draft,
        to: Path,
        faces: Callable[[], list[ShownFace]],
        *,
        overwrite: bool = False,
        port: int = 0,
        titles: tuple[str, ...] = (),
    ) -> None:
        """Start to serve.

        Args:
            draft: the mask as it comes in.
            to: the folder of masks that it is written into.
            faces: finds what it is tried on, when ``wait`` or ``find_faces``
                asks: the page opens sooner than dlib does.
            overwrite: replace a mask of that name.
            port: 0 takes any free one.
            titles: of the faces that will be found.

        Raises:
            InputError: the port is in use.
        """
        self._png = encode_png(draft.rgba)
        self._extras = draft.extras
        self._faces: list[ShownFace] = []
        self._no_face = ""
        self._faces_ready = threading.Event()
        self._to = to
        self._overwrite = overwrite
        self._drawing = threading.Lock()
        self._finished = threading.Event()
        self._closing = False
        self._last_seen = time.monotonic()
        self.token = secrets.token_urlsafe(18)
        self.saved: Path | None = None
        self._state = draft.state() | {"to": str(to), "faces": titles}
        self._scratch = tempfile.TemporaryDirectory(prefix="maskgen-add-", ignore_cleanup_errors=True)
        try:
            self._server = LocalServer(LOOPBACK, port, EditorHandler, self)
        except InputError:
            self._scratch.cleanup()
            raise
        self.port = self._server.port
        self.url = f"http://{LOOPBACK}:{self.port}/?token={self.token}"
        self._find = faces
        self._server.start()

    def find_faces(self) -> None:
        """Find what the mask is tried on; the page is open meanwhile.

        In the caller's thread: Ctrl-C then stops it, where a process that ends
        while another thread is inside dlib aborts.
        """
        if self._faces_ready.is_set():
            return
        try:
            with interrupt.heeded():
                self._faces = self._find()
        except MaskgenError as error:
            self._no_face = str(error)
            logger.warning("no preview: %s", error)
        except Exception:
            self._no_face = "the photos could not be opened; the terminal says why"
            logger.exception("no preview")
        finally:
            self._faces_ready.set()

    def wait(self, idle_s: float) -> Path:
        """Until the mask is saved.

        Args:
            idle_s: how long nothing at all may come from a browser.

        Raises:
            InputError: nobody came for so long, or the page was left.
        """
        self.find_faces()
        self._last_seen = time.monotonic()
        while not self._finished.wait(0.25):
            if time.monotonic() - self._last_seen > idle_s:
                raise InputError(f"nothing came from a browser for {idle_s / 60:.0f} minutes; nothing was saved")
        if self.saved is None:
            raise InputError("the page was left without saving; nothing was written")
        return self.saved

    def close(self) -> None:
        """Stop serving.

        What is being drawn is waited for: it takes a fraction of a second.
        """
        self._closing = True
        self._server.stop()
        self._faces_ready.set()
        if self._drawing.acquire(timeout=_DRAWING_TIMEOUT_S):
            self._drawing.release()
        self._scratch.cleanup()

    def __enter__(self) -> AnchorPage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What the handler asks for.

    def admits(self, host: str, origin: str | None, token: str | None) -> bool:
        """Whether a request may come in: to this address, from this page, with the token."""
        own = {f"{LOOPBACK}:{self.port}", f"localhost:{self.port}"}
        if host not in own or (origin is not None and origin not in {f"http://{one}" for one in own}):
            return False
        return same_token(token, self.token)

    def seen(self) -> None:
        self._last_seen = time.monotonic()

    def finish(self) -> None:
        self._finished.set()

    def file(self, path: str) -> bytes:
        return self._png if path == "/mask.png" else json_text(self._state).encode()

    def preview(self, draft: dict[str, Any]) -> dict[str, Any]:
        """The mask on a face, as a data address, and where its anchors lie there; or its problems."""
        import base64

        from maskgen import images

        if not self._drawing.acquire(timeout=_DRAWING_TIMEOUT_S):
            return {"problems": ["the preview takes too long on this machine"]}
        try:
            folder = Path(self._scratch.name) / "draft"
            if not folder.exists():
                folder.mkdir()
                for file, data in {"mask.png": self._png, **self._extras}.items():
                    (folder / file).write_bytes(data)
            write_words(folder, _words(draft))
            template, problems = read_template(folder, WORKING_WIDTH)
            if template is None:
                return {"problems": problems}
            ready = self._faces_ready.wait(_DRAWING_TIMEOUT_S)
            if self._closing:
                return {"problems": ["maskgen was stopped in the terminal; nothing was saved"]}
            if not ready:
                return {
                    "problems": [],
                    "image": None,
                    "no_face": "still looking for the face; move a point to try again",
                }
            if not self._faces:
                return {"problems": [], "image": None, "no_face": "No preview: " + self._no_face}
            view = draft.get("view")
            shown, spots = worn(template, self._faces, view if isinstance(view, dict) else {})
        finally:
            self._drawing.release()
        jpeg = base64.b64encode(images.encode(shown, ".jpg", 88)).decode("ascii")
        return {"problems": [], "image": "data:image/jpeg;base64," + jpeg, "spots": spots}

    def save(self, draft: dict[str, Any]) -> dict[str, Any]:
        """Write the mask, or say why not."""
        words = {**_words(draft), "source": "added with maskgen masks add"}
        try:
            folder, problems = save(
                self._to, str(draft.get("name", "")), self._png, words, self._extras, overwrite=self._overwrite
            )
        except MaskgenError as error:
            return {"problems": [str(error)]}
        if problems:
            return {"problems": problems}
        self.saved = folder
        return {"problems": [], "folder": str(folder), "use": use_words(folder)}


def use_words(folder: Path) -> str:
    """The command that draws a mask of one's own besides ours."""
    place = str(folder.parent).replace("\\", "/").rstrip("/")
    return f"maskgen generate FACES OUT --masks all,{place}/"


def _axis(rgba: RGBA) -> float:
    """Where the picture's middle line lies: x in pixels."""
    import numpy as np

    columns = np.flatnonzero((rgba[..., 3] > 127).any(axis=0))
    return float(columns[0] + columns[-1]) / 2 if len(columns) else rgba.shape[1] / 2


def _words(draft: dict[str, Any]) -> Words:
    words = draft.get("words")
    return words if isinstance(words, dict) else {}
