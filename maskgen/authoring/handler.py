"""Answers the browser of the editor's page: who may ask, and for what."""

from __future__ import annotations

import json
import logging
import secrets
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any, Final, Protocol

from maskgen.io.json_text import json_text
from maskgen.web import LocalServer, PageHandler

logger = logging.getLogger(__name__)

_MOST_BODY: Final = 200_000
_CLIENT_TIMEOUT_S: Final = 20.0
_TYPES: Final = {"/mask.png": "image/png", "/state.json": "application/json"}


class EditorPage(Protocol):
    """What the handler asks for; see ``editor.AnchorPage``."""

    token: str
    saved: Path | None

    def admits(self, host: str, origin: str | None, token: str | None) -> bool: ...
    def seen(self) -> None: ...
    def finish(self) -> None: ...
    def file(self, path: str) -> bytes: ...
    def preview(self, draft: dict[str, Any]) -> dict[str, Any]: ...
    def save(self, draft: dict[str, Any]) -> dict[str, Any]: ...


class EditorHandler(PageHandler):
    """Answers the page: files, previews, the saved mask."""

    server: LocalServer[EditorPage]
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
