"""Cameras at addresses: how often they are opened, how long they are tried, what a broken stream does."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from painting import paint
from servers import MjpegServer, free_port

from detect.outputs.mp4 import Mp4Writer
from detect.sources import open_source
from detect.sources.captures import Stream
from detect.sources.live import LiveSource, at_address
from maskgen import images
from maskgen.errors import SourceError
from maskgen.types import RGB

WAITS = {"open_timeout_s": 5.0, "read_timeout_s": 2.0}


class Fake:
    """A camera that fails as often as it is told to, then gives frames."""

    rate = None
    ends = False

    def __init__(self, failures: int, frames: int = 3) -> None:
        self.failures, self.frames, self.calls = failures, frames, 0

    def connect(self) -> Fake:
        self.calls += 1
        if self.calls <= self.failures:
            raise SourceError("not yet")
        return self

    def grab(self):
        self.frames -= 1
        return (lambda: np.zeros((2, 2, 3), np.uint8)) if self.frames >= 0 else None

    def close(self) -> None:
        pass


def test_the_first_connection_is_tried_again_as_later_ones_are(caplog: pytest.LogCaptureFixture) -> None:
    camera = Fake(failures=2)
    with caplog.at_level(logging.WARNING, "detect"):
        source = LiveSource("cam", camera.connect, open_timeout_s=1, read_timeout_s=1, give_up_s=20)
    assert camera.calls == 3
    assert source.drops == 0  # it was never there to drop
    assert [record.message for record in caplog.records] == ["not yet; trying again for 20 s", "cam is there"]
    source.close()


def test_a_camera_may_be_tried_without_end() -> None:
    source = LiveSource("cam", Fake(failures=1).connect, open_timeout_s=1, read_timeout_s=1, give_up_s=math.inf)
    assert len(list(source)) >= 1
    source.close()


def test_a_camera_that_is_switched_on_later_is_waited_for() -> None:
    port, late = free_port(), []

    def switch_on() -> None:
        time.sleep(0.7)
        late.append(MjpegServer(lambda n: paint((64, 48)), port=port))

    threading.Thread(target=switch_on).start()
    source = open_source(f"http://127.0.0.1:{port}/video", live=True, give_up_s=30.0, **WAITS)
    assert next(iter(source)).image.shape == (48, 64, 3)
    source.close()
    late[0].cut()


def test_trying_ends_after_the_time_that_was_given() -> None:
    camera = Fake(failures=1000)
    start_s = time.monotonic()
    with pytest.raises(SourceError, match="not yet"):
        LiveSource("cam", camera.connect, open_timeout_s=1, read_timeout_s=1, give_up_s=1.0)
    assert 0.9 < time.monotonic() - start_s < 8
    assert camera.calls >= 2
    with pytest.raises(SourceError, match="not yet"):
        LiveSource("cam", Fake(failures=1000).connect, open_timeout_s=1, read_timeout_s=1, give_up_s=0)


def test_a_camera_that_ran_for_long_is_tried_for_the_whole_time_after_it_drops() -> None:
    class Drops(Fake):
        def grab(self):
            time.sleep(0.05)
            self.frames -= 1
            if self.frames == 0:
                raise SourceError("dropped")
            return lambda: np.zeros((2, 2, 3), np.uint8)

    camera = Drops(failures=0, frames=30)  # 1.5 s
    source = LiveSource("cam", camera.connect, open_timeout_s=2, read_timeout_s=1, give_up_s=1.0)
    frames = iter(source)
    while camera.calls == 1:
        next(frames)
    next(frames)
    assert (camera.calls, source.drops) == (2, 1)
    source.close()


def test_waits_double_up_to_eight_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return super().wait(0.001)

    monkeypatch.setattr("detect.sources.live.threading.Event", Event)
    camera = Fake(failures=8)
    LiveSource("cam", camera.connect, open_timeout_s=9, read_timeout_s=9, give_up_s=100).close()
    # What starts a thread waits too, without a limit.
    assert [wait for wait in waits if wait] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]


def test_time_begins_with_the_first_frame_and_none_comes_twice() -> None:
    source = LiveSource("cam", Fake(0, frames=1).connect, open_timeout_s=1, read_timeout_s=1, give_up_s=1)
    assert [(frame.index, frame.time_s) for frame in source] == [(0, 0.0)]


def test_frames_of_one_packet_come_in_order() -> None:
    class Packet:
        def decode(self) -> list[int]:
            return [1, 2, 3]

    stream = Stream.__new__(Stream)
    stream._name, stream._frames, stream._packets = "x", [], iter([Packet()])
    stream._stream = SimpleNamespace(sample_aspect_ratio=None)
    shown: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("detect.sources.video.to_rgb", lambda frame, *_: frame)
        shown += [stream.grab()() for _ in range(3)]  # type: ignore[misc]
    assert shown == [1, 2, 3]
    with pytest.raises(SourceError, match="x ended"):
        stream.grab()


def test_a_recording_that_breaks_off_is_not_begun_again() -> None:
    class Torn(Fake):
        ends = True

        def grab(self):
            if self.frames == 0:
                raise SourceError("cut off")
            return super().grab()

    torn = Torn(failures=0)
    source = LiveSource("film", torn.connect, open_timeout_s=1, read_timeout_s=1, give_up_s=20)
    with pytest.raises(SourceError, match="cut off"):
        list(source)
    assert torn.calls == 1


@contextlib.contextmanager
def counting(body: bytes | None) -> Iterator[tuple[str, list[str]]]:
    """An address and the requests that came: a camera where ``body`` is None, else that file."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            with contextlib.suppress(OSError):
                self._file() if body is not None else self._frames()

        def _file(self) -> None:
            assert body is not None
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _frames(self) -> None:
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            data = images.encode(paint((64, 48)), ".jpg", 90)
            while True:
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + data + b"\r\n")
                time.sleep(0.02)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/x", asked
        server.shutdown()


@pytest.mark.parametrize("live", [None, True])
def test_an_http_camera_is_opened_once(live: bool | None) -> None:
    with counting(None) as (address, asked):
        source = open_source(address, live=live, **WAITS)
        assert source.live
        assert len(list(itertools.islice(source, 3))) == 3
        source.close()
    assert len(asked) == 1


def test_a_file_at_an_address_is_a_recording_or_plays(tmp_path: Path) -> None:
    writer = Mp4Writer(tmp_path / "clip.mp4", 10)
    for index in range(8):
        writer.write(paint((64, 48)), index / 10)
    writer.close()
    with counting((tmp_path / "clip.mp4").read_bytes()) as (address, _):
        recorded = open_source(address, **WAITS)
        assert (recorded.live, len(list(recorded))) == (False, 8)
        played = open_source(address, live=True, **WAITS)
        assert (played.live, played.rate) == (True, 10.0)
        times = [frame.time_s for frame in played]  # ends by itself
        assert 2 < len(times) <= 8
        assert times[-1] > 0.6  # at its own pace
        played.close()


def test_names_carry_no_password() -> None:
    with counting(None) as (address, _):
        asked = address.replace("//", "//admin:hunter2@") + "?user=admin&pwd=hunter2"
        source = at_address(asked, give_up_s=0.0, **WAITS)
        assert "hunter2" not in source.name
        source.close()
    with pytest.raises(SourceError) as caught:
        at_address("http://admin:hun@ter2@127.0.0.1:1/?pwd=hunter2", live=True, give_up_s=0.0, **WAITS)
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://admin:hunter2@127.0.0.1:1/x",
        "rtsp://admin:hunter2@127.0.0.1:x/y",
        "rtsp://admin:hunter2\x00@127.0.0.1:1/x",
        "rtsp://admin:\udcffhunter2@127.0.0.1:1/x",
        "rtsp://admin:a/hunter2@127.0.0.1:1/x",
        "tcp://127.0.0.1:1?password=hunter2",
        "nosuch://admin:hunter2@127.0.0.1/x",
        "http://127.0.0.1:1/hunter2/video?user=admin&pwd=hunter2",
        "http://[::1:hunter2@/",
    ],
)
@pytest.mark.parametrize("live", [None, True])
def test_no_message_about_an_address_tells_its_password(
    address: str, live: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceError) as caught:
        open_source(address, live=live, give_up_s=0.0, open_timeout_s=1.0, read_timeout_s=1.0)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in caplog.text


def test_a_silent_camera_is_not_waited_for_without_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start_s = time.monotonic()
        with pytest.raises(SourceError, match="no answer in time"):
            at_address(
                f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x", open_timeout_s=1.0, read_timeout_s=0.5, give_up_s=0.0
            )
        assert time.monotonic() - start_s < 6


def _mjpeg(pictures: list[RGB]) -> bytes:
    parts = (images.encode(picture, ".jpg", 90) for picture in pictures)
    return b"".join(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + part + b"\r\n" for part in parts)


WHOLE = _mjpeg([paint((64, 48), (4 * n, 10, 20, True)) for n in range(6)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, len(WHOLE)),
    places=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=40),
    noise=st.binary(max_size=200),
)
def test_whatever_bytes_a_camera_sends_it_gives_frames_or_says_what_is_wrong(
    tmp_path: Path, cut: int, places: list[tuple[int, int]], noise: bytes
) -> None:
    data = bytearray(WHOLE)
    for place, value in places:
        data[place] = value
    path = tmp_path / "stream.mjpeg"
    path.write_bytes(bytes(data[:cut]) + noise + bytes(data[cut:]))
    try:
        stream = Stream(str(path), 5.0, 5.0)
    except SourceError:
        return
    try:
        for _ in range(50):
            picture = stream.grab()()
            assert picture.ndim == 3
            assert picture.dtype == np.uint8
    except SourceError:
        pass
    finally:
        stream.close()
