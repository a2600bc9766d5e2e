"""``maskgen masks add``: a page on 127.0.0.1 where anchors are clicked and the mask is seen on a face at once.

Only the standard library serves it, to this machine only. The address carries
a token made for this run, which moves into a cookie; the Host and Origin
headers are checked, so that no other site's page can reach it through the
browser. The page sends ``mask.json`` as it would be written; the server draws
it through ``face.render`` and answers with a JPEG, or with what is wrong.
"""

from __future__ import annotations

import json
import logging
import secrets
import tempfile
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from maskgen import interrupt
from maskgen.authoring import picture
from maskgen.drawing.palette import PALETTE
from maskgen.errors import InputError, MaskgenError
from maskgen.io.json_text import json_text
from maskgen.templates.reader import read_template
from maskgen.templates.template import STRAP_ENDS, WORKING_WIDTH
from maskgen.types import WEARS
from maskgen.web import LOOPBACK, LocalServer, PageHandler, same_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgen.templates.template import MaskTemplate
    from maskgen.types import RGB, RGBA, LandmarkedFace, Wear

logger = logging.getLogger(__name__)

KINDS: Final = (
    "surgical", "kn95", "ffp2", "cup", "duckbill", "sponge", "cloth", "sport", "respirator", "window", "gaiter", "veil",
    "child", "other",
)  # fmt: skip
PREVIEW_SIDE: Final = 560
FACE_PX: Final = 300
"""Photos are enlarged until the face is this wide, for the page only, so that the mask is seen in detail."""

_MOST_BODY: Final = 200_000
_CLIENT_TIMEOUT_S: Final = 20.0
_DRAWING_TIMEOUT_S: Final = 30.0
_TYPES: Final = {"/mask.png": "image/png", "/state.json": "application/json"}


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face that the mask is tried on.

    Attributes:
        title: for people.
        photo: (H, W, 3) uint8, cut around the face and enlarged.
        face: in that photo's pixels.
    """

    title: str
    photo: RGB
    face: LandmarkedFace


def find_face(photo: RGB, title: str) -> ShownFace:
    """The largest face of a photo, ready to be dressed.

    Raises:
        InputError: there is none.
        WeightsError: a model file is missing.
    """
    import cv2
    import numpy as np

    from maskgen.faces.landmarks import FaceFinder, face_box
    from maskgen.types import Face, LandmarkedFace

    found = FaceFinder().find(photo).faces
    if not found:
        raise InputError(f"no face was found in {title}; choose another photo with --face")
    face = max(found, key=lambda one: face_box(one.landmarks).width)
    box = face_box(face.landmarks)
    reach = box.grown(2.6).clipped(photo.shape[1], photo.shape[0])
    left, top, right, bottom = (round(v) for v in reach.xyxy)
    cut = np.ascontiguousarray(photo[top:bottom, left:right])
    scale = FACE_PX / max(box.width, 1.0)
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    shown = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=how), np.uint8)
    placed = Face(face.face.box.moved(-left, -top).scaled(scale), face.face.score, face.face.detector)
    return ShownFace(title, shown, LandmarkedFace(placed, (face.landmarks - (left, top)) * scale, face.pose))


PUBLIC: Final = ("Eileen Collins", "Grace Hopper")


def public_faces() -> list[ShownFace]:
    """Two public-domain portraits that come with packages we need anyway."""
    import numpy as np
    from matplotlib import cbook
    from skimage import data

    from maskgen import images

    hopper = images.read_rgb(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    photos = np.asarray(data.astronaut(), np.uint8), hopper
    return [find_face(photo, title) for title, photo in zip(PUBLIC, photos, strict=True)]


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
        rgba: RGBA,
        name: str,
        to: Path,
        faces: Callable[[], list[ShownFace]],
        *,
        words: picture.Words | None = None,
        extras: dict[str, bytes] | None = None,
        overwrite: bool = False,
        port: int = 0,
        titles: tuple[str, ...] = (),
    ) -> None:
        """Start to serve.

        Args:
            rgba: (H, W, 4) uint8, the mask's picture.
            name: what its folder is to be called; the page can change it.
            to: the folder of masks that it is written into.
            faces: finds what it is tried on, when ``wait`` or ``find_faces``
                asks: the page opens sooner than dlib does.
            words: ``mask.json`` to begin with; None guesses anchors.
            extras: ``height.png`` and ``regions.png``, where there are any.
            overwrite: replace a mask of that name.
            port: 0 takes any free one.
            titles: of the faces that will be found.

        Raises:
            InputError: the port is in use.
        """
        self._png = picture.encode_png(rgba)
        self._extras = extras or {}
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
        self._state = {
            "name": name,
            "to": str(to),
            "size": [rgba.shape[1], rgba.shape[0]],
            "axis_x": _axis(rgba),
            "words": words or begin(rgba, name),
            "guessed": words is None,
            "relief": "height.png" in self._extras,
            "faces": titles,
            "palette": {colour: "#{:02x}{:02x}{:02x}".format(*rgb) for colour, rgb in PALETTE.items()},
            "kinds": KINDS,
            "wears": WEARS,
            "strap_ends": STRAP_ENDS,
        }
        self._scratch = tempfile.TemporaryDirectory(prefix="maskgen-add-", ignore_cleanup_errors=True)
        try:
            self._server = LocalServer(LOOPBACK, port, _Handler, self)
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
            picture.write_words(folder, _words(draft))
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
            shown, spots = _worn(template, self._faces, view if isinstance(view, dict) else {})
        finally:
            self._drawing.release()
        jpeg = base64.b64encode(images.encode(shown, ".jpg", 88)).decode("ascii")
        return {"problems": [], "image": "data:image/jpeg;base64," + jpeg, "spots": spots}

    def save(self, draft: dict[str, Any]) -> dict[str, Any]:
        """Write the mask, or say why not."""
        words = {**_words(draft), "source": "added with maskgen masks add"}
        try:
            folder, problems = picture.save(
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


def begin(rgba: RGBA, name: str) -> picture.Words:
    """``mask.json`` before anybody has said anything."""
    anchors = picture.guess_anchors(rgba)
    return {
        "title": name.replace("-", " ").replace("_", " ").strip().capitalize() or name,
        "kind": "cloth",
        "anchors": anchors,
        "straps": picture.ear_loops(anchors),
        "colours": {"white": 1},
        "pattern_chance": 0,
        "material": {"translucency": 0.03, "gloss": 0.05, "relief": 0.05},
    }


def completed(given: picture.Words, rgba: RGBA, name: str) -> picture.Words:
    """What a file says, and what it leaves out; loops begin at the corners that it gives."""
    words = {**begin(rgba, name), **given}
    if "straps" not in given:
        try:
            words["straps"] = picture.ear_loops(words["anchors"])
        except (KeyError, IndexError, TypeError, ValueError):
            words["straps"] = []  # the anchors are wrong; check_template says how
    return words


def _axis(rgba: RGBA) -> float:
    """Where the picture's middle line lies: x in pixels."""
    import numpy as np

    columns = np.flatnonzero((rgba[..., 3] > 127).any(axis=0))
    return float(columns[0] + columns[-1]) / 2 if len(columns) else rgba.shape[1] / 2


def _words(draft: dict[str, Any]) -> picture.Words:
    words = draft.get("words")
    return words if isinstance(words, dict) else {}


def _worn(template: MaskTemplate, faces: list[ShownFace], view: dict[str, Any]) -> tuple[RGB, list[list[float]]]:
    """The picture of the template on a face, and the anchors' places in it."""
    import numpy as np

    from maskgen.faces.frame import face_frame
    from maskgen.render.face import render
    from maskgen.render.params import CropParams, ImageParams, MaskParams

    index = view.get("face")
    shown = faces[index if isinstance(index, int) and 0 <= index < len(faces) else 0]
    colour = view.get("tint") if view.get("tint") in PALETTE else template.colours[0][0]
    red, green, blue = (value / 255 for value in PALETTE[str(colour)])
    own = next((strap.own for strap in template.straps), False)
    wear: Wear = next((one for one in template.wears if one == view.get("wear")), "correct")
    mask = MaskParams(
        template.name,
        wear=wear,
        colour=str(colour),
        tint=(red, green, blue),
        pattern="floral" if view.get("printed") else None,
        pattern_seed=3,
        strap_rgb=(red, green, blue) if own else (0.95, 0.95, 0.95),
    )
    params = ImageParams(label="with_mask", crop=CropParams(size=PREVIEW_SIDE, margin=1.5), mask=mask)
    rendered = render(shown.photo, shown.face, params, {template.name: template})
    frame = face_frame(rendered.landmarks)
    places = [anchor.spot.resolve(rendered.landmarks, frame) for anchor in (*template.top, *template.bottom)]
    spots = (np.array(places) / PREVIEW_SIDE).round(4).tolist()
    return rendered.image, spots if wear == "correct" else []


class _Handler(PageHandler):
    server: LocalServer[AnchorPage]
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:  # the name is http.server's
        page, path = self.server.page, self.route
        if not self._admitted():
            return
        if path == "/" and self.token_in_address():
            self.move_token(page.token)
        elif path == "/":
            nonce = secrets.token_urlsafe(12)
            body = resources.files("maskgen").joinpath("pages/anchors.html").read_text("utf-8")
            policy = (
                f"default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'nonce-{nonce}';"
                f" script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            )
            self.answer(
                HTTPStatus.OK,
                "text/html; charset=utf-8",
                body.replace("{{ nonce }}", nonce).encode(),
                {"Content-Security-Policy": policy},
            )
        elif path in _TYPES:
            self.answer(HTTPStatus.OK, _TYPES[path], page.file(path))
        elif path == "/favicon.ico":
            self.answer(HTTPStatus.NO_CONTENT, "image/x-icon", b"")
        else:
            self.answer(HTTPStatus.NOT_FOUND, "text/plain", b"nothing here\n")

    def do_POST(self) -> None:  # the name is http.server's
        page = self.server.page
        if not self._admitted():
            return
        draft = self._body()
        if draft is None:
            return
        try:
            if self.route == "/preview":
                answer = page.preview(draft)
            elif self.route == "/save":
                answer = page.save(draft)
            elif self.route == "/leave":
                answer = {"problems": []}
            else:
                self.answer(HTTPStatus.NOT_FOUND, "text/plain", b"nothing here\n")
                return
        except Exception:  # a bug must not leave the page waiting
            logger.exception("the page's request failed")
            answer = {"problems": ["something went wrong in maskgen; the terminal says what"]}
        self.answer(HTTPStatus.OK, "application/json", json_text(answer).encode())
        if page.saved is not None or self.route == "/leave":
            page.finish()

    def _admitted(self) -> bool:
        page = self.server.page
        if page.admits(self.headers.get("Host", ""), self.headers.get("Origin"), self.token()):
            page.seen()
            return True
        self.answer(HTTPStatus.FORBIDDEN, "text/plain", b"This page needs the address that maskgen printed.\n")
        return False

    def _body(self) -> dict[str, Any] | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > _MOST_BODY:
            self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "text/plain", b"too much\n")
            return None
        data = self.rfile.read(int(length))
        try:
            draft = json.loads(json_text(json.loads(data)))  # without NaN and what is no text
        except (ValueError, RecursionError):
            draft = None
        if not isinstance(draft, dict):
            self.answer(HTTPStatus.BAD_REQUEST, "text/plain", b"an object in JSON is expected\n")
            return None
        return draft
