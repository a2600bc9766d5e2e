"""``detect video`` and ``detect webcam``, with real files: what they print, write and leave behind."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from painting import PaintedFaces, paint
from servers import MjpegServer
from typer.testing import CliRunner

from detect.commands.app import app
from detect.detector import Detector, _Spare
from detect.outputs.mp4 import Mp4Writer
from detect.search import FaceSearch
from detect.stream import watch
from maskgen import images
from maskgen.types import RGB, Face

if TYPE_CHECKING:
    from click.testing import Result

FRAMES, RATE = 60, 20


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds; one face moves and takes its mask off after half of them."""
    path = tmp_path_factory.mktemp("video") / "silent.mp4"
    writer = Mp4Writer(path, RATE)
    for index in range(FRAMES):
        writer.write(paint((320, 240), (40 + index, 60, 80, index < FRAMES // 2)), index / RATE)
    writer.close()
    return path


@pytest.fixture(scope="module")
def clip(silent: Path) -> Path:
    """The same with a tone."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("needs ffmpeg to add sound")
    path = silent.with_name("clip.mp4")
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=3"]
    words = [ffmpeg, "-v", "error", "-y", "-i", str(silent), *tone, "-c:v", "copy", "-c:a", "aac", str(path)]
    subprocess.run(words, check=True, timeout=60)
    return path


def contents(path: Path) -> tuple[int, int, float]:
    """(frames, sound samples, length in seconds) of a video that can be played to its end."""
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
    samples = 0
    with av.open(str(path)) as container:
        if container.streams.audio:
            samples = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
    return len(frames), samples, float(frames[-1].pts * frames[-1].time_base)


@pytest.mark.usefixtures("painted_commands")
class TestVideo:
    def test_events_and_summary(self, silent: Path) -> None:
        result = run("video", silent, "--recheck", "0")
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert lines[:2] == [
            "face 1: with_mask from 0.0 s to 1.5 s",
            "face 1: without_mask from 1.5 s to 3.0 s",
        ]
        assert lines[2].startswith("60 frames, 3.0 s, 1 faces")

    def test_json_has_a_line_for_every_frame(self, silent: Path) -> None:
        lines = [json.loads(line) for line in run("video", silent, "--json").stdout.splitlines()]
        assert [line["frame"] for line in lines] == list(range(FRAMES))
        assert [line["time_s"] for line in lines] == pytest.approx([i / RATE for i in range(FRAMES)], abs=1e-3)
        assert lines[-1]["faces"][0]["track"] == 1
        assert lines[-1]["faces"][0]["box_xyxy"] == pytest.approx([99, 60, 179, 140], abs=3)
        assert [event["label"] for line in lines for event in line.get("events", [])] == ["with_mask", "without_mask"]

    def test_csv_and_counts(self, silent: Path) -> None:
        rows = list(csv.DictReader(io.StringIO(run("video", silent, "--csv").stdout)))
        assert len(rows) == FRAMES
        assert rows[-1]["label"] == "without_mask"
        counts = list(csv.DictReader(io.StringIO(run("video", silent, "--counts", "second").stdout)))
        assert [(row["start_s"], row["frames"], row["people"]) for row in counts] == [
            # Of the first frame nobody knows yet whether it was a face.
            (f"{second}.0", str(RATE), "1.0" if second else "0.95")
            for second in range(3)
        ]
        assert run("video", silent, "--counts", "hour").exit_code == 2

    def test_the_written_video_has_every_frame_and_the_sound(self, clip: Path, tmp_path: Path) -> None:
        result = run("video", clip, "--output", tmp_path / "out.mp4")
        assert result.exit_code == 0
        frames, samples, last_s = contents(tmp_path / "out.mp4")
        before = contents(clip)
        assert (frames, last_s) == (before[0], pytest.approx(before[2], abs=0.01))
        assert samples == pytest.approx(before[1], rel=0.02)
        assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
        run("video", clip, "--output", tmp_path / "mute.mp4", "--no-sound")
        assert contents(tmp_path / "mute.mp4")[1] == 0

    def test_sound_in_a_codec_that_mp4_has_not_becomes_aac(self, clip: Path, tmp_path: Path) -> None:
        mkv = tmp_path / "clip.mkv"
        words = ["-i", str(clip), "-c:v", "copy", "-c:a", "pcm_s16le", str(mkv)]
        subprocess.run([str(shutil.which("ffmpeg")), "-v", "error", *words], check=True, timeout=60)
        assert run("video", mkv, "--output", tmp_path / "out.mp4").exit_code == 0
        frames, samples, _ = contents(tmp_path / "out.mp4")
        assert frames == FRAMES
        assert samples == pytest.approx(3 * 44100, rel=0.05)

    def test_odd_sizes_can_be_written(self, tmp_path: Path) -> None:
        writer = Mp4Writer(tmp_path / "odd.mp4", 10)
        for index, size in enumerate([(101, 77), (101, 77), (50, 99), (300, 20)]):
            writer.write(paint(size), index / 10)
        writer.close()
        with av.open(str(tmp_path / "odd.mp4")) as container:
            assert (container.streams.video[0].width, container.streams.video[0].height) == (102, 78)
        assert contents(tmp_path / "odd.mp4")[0] == 4

    def test_blur_hides_every_face_in_the_video(self, silent: Path, tmp_path: Path) -> None:
        run("video", silent, "--output", tmp_path / "out.mp4", "--blur")
        with av.open(str(tmp_path / "out.mp4")) as container:
            for frame in container.decode(container.streams.video[0]):
                middle = frame.to_ndarray(format="rgb24")[70:130, 110:125].astype(int)
                assert np.abs(np.diff(middle, axis=0)).max() < 60

    def test_blur_hides_what_might_be_a_face_and_where_one_was(
        self, silent: Path, tmp_path: Path, painted_commands: Detector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Seen in every third frame only, and then with a score below a face's."""
        looks = itertools.count()

        class Wavers(PaintedFaces):
            def detect(self, image: RGB) -> list[Face]:
                seen = next(looks) % 3 == 0
                return [replace(face, score=0.35) for face in super().detect(image)] if seen else []

        monkeypatch.setattr(painted_commands, "_searches", _Spare(lambda: FaceSearch(Wavers(), sure=0.6)))
        monkeypatch.setattr(painted_commands, "threads", 1)
        result = run("video", silent, "--output", tmp_path / "out.mp4", "--blur", "--json")
        assert not any(json.loads(line)["faces"] for line in result.stdout.splitlines())
        with av.open(str(tmp_path / "out.mp4")) as container:
            for frame in container.decode(container.streams.video[0]):
                middle = frame.to_ndarray(format="rgb24")[70:130, 110:125].astype(int)
                assert np.abs(np.diff(middle, axis=0)).max() < 100  # 190 where a face is bare

    def test_blur_looks_at_every_frame(self, silent: Path) -> None:
        assert "--every" in str(run("video", silent, "--blur", "--every", "2").exception)

    def test_every_second_frame_still_gives_every_frame(self, silent: Path, tmp_path: Path) -> None:
        lines = [json.loads(line) for line in run("video", silent, "--json", "--every", "3").stdout.splitlines()]
        assert len(lines) == FRAMES
        assert all(len(line["faces"]) == 1 for line in lines)
        fewer = run("video", silent, "--json", "--max-fps", "5").stdout.splitlines()
        assert len(fewer) == FRAMES // 4

    def test_a_file_cut_off_is_written_as_far_as_it_goes(self, clip: Path, tmp_path: Path) -> None:
        long = tmp_path / "long.mp4"
        words = ["-stream_loop", "4", "-i", str(clip), "-c", "copy", "-movflags", "+faststart", str(long)]
        subprocess.run([str(shutil.which("ffmpeg")), "-v", "error", *words], check=True, timeout=60)
        data = long.read_bytes()
        (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
        result = run("video", tmp_path / "cut.mp4", "--output", tmp_path / "out.mp4")
        assert result.exit_code == 1
        assert result.stderr.count("maskgen: ") == 1
        assert "cut off" in result.stderr
        assert contents(tmp_path / "out.mp4")[0] > 50

    def test_an_error_in_the_middle_ends_the_run_and_leaves_a_playable_file(
        self, silent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = 0
        original = PaintedFaces.detect

        def failing(self: PaintedFaces, image: RGB) -> list[Face]:
            nonlocal seen
            seen += 1
            if seen > 30:
                raise RuntimeError("surprise")
            return original(self, image)

        monkeypatch.setattr(PaintedFaces, "detect", failing)
        result = run("video", silent, "--output", tmp_path / "out.mp4")
        assert isinstance(result.exception, RuntimeError)
        assert contents(tmp_path / "out.mp4")[0] >= 20
        assert not [t for t in threading.enumerate() if t.name.startswith("maskgen")]

    def test_segments_of_a_length(self, silent: Path, tmp_path: Path) -> None:
        result = run("video", silent, "--output", tmp_path / "out.mp4", "--segment", "1s")
        assert result.exit_code == 0, result.output
        assert "and 2 more" in result.stdout
        assert [contents(path)[0] for path in sorted(tmp_path.iterdir())] == [RATE, RATE, RATE]
        assert "30s, 10m or 1h" in str(run("video", silent, "-o", tmp_path / "x.mp4", "--segment", "tea").exception)
        assert run("video", silent, "--segment", "1s").exit_code == 2

    @pytest.mark.skipif(os.name == "nt", reason="needs POSIX limits")
    def test_a_full_disk_does_not_end_detection_and_is_said(self, silent: Path, tmp_path: Path) -> None:
        import resource

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, before[1]))
        try:
            result = run("video", silent, "--output", tmp_path / "out.mp4", "--json")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert len(result.stdout.splitlines()) == FRAMES
        assert result.exit_code == 1
        assert result.stderr.count("maskgen: the recording stopped at") == 1
        assert 0 < contents(tmp_path / "out.mp4")[0] < FRAMES

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("video", "nothing.mp4"), "no file, camera or address"),
            (("video", "0"), "maskgen detect webcam 0"),
            (("webcam", "87", "--give-up", "0"), "no camera 87"),
            (("webcam", "http://127.0.0.1:1/", "--give-up", "0"), "cannot be opened"),
        ],
    )
    def test_wrong_sources(self, words: tuple[str, ...], message: str) -> None:
        assert message in str(run(*words).exception)

    @pytest.mark.parametrize("command", ["video", "webcam", "serve"])
    @pytest.mark.parametrize("address", ["10.0.0.7/video?user=admin&pwd=hunter2", "admin:hunter2@10.0.0.7/1"])
    def test_no_message_tells_a_password_though_the_scheme_was_forgotten(self, command: str, address: str) -> None:
        result = run(command, address)
        assert result.exit_code == 1
        assert "hunter2" not in f"{result.output}{result.exception}"

    def test_outputs_that_cannot_be(self, silent: Path, tmp_path: Path) -> None:
        copy = tmp_path / "copy.mp4"
        shutil.copy(silent, copy)
        for output, message in [
            (copy, "is the video itself"),
            (tmp_path / "out.avi", "written as .mp4"),
            (silent, "exists; pass --overwrite"),
        ]:
            words = ("video", copy, "--output", output)
            assert message in str(run(*words, *(("--overwrite",) if output == copy else ())).exception)
        assert copy.read_bytes() == silent.read_bytes()

    def test_webcam_writes_what_it_was_told_to_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with MjpegServer(lambda n: paint((160, 120), (20 + n % 40, 20, 60, True))) as camera:
            plain = run("webcam", camera.url, "--page", "--port", "0", "--seconds", "1")
            assert plain.exit_code == 0
            assert not list(tmp_path.iterdir())
            result = run("webcam", camera.url, "--page", "--port", "0", "--seconds", "1.5", "--output", "cam.mp4")
        assert "face 1: with_mask" in result.stdout
        frames, _, last_s = contents(tmp_path / "cam.mp4")
        assert frames > 10
        assert last_s == pytest.approx(1.5, abs=0.3)

    def test_webcam_goes_on_after_a_drop(self) -> None:
        with MjpegServer(lambda n: paint((160, 120), (20, 20, 60, True))) as first:
            second: list[MjpegServer] = []

            import trackers  # noqa: F401  # two seconds, which the first stream would not live

            def come_back() -> None:
                time.sleep(2.0)
                first.cut()
                time.sleep(0.7)
                second.append(MjpegServer(lambda n: paint((160, 120), (20, 20, 60, False)), port=first.port))

            threading.Thread(target=come_back).start()
            result = run("webcam", first.url, "--page", "--port", "0", "--seconds", "5", "--json")
            second[0].cut()
        assert result.exit_code == 0
        labels = [face["label"] for line in result.stdout.splitlines() for face in json.loads(line).get("faces", [])]
        assert (labels[0], labels[-1]) == ("with_mask", "without_mask")


def test_a_short_api(painted: Detector, silent: Path) -> None:
    assert [face.label for face in painted.detect(paint((100, 100), (10, 10, 50, False)))] == ["without_mask"]
    for frame in watch(painted, str(silent)):
        assert frame.image.shape == (240, 320, 3)
        if frame.index == 5:
            break
    with watch(painted, silent, track=False) as frames:
        assert sum(len(frame.faces) for frame in frames) == FRAMES
    assert not [t for t in threading.enumerate() if t.name.startswith("maskgen")]


CTRL_C = """
import sys
sys.path[:0] = [{here!r}]
from pathlib import Path
from painting import PaintedFaces
import detect.detector
from detect.search import FaceSearch
detect.detector.load_search = lambda *a, **k: FaceSearch(PaintedFaces())
import maskgen.app
sys.argv[1:] = {words!r}
maskgen.app.main()
"""


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_leave_a_playable_file(
    stop: signal.Signals, code: int, silent: Path, tiny_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    words = ["detect", "webcam", str(silent), "--loop", "--page", "--port", "0", "-m", str(tiny_model)]
    script = CTRL_C.format(here=str(Path(__file__).parents[1]), words=[*words, "-o", str(output)])
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(600):
        # More than the header: frames have come out of the encoder.
        if any(part.stat().st_size > 200 for part in tmp_path.glob("*.part.mp4")):
            break
        time.sleep(0.1)
    time.sleep(1.0)
    process.send_signal(stop)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code, stderr.decode()
    assert b"Traceback" not in stderr
    assert contents(output)[0] > 5
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_pictures_from_the_paint_box_survive_the_codec(silent: Path) -> None:
    with av.open(str(silent)) as container:
        first = next(container.decode(container.streams.video[0])).to_ndarray(format="rgb24")
    assert len(PaintedFaces().detect(np.asarray(first, dtype=np.uint8))) == 1
    assert images.encode(np.asarray(first, dtype=np.uint8), ".jpg")
