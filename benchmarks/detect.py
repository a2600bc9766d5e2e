"""How fast video goes through detect, beside the classic loop.

    python benchmarks/detect.py ../shared/data/faces/portraits [--model FOLDER] [--seconds 10] [--json FILE]

Portraits move over a background at 640x480, one and five at once. The classic loop reads a frame, finds the faces and
gives all of the frame's ROIs to ``model.predict`` of Keras, as tutorials do: once with the tutorials' network
(MobileNetV2 at 224 px), once with the very network that detect runs (160 px in the packaged model). All use the same
face detector and every processor they are given.

The ways take turns, round by round, and every figure is the best of ``--rounds``: other work on the machine only ever
makes a run slower. Beside frames a second stand CPU milliseconds a frame, all threads together, and how many of the
faces that were found went through the classifier: detect leaves a face alone for a while once it has looked at it five
times ("every look classified" does not).
"""

# ruff: noqa: E402  # the package can be imported only after a line of code

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# This file has the package's name and would be found in its place.
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

from detect.classifier import Classifier
from detect.detector import Detector
from detect.outputs.draw import draw
from detect.outputs.mp4 import Mp4Writer
from detect.outputs.recording import Mp4Sink
from detect.run import Summary, run
from detect.search import load as load_faces
from detect.sources import open_source
from detect.stream import watch
from detect.tracker import FaceTracker
from maskgen import images
from maskgen.types import RGB, Face
from trainer.data.preprocess import cut_rois

SIZE_WH = (640, 480)
RATE = 30
SKIPPED, CLASSIC_FRAMES = 5, 60


@dataclass
class Rate:
    """What one way of doing it came to.

    Attributes:
        fps: frames a second by the clock.
        cpu_ms: milliseconds of all threads a frame.
        classified: share of the faces found that the classifier was shown.
    """

    fps: float
    cpu_ms: float
    classified: float

    @staticmethod
    def best(rates: list[Rate]) -> Rate:
        return Rate(
            round(max(rate.fps for rate in rates), 1),
            round(min(rate.cpu_ms for rate in rates), 1),
            round(rates[0].classified, 3),
        )


CLASSIC = "classic loop, 224 px"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--model", type=Path, help="model folder; default: the packaged one")
    parser.add_argument("--faces", default="auto")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the video")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-classic", action="store_true", help="leave the classic loop (and TensorFlow) out")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"{words.threads} threads, load {load}", flush=True)
    figures: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        mp4 = Path(folder) / "out.mp4"
        ways: dict[str, Callable[[Path], Rate]] = {}
        if not words.no_classic:
            ways[CLASSIC] = Classic(words, tutorial=True)
            ways["classic loop, our network"] = Classic(words)
        ways |= {
            "every look classified": lambda video: ours(video, words, recheck_s=0.0),
            "as it comes": lambda video: ours(video, words),
            "as it comes, mp4 written": lambda video: ours(video, words, output=mp4),
            "--every 2": lambda video: ours(video, words, every=2),
        }
        for people in (1, 5):
            video = Path(folder) / f"{people}.mp4"
            make_video(words.portraits, video, people, words.seconds)
            found: dict[str, list[Rate]] = {name: [] for name in ways}
            for _ in range(words.rounds):
                for name, way in ways.items():
                    found[name].append(way(video))
            rates = {name: Rate.best(rows) for name, rows in found.items()}
            spent = stages(video, words)
            figures[f"{people} faces"] = {
                "stages_cpu_ms": spent,
                **{name: asdict(rate) for name, rate in rates.items()},
            }
            report(people, rates, spent)
    if words.json:
        words.json.write_text(json.dumps(figures, indent=2) + "\n")


def make_video(folder: Path, path: Path, people: int, seconds: float) -> None:
    """Portraits that drift over a plain, noisy background."""
    paths = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in images.SUFFIXES]
    side = 300 if people == 1 else 180
    portraits = []
    for file in paths:
        picture = images.read_rgb(file)
        if len(load_faces().find(picture)) == 1:
            height, width = picture.shape[:2]
            square = picture[: min(height, width), :][:, : min(height, width)]
            portraits.append(images.shrink(np.ascontiguousarray(square), side))
        if len(portraits) == people:
            break
    rng = np.random.default_rng(0)
    ground = images.shrink(rng.integers(60, 140, (480, 640, 3), dtype=np.uint8), 640)
    starts = rng.uniform(0, 2 * np.pi, (people, 2))
    writer = Mp4Writer(path, RATE)
    columns = min(people, 3)
    for index in range(round(seconds * RATE)):
        frame = ground.copy()
        for number, portrait in enumerate(portraits):
            height, width = portrait.shape[:2]
            cell_w, cell_h = SIZE_WH[0] // columns, SIZE_WH[1] // (2 if people > 3 else 1)
            swing = np.sin(starts[number] + index / 25)
            x = (number % columns) * cell_w + (cell_w - width) / 2 * (1 + 0.9 * swing[0])
            y = (number // columns) * cell_h + (cell_h - height) / 2 * (1 + 0.9 * swing[1])
            left, top = int(np.clip(x, 0, SIZE_WH[0] - width)), int(np.clip(y, 0, SIZE_WH[1] - height))
            frame[top : top + height, left : left + width] = portrait
        writer.write(frame, index / RATE)
    writer.close()


def ours(video: Path, words: argparse.Namespace, output: Path | None = None, **settings: float) -> Rate:
    """``detect video`` as the command runs it."""
    detector = Detector.load(words.model, words.faces, words.threads)
    seen: list[int] = []
    shown: list[int] = []
    find, classify = detector.find, detector.classify

    def counted_find(image: RGB, **more: bool) -> list[Face]:
        faces = find(image, **more)
        seen.append(len(faces))
        return faces

    def counted_classify(image: RGB, faces: Sequence[Face]) -> NDArray[np.float32]:
        shown.append(len(faces))
        return classify(image, faces)

    detector.find, detector.classify = counted_find, counted_classify  # type: ignore[method-assign]
    source = open_source(video)
    FaceTracker(detector.labels)  # the tracker's import is no part of the rate
    sinks = [Mp4Sink(Mp4Writer(output, source.rate, overwrite=True))] if output is not None else []
    summary = Summary()
    with limited_threads(1):
        cpu_s = time.process_time()
        run(watch(detector, source, **settings), sinks, summary)
        cpu_s = time.process_time() - cpu_s
    return Rate(summary.frames / summary.elapsed_s, 1000 * cpu_s / summary.frames, sum(shown) / max(1, sum(seen)))


class Classic:
    """Read, find, ``model.predict``, draw, one after the other."""

    def __init__(self, words: argparse.Namespace, tutorial: bool = False) -> None:
        """``tutorial``: with their network in place of the model's own."""
        import keras

        from trainer.bundle import KERAS_NAME, packaged_bundle

        self._words = words
        if tutorial:
            inputs = keras.Input((224, 224, 3))
            scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
            base = keras.applications.MobileNetV2(include_top=False, weights=None, input_tensor=scaled, pooling="avg")
            hidden = keras.layers.Dense(128, activation="relu")(base.output)
            self._model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(hidden))
        else:
            self._model = keras.saving.load_model((words.model or packaged_bundle()) / KERAS_NAME)

    def __call__(self, video: Path) -> Rate:
        import cv2

        height, width = self._model.input_shape[1:3]
        search = load_faces(self._words.faces)
        capture = cv2.VideoCapture(str(video))
        frames, start_s, cpu_s = 0, 0.0, 0.0
        with limited_threads(self._words.threads):
            while True:
                done, bgr = capture.read()
                if not done:
                    break
                image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
                found = search.find(image)
                if found:
                    rois = cut_rois(image, [face.box.xyxy for face in found], (width, height), 1.15)
                    rows = self._model.predict(rois.astype(np.float32), verbose=0)
                    for face, row in zip(found, rows, strict=True):
                        x0, y0, x1, y1 = (round(side) for side in face.box.xyxy)
                        cv2.rectangle(bgr, (x0, y0), (x1, y1), (0, 255, 0), 2)
                        cv2.putText(bgr, f"{row.max():.2f}", (x0, y0 - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 255, 0))
                frames += 1
                if frames == SKIPPED:  # the first calls build the graph
                    start_s, cpu_s = time.perf_counter(), time.process_time()
                if frames == SKIPPED + CLASSIC_FRAMES:
                    break
        timed = frames - SKIPPED
        return Rate(timed / (time.perf_counter() - start_s), 1000 * (time.process_time() - cpu_s) / timed, 1.0)


def stages(video: Path, words: argparse.Namespace) -> dict[str, float]:
    """Median CPU milliseconds a frame of each stage alone, every face classified."""
    detector = Detector.load(words.model, words.faces)
    classifier = Classifier.load(words.model)
    search, tracker = load_faces(words.faces), FaceTracker(detector.labels)
    spent: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def timed(name: str) -> Iterator[None]:
        start_s = time.process_time()
        yield
        spent.setdefault(name, []).append(1000 * (time.process_time() - start_s))

    source = open_source(video)
    frames = iter(source)
    with tempfile.TemporaryDirectory() as folder, limited_threads(1):
        writer = Mp4Writer(Path(folder) / "out.mp4", RATE)
        for _ in range(100):
            with timed("read"):
                frame = next(islice(frames, 1), None)
            if frame is None:
                break
            with timed("find"):
                found = search.find(frame.image)
            with timed("cut"):
                rois = cut_rois(frame.image, [f.box.xyxy for f in found], classifier.bundle.input_size_wh, 1.15)
            with timed("classify"):
                classifier.classify(rois)
            seen = detector.detect(frame.image)
            with timed("track"):
                plan = tracker.plan(frame, found)
                rows = np.array([[face.probabilities[name] for name in detector.labels] for face in seen])
                followed = tracker.label(plan, rows[[face.classify for face in plan.faces]] if found else rows)
            with timed("draw"):
                picture: RGB = draw(frame.image, followed.faces)
            with timed("encode"):
                writer.write(picture, frame.time_s)
        writer.close()
    source.close()
    return {name: round(float(np.median(values)), 2) for name, values in spent.items()}


@contextlib.contextmanager
def limited_threads(count: int) -> Iterator[None]:
    """OpenCV's own threads: one where frames are worked on side by side."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def report(people: int, rates: dict[str, Rate], spent: dict[str, float]) -> None:
    classic = rates.get(CLASSIC)
    print(f"{people} face{'s' if people > 1 else ''}")
    print(f"  {'':<28}{'frames/s':>9}{'times':>7}{'CPU ms':>8}{'times':>7}  faces classified")
    for name, rate in rates.items():
        times = (rate.fps / classic.fps, classic.cpu_ms / rate.cpu_ms) if classic else (float("nan"), float("nan"))
        print(
            f"  {name:<28}{rate.fps:>9.1f}{times[0]:>7.1f}{rate.cpu_ms:>8.1f}{times[1]:>7.1f}"
            f"{100 * rate.classified:>8.0f} %"
        )
    print("  CPU ms a frame by stage: " + ", ".join(f"{name} {ms}" for name, ms in spent.items()), flush=True)


if __name__ == "__main__":
    main()
