"""How much of the time a masked face in a film is reported: films that pan over street photographs with known boxes.

    python benchmarks/coverage.py ../shared/data/scenes_dev [--every 6] [--faces auto] [--json FILE]

Every photograph becomes a second of film: the camera pans and draws nearer, its focus comes and goes, each frame has
noise of its own. A face of 12 px and more counts as covered in a frame where a reported box lies on it (IoU 0.3).
"without weak" leaves out ByteTrack's second stage, in which boxes of low scores go on with faces that are known.
``strangers`` are reported boxes a frame that lie on no face.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from scenes import read_truth

# benchmarks/detect.py lies beside this file and would be imported for the package.
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

from detect.detector import Detector
from detect.sources.base import Frame
from detect.stream import Watch
from detect.tracker import FaceTracker
from maskgen.images import read_rgb
from maskgen.types import Box

FRAMES, RATE = 25, 25.0
LEAST_PX, ON_IOU = 12, 0.3


class Pan:
    """A photograph as a film; ``boxes`` are the faces' in every frame."""

    name, live, duration_s, rate = "pan", False, FRAMES / RATE, RATE

    def __init__(self, photo: np.ndarray, boxes: np.ndarray, seed: int) -> None:
        rng = np.random.default_rng(seed)
        height, width = photo.shape[:2]
        self.images, self.boxes = [], []
        for index in range(FRAMES):
            part = index / (FRAMES - 1)
            zoom = 1.0 + 0.15 * part
            dx, dy = (np.array([0.08 * width, 0.04 * height]) * (0.5 - part)).tolist()
            matrix = np.array(
                [[zoom, 0, dx - (zoom - 1) * width / 2], [0, zoom, dy - (zoom - 1) * height / 2]], np.float64
            )
            image = cv2.warpAffine(photo, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
            sigma = 0.3 + 1.2 * abs(np.sin(2.5 * np.pi * part))
            image = cv2.GaussianBlur(image, (0, 0), sigma) + rng.normal(0, 5, image.shape)
            self.images.append(np.clip(image, 0, 255).astype(np.uint8))
            corners = boxes.reshape(-1, 2, 2) @ matrix[:, :2].T + matrix[:, 2]
            self.boxes.append(np.clip(corners, 0, (width, height)).reshape(-1, 4))

    def __iter__(self) -> Iterator[Frame]:
        for index, image in enumerate(self.images):
            yield Frame(index, index / RATE, image)

    def close(self) -> None:
        pass


class WithoutWeak(FaceTracker):
    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        plan = self.plan
        self.plan = lambda frame, found, doubtful=(), weak=(): plan(frame, found, doubtful)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--every", type=int, default=6, help="take every n-th photograph only")
    parser.add_argument("--faces", default="auto")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    known = parser.parse_args()
    truth = read_truth(known.scenes / "annotations.json")
    detector = Detector.load(faces=known.faces)
    followers = {"without weak": WithoutWeak, "with weak": FaceTracker}
    counts = {name: {"masked": [0, 0], "bare": [0, 0], "strangers": 0, "frames": 0} for name in followers}
    for seed, path in enumerate(sorted((known.scenes / "images").iterdir())[:: known.every]):
        faces = truth[path.name]
        boxes = np.array([face["xyxy"] for face in faces], float).reshape(-1, 4)
        film = Pan(read_rgb(path), boxes, seed)
        seen = {id(image): detector.look(image) for image in film.images}
        for name, follower in followers.items():
            tracker = follower(
                detector.labels,
                rate=RATE,
                least_score=detector.least_score,
                min_score=detector.min_score,
                sure_score=detector.sure_score,
            )
            watch = Watch(lambda image, seen=seen: seen[id(image)], detector.classify, film, tracker)
            for frame, real in zip(watch, film.boxes, strict=True):
                count(counts[name], [face.box for face in frame.faces], [Box(*box) for box in real], faces)
    print(f"{'':14} {'masked':>8} {'bare':>8} {'strangers':>10}")
    for name, row in counts.items():
        shares = [row[label][0] / max(1, row[label][1]) for label in ("masked", "bare")]
        print(f"{name:14} {shares[0]:8.1%} {shares[1]:8.1%} {row['strangers'] / row['frames']:10.3f}")
    if known.json:
        known.json.write_text(json.dumps(counts, indent=2) + "\n")


def count(row: dict, found: list[Box], real: list[Box], faces: list[dict]) -> None:
    for face, box in zip(faces, real, strict=True):
        if min(box.width, box.height) < LEAST_PX:
            continue
        kind = row["masked" if face["label"] == "with_mask" else "bare"]
        kind[1] += 1
        kind[0] += any(box.iou(one) >= ON_IOU for one in found)
    row["frames"] += 1
    row["strangers"] += sum(all(one.iou(box) < ON_IOU for box in real) for one in found)


if __name__ == "__main__":
    main()
