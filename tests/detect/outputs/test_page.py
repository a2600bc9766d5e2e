"""The live page: who may see it, what it says, and how it looks in a real browser."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from painting import paint

from detect.outputs.mp4 import Mp4Writer
from detect.outputs.page import VIEWERS, LivePage
from detect.results import Event, FaceResult, FrameResult
from maskgen import images
from maskgen.errors import InputError
from maskgen.types import RGB, Box

LABELS = ("with_mask", "without_mask")
_CHROMIUM_WORDS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --mute-audio --autoplay-policy=no-user-gesture-required"
)


def frame(index: int, masked: int = 1, bare: int = 1, events: tuple[Event, ...] = ()) -> FrameResult:
    faces = []
    for number in range(masked + bare):
        label = "with_mask" if number < masked else "without_mask"
        box = Box(10 + 60 * number, 20, 50 + 60 * number, 60)
        faces.append(FaceResult(box, label, 0.9, {label: 0.9, "x": 0.1}, track_id=number + 1))
    return FrameResult(index, index / 10, paint((320, 240)), tuple(faces), events)


@pytest.fixture
def page() -> Iterator[LivePage]:
    page = LivePage(LABELS, "camera 0", port=0)
    yield page
    page.close()


def get(page: LivePage, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def state(page: LivePage) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(get(page, "/state.json")[2])
    return answer


def test_the_state_tells_people_share_chart_and_events(page: LivePage) -> None:
    assert state(page)["people"] == 0
    for index in range(25):
        page.write(frame(index, masked=3, bare=1), paint((320, 240)))
    page.write(frame(25, 3, 1, (Event(7, "without_mask", 0.4, 2.1, 0.9),)), paint((320, 240)))
    now = state(page)
    assert (now["people"], now["share_masked"], now["by_label"]) == (4, 0.75, {"with_mask": 3, "without_mask": 1})
    assert now["history"] == [[0.0, 3.0, 1.0], [1.0, 3.0, 1.0]]
    assert now["events"][0]["track"] == 7
    assert now["running"]
    assert now["fps"] > 0


def test_boxes_that_are_not_confirmed_yet_are_counted_nowhere(page: LivePage) -> None:
    new = FaceResult(Box(1, 1, 9, 9), "with_mask", 0.9, {"with_mask": 0.9, "x": 0.1}, confirmed=False)
    for index in range(11):
        known = frame(index, masked=1, bare=1)
        page.write(replace(known, faces=(*known.faces, new)), paint((32, 24)))
    now = state(page)
    assert (now["people"], now["share_masked"], now["by_label"]["with_mask"]) == (2, 0.5, 1)
    assert now["history"] == [[0.0, 1.0, 1.0]]


def test_the_picture_is_a_jpeg_and_the_stream_gives_every_new_one(page: LivePage) -> None:
    page.write(frame(0), paint((320, 240)))
    status, headers, body = get(page, "/picture.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert images.decode_rgb(body).shape == (240, 320, 3)
    with socket.create_connection(("127.0.0.1", page.port), timeout=5) as viewer:
        viewer.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = b""
        index = 1
        while data.count(b"--frame") < 3:
            page.write(frame(index), paint((320, 240)))
            index += 1
            data += viewer.recv(65536)
    assert b"multipart/x-mixed-replace" in data


def test_a_browser_that_goes_away_or_reads_nothing_harms_nobody(page: LivePage) -> None:
    viewers = []
    for _ in range(3):
        viewer = socket.create_connection(("127.0.0.1", page.port), timeout=5)
        viewer.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        viewers.append(viewer)
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    start_s = time.monotonic()
    for index in range(50):
        page.write(frame(index), noise)
    # Waiting for a viewer would take ten seconds and more.
    assert time.monotonic() - start_s < 4.0
    viewers[0].close()
    assert state(page)["people"] == 2
    for viewer in viewers[1:]:
        viewer.close()


def test_only_so_many_viewers(page: LivePage) -> None:
    page.write(frame(0), paint((32, 24)))
    viewers = []
    for _ in range(8):
        viewer = socket.create_connection(("127.0.0.1", page.port), timeout=5)
        viewer.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        viewer.recv(16)
        viewers.append(viewer)
    status, headers, body = get(page, "/stream")
    assert (status, headers["Retry-After"]) == (503, "5")
    assert body == b"This page has 8 viewers already; close one of them and load it again.\n"
    assert state(page)["full"]
    for viewer in viewers:
        viewer.close()


def test_a_viewer_that_left_makes_room(page: LivePage) -> None:
    viewers = []
    for index in range(VIEWERS):
        viewer = socket.create_connection(("127.0.0.1", page.port), timeout=5)
        viewer.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        page.write(frame(index), paint((32, 24)))
        viewer.recv(16)
        viewers.append(viewer)
    assert state(page)["full"]
    viewers.pop().close()
    until = time.monotonic() + 10
    while state(page)["full"]:
        assert time.monotonic() < until
        page.write(frame(99), paint((32, 24)))  # a viewer's absence is noticed by writing to it
        time.sleep(0.02)
    for viewer in viewers:
        viewer.close()


def test_a_viewer_that_takes_nothing_loses_its_place(page: LivePage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detect.outputs.page._Handler.timeout", 0.3)
    noise = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    with socket.create_connection(("127.0.0.1", page.port), timeout=5) as viewer:
        viewer.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        viewer.recv(16)
        until = time.monotonic() + 20
        # The system's buffers take a few megabytes before a write has to wait.
        while page._viewers:
            assert time.monotonic() < until
            page.write(frame(0), noise)
            time.sleep(0.02)


def test_the_newest_event_comes_first_and_old_ones_go(page: LivePage) -> None:
    for index in range(60):
        page.write(frame(index, events=(Event(index, "with_mask", 0.0, 1.0, 0.9),)), paint((32, 24)))
    assert [event["track"] for event in state(page)["events"]] == list(range(59, 9, -1))


def test_a_source_that_hangs_is_not_called_running(page: LivePage, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(3):
        page.write(frame(index), paint((32, 24)))
        time.sleep(0.01)
    assert page.state()["fresh"]
    now = time.monotonic()
    monkeypatch.setattr("detect.outputs.page.time.monotonic", lambda: now + 5)
    late = page.state()
    assert (late["fresh"], late["fps"], late["running"]) == (False, 0.0, True)


def test_a_name_that_leads_here_from_elsewhere_is_refused(page: LivePage) -> None:
    assert get(page, "/", Host="evil.example:8000")[0] == 403
    assert get(page, "/", Host="localhost:8000")[0] == 200
    assert get(page, "/nothing")[0] == 404


def test_bound_wider_it_needs_its_token() -> None:
    page = LivePage(LABELS, "camera 0", host="0.0.0.0", port=0)
    try:
        assert page.token
        assert page.url.endswith(f"?token={page.token}")
        for path in ("/", "/state.json", "/stream", "/picture.jpg", "/?token=wrong"):
            assert get(page, path)[0] == 403
        status, headers, _ = get(page, f"/?token={page.token}")
        assert (status, headers["Location"]) == (303, "/")
        cookie = headers["Set-Cookie"].split(";")[0]
        assert "HttpOnly" in headers["Set-Cookie"]
        assert get(page, "/", Cookie=cookie)[0] == 200
        assert get(page, "/state.json", Cookie=f"maskgen_{page.port}=wrong")[0] == 403
    finally:
        page.close()


def test_what_came_in_goes_into_no_header(page: LivePage) -> None:
    for path in ("/?token=%0d%0aSet-Cookie:%20x=1", "/?token=a%00b", "/?token=%ff"):
        status, headers, _ = get(page, path)
        assert status == 200
        assert "Set-Cookie" not in headers
        assert "Location" not in headers
    guarded = LivePage(LABELS, "camera 0", port=0, token="secret")
    try:
        for path in ("/?token=secret%0d%0aSet-Cookie:%20x=1", "/?token=secret&token=%0d%0ax:1"):
            status, headers, _ = get(guarded, path)
            assert headers.get("Set-Cookie", "").count("=") in (0, 3)
            assert status == (303 if "&" in path else 403)
    finally:
        guarded.close()


@pytest.mark.parametrize("token", ["a b&c=d#e%41", 'ü顔;,"\\', "line\r\nSet-Cookie: x=1", "\udcff", "+/=?"])
def test_a_token_of_odd_characters_makes_an_address_that_opens(token: str) -> None:
    page = LivePage(LABELS, "camera 0", port=0, token=token)
    try:
        assert page.url.isascii()
        assert page.url.isprintable()
        status, headers, _ = get(page, page.url.removeprefix(f"http://127.0.0.1:{page.port}"))
        assert status == 303
        assert get(page, "/", Cookie=headers["Set-Cookie"].split(";")[0])[0] == 200
        assert get(page, "/?token=a")[0] == 403
    finally:
        page.close()


def test_the_page_hides_a_cameras_password_and_mends_names() -> None:
    for source in ("rtsp://admin:hunter2@10.0.0.7/1", "http://cam/video?user=admin&pwd=hunter2"):
        page = LivePage(LABELS, source, port=0)
        assert "hunter2" not in get(page, "/state.json")[2].decode()
        page.close()
    page = LivePage(LABELS, "caf\udce9.mp4", port=0)
    try:
        assert state(page)["source"] == "caf\\xe9.mp4"
    finally:
        page.close()


def test_a_frame_is_encoded_once_for_all_viewers(page: LivePage, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []

    def slowly(picture: RGB) -> bytes:
        encoded.append(int(picture[0, 0, 0]))
        time.sleep(0.01)
        return b"jpeg"

    monkeypatch.setattr("detect.outputs.page._encoded", slowly)
    got: list[int] = []

    def look() -> None:
        last = 0
        while (jpeg := page.next_jpeg(last, 5.0)) is not None:
            last = jpeg[0]
            got.append(last)

    viewers = [threading.Thread(target=look) for _ in range(6)]
    for viewer in viewers:
        viewer.start()
    for index in range(30):
        page.write(frame(index), np.full((4, 4, 3), index, np.uint8))
        time.sleep(0.02)
    page.close()
    for viewer in viewers:
        viewer.join(5)
    assert len(encoded) == len(set(encoded)) <= 30
    assert len(got) > len(encoded)  # each served several


def test_a_frame_is_not_encoded_where_nobody_looks(page: LivePage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detect.outputs.page._encoded", lambda picture: pytest.fail("encoded"))
    for index in range(5):
        page.write(frame(index), paint((32, 24)))
    assert state(page)["people"] == 2


requests = st.lists(
    st.sampled_from(
        [
            b"GET ", b"HEAD ", b"POST ", b"/", b"/state.json", b"/picture.jpg", b"//[", b"?token=", b"%0d%0aX: y",
            b"\r\n", b"\r", b" HTTP/1.1", b" HTTP/1.0", b"Host: ", b"localhost", b"[", b"[::1", b"evil.example",
            b"Cookie: ", b"=", b"maskgen_", b";", b"\x00", b"\xff", b"\xe2\x84\x80", b"@", b":",
        ]
    )
    | st.binary(max_size=4),
    max_size=12,
).map(b"".join)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests, st.sampled_from([b"", b"\r\n\r\n", b" HTTP/1.1\r\nHost: localhost\r\n\r\n"]))
def test_no_request_breaks_the_page(page: LivePage, sent: bytes, end: bytes) -> None:
    surprises: list[BaseException | None] = []
    page._server.handle_error = lambda *_: surprises.append(sys.exception())  # type: ignore[method-assign]
    page.write(frame(0), paint((32, 24)))
    said = b""
    with socket.create_connection(("127.0.0.1", page.port), timeout=5) as viewer, contextlib.suppress(ConnectionError):
        viewer.sendall(sent + end)
        viewer.shutdown(socket.SHUT_WR)
        while part := viewer.recv(65536):
            said += part
    assert all(isinstance(one, OSError) for one in surprises), surprises
    if said:
        head = said.partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 ")
        assert b"\r\nX: y" not in head
        assert b"\r\nSet-Cookie" not in head  # this page has no token
    assert get(page, "/state.json")[0] == 200


def test_a_port_in_use_is_one_clear_line(page: LivePage) -> None:
    with pytest.raises(InputError, match=f"port {page.port} is in use"):
        LivePage(LABELS, "x", port=page.port)
    with pytest.raises(InputError, match="cannot listen"):
        LivePage(LABELS, "x", host="192.0.2.77", port=0)


def test_closing_leaves_no_thread_and_no_port() -> None:
    before = threading.active_count()
    page = LivePage(LABELS, "x", port=0)
    page.write(frame(0), paint((32, 24)))
    get(page, "/state.json")
    page.close()
    time.sleep(0.1)
    assert threading.active_count() == before
    LivePage(LABELS, "x", port=page.port).close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver

    driver, binary = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if driver is None or binary is None:
        pytest.skip("needs Chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for word in _CHROMIUM_WORDS.split():
        options.add_argument(word)
    options.add_argument("--window-size=1200,800")
    service = webdriver.ChromeService(executable_path=driver)
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


def wait(browser: Any, script: str, limit_s: float = 15.0) -> Any:
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        if value := browser.execute_script(f"return {script}"):
            return value
        time.sleep(0.1)
    raise AssertionError(f"never true in the browser: {script}")


def feed(page: LivePage, portrait: RGB, stop: threading.Event) -> None:
    from detect.outputs import draw

    index = 0
    while not stop.is_set():
        event = (Event(2, "without_mask", index / 10 - 2, index / 10, 0.9),) if index % 30 == 29 else ()
        now = frame(index, masked=2 + index // 40 % 2, bare=1, events=event)
        page.write(now, draw.draw(portrait, now.faces))
        index += 1
        time.sleep(0.02)


@pytest.mark.parametrize("size", [(1200, 800), (390, 844)])
def test_the_page_in_a_browser(
    browser: Any, page: LivePage, astronaut: RGB, size: tuple[int, int], tmp_path: Path
) -> None:
    stop = threading.Event()
    feeder = threading.Thread(target=feed, args=(page, astronaut, stop), daemon=True)
    feeder.start()
    try:
        # Emulated, because a headless window has a least width that phones have not.
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get(page.url)
        assert wait(browser, "document.getElementById('picture').naturalWidth") == 512
        wait(browser, "document.getElementById('people').textContent >= 3")
        assert wait(browser, "document.getElementById('share').textContent.endsWith('%')")
        wait(browser, "document.querySelectorAll('#events li.key').length > 0")
        wait(browser, "document.getElementById('status').className === 'fresh'")
        blue = (
            "(c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
            ".filter((v, i, d) => i % 4 === 2 && v > 180 && d[i - 2] < 100).length > 20)"
            "(document.getElementById('chart'))"
        )
        wait(browser, blue)
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        shot = tmp_path / "page.png"
        browser.save_screenshot(str(shot))
        assert images.read_rgb(shot).std() > 20
    finally:
        stop.set()
        feeder.join()
        browser.get("about:blank")


def test_the_written_video_plays_in_a_browser(browser: Any, tmp_path: Path, hopper: RGB) -> None:
    import functools
    import http.server

    writer = Mp4Writer(tmp_path / "clip.mp4", 20)
    for index in range(40):
        writer.write(np.roll(hopper[:300, :400], index, axis=1), index / 20)
    writer.close()
    (tmp_path / "index.html").write_text("<video id=v muted autoplay src=clip.mp4></video>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            browser.get(f"http://127.0.0.1:{server.server_address[1]}/index.html")
            video = "document.getElementById('v')"
            supported = browser.execute_script(f"return {video}.canPlayType('video/mp4; codecs=\"avc1.42E01E\"')")
            if not supported:
                pytest.skip("this Chromium has no H.264")
            wait(browser, f"{video}.ended")
            assert browser.execute_script(f"return {video}.duration") == pytest.approx(2.0, abs=0.06)
            assert browser.execute_script(f"return [{video}.videoWidth, {video}.videoHeight]") == [400, 300]
            browser.save_screenshot(str(tmp_path / "video.png"))
        finally:
            browser.get("about:blank")
            server.shutdown()
