"""Sources, with real files and real sockets."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import struct
import subprocess
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from painting import paint
from PIL import Image
from servers import MjpegServer, TransportStream, free_port

from detect.outputs.mp4 import Mp4Writer
from detect.sources import open_source
from detect.sources.animation import Animation
from detect.sources.base import Frame
from detect.sources.video import _Clock
from detect.stream import limited
from maskgen import images
from maskgen.errors import SourceError

WAITS = {"open_timeout_s": 5.0, "read_timeout_s": 2.0}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, 25 frames a second, 160 x 120, brighter with every frame."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    writer = Mp4Writer(path, 25)
    for index in range(50):
        writer.write(np.full((120, 160, 3), 20 + 4 * index, dtype=np.uint8), index / 25)
    writer.close()
    return path


def ffmpeg(*words: str | Path) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("needs ffmpeg")
    subprocess.run([program, "-v", "error", "-y", *map(str, words)], check=True, timeout=60)


def threads(wait_s: float = 10.0) -> set[str]:
    """Threads of ours that are still there; a busy machine takes a while to end one."""
    ends_s = time.monotonic() + wait_s
    while True:
        left = {thread.name for thread in threading.enumerate() if thread.name.startswith("maskgen")}
        if not left or time.monotonic() > ends_s:
            return left
        time.sleep(0.05)


def test_a_file_gives_every_frame_in_order(clip: Path) -> None:
    source = open_source(clip)
    assert (source.live, source.rate, source.duration_s) == (False, 25.0, 2.0)
    frames = list(source)
    source.close()
    assert [frame.index for frame in frames] == list(range(50))
    assert np.allclose([frame.time_s for frame in frames], np.arange(50) / 25)
    means = [frame.image.mean() for frame in frames]
    assert np.abs(np.array(means) - (20 + 4 * np.arange(50))).max() < 3


def test_uneven_frame_times_are_kept(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.5, 0.52, 1.7]
    writer = Mp4Writer(tmp_path / "uneven.mp4", 25)
    for time_s in times:
        writer.write(paint((64, 48)), time_s)
    writer.close()
    assert np.allclose([frame.time_s for frame in open_source(tmp_path / "uneven.mp4")], times, atol=1e-3)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_phone_videos_come_upright(tmp_path: Path, degrees: int) -> None:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:40, :40] = 255
    # Stored so that turning it clockwise, as the file will say, gives the picture again.
    stored = np.ascontiguousarray(np.rot90(picture, degrees // 90))
    path = tmp_path / "turned.mp4"
    writer = Mp4Writer(path, 10)
    for index in range(3):
        writer.write(stored, index / 10)
    writer.close()
    turn(path, degrees)
    (frame, *_) = open_source(path)
    assert frame.image.shape == (120, 160, 3)
    assert frame.image[:30, :30].mean() > 200
    assert frame.image[60:].mean() < 20


def turn(path: Path, degrees: int) -> None:
    """Write a clockwise turn into an MP4's track header, as phones do (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    matrix = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    a, b, c, d = (value << 16 for value in matrix)
    struct.pack_into(">9i", data, data.rindex(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_file_cut_off_in_the_middle_says_so_after_its_last_frame(clip: Path, tmp_path: Path, share: float) -> None:
    long = tmp_path / "long.mp4"
    ffmpeg("-stream_loop", "3", "-i", clip, "-c", "copy", "-movflags", "+faststart", long)
    data = long.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: round(len(data) * share)])
    source = open_source(tmp_path / "cut.mp4")
    seen: list[Frame] = []
    with pytest.raises(SourceError, match="cut off"):
        list(map(seen.append, source))
    assert seen


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.mp4", b"", "cannot be opened as video"),
        ("text.mp4", b"hello " * 1000, "cannot be opened as video"),
        ("noise.avi", bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)), "cannot be opened"),
    ],
)
def test_what_is_no_video_is_one_clear_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=message) as caught:
        open_source(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "sound.m4a")
    with pytest.raises(SourceError, match="holds no video"):
        open_source(tmp_path / "sound.m4a")


def test_absurd_sizes_are_refused(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detect.sources.video.MAX_PIXELS", 1000)
    with pytest.raises(SourceError, match="160 x 120"):
        open_source(clip)


@pytest.mark.parametrize("spec", ["nothing-here.mp4", "97", "rtsp://127.0.0.1:1/x", "http://127.0.0.1:1/x"])
def test_what_does_not_exist(spec: str) -> None:
    start_s = time.monotonic()
    with pytest.raises(SourceError):
        open_source(spec, give_up_s=0.0, **WAITS)
    assert time.monotonic() - start_s < 20  # each wait is a second; a busy machine adds its own
    assert not threads()


def test_a_port_that_accepts_and_stays_silent_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start_s = time.monotonic()
        address = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(SourceError, match="no answer in time"):
            open_source(address, open_timeout_s=1.0, read_timeout_s=0.5, give_up_s=0.0)
        assert time.monotonic() - start_s < 6


def test_passwords_do_not_reach_messages() -> None:
    with pytest.raises(SourceError) as caught:
        open_source("rtsp://admin:hunter2@127.0.0.1:1/x", give_up_s=0.0, **WAITS)
    assert "hunter2" not in str(caught.value)
    for address in ("admin:hunter2@127.0.0.1/x", "127.0.0.1/video?user=admin&pwd=hunter2"):  # the scheme was forgotten
        with pytest.raises(SourceError) as caught:
            list(open_source(address))
        assert "hunter2" not in str(caught.value)


def test_an_mjpeg_camera_that_is_cut_and_comes_back() -> None:
    with MjpegServer(lambda n: paint((160, 120), (10 + n % 50, 20, 40, True))) as first:
        source = open_source(first.url, give_up_s=20.0, **WAITS)
        assert source.live
        frames = iter(source)
        before = list(itertools.islice(frames, 5))
        first.cut()
        got: list[Frame] = []
        reader = threading.Thread(target=lambda: got.extend(itertools.islice(frames, 8)), daemon=True)
        reader.start()
        time.sleep(0.3)
        with MjpegServer(lambda n: paint((160, 120)), port=first.port):
            reader.join(15)
            assert not reader.is_alive()
            source.close()
    times = [frame.time_s for frame in before + got]
    assert times == sorted(times)
    assert got[-1].image.shape == (120, 160, 3)
    assert source.drops == 1  # type: ignore[attr-defined]
    assert not threads()


def test_a_camera_that_stays_away_ends_with_an_error() -> None:
    with MjpegServer(lambda n: paint((64, 48))) as server:
        source = open_source(server.url, give_up_s=1.0, **WAITS)
        frames = iter(source)
        next(frames)
        server.cut()
        start_s = time.monotonic()
        with pytest.raises(SourceError):
            list(frames)
        assert time.monotonic() - start_s < 8
        source.close()


def test_a_page_that_is_no_stream() -> None:
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>" + b"hello" * 5000)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with pytest.raises(SourceError, match="cannot be opened as video"):
            open_source(f"http://127.0.0.1:{server.server_address[1]}/", **WAITS)
        server.shutdown()


def test_a_transport_stream_that_is_cut_and_comes_back(clip: Path) -> None:
    port = free_port()
    with TransportStream(clip, port) as first:
        source = open_source(first.url, give_up_s=20.0, **WAITS)
        frames = iter(source)
        before = list(itertools.islice(frames, 5))
        first.cut()
    with TransportStream(clip, port):
        after = list(itertools.islice(frames, 10))
        source.close()
    assert before[0].image.shape == after[-1].image.shape == (120, 160, 3)
    assert source.drops == 1  # type: ignore[attr-defined]


def test_a_live_source_gives_the_newest_frame_only() -> None:
    with MjpegServer(lambda n: np.full((48, 64, 3), n % 256, np.uint8), fps=50) as server:
        source = open_source(server.url, **WAITS)
        frames = iter(source)
        first = next(frames)
        time.sleep(1.0)
        second = next(frames)
        source.close()
    assert second.index - first.index > 15
    assert second.time_s - first.time_s == pytest.approx(1.0, abs=0.4)


def test_a_file_plays_at_its_own_pace_and_loops(clip: Path) -> None:
    source = open_source(clip, live=True, loop=True)
    start_s = time.monotonic()
    times = []
    for frame in source:
        times.append(frame.time_s)
        if frame.time_s > 2.5:
            break
    assert time.monotonic() - start_s == pytest.approx(2.5, abs=0.8)
    assert times == sorted(times)
    source.close()
    assert not threads()


def test_a_played_file_ends(clip: Path) -> None:
    source = open_source(clip, live=True)
    assert 10 < len(list(source)) <= 50
    source.close()


def test_pictures_are_frames_too(tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", paint((20, 20)))
    images.write(tmp_path / "b.png", paint((30, 20)))
    (tmp_path / "c.txt").write_text("no")
    assert [frame.image.shape[1] for frame in open_source(tmp_path)] == [20, 30]
    assert [frame.image.shape[1] for frame in open_source(str(tmp_path / "b*.png"))] == [30]
    with pytest.raises(SourceError, match="no picture"):
        list(open_source(str(tmp_path / "z*.png")))


def test_frames_beyond_a_rate_are_dropped_evenly() -> None:
    image = np.zeros((1, 1, 3), np.uint8)
    frames = [Frame(i, i / 30, image) for i in range(90)]
    kept = [frame.time_s for frame in limited(frames, 10)]
    assert len(kept) == 30
    assert np.allclose(np.diff(kept), 0.1)
    assert len(list(limited(frames, None))) == 90
    late = [Frame(0, 0.0, image), Frame(1, 9.0, image), Frame(2, 9.01, image)]
    assert [frame.time_s for frame in limited(late, 10)] == [0.0, 9.0]


def remux(source: Path, target: Path, **change: object) -> Path:
    """Write a video's packets anew; ``stamps`` gives each its seconds, ``aspect`` the shape of a pixel."""
    stamps, aspect = change.get("stamps"), change.get("aspect")
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        if aspect is not None:
            stream.sample_aspect_ratio = aspect
        packets = [packet for packet in old.demux(video=0) if packet.dts is not None]
        for number, packet in enumerate(packets):
            if callable(stamps):
                packet.pts = packet.dts = round(stamps(number) / packet.time_base)
            packet.stream = stream
            new.mux(packet)
    return target


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 25 frames a second without B-frames, so that packets are frames."""
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    writer = Mp4Writer(path, 5)  # slow ones are written as they come
    for index in range(50):
        writer.write(paint((160, 120), (10 + index, 20, 40, True)), index / 25)
    writer.close()
    return path


def test_time_goes_on_where_stamps_go_back() -> None:
    """Two recordings joined to one: the second counts from 0 again."""
    twice = [index / 25 for index in range(25)] * 2
    clock = _Clock(1 / 25)
    assert np.allclose([clock.time_s(10 + stamp) for stamp in twice], np.arange(50) / 25)
    assert clock.start_s == 10


def test_frames_out_of_order_do_not_begin_a_new_count() -> None:
    clock = _Clock(1 / 25)
    assert [clock.time_s(stamp) for stamp in (0.0, 0.04, 0.12, 0.08, 0.16, 0.2)] == [0.0, 0.04, 0.12, 0.12, 0.16, 0.2]


def test_frames_without_a_stamp_follow_the_last() -> None:
    clock = _Clock(0.5)
    stamps = [None, None, 3.0, None, 4.0]
    assert [clock.time_s(stamp) for stamp in stamps] == [0.0, 0.5, 3.0, 3.5, 4.0]


def test_a_matroska_file_that_does_not_begin_at_0_is_whole(plain: Path, tmp_path: Path) -> None:
    path = remux(plain, tmp_path / "late.mkv", stamps=lambda number: 100 + number / 25)
    source = open_source(path)
    assert source.duration_s == pytest.approx(2.0, abs=0.3)
    frames = list(source)
    assert len(frames) == 50
    assert frames[0].time_s == 0
    assert frames[-1].time_s == pytest.approx(49 / 25, abs=2e-3)


def test_a_film_that_ends_before_its_header_says_is_called_cut_off(plain: Path) -> None:
    """Whole in its index, but its last seconds are not there."""
    source = open_source(plain)
    source.duration_s = 9.0  # type: ignore[misc]  # as a header says that was written first
    seen: list[Frame] = []
    with pytest.raises(SourceError, match=r"ends after 2\.0 s of 9\.0 s"):
        list(map(seen.append, source))
    assert len(seen) == 50


@pytest.mark.parametrize(("aspect", "size_wh"), [(Fraction(2), (320, 120)), (Fraction(1, 2), (160, 240))])
def test_pixels_come_square(plain: Path, tmp_path: Path, aspect: Fraction, size_wh: tuple[int, int]) -> None:
    path = remux(plain, tmp_path / "wide.mp4", aspect=aspect)
    frame = next(iter(open_source(path)))
    assert frame.image.shape == (size_wh[1], size_wh[0], 3)


def test_absurd_pixels_are_passed_over(plain: Path, tmp_path: Path) -> None:
    path = remux(plain, tmp_path / "absurd.mp4", aspect=Fraction(1000, 1))
    assert next(iter(open_source(path))).image.shape == (120, 160, 3)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animated_pictures_give_every_frame(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"moving{suffix}"
    pictures = [Image.fromarray(paint((64, 48), (5 + 4 * number, 10, 20, True))) for number in range(5)]
    durations = [100, 200, 300, 100, 100]
    extra = {"lossless": True} if suffix == ".webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, **extra)
    source = open_source(path)
    assert isinstance(source, Animation)
    frames = list(source)
    assert np.allclose([frame.time_s for frame in frames], [0, 0.1, 0.3, 0.6, 0.7])
    yellow = [int(np.argmax(frame.image[12, :, 0] > 200)) for frame in frames]
    assert yellow == pytest.approx([5, 9, 13, 17, 21], abs=1)
    source.close()
    played = open_source(path, live=True, loop=True)
    assert [frame.image.shape for frame in itertools.islice(played, 3)] == [(48, 64, 3)] * 3
    played.close()
    # Half of it: what is there, then a line that says so.
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError), contextlib.closing(open_source(path)) as cut:
        list(cut)


def test_a_still_picture_is_no_animation(tmp_path: Path) -> None:
    images.write(tmp_path / "still.webp", paint((20, 20)))
    assert Animation.if_animated(tmp_path / "still.webp") is None
    assert len(list(open_source(tmp_path / "still.webp"))) == 1
