"""How fast ``maskgen generate`` is, what it does with the time, and how much memory it takes.

    python benchmarks/generate.py speed FOLDER                1 and 2 workers, --per-face 1 and 8, beside bare dlib
    python benchmarks/generate.py memory FOLDER [400 40000]   peak of the whole process tree
    python benchmarks/generate.py profile FOLDER OUT.svg      a flame graph of one worker (needs py-spy)

``speed`` times dlib's frontal face detector with one enlargement on the same
photos, in one process, before and after: that is what MaskTheFace does first,
and about half of its time. A rate counts the whole run, from the call to the
last line written; ``start`` is when the first photo was done, and ``steady``
leaves it out. ``--spawn`` forks no worker, to compare. ``memory``
fills a folder with that many different photos (small ones of FOLDER, each made
unique by bytes after its end) and adds up the proportional share of every
process ten times a second. Quote its lines with the machine they come from.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# As every worker process has it, and before numpy is imported.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

from maskgen.dataset.engines import local
from maskgen.dataset.engines.base import Task
from maskgen.dataset.pipeline import Progress, Run, Summary, generate
from maskgen.dataset.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "memory", "profile", "work"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--limit", type=int, default=None, help="only so many photos")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--per-face", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--spawn", action="store_true", help="fork no worker, to compare")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.machine()}, {cores} cores, Python {platform.python_version()}{load}", flush=True)
    if arguments.spawn:
        local.CAN_FORK = False
    if arguments.what == "speed":
        speed(arguments)
    elif arguments.what == "memory":
        memory(arguments)
    elif arguments.what == "profile":
        profile(arguments)
    else:
        work(arguments)


def speed(arguments: argparse.Namespace) -> None:
    photos = sorted(p for p in arguments.folder.rglob("*") if p.is_file())[: arguments.limit]
    with tempfile.TemporaryDirectory() as temp:
        source = Path(temp) / "in"
        source.mkdir()
        for path in photos:
            (source / path.name).symlink_to(path.resolve())
        before = bare_dlib(photos)
        print(
            f"{'':<28}{'start s':>8}{'photos/s':>9}{'steady':>8}{'images/s':>10}{'steady':>8}{'x dlib':>8}", flush=True
        )
        rows = []
        for per_face, workers in itertools.product(arguments.per_face, arguments.workers):
            out = Path(temp) / f"out-{per_face}-{workers}"
            summary, began, elapsed = timed(source, out, workers, per_face, arguments.detector)
            rows.append((per_face, workers, summary, began, elapsed))
        after = bare_dlib(photos)
        bare = (before + after) / 2
        for per_face, workers, summary, began, elapsed in rows:
            done, images = summary.counts["photos"], summary.counts["images"]
            steady = elapsed - began
            # The masked and the unmasked image of a face are two images.
            against = (done if per_face == 1 else images) / elapsed / bare
            print(
                f"--per-face {per_face} --workers {workers:<6}{began:8.2f}{done / elapsed:9.1f}{done / steady:8.1f}"
                f"{images / elapsed:10.1f}{images / steady:8.1f}{against:8.1f}"
            )
    print(f"bare dlib, upsampled once, one process: {before:.1f} and {after:.1f} photos/s")


def bare_dlib(photos: list[Path]) -> float:
    """Photos a second of ``dlib.get_frontal_face_detector()(image, 1)`` alone; decoding is not counted."""
    import dlib

    from maskgen.errors import ImageError
    from maskgen.images import read_rgb

    detector = dlib.get_frontal_face_detector()
    spent, done = 0.0, 0
    for path in photos:
        try:
            image = read_rgb(path)
        except ImageError:
            continue
        began = time.perf_counter()
        detector(image, 1)
        spent += time.perf_counter() - began
        done += 1
    return done / spent


def timed(source: Path, out: Path, workers: int, per_face: int, detector: str) -> tuple[Summary, float, float]:
    """A run; when its first photo was done, and how long it took in all."""
    first: list[float] = []
    began = time.perf_counter()

    def look(progress: Progress) -> None:
        if not first and progress.counts["photos"]:
            first.append(time.perf_counter() - began)

    settings = Settings(str(out), per_face=per_face, detector=detector)
    summary = generate([str(source)], settings, Run(workers=workers, on_progress=look))
    return summary, first[0], time.perf_counter() - began


def memory(arguments: argparse.Namespace) -> None:
    import cv2

    from maskgen.images import encode, read_rgb

    counts = [int(word) for word in arguments.rest] or [400, 40_000]
    photos = sorted(p for p in arguments.folder.rglob("*") if p.is_file())[:100]
    with tempfile.TemporaryDirectory() as temp:
        small = [encode(read_rgb(path, max_side=160), ".jpg", 85) for path in photos]
        cv2.setNumThreads(1)
        peaks = []
        for count in counts:
            source = Path(temp) / f"in-{count}"
            for number in range(count):
                path = source / f"{number // 1000:03}" / f"{number:06}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(small[number % len(small)] + number.to_bytes(8, "big"))
            words = [sys.executable, __file__, "work", str(source), str(Path(temp) / f"out-{count}")]
            words += ["--detector", arguments.detector, "--workers", str(max(arguments.workers))]
            process = subprocess.Popen([*words, "--spawn"] if arguments.spawn else words)
            peak, average = watch(process)
            peaks.append(peak)
            print(f"{count:>7} photos: peak {peak / 2**20:.0f} MiB, average {average / 2**20:.0f} MiB", flush=True)
        print(f"{100 * (peaks[-1] / peaks[0] - 1):+.1f} % from {counts[0]} to {counts[-1]}")


def watch(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Peak and average memory of a process and all below it, in bytes."""
    import psutil

    root = psutil.Process(process.pid)
    peak = total = 0.0
    samples = 0
    while process.poll() is None:
        now = 0.0
        try:
            for one in [root, *root.children(recursive=True)]:
                info = one.memory_full_info()
                now += getattr(info, "pss", info.uss)
        except psutil.Error:
            pass
        peak, total, samples = max(peak, now), total + now, samples + 1
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"the run failed with {process.returncode}")
    return peak, total / max(1, samples)


def work(arguments: argparse.Namespace) -> None:
    """A run in a process of its own, for ``memory`` to watch."""
    settings = Settings(arguments.rest[0], detector=arguments.detector)
    generate([str(arguments.folder)], settings, Run(workers=max(arguments.workers)))


def profile(arguments: argparse.Namespace) -> None:
    """Photos done by this very process, while py-spy looks on."""
    from maskgen.dataset.worker import PhotoWorker, open_worker

    photos = sorted(p for p in arguments.folder.rglob("*") if p.is_file())[: arguments.limit]
    per_face = arguments.per_face[0]
    with tempfile.TemporaryDirectory() as temp:
        settings = Settings(temp, per_face=per_face, detector=arguments.detector)
        for split, label in itertools.product(("train", "val", "test"), settings.labels):
            (Path(temp) / split / label).mkdir(parents=True)
        worker: PhotoWorker = open_worker(settings.to_json())
        worker.do(Task(0, str(photos[0])))
        looking = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("py-spy")),
                "record",
                # On a busy machine stopping the process for every sample would take longer than its work.
                "--nonblocking",
                "-p",
                str(os.getpid()),
                "-o",
                arguments.rest[0],
                "-r",
                "100",
                "-d",
                "3600",
            ]
        )
        time.sleep(2.0)
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < 20:
            for path in photos:
                worker.do(Task(0, str(path)))
                done += 1
        spent = time.perf_counter() - began
        looking.send_signal(2)
        looking.wait()
    # In place of py-spy's own command, which names this machine's folders.
    title = f"maskgen generate --per-face {per_face}, one worker"
    picture = Path(arguments.rest[0])
    picture.write_text(re.sub(r'(id="title"[^>]*>)[^<]*', rf"\g<1>{title}", picture.read_text()))
    print(f"{1000 * spent / done:.1f} ms a photo, {done / spent:.1f} photos/s in one process, --per-face {per_face}")


if __name__ == "__main__":
    main()
