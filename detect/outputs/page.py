"""The live page: picture, people now, share masked, a chart of the last minutes, events.

Nothing but the standard library serves it. It listens on 127.0.0.1; bound
wider it asks for a token. The picture is motion JPEG, encoded once a frame
for all who look, and only while somebody does.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from http import HTTPStatus
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from detect.outputs.counts import Counter
from detect.results import Event, FrameResult
from detect.sources.addresses import shown
from maskgen.io.json_text import json_text
from maskgen.types import RGB
from maskgen.web import LOOPBACK, LocalServer, PageHandler, quoted, same_token

logger = logging.getLogger(__name__)

HISTORY_S: Final = 600
"""Seconds that the chart goes back."""

_EVENTS: Final = 50
VIEWERS: Final = 8
"""Browsers that get the picture at once."""

_MOST_FPS: Final = 20.0
_LONGEST_SIDE: Final = 1280
_QUALITY: Final = 80
_CLIENT_TIMEOUT_S: Final = 10.0
"""A browser that takes nothing for so long has gone away."""

_POLICY: Final = (
    "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


class LivePage:
    """A sink that shows what it is given to browsers.

    Attributes:
        token: what a viewer must know; None on the loopback address.
        url: the address to open, token included.
    """

    wants_picture = True

    def __init__(
        self,
        labels: Sequence[str],
        source: str,
        host: str = LOOPBACK,
        port: int = 8000,
        token: str | None = None,
    ) -> None:
        """Start to serve.

        Args:
            labels: the model's.
            source: what is being watched, for the page's head.
            host: address to listen on; anything but loopback needs a token.
            port: 0 takes any free one.
            token: the token; None makes one where it is needed.

        Raises:
            InputError: the port is in use, or the address is not this machine's.
        """
        self._labels = tuple(labels)
        self._source = shown(source)
        self._changed = threading.Condition()
        self._encoding = threading.Lock()
        self._picture: RGB | None = None
        self._jpeg: tuple[int, bytes] = (0, b"")
        self._number = 0
        self._over = False
        self._viewers = 0
        self._counter = Counter(labels, 1.0)
        self._history: deque[list[float]] = deque(maxlen=HISTORY_S)
        self._events: deque[dict[str, Any]] = deque(maxlen=_EVENTS)
        self._now: dict[str, Any] = {"people": 0, "by_label": dict.fromkeys(labels, 0), "share_masked": None}
        self._times: deque[float] = deque(maxlen=30)
        self._time_s = 0.0
        wide = not _is_loopback(host)
        self.token = (token or secrets.token_urlsafe(12)) if wide or token else None
        words = f"?token={quoted(self.token)}" if self.token else ""
        self._server = LocalServer(host, port, _Handler, self)
        self.port = self._server.port
        name = _own_address() if host in ("0.0.0.0", "::", "") else host
        name = f"[{name}]" if ":" in name else name
        self.url = f"http://{name}:{self.port}/{words}"
        self._server.start()

    def write(self, frame: FrameResult, picture: RGB | None) -> None:
        faces = [face for face in frame.faces if face.confirmed]
        counts = {label: sum(face.label == label for face in faces) for label in self._labels}
        people = len(faces)
        with self._changed:
            for done in self._counter.add(frame.time_s, faces):
                self._history.append([done.start_s, *(round(done.by_label[label], 2) for label in self._labels)])
            self._events.extend(event.to_json() for event in frame.events)
            self._times.append(time.monotonic())
            self._time_s = frame.time_s
            self._now = {
                "people": people,
                "by_label": counts,
                "share_masked": counts.get("with_mask", 0) / people if people else None,
            }
            self._picture = picture
            self._number += 1
            self._changed.notify_all()

    def close(self, events: Sequence[Event] = ()) -> None:
        """Stop serving; browsers see that it is over."""
        with self._changed:
            self._over = True
            self._events.extend(event.to_json() for event in events)
            self._changed.notify_all()
        self._server.stop()

    def state(self) -> dict[str, Any]:
        """What the page shows besides the picture, as JSON holds it."""
        with self._changed:
            span_s = self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0
            fresh = bool(self._times) and time.monotonic() - self._times[-1] < 3.0
            return {
                "source": self._source,
                "running": not self._over,
                "fresh": fresh and not self._over,
                "time_s": round(self._time_s, 2),
                "fps": round((len(self._times) - 1) / span_s, 1) if span_s > 0 and fresh else 0.0,
                "labels": list(self._labels),
                **self._now,
                "history": list(self._history),
                "events": list(self._events)[::-1],
                "full": self._viewers >= VIEWERS,
            }

    def next_jpeg(self, after: int, timeout_s: float) -> tuple[int, bytes] | None:
        """A frame newer than ``after`` with its number; None when none comes in time or it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._number > after, timeout_s)
            if self._over or self._number <= after:
                return None
        # One viewer encodes; the others wait for it and take what it made.
        with self._encoding:
            with self._changed:
                number, picture = self._number, self._picture
            if picture is None:
                return None
            if self._jpeg[0] < number:
                self._jpeg = number, _encoded(picture)
            return self._jpeg

    @property
    def over(self) -> bool:
        return self._over

    def enter(self) -> bool:
        """Count a viewer in; False when there are too many."""
        with self._changed:
            if self._viewers >= VIEWERS:
                return False
            self._viewers += 1
            return True

    def leave(self) -> None:
        with self._changed:
            self._viewers -= 1

    def admits(self, host: str, token: str | None) -> bool:
        """Whether a request may see anything."""
        if self.token is not None:
            return same_token(token, self.token)
        # Without a token another site's script must not reach the page by a name that leads here.
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return _is_loopback(name)


class _Handler(PageHandler):
    server: LocalServer[LivePage]
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:  # the name is http.server's
        page, path = self.server.page, self.route
        if not page.admits(self.headers.get("Host", ""), self.token()):
            self.answer(HTTPStatus.FORBIDDEN, "text/plain", b"This page needs the token that maskgen printed.\n")
        elif path == "/" and page.token is not None and self.token_in_address():
            self.move_token(page.token)
        elif path == "/":
            body = resources.files("detect").joinpath("page.html").read_bytes()
            self.answer(HTTPStatus.OK, "text/html; charset=utf-8", body)
        elif path == "/state.json":
            self.answer(HTTPStatus.OK, "application/json", json_text(page.state()).encode())
        elif path == "/picture.jpg":
            jpeg = page.next_jpeg(0, 5.0)
            if jpeg is None:
                self.answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"no picture yet\n")
            else:
                self.answer(HTTPStatus.OK, "image/jpeg", jpeg[1])
        elif path == "/stream":
            self._stream()
        else:
            self.answer(HTTPStatus.NOT_FOUND, "text/plain", b"nothing here\n")

    def _stream(self) -> None:
        page = self.server.page
        if not page.enter():
            words = f"This page has {VIEWERS} viewers already; close one of them and load it again.\n"
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", words.encode(), {"Retry-After": "5"})
            return
        try:
            self.begin(HTTPStatus.OK, "multipart/x-mixed-replace; boundary=frame", {})
            last, due_s = 0, 0.0
            while not page.over:
                jpeg = page.next_jpeg(last, 1.0)
                if jpeg is None:
                    continue
                last, data = jpeg
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
                now_s = time.monotonic()
                due_s = max(due_s + 1 / _MOST_FPS, now_s)
                time.sleep(max(0.0, due_s - now_s))
        except OSError:
            logger.debug("a viewer went away")
        finally:
            page.leave()

    def begin(self, status: HTTPStatus, kind: str, headers: dict[str, str]) -> None:
        super().begin(status, kind, {"Content-Security-Policy": _POLICY, **headers})


def _encoded(picture: RGB) -> bytes:
    from maskgen import images

    return images.encode(np.ascontiguousarray(images.shrink(picture, _LONGEST_SIDE)), ".jpg", _QUALITY)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _own_address() -> str:
    """This machine's address on its network, as another device would call it; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
