"""A page served from this machine by the standard library: what the anchor page and the live page share.

A page's token travels in the address that is printed, and moves into a cookie
at the first visit, because addresses get copied and logged. Nothing that a
browser sends goes into the head of an answer. Each answer closes its
connection, a request must be there in time, and only so many are served at once.
"""

from __future__ import annotations

import contextlib
import errno
import hmac
import io
import logging
import re
import socket
import threading
import time
from collections import deque
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qs, quote, unquote, urlsplit

from maskgen.errors import InputError

logger = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"

SEATS: Final = 32
"""Connections that are served at once, each by a thread: a few viewers, and what asks for numbers meanwhile."""

REQUEST_S: Final = 5.0
"""A request, body included, must have come within this."""

_LINGER_S: Final = 0.5
_MOST_LINGERING: Final = 64
_HEADER: Final = re.compile(r"[\x20-\x7e]*")
_BUSY_WORDS: Final = b"Too many connections; load the page again in a few seconds.\n"
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_BUSY_WORDS), _BUSY_WORDS)
)

Page = TypeVar("Page")


class LocalServer(ThreadingHTTPServer, Generic[Page]):
    """Answers for one page, at most ``SEATS`` connections at once; a browser that goes away is no error.

    Attributes:
        page: what the handler asks.
        port: where it listens.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

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
        self._seats = threading.BoundedSemaphore(SEATS)
        self._turned_away: deque[tuple[float, socket.socket]] = deque()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), handler)
        except (OSError, OverflowError, UnicodeError) as error:
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
        while self._turned_away:
            self._turned_away.popleft()[1].close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread, or a 503 where all are taken."""
        if not self._seats.acquire(blocking=False):
            self._turn_away(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._seats.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._seats.release()

    def service_actions(self) -> None:
        """Close what was turned away, once its answer has had time to arrive."""
        while self._turned_away and time.monotonic() - self._turned_away[0][0] >= _LINGER_S:
            self._close_turned_away()

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a browser went away", exc_info=True)

    def _turn_away(self, request: socket.socket) -> None:
        request.settimeout(0.0)
        with contextlib.suppress(OSError):
            request.send(_BUSY)
            request.shutdown(socket.SHUT_WR)
        self._turned_away.append((time.monotonic(), request))
        if len(self._turned_away) > _MOST_LINGERING:
            self._close_turned_away()

    def _close_turned_away(self) -> None:
        _, request = self._turned_away.popleft()
        with contextlib.suppress(OSError):
            # Closed with a request unread, a connection is reset, and the browser never sees the answer.
            request.recv(65_536)
        request.close()


class PageHandler(BaseHTTPRequestHandler):
    """Answers one browser. A subclass has ``do_GET``.

    Attributes:
        timeout: seconds that a browser may take for an answer, or for a part
            of one that is written in parts.
        route: the path that is asked for.
    """

    server: LocalServer[Any]
    protocol_version = "HTTP/1.1"
    server_version = "maskgen"
    sys_version = ""
    timeout = 10.0
    route = ""

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_InTime(self.connection, REQUEST_S))

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        self.close_connection = True
        if self.request_version == "HTTP/0.9":  # its answers have no head
            self.send_error(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
            return False
        try:
            address = urlsplit(self.path)
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        self.route, self._query = address.path, address.query
        return True

    def token(self) -> str | None:
        """The token that a request brings, in its address or else in its cookie."""
        return self.token_in_address() or self._cookie()

    def token_in_address(self) -> str | None:
        return next(iter(parse_qs(self._query, errors="surrogateescape").get("token", [])), None)

    def move_token(self, token: str) -> None:
        """Send the browser to the address without its token, which a cookie keeps.

        Args:
            token: the page's own, never what came in.
        """
        cookie = f"{self._cookie_name()}={quoted(token)}; HttpOnly; SameSite=Strict; Path=/"
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
        self.connection.settimeout(self.timeout)
        self.send_response(status)
        every = {
            "Content-Type": kind,
            "Cache-Control": "no-store",
            "Connection": "close",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        for name, value in {**every, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_header(self, keyword: str, value: str) -> None:
        """Add a line to the head of an answer.

        Raises:
            ValueError: it would be more than one line; nothing of the answer is sent.
        """
        if not _HEADER.fullmatch(keyword) or not _HEADER.fullmatch(value):
            raise ValueError(f"no header can hold {keyword!r}: {value!r}")
        super().send_header(keyword, value)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is none; the standard library would repeat what it said."""
        self.close_connection = True
        self.request_version = self.protocol_version
        status = HTTPStatus(code)
        self.answer(status, "text/plain", f"{status.phrase}\n".encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # Without the query, where the token is.
        logger.debug("%s %s: %s", self.command, self.route, code)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)

    def _cookie_name(self) -> str:
        # Browsers keep one jar for all ports of a host.
        return f"maskgen_{self.server.port}"

    def _cookie(self) -> str | None:
        for part in self.headers.get("Cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == self._cookie_name():
                return unquote(value, errors="surrogateescape")
        return None


class _InTime(io.RawIOBase):
    """Reads a connection until a moment; a browser that sends a byte now and then gains nothing by it."""

    def __init__(self, connection: socket.socket, limit_s: float) -> None:
        self._connection = connection
        self._ends_s = time.monotonic() + limit_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("a request took too long")
        self._connection.settimeout(left_s)
        return self._connection.recv_into(buffer)


def quoted(token: str) -> str:
    """A token as an address and a cookie hold it, whatever its characters.

    >>> quoted("a b&c\\r\\n")
    'a%20b%26c%0D%0A'

    Raises:
        InputError: it cannot be written as bytes at all.
    """
    try:
        return quote(token, safe="", errors="surrogateescape")
    except UnicodeEncodeError:
        raise InputError(f"a token must be text, got {token!r}") from None


def same_token(given: str | None, wanted: str) -> bool:
    """Whether two tokens are one, in a time that does not tell how much of it was right."""
    return given is not None and hmac.compare_digest(_token_bytes(given), _token_bytes(wanted))


def _token_bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")


def _why(host: str, port: int, error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"port {port} is in use; choose another with --port, or --port 0 for any"
    if number == errno.EACCES:
        return f"port {port} is not allowed to you; choose one from 1024 on with --port"
    return f"cannot listen on {host} port {port}: {error}"
