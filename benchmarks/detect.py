"""How fast video goes through detect, beside the classic loop.

    python benchmarks/detect.py ../shared/data/faces/portraits [--model FOLDER] [--seconds 20] [--json FILE]

Portraits move over a background at 640x480, one and five at once. The classic loop reads a frame, finds the faces and
gives all of the frame's ROIs to ``model.predict`` of Keras, as tutorials do. Both use the same face detector, the same
network and every processor they are given. Every figure is the best of ``--repeat`` runs: other work on the machine
only ever makes a run slower.
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
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

# This file has the package's name and would be found in its place.
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

from detect.classify import Classifier
from detect.draw import draw
from detect.find import load as load_faces
from detect.mp4 import Mp4Sink, Mp4Writer
from detect.pipeline import Detector
from detect.run import Summary, run
from detect.sources import open_source
from detect.track import FaceTracker
from maskgen import images
from maskgen.types import RGB
from trainer.preprocess import cut_rois

SIZE_WH = (640, 480)
RATE = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--model", type=Path, help="model folder; default: the packaged one")
    parser.add_argument("--faces", default="auto")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the video")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-classic", action="store_true", help="leave the classic loop (and TensorFlow) out")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    figures: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for people in (1, 5):
            video = Path(folder) / f"{people}.mp4"
            make_video(words.portraits, video, people, words.seconds)
            row: dict[str, object] = {"stages_ms": stages(video, words)}
            if not words.no_classic:
                row["classic_fps"] = best(words.repeat, lambda video=video: classic(video, words))
            mp4 = Path(folder) / "out.mp4"
            for name, settings in {
                "every look classified": {"recheck_s": 0.0},
                "as it comes": {},
                "as it comes, mp4 written": {"output": mp4},
                "every 2": {"every": 2},
            }.items():
                row[f"{name}_fps"] = best(
                    words.repeat, lambda video=video, settings=settings: ours(video, words, **settings)
                )
            figures[f"{people} faces"] = row
            report(people, row)
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


def best(times: int, measure: Callable[[], float]) -> float:
    return max(measure() for _ in range(times))


def ours(video: Path, words: argparse.Namespace, output: Path | None = None, **settings: float) -> float:
    """Frames a second of ``detect video`` as the command runs it."""
    detector = Detector.load(words.model, words.faces, words.threads)
    source = open_source(video)
    FaceTracker(detector.labels)  # the tracker's import is no part of the rate
    sinks = [Mp4Sink(Mp4Writer(output, source.rate, overwrite=True))] if output is not None else []
    summary = Summary()
    with limited_threads(1):
        run(detector.watch(source, **settings), sinks, summary)
    return summary.frames / summary.elapsed_s


def classic(video: Path, words: argparse.Namespace) -> float:
    """Frames a second of read, find, ``model.predict``, draw."""
    import cv2
    import keras

    from trainer.bundle import KERAS_NAME, packaged_bundle

    path = (words.model or packaged_bundle()) / KERAS_NAME
    if path.is_file():
        model = keras.saving.load_model(path)
    else:
        inputs = keras.Input((224, 224, 3))
        scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
        base = keras.applications.MobileNetV2(include_top=False, weights=None, input_tensor=scaled, pooling="avg")
        model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(base.output))
    search = load_faces(words.faces)
    capture = cv2.VideoCapture(str(video))
    frames, start_s = 0, 0.0
    with limited_threads(words.threads):
        while True:
            done, bgr = capture.read()
            if not done:
                break
            image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
            found = search.find(image)
            if found:
                rois = cut_rois(image, [face.box.xyxy for face in found], (224, 224), 1.15)
                for face, row in zip(found, model.predict(rois.astype(np.float32), verbose=0), strict=True):
                    x0, y0, x1, y1 = (round(side) for side in face.box.xyxy)
                    cv2.rectangle(bgr, (x0, y0), (x1, y1), (0, 255, 0), 2)
                    cv2.putText(bgr, f"{row.max():.2f}", (x0, y0 - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 255, 0))
            frames += 1
            if frames == 5:  # the first calls build the graph
                start_s = time.perf_counter()
            if frames == 105:
                break
    return (frames - 5) / (time.perf_counter() - start_s)


def stages(video: Path, words: argparse.Namespace) -> dict[str, float]:
    """Milliseconds a frame of each stage alone, on one thread."""
    detector = Detector.load(words.model, words.faces)
    classifier = Classifier.load(words.model)
    search, tracker = load_faces(words.faces), FaceTracker(detector.labels)
    spent: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def timed(name: str) -> Iterator[None]:
        start_s = time.perf_counter()
        yield
        spent.setdefault(name, []).append(1000 * (time.perf_counter() - start_s))

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


def report(people: int, row: dict[str, object]) -> None:
    fps = {name[:-4]: value for name, value in row.items() if name.endswith("_fps")}
    parts = []
    for name, value in fps.items():
        more = f" (x {value / fps['classic']:.1f})" if "classic" in fps and name != "classic" else ""
        parts.append(f"{name} {value:.1f} frames/s{more}")
    print(f"{people} face{'s' if people > 1 else ''}: {', '.join(parts)}")
    print("  ms a frame, one thread: " + ", ".join(f"{name} {ms}" for name, ms in row["stages_ms"].items()))


if __name__ == "__main__":
    main()
