"""Recordings that are killed, cut into segments, or run into a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from painting import paint

from detect.outputs.mp4 import Mp4Writer
from detect.outputs.recording import Mp4Sink, Recording, length_s, segments
from detect.results import FrameResult
from maskgen.errors import InputError

HERE = Path(__file__).parents[1]
NOISE = np.random.default_rng(0).integers(0, 256, (60, 240, 320, 3), dtype=np.uint8)


def times(path: Path) -> list[float]:
    """When each frame of a video is shown."""
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(container.streams.video[0])]


def film(recording: Recording, seconds: float, rate: int = 20, start_s: float = 0.0) -> None:
    for number in range(round(seconds * rate)):
        recording.write(paint((64, 48), (10, 10, 20, True)), start_s + number / rate)


def test_a_finished_file_is_a_plain_mp4_with_its_index(tmp_path: Path) -> None:
    recording = Recording.of(Mp4Writer(tmp_path / "out.mp4", 20))
    film(recording, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["out.part.mp4"]
    recording.close()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert recording.files == [tmp_path / "out.mp4"]
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(3.0)
        assert stream.frames == 60
    assert np.allclose(times(tmp_path / "out.mp4"), np.arange(60) / 20)


KILLED = """
import sys
sys.path[:0] = [{here!r}]
import numpy as np
from pathlib import Path
from detect.outputs.mp4 import Mp4Writer
writer = Mp4Writer(Path({path!r}), {rate})
rng = np.random.default_rng(0)
for number in range({frames}):
    writer.write(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), number / {rate})
print("written", flush=True)
import time
time.sleep(60)
"""


@pytest.mark.parametrize(("rate", "frames"), [(25, 250), (1, 10)])
def test_all_but_the_last_seconds_play_after_a_kill(rate: int, frames: int, tmp_path: Path) -> None:
    script = KILLED.format(here=str(HERE), path=str(tmp_path / "out.mp4"), rate=rate, frames=frames)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.kill()
    process.communicate()
    (left,) = tmp_path.iterdir()
    assert left.name == "out.part.mp4"
    assert times(left)[-1] > frames / rate - 3.1


def test_what_a_killed_run_left_is_never_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "out.part.mp4").write_bytes(b"left behind")
    recording = Recording.of(Mp4Writer(tmp_path / "out.mp4", 20))
    film(recording, 1)
    recording.close()
    assert (tmp_path / "out.part.mp4").read_bytes() == b"left behind"
    assert len(times(tmp_path / "out.mp4")) == 20
    assert "was left by a run that was killed" in caplog.text


def test_a_file_that_came_to_be_meanwhile_is_kept(tmp_path: Path) -> None:
    recording = Recording.of(Mp4Writer(tmp_path / "out.mp4", 20))
    film(recording, 1)
    (tmp_path / "out.mp4").write_bytes(b"somebody else's")
    recording.close()
    assert recording.problem is not None
    assert "out.part.mp4" in recording.problem
    assert (tmp_path / "out.mp4").read_bytes() == b"somebody else's"
    assert len(times(tmp_path / "out.part.mp4")) == 20


def test_segments_have_the_length_and_every_frame(tmp_path: Path) -> None:
    def writer(path: Path) -> Mp4Writer:
        return Mp4Writer(path, 20)

    recording = Recording(segments(tmp_path / "cam.mp4", writer), 1.0)
    film(recording, 2.5)
    recording.close()
    assert [path.name for path in recording.files] == ["cam-0001.mp4", "cam-0002.mp4", "cam-0003.mp4"]
    assert [len(times(path)) for path in recording.files] == [20, 20, 10]
    assert all(times(path)[0] == 0 for path in recording.files)
    # Another run goes on with the numbers, past what a killed one has left too.
    (tmp_path / "cam-0004.part.mp4").write_bytes(b"left behind")
    again = Recording(segments(tmp_path / "cam.mp4", writer), 1.0)
    film(again, 1.0)
    again.close()
    assert [path.name for path in again.files] == ["cam-0005.mp4"]


def test_a_segment_has_its_part_of_the_sound(tmp_path: Path) -> None:
    """A tone that rises with every second: each segment has its own."""
    with_sound(tmp_path / "sound.mp4", seconds=12)

    def writer(path: Path) -> Mp4Writer:
        return Mp4Writer(path, 10, sound_from=str(tmp_path / "sound.mp4"))

    recording = Recording(segments(tmp_path / "cam.mp4", writer), 6.0)
    film(recording, 12, rate=10)
    recording.close()
    first, second = recording.files
    assert tone_hz(first, 2.5) == pytest.approx(200 + 100 * 2, abs=30)
    assert tone_hz(second, 2.5) == pytest.approx(200 + 100 * 8, abs=30)


def with_sound(path: Path, seconds: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for second in range(seconds):
            wave = np.sin(2 * np.pi * (200 + 100 * second) * np.arange(16000) / 16000).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(0.5 * wave[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, second * 16000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def tone_hz(path: Path, at_s: float) -> float:
    """The loudest frequency in the half second after a moment."""
    with av.open(str(path)) as container:
        frames = [(float(f.time or 0), f.to_ndarray()[0]) for f in container.decode(container.streams.audio[0])]
    samples = np.concatenate([wave for moment, wave in frames if at_s - 0.1 <= moment <= at_s + 0.4])
    return float(np.fft.rfftfreq(len(samples), 1 / 16000)[np.abs(np.fft.rfft(samples)).argmax()])


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("30s", 30), ("10m", 600), ("1.5h", 5400)])
def test_lengths(text: str, seconds: float) -> None:
    assert length_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0.5s", "ten", "10 min", "-5m", "1d"])
def test_lengths_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="30s, 10m or 1h"):
        length_s(text)


class FullDisk:
    """A limit on the size of files: what is beyond it cannot be written, as on a full disk."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def __enter__(self) -> None:
        import resource

        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._limit, self._before[1]))

    def __exit__(self, *_: object) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
        signal.signal(signal.SIGXFSZ, self._handler)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX limits")
class TestAFullDisk:
    def test_the_caller_goes_on_and_what_was_written_plays(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        sink = Mp4Sink(Mp4Writer(tmp_path / "out.mp4", 20))
        with FullDisk(1_000_000):
            for number, picture in enumerate(NOISE):
                sink.write(FrameResult(number, number / 20, picture), picture)
            sink.close()
        assert sink.recording.problem is not None
        assert "the recording stopped at" in sink.recording.problem
        assert "out.mp4" in sink.recording.problem
        assert caplog.text.count("the recording stops at") == 1
        assert 10 < len(times(tmp_path / "out.mp4")) < 60
        assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]

    def test_the_next_segment_is_tried_anew(self, tmp_path: Path) -> None:
        recording = Recording(segments(tmp_path / "cam.mp4", lambda path: Mp4Writer(path, 20)), 1.0)
        with FullDisk(400_000):
            for number in range(40):
                recording.write(NOISE[number], number / 20)
        for number in range(40, 60):
            recording.write(NOISE[number], number / 20)
        recording.close()
        assert recording.problem is not None
        assert len(times(recording.files[-1])) == 20

    def test_where_nothing_at_all_can_be_written_it_is_an_error(self, tmp_path: Path) -> None:
        recording = Recording.of(Mp4Writer(tmp_path / "out.mp4", 1))

        def write() -> None:
            for number in range(60):
                recording.write(NOISE[number], number)

        with FullDisk(10), pytest.raises(InputError, match="cannot write"):
            write()
        recording.close()
        assert not list(tmp_path.iterdir())


def test_killed_in_the_middle_of_a_watch_the_recording_plays(tiny_model: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    recording = Recording.of(Mp4Writer(source, 20))
    for number in range(40):
        recording.write(paint((320, 240), (40 + number, 60, 80, True)), number / 20)
    recording.close()
    output = tmp_path / "out"
    words = [
        "detect",
        "webcam",
        str(source),
        "--loop",
        "--page",
        "--port",
        "0",
        "-m",
        str(tiny_model),
        "--segment",
        "2s",
    ]
    script = COMMAND.format(here=str(HERE), words=[*words, "-o", str(output / "cam.mp4")])
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(output.glob("cam-000?*.mp4"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2.5)
    process.kill()
    process.communicate()
    found = sorted(output.iterdir())
    assert len(found) >= 3
    assert all(len(times(path)) > 5 for path in found[:-1])  # the last may have begun in the moment of the kill


COMMAND = """
import sys
sys.path[:0] = [{here!r}]
from painting import PaintedFaces
from detect import detector
from detect.search import FaceSearch
detector.load_search = lambda *a, **k: FaceSearch(PaintedFaces())
import maskgen.app
sys.argv[1:] = {words!r}
maskgen.app.main()
"""
