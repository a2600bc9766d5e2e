import http.client
import threading
from http import HTTPStatus

import pytest

from maskgen.errors import InputError
from maskgen.local_server import LOOPBACK, LocalServer, PageHandler, same_token


class Echo(PageHandler):
    server: LocalServer[dict[str, str]]
    timeout = 5.0

    def do_GET(self):
        given = self.token_in_address()
        if given and given == self.server.page["token"]:
            self.move_token(given)
        else:
            self.answer(HTTPStatus.OK, "text/plain", str(self.token()).encode())

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
    assert ask(server, "/", Cookie=f"{name}=secret")[2] == b"secret"
    assert ask(server, "/", Cookie="maskgen_1=secret")[2] == b"None"
    assert ask(server, "/?token=other", Cookie=f"{name}=secret")[2] == b"other"


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


def test_tokens_are_compared_whole():
    assert same_token("abc", "abc")
    assert not same_token("ab", "abc")
    assert not same_token(None, "abc")
