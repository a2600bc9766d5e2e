import ast
import contextlib
import http.client
import re
import socket
import threading
import time
from http import HTTPStatus
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskgen import web
from maskgen.errors import InputError
from maskgen.web import LOOPBACK, SEATS, LocalServer, PageHandler, quoted, same_token


class Echo(PageHandler):
    server: LocalServer[dict[str, str]]
    timeout = 5.0

    def do_GET(self):
        given = self.token_in_address()
        if given and given == self.server.page["token"]:
            self.move_token(self.server.page["token"])
        elif self.route == "/unchecked":
            self.answer(HTTPStatus.OK, "text/plain", b"", {"X-Given": given})
        elif self.route == "/large":
            self.answer(HTTPStatus.OK, "text/plain", bytes(50_000_000))
        else:
            self.answer(HTTPStatus.OK, "text/plain", repr(self.token()).encode())

    do_HEAD = do_GET


@pytest.fixture
def server():
    server = LocalServer(LOOPBACK, 0, Echo, {"token": "secret"})
    server.start()
    yield server
    server.stop()


def ask(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_a_token_moves_from_the_address_into_a_cookie_of_this_port(server):
    status, headers, body = ask(server, "/?token=secret")
    assert (status, headers["Location"], body) == (303, "/", b"")
    name, _, rest = headers["Set-Cookie"].partition("=")
    assert str(server.port) in name
    assert "HttpOnly; SameSite=Strict" in rest
    assert ask(server, "/", Cookie=f"{name}=secret")[2] == b"'secret'"
    assert ask(server, "/", Cookie="maskgen_1=secret")[2] == b"None"
    assert ask(server, "/?token=other", Cookie=f"{name}=secret")[2] == b"'other'"


def test_every_answer_forbids_guessing_and_framing_and_keeping(server):
    _, headers, _ = ask(server, "/")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    status, headers, body = ask(server, "/", method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "4", b"")


def test_what_is_in_the_way_of_listening_is_said(server):
    with pytest.raises(InputError, match=f"port {server.port} is in use"):
        LocalServer(LOOPBACK, server.port, Echo, {})
    with pytest.raises(InputError, match=r"cannot listen on 192\.0\.2\.77"):
        LocalServer("192.0.2.77", 0, Echo, {})
    with pytest.raises(InputError, match="cannot listen"):
        LocalServer(LOOPBACK, 70_000, Echo, {})


def test_stopping_frees_the_port_also_when_it_was_never_started():
    before = threading.active_count()
    for started in (True, False):
        server = LocalServer(LOOPBACK, 0, Echo, {})
        if started:
            server.start()
        server.stop()
        LocalServer(LOOPBACK, server.port, Echo, {}).stop()
    assert threading.active_count() == before


def test_the_log_holds_no_token(server, caplog):
    with caplog.at_level("DEBUG"):
        ask(server, "/?token=secret")
        ask(server, "/", Cookie="maskgen_1=secret")
        talk(server.port, b"GET /?token=secret HTTP/1.1 odd\r\n\r\n")
    assert "GET /: 303" in caplog.text
    assert "secret" not in caplog.text


def test_tokens_are_compared_whole():
    assert same_token("abc", "abc")
    assert not same_token("ab", "abc")
    assert not same_token(None, "abc")


def talk(port, data, limit_s=5.0):
    """Everything a server says to some bytes before it closes."""
    said = b""
    with socket.create_connection((LOOPBACK, port), timeout=limit_s) as browser, contextlib.suppress(OSError):
        browser.sendall(data)
        browser.shutdown(socket.SHUT_WR)
        while part := browser.recv(65_536):
            said += part
    return said


HEAD = re.compile(rb"HTTP/1\.1 \d{3} [A-Za-z -]+\r\n(?:[A-Za-z-]+: [\x20-\x7e]*\r\n)+\r\n")
OURS = {
    "server", "date", "content-type", "cache-control", "connection", "cross-origin-resource-policy", "referrer-policy",
    "x-content-type-options", "x-frame-options", "content-length", "location", "set-cookie",
}  # fmt: skip


def check_head(said):
    """The head of an answer is well formed and says nothing but what we say."""
    said = said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    if said:
        head = HEAD.match(said)
        assert head, said[:300]
        names = [line.partition(b":")[0].decode().lower() for line in head[0].splitlines()[1:-1]]
        assert set(names) <= OURS
        assert len(names) == len(set(names))


@pytest.mark.parametrize("word", ["a\r\nSet-Cookie: x=1", "a\nb", "a\rb", "\x00", "\u0100", "\u00ff"])
def test_no_header_holds_what_would_break_it(server, word):
    given = quote_from_bytes(word.encode())
    assert talk(server.port, f"GET /unchecked?token={given} HTTP/1.1\r\n\r\n".encode()) == b""
    assert ask(server, "/unchecked?token=fine")[1]["X-Given"] == "fine"


fragments = st.sampled_from(
    [
        b"GET ", b"POST ", b"HEAD ", b"/", b"//[", b"http://[/", b"?token=", b"%0d%0a", b"Set-Cookie: a=1", b"\r\n",
        b"\n", b"\r", b" HTTP/1.1", b" HTTP/0.9", b" HTTP/9.9", b"Host: ", b"localhost", b"[", b"Cookie: maskgen_1=",
        b";", b'"', b"\\", b"\x00", b"\xff", b":", b" ", b"Content-Length: 9", b"Expect: 100-continue",
        b"Connection: keep-alive",
    ]
)  # fmt: skip
requests = st.lists(fragments | st.binary(max_size=6), max_size=14).map(b"".join)
on_a_server = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@on_a_server
@given(requests, st.booleans())
def test_whatever_comes_the_answers_head_is_our_own(server, request_bytes, whole):
    check_head(talk(server.port, request_bytes + (b" HTTP/1.1\r\n\r\n" if whole else b"")))
    assert ask(server, "/")[0] == 200


@on_a_server
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    | st.binary(min_size=1).map(lambda b: b.decode("utf-8", "surrogateescape"))
)
def test_any_token_opens_the_page_by_address_and_cookie(server, token):
    server.page["token"] = token
    status, headers, _ = ask(server, f"/?token={quoted(token)}")
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"].split(";")[0]
    assert ast.literal_eval(ask(server, "/", Cookie=f"other=1; {cookie}")[2].decode()) == token
    assert same_token(token, token)
    assert not same_token(token + "x", token)


def test_a_token_that_no_address_can_hold_is_refused():
    with pytest.raises(InputError, match="a token must be text"):
        quoted("\ud800")
    assert not same_token("\ud800", "a")


def test_mistakes_are_answered_without_repeating_them(server):
    for request_bytes, status in [
        (b"GET /<script> nonsense\r\n\r\n", 400),
        (b"BREW /<script> HTTP/1.1\r\n\r\n", 501),
        (b"GET http://[<script> HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    ]:
        said = talk(server.port, request_bytes)
        check_head(said)
        assert said.startswith(b"HTTP/1.1 %d " % status)
        assert b"script" not in said


def test_one_answer_a_connection(server):
    said = talk(server.port, b"GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n" * 2)
    assert said.count(b"HTTP/1.1 200") == 1


def test_a_crowd_of_slow_browsers_gets_a_bounded_number_of_threads_and_a_clear_503(monkeypatch):
    monkeypatch.setattr(web, "REQUEST_S", 3.0)
    before = threading.active_count()
    server = LocalServer(LOOPBACK, 0, Echo, {"token": "secret"})
    server.start()
    slow = [socket.create_connection((LOOPBACK, server.port), timeout=5) for _ in range(SEATS)]
    try:
        until = time.monotonic() + 5
        while threading.active_count() < before + 1 + SEATS and time.monotonic() < until:
            time.sleep(0.01)
        slow += [socket.create_connection((LOOPBACK, server.port), timeout=5) for _ in range(150)]
        status, headers, body = ask(server, "/")
        assert (status, headers["Retry-After"]) == (503, "5")
        assert body == b"Too many connections; load the page again in a few seconds.\n"
        assert threading.active_count() <= before + 1 + SEATS
        # The slow are timed out, and there is room again.
        until = time.monotonic() + 20
        while ask(server, "/")[0] != 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert len(server._turned_away) <= 64
    finally:
        for browser in slow:
            browser.close()
        server.stop()
    assert not server._turned_away


def test_a_byte_now_and_then_does_not_hold_a_connection(server, monkeypatch):
    monkeypatch.setattr(web, "REQUEST_S", 0.6)
    start_s = time.monotonic()
    with socket.create_connection((LOOPBACK, server.port), timeout=5) as browser, contextlib.suppress(OSError):
        while time.monotonic() < start_s + 5:
            browser.sendall(b"G")
            browser.settimeout(0.1)
            with contextlib.suppress(TimeoutError):
                if browser.recv(1) == b"":
                    break
    assert 0.4 < time.monotonic() - start_s < 4


def test_a_browser_that_does_not_read_loses_its_seat(server, monkeypatch):
    monkeypatch.setattr(Echo, "timeout", 0.3)
    before = threading.active_count()
    with socket.create_connection((LOOPBACK, server.port), timeout=5) as browser:
        browser.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        assert browser.recv(1)
        until = time.monotonic() + 5
        while threading.active_count() > before and time.monotonic() < until:
            time.sleep(0.02)
        assert threading.active_count() == before
