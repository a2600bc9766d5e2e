"""A page served from this machine by the standard library: what the anchor page and the live page share.

A page's token travels in the address that is printed, and moves into a cookie
at the first visit, because addresses get copied and logged.
"""

from __future__ import annotations

import errno
import hmac
import logging
import socket
import threading
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from maskgen.errors import InputError

logger = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"

Page = TypeVar("Page")


class LocalServer(ThreadingHTTPServer, Generic[Page]):
    """Answers for one page, each browser in a thread of its own; one that goes away is no error.

    Attributes:
        page: what the handler asks.
        port: where it listens.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, handler: type[PageHandler], page: Page) -> None:
        """Listen; ``start`` begins to answer.

        Args:
            host: an address of this machine.
            port: 0 takes any free one.
            handler: whose ``server.page`` is ``page``.

        Raises:
            InputError: the port is in use, or the address is not this machine's.
        """
        self.page = page
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), handler)
        except (OSError, OverflowError) as error:
            raise InputError(_why(host, port, error)) from None
        self.port = int(self.server_address[1])
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it and free the port; harmless when it was never started."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join(5.0)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a browser went away", exc_info=True)


class PageHandler(BaseHTTPRequestHandler):
    """Answers one browser. A subclass has ``do_GET``, and ``timeout`` in seconds."""

    server: LocalServer[Any]
    protocol_version = "HTTP/1.1"
    server_version = "maskgen"
    sys_version = ""

    def token(self) -> str | None:
        """The token that a request brings, in its address or else in its cookie."""
        return self.token_in_address() or self._cookie()

    def token_in_address(self) -> str | None:
        return next(iter(parse_qs(urlsplit(self.path).query).get("token", [])), None)

    def move_token(self, token: str) -> None:
        """Send the browser to the address without its token, which a cookie keeps."""
        cookie = f"{self._cookie_name()}={token}; HttpOnly; SameSite=Strict; Path=/"
        self.answer(HTTPStatus.SEE_OTHER, "text/plain", b"", {"Location": "/", "Set-Cookie": cookie})

    def answer(self, status: HTTPStatus, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole answer.

        Args:
            status: HTTP's.
            kind: MIME type of ``body``.
            headers: beside those that every answer has.
        """
        self.begin(status, kind, {"Content-Length": str(len(body)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: HTTPStatus, kind: str, headers: dict[str, str]) -> None:
        """The head of an answer; its body is written by the caller."""
        self.send_response(status)
        every = {
            "Content-Type": kind,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        for name, value in {**every, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)

    def _cookie_name(self) -> str:
        # Browsers keep one jar for all ports of a host.
        return f"maskgen_{self.server.port}"

    def _cookie(self) -> str | None:
        try:
            morsel = SimpleCookie(self.headers.get("Cookie", "")).get(self._cookie_name())
        except CookieError:
            return None
        return None if morsel is None else morsel.value


def same_token(given: str | None, wanted: str) -> bool:
    """Whether two tokens are one, in a time that does not tell how much of it was right."""
    return given is not None and hmac.compare_digest(given.encode(), wanted.encode())


def _why(host: str, port: int, error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"port {port} is in use; choose another with --port, or --port 0 for any"
    if number == errno.EACCES:
        return f"port {port} is not allowed to you; choose one from 1024 on with --port"
    return f"cannot listen on {host} port {port}: {error}"
