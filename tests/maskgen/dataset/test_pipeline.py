"""What surrounds the drawing, with a worker that draws nothing real."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from fake_worker import photo

from maskgen.dataset import check, wardrobe
from maskgen.dataset.engines.fork_server import CAN_FORK
from maskgen.dataset.engines.local import _Spawned
from maskgen.dataset.journal import Journal
from maskgen.dataset.pipeline import Run, Summary, generate
from maskgen.dataset.reader import read_dataset, read_run, read_skipped
from maskgen.dataset.settings import Settings
from maskgen.errors import InputError, MaskgenError

HERE = Path(__file__).parents[1]


def fill(folder: Path, count: int = 12, **odd: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:03}.jpg").write_bytes(photo(f"person {number}"))
    for name, text in odd.items():
        (folder / f"{name}.jpg").write_bytes(photo(text))
    return folder


def inline(**more: object) -> Run:
    return Run(engine="inline", factory="fake_worker:build", **more)  # type: ignore[arg-type]


def local(workers: int = 2, **more: object) -> Run:
    return Run(workers=workers, factory="fake_worker:build", **more)  # type: ignore[arg-type]


def make(source: Path, output: Path, run: Run | None = None, **settings: object) -> Summary:
    wanted = {"wardrobe": "fake"} | settings
    return generate([str(source)], Settings(str(output), **wanted), run or inline())  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, str]:
    """Every file's digest; of ``run.json`` all that does not hold times, or how it was run."""
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.json" and ".maskgen" not in path.parts
    }
    run = read_run(folder)
    return found | {"run.json": json.dumps({k: v for k, v in run.items() if k not in ("command", "engine", "seconds")})}


def reasons(folder: Path) -> list[str]:
    return [skip.reason for skip in read_skipped(folder)]


def start(source: Path, output: Path, workers: int = 2, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "run_fake.py"), str(source), str(output), str(workers)],
        env=os.environ | env,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_images(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 30
    while sum(1 for _ in folder.glob("*/*/*.jpg")) < count:
        assert time.monotonic() < deadline, "no images came"
        time.sleep(0.01)


def test_every_input_is_written_or_named(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 5, again="person 1", none="skip no_face")
    (source / "notes.txt").write_text("hello")
    (source / "empty.jpg").touch()
    summary = make(source, tmp_path / "out")
    assert (summary.totals["photos"], summary.totals["images"]) == (9, 10)
    assert dict(summary.reasons()) == {"duplicate": 1, "empty": 1, "no_face": 1, "not_an_image": 1}
    assert check.problems(tmp_path / "out") == []
    run = read_run(tmp_path / "out")
    assert run["finished"]
    assert run["counts"]["by_label"] == {"with_mask": 5, "without_mask": 5}


def test_the_bytes_do_not_depend_on_the_workers(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 20, again="person 3", hangs="skip no_face")
    make(source, tmp_path / "a")
    make(source, tmp_path / "b", local(1))
    make(source, tmp_path / "c", local(3))
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c")


@pytest.mark.parametrize("fork", {CAN_FORK, False})
def test_a_hanging_photo_and_a_deadly_one_are_named(
    fork: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskgen.dataset.engines.local.CAN_FORK", fork)
    source = fill(tmp_path / "in", 6, a_hang="hang", a_killer="die always", once=f"die once {tmp_path / 'flag'}")
    summary = make(source, tmp_path / "out", local(2, timeout_s=1.0))
    assert dict(summary.reasons()) == {"timeout": 1, "worker_died": 1}
    assert summary.totals["images"] == 14, "the one that died once came through alone"
    skips = {Path(skip.source).stem: skip for skip in read_skipped(tmp_path / "out")}
    assert {stem: skip.reason for stem, skip in skips.items()} == {"a_hang": "timeout", "a_killer": "worker_died"}
    assert skips["a_hang"].detail == "gave up after 1 s"


@pytest.mark.parametrize("fork", {CAN_FORK, False})
def test_the_process_that_is_forked_dies(fork: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskgen.dataset.engines.local.CAN_FORK", fork)
    orphan, death = (f"{word} once {tmp_path / word}" for word in ("orphan", "die"))
    source = fill(tmp_path / "in", 12, a_orphan=orphan, b_death=death, c_hang="hang")
    summary = make(source, tmp_path / "out", local(2, timeout_s=1.0))
    assert dict(summary.reasons()) == {"timeout": 1}
    assert summary.totals["images"] == 28
    assert (tmp_path / "orphan").exists() == fork


def test_a_worker_beside_which_a_thread_runs_is_spawned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = fill(tmp_path / "in", 8)
    make(source, tmp_path / "plain")
    spawned: list[int] = []

    class Counted(_Spawned):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words)
            spawned.append(1)

    monkeypatch.setattr("maskgen.dataset.engines.local._Spawned", Counted)
    make(source, tmp_path / "out", Run(workers=2, factory="fake_worker:threaded"))
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")
    assert len(spawned) == 2


@pytest.mark.parametrize("at", [1, 9])
def test_killed_and_started_again_gives_the_same_bytes(tmp_path: Path, at: int) -> None:
    source = fill(tmp_path / "in", 16, none="skip no_face")
    make(source, tmp_path / "whole")
    process = start(source, tmp_path / "out", FAKE_PAUSE_S="0.05")
    wait_for_images(tmp_path / "out", at)
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    # The workers notice that their parent has gone; what they still write is the same.
    time.sleep(0.3)
    stray = tmp_path / "out" / "train" / "with_mask" / "gone_ffffffffffffffff_0_0_with.jpg"
    stray.write_bytes(b"written and not recorded")
    (stray.parent / ".123-4.part").write_bytes(b"half")
    make(source, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert check.problems(tmp_path / "out") == []


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_finish_what_is_in_hand(stop: signal.Signals, code: int, tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 30)
    make(source, tmp_path / "whole")
    process = start(source, tmp_path / "out", FAKE_PAUSE_S="0.1")
    wait_for_images(tmp_path / "out", 4)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code, errors
    assert check.problems(tmp_path / "out") == []
    assert not read_run(tmp_path / "out")["finished"]
    assert 4 <= len(list(read_dataset(tmp_path / "out"))) < 60
    summary = make(source, tmp_path / "out")
    assert summary.counts["already"] > 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_full_disk_ends_the_run_and_room_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        source = fill(tmp_path / "in", 40)
        process = start(source, disk / "out", FAKE_PADDING="20000")
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "full" in errors
        assert "Traceback" not in errors
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        process = start(source, disk / "out", FAKE_PADDING="20000")
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert check.problems(disk / "out") == []
        assert len(list(read_dataset(disk / "out"))) == 80
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_output_that_goes_away_is_said(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 60)
    process = start(source, tmp_path / "out", FAKE_PAUSE_S="0.05")
    wait_for_images(tmp_path / "out", 3)
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in errors


def test_adding_photos_adds_only_theirs(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 5)
    make(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    first = (tmp_path / "out" / "metadata.jsonl").read_bytes()
    (source / "000a.jpg").write_bytes(photo("somebody new"))
    summary = make(source, tmp_path / "out")
    assert (summary.counts["photos"], summary.counts["already"]) == (1, 5)
    assert (tmp_path / "out" / "metadata.jsonl").read_bytes().startswith(first)
    after = contents(tmp_path / "out")
    assert {k: v for k, v in before.items() if "/" in k}.items() <= after.items()


def test_a_picture_that_somebody_else_put_there_stays(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 3)
    make(source, tmp_path / "out")
    mine = tmp_path / "out" / "train" / "with_mask" / "mine_of_last_summer_1_2_with.jpg"
    mine.write_bytes(b"precious")
    with pytest.raises(ZeroDivisionError), Journal(tmp_path / "out"):
        raise ZeroDivisionError  # a run that was killed: the next one sweeps
    make(source, tmp_path / "out")
    assert mine.exists()
    make(source, tmp_path / "out", inline(overwrite=True), seed=5)
    assert mine.read_bytes() == b"precious"
    assert len(list((tmp_path / "out").glob("*/*/*.jpg"))) == 7


class Killed(BaseException):
    """In place of a SIGKILL: nothing catches it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The process dies at its n-th deletion."""
    count = iter(range(1000))
    for owner, name in ((os, "unlink"), (os, "rmdir"), (os, "replace")):
        real = getattr(owner, name)

        def fatal(*words: Any, _real: Any = real, **more: Any) -> Any:
            if next(count) >= step:
                raise Killed
            return _real(*words, **more)

        monkeypatch.setattr(owner, name, fatal)


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("step", [1, 2, 3, 6, 9, 12, 15])
def test_killed_while_it_deletes_the_old_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, overwrite: bool
) -> None:
    source = fill(tmp_path / "in", 3)
    make(source, tmp_path / "whole", seed=1)
    make(source, tmp_path / "out")
    with monkeypatch.context() as patch:
        kill_at(patch, step)
        with pytest.raises(Killed):
            make(source, tmp_path / "out", inline(overwrite=True), seed=1)
    run = read_run(tmp_path / "out") if (tmp_path / "out" / "run.json").exists() else {}
    assert not run.get("finished"), "what is half deleted counts as finished"
    make(source, tmp_path / "out", inline(overwrite=overwrite), seed=1)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert check.problems(tmp_path / "out") == []


def test_a_photo_of_many_images_comes_in_parts(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 4, many="parts 40 0.1")
    make(source, tmp_path / "inline")
    # Each part takes a tenth of a second, all of them four times as long as a photo may.
    summary = make(source, tmp_path / "out", local(2, timeout_s=1.0))
    assert dict(summary.reasons()) == {}
    assert summary.totals["images"] == 8 + 80
    assert contents(tmp_path / "out") == contents(tmp_path / "inline")
    assert check.problems(tmp_path / "out") == []


@pytest.mark.parametrize("end", ["hang", "die", "fail"])
def test_a_photo_that_comes_to_nothing_half_way_leaves_nothing(tmp_path: Path, end: str) -> None:
    source = fill(tmp_path / "in", 3, a_many=f"parts 5 0.01 {end}", z_many="parts 3 0.01")
    summary = make(source, tmp_path / "out", local(2, timeout_s=0.7))
    assert sum(n for _, n in summary.reasons()) == 1
    assert summary.totals["images"] == 6 + 6
    assert check.problems(tmp_path / "out") == []
    (tmp_path / "out" / ".maskgen" / "journal.sqlite").unlink()
    assert make(source, tmp_path / "out").totals == summary.totals


def test_a_second_photo_of_the_same_bytes_that_dies_takes_nothing_along(tmp_path: Path) -> None:
    source = fill(tmp_path / "in" / "a", 0, same="parts 3 0.01")
    fill(tmp_path / "in" / "b", 0, same="parts 3 0.01")
    summary = make(tmp_path / "in", tmp_path / "out", local(2))
    assert dict(summary.reasons()) == {"duplicate": 1}
    assert summary.totals["images"] == 6
    assert check.problems(tmp_path / "out") == []
    assert source.exists()


def test_retry_counts_a_face_that_was_left_out_once(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 1, small="reject too_small", shy="skip no_face", half="half cut_off")
    make(source, tmp_path / "out")
    before = read_run(tmp_path / "out")["counts"]
    assert before["rejected_faces"] == {"cut_off": 1, "too_small": 1}
    assert before["faces"] == 2
    for _ in range(2):
        make(source, tmp_path / "out", inline(retry=("all",)))
        assert read_run(tmp_path / "out")["counts"] == before
    (tmp_path / "out" / ".maskgen" / "journal.sqlite").unlink()
    make(source, tmp_path / "out")
    assert read_run(tmp_path / "out")["counts"] == before


def test_auto_stays_the_detector_that_a_dataset_was_begun_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = fill(tmp_path / "in", 2)
    monkeypatch.setattr("maskgen.dataset.run_folder.choose", lambda: "yunet")
    make(source, tmp_path / "out")
    assert read_run(tmp_path / "out")["settings"]["detector"] == "yunet"
    monkeypatch.setattr("maskgen.dataset.run_folder.choose", lambda: "hog")
    make(source, tmp_path / "out")
    assert read_run(tmp_path / "out")["settings"]["detector"] == "yunet"
    with pytest.raises(InputError, match="--detector yunet, not haar"):
        make(source, tmp_path / "out", detector="haar")


@pytest.mark.parametrize(
    "text", ["[]", "{}", "{", '{"settings": 5}', '{"settings": {"seed": "x", "split": 3}}', '{"seconds": []}']
)
def test_a_damaged_run_json_is_one_clear_error(tmp_path: Path, text: str) -> None:
    source = fill(tmp_path / "in", 1)
    make(source, tmp_path / "out")
    (tmp_path / "out" / "run.json").write_text(text)
    with pytest.raises(MaskgenError, match=r"run\.json"):
        make(source, tmp_path / "out")
    make(source, tmp_path / "out", inline(overwrite=True))
    assert check.problems(tmp_path / "out") == []


def test_the_same_command_again_does_nothing(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 4, none="skip no_face")
    make(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    summary = make(source, tmp_path / "out")
    assert summary.counts["photos"] == 0
    assert summary.totals["images"] == 8
    assert contents(tmp_path / "out") == before


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 3)
    make(source, tmp_path / "out")
    with pytest.raises(InputError, match=r"--seed 0, not 5.*--overwrite"):
        make(source, tmp_path / "out", seed=5)
    make(source, tmp_path / "out", inline(overwrite=True), seed=5)
    assert read_run(tmp_path / "out")["seed"] == 5


def test_a_folder_of_others_is_never_touched(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 3)
    mine = tmp_path / "photos"
    mine.mkdir()
    (mine / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(InputError, match="no dataset of maskgen"):
        make(source, mine, inline(overwrite=True))
    assert [p.name for p in mine.iterdir()] == ["holiday.jpg"]
    with pytest.raises(InputError, match="is a file"):
        make(source, mine / "holiday.jpg")
    make(source, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    make(source, tmp_path / "out", inline(overwrite=True))
    assert (tmp_path / "out" / "notes.txt").exists()


def test_the_output_may_lie_inside_the_input(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 3)
    make(source, source / "out")
    (source / "out-yolo" / "images").mkdir(parents=True)
    (source / "out-yolo" / "images" / "a.jpg").write_bytes(photo("another form of the output"))
    summary = make(source, source / "out")
    assert summary.totals["photos"] == 3


def test_retry_tries_only_what_was_skipped_for_that(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 2, later="skip no_face", other="skip too_small")
    make(source, tmp_path / "out")
    (source / "later.jpg").write_bytes(photo("now a face"))
    (source / "other.jpg").write_bytes(photo("also a face"))
    with pytest.raises(InputError, match="no_face, too_small"):
        make(source, tmp_path / "out", inline(retry=("timeout",)))
    summary = make(source, tmp_path / "out", inline(retry=("no_face",)))
    assert summary.counts["images"] == 2
    assert reasons(tmp_path / "out") == ["too_small"]
    make(source, tmp_path / "out", inline(retry=("all",)))
    assert reasons(tmp_path / "out") == []
    assert check.problems(tmp_path / "out") == []


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        make(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="hold no files"):
        make(tmp_path / "in", tmp_path / "out")
    (tmp_path / "in" / "a.txt").write_text("no picture")
    with pytest.raises(InputError, match="1 not_an_image"):
        make(tmp_path / "in", tmp_path / "out")


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 2)
    make(source, tmp_path / "out")
    with Journal(tmp_path / "out"), pytest.raises(InputError, match="another maskgen"):
        make(source, tmp_path / "out", inline(overwrite=True))


def test_a_lost_journal_is_learnt_from_the_lines(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 4, none="skip no_face", again="person 1")
    make(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    (tmp_path / "out" / ".maskgen" / "journal.sqlite").unlink()
    summary = make(source, tmp_path / "out")
    assert summary.counts["photos"] == 0
    assert summary.totals["images"] == 8
    assert contents(tmp_path / "out") == before


def test_duplicates_of_another_group_leave_nothing_behind(tmp_path: Path) -> None:
    for person in "abcdefgh":
        fill(tmp_path / "in" / person, 0, face="the very same")
    summary = make(tmp_path / "in", tmp_path / "out", local(2), group_by="folder")
    assert dict(summary.reasons()) == {"duplicate": 7}
    assert check.problems(tmp_path / "out") == []


def test_names_that_are_no_text(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number, name in enumerate([b"caf\xe9.jpg", b"two\nlines.jpg", b"a b 'c'.jpg", "顔.jpg".encode()]):
        Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_bytes(photo(f"odd {number}"))
    summary = make(source, tmp_path / "out", local(1))
    assert summary.totals["images"] == 8
    for record in read_dataset(tmp_path / "out"):
        assert record.file_name.isascii()
        assert Path(record.source_path()).exists()
    json.loads((tmp_path / "out" / "metadata.jsonl").read_text(encoding="ascii").splitlines()[0])


def test_progress_and_stop(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", 10)
    run = inline()
    seen: list[int] = []

    def look(progress: object) -> None:
        seen.append(progress.counts["photos"])  # type: ignore[attr-defined]
        run.stop.set()

    run.on_progress = look
    summary = make(source, tmp_path / "out", run)
    assert summary.interrupted
    assert seen[-1] == summary.counts["photos"] < 10
    assert threading.active_count() < 10


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_cannot_start_is_one_clear_error(tmp_path: Path, workers: int) -> None:
    source = fill(tmp_path / "in", 2)
    with pytest.raises(MaskgenError, match="no such setting"):
        make(source, tmp_path / "out", Run(workers=workers, factory="fake_worker:refuse"))


def test_nobody_stays_behind_a_killed_run(tmp_path: Path) -> None:
    # Nobody can end a hanging worker that was spawned, once its parent is gone.
    source = fill(tmp_path / "in", 12, **({"+hang": "hang"} if CAN_FORK else {}))
    process = start(source, tmp_path / "out", FAKE_PAUSE_S="0.2")
    wait_for_images(tmp_path / "out", 2)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_a_dataset_that_people_edited_is_gone_on_with(tmp_path: Path) -> None:
    source, out = fill(tmp_path / "in", 6), tmp_path / "out"
    make(source, out)
    deleted = min(out.glob("*/with_mask/*.jpg"))
    deleted.unlink()
    (out / "train" / "with_mask" / "mine.jpg").write_bytes(b"a photo of somebody's own")
    fill(source, 8)
    assert make(source, out).totals["photos"] == 8
    assert check.prune(out) == 1
    fill(source, 9)
    assert make(source, out).totals["photos"] == 9
    assert not deleted.exists()
    assert (out / "train" / "with_mask" / "mine.jpg").exists()
    found = check.check(out, pictures=False)
    assert (found.lines, found.gone, found.added, found.problems) == (17, (), ("train/with_mask/mine.jpg",), ())


def test_plug_ins_that_draw_belong_to_the_wardrobe() -> None:
    """A run is not gone on with where other occluders would be drawn."""
    from maskgen.io.registry import Plugin

    one, two = (Plugin("maskgen.occluders", "balloon", f"party {n}", "party:BALLOON") for n in (1, 2))
    digests = {wardrobe.digest({}, plugins) for plugins in ((), (one,), (two,), (one, two))}
    assert len(digests) == 4
