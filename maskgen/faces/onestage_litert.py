"""Runs a one-stage detector's LiteRT file on a picture: scaled, padded, decoded, each face once.

Both ends need it: ``maskgen.faces`` to find faces, ``detect`` to say what they
wear. The network gives raw maps; boxes, points and the choice among
overlapping boxes are worked out here with numpy, in under a millisecond.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import BundleError, ShapeError
from maskgen.types import RGB

STRIDES: Final = (8, 16, 32)
"""Picture pixels a cell of each map; sides of the network's input are multiples of the last."""

PLACE_VALUES: Final = 14
"""Channels of each map after the labels' scores: four of a box, two of each of five points."""

SIZE_UNIT: Final = 2.0
"""A box's side is exp(value) times this many strides."""

SIZE_LIMITS: Final = (-3.0, 3.5)
"""What the values of a box's size are clipped to."""

NMS_IOU: Final = 0.5
"""Of two boxes that overlap more, the better stays."""

NMS_COVERED: Final = 0.75
"""So it does where this much of the smaller box lies in the better one, and the two are of like size."""

MOST: Final = 300
"""Faces a picture gives at most."""

INTERPRETERS: Final = 2
"""Input sizes that stay allocated: a picture and its small copy. Another takes the place of the older one, which costs
a quarter of the time of a look; eight of them took 290 MB a thread, not 140."""

PAD_VALUE: Final = 114
"""Grey beyond the picture, in training too."""


@dataclass(frozen=True, slots=True)
class Raw:
    """What the network found in a picture, best first.

    Attributes:
        boxes: (N, 4) float64 xyxy in the picture's pixels; may reach over the edge.
        scores: (N, C) float64, each label's, 0 to 1.
        points: (N, 5, 2) float64.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    points: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.boxes)


def decode(maps: Sequence[NDArray[Any]], labels: int, min_score: float) -> Raw:
    """Faces from the network's maps, overlapping ones included.

    Args:
        maps: (h, w, labels + 14) for every stride, finest first: logits of
            the labels, the centre's offset in strides, the logarithm of the
            size, and offsets of five points in strides.
        labels: number of labels.
        min_score: cells whose best score is less are left out.

    Returns:
        Candidates in the input's pixels, best first.
    """
    boxes, scores, points = [], [], []
    least = _logit(min_score)
    for stride, values in zip(STRIDES, maps, strict=True):
        rows, columns = np.nonzero(values[..., :labels].max(axis=-1) >= least)
        chosen = np.asarray(values[rows, columns], np.float64)
        centres = (np.stack([columns, rows], axis=1) + 0.5) * stride
        middle = centres + chosen[:, labels : labels + 2] * stride
        half = np.exp(np.clip(chosen[:, labels + 2 : labels + 4], *SIZE_LIMITS)) * stride * (SIZE_UNIT / 2)
        boxes.append(np.concatenate([middle - half, middle + half], axis=1))
        scores.append(1 / (1 + np.exp(-chosen[:, :labels])))
        points.append(centres[:, None] + chosen[:, labels + 4 :].reshape(-1, 5, 2) * stride)
    joined = Raw(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))
    return _taken(joined, np.argsort(-joined.scores.max(axis=1, initial=0), kind="stable"))


def suppress(found: Raw, iou: float = NMS_IOU, covered: float = NMS_COVERED, most: int = MOST) -> Raw:
    """One box a face, whatever its label: the best of each group of overlapping ones.

    Args:
        found: candidates, best first.
        iou: two boxes that overlap more are one face.
        covered: so are two of which the smaller lies within the other for
            more than this share, unless it is less than a quarter of it.
        most: faces kept.
    """
    boxes = found.boxes
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    waiting = np.arange(len(boxes))
    kept: list[int] = []
    while len(waiting) and len(kept) < most:
        first, waiting = waiting[0], waiting[1:]
        kept.append(int(first))
        low = np.maximum(boxes[first, :2], boxes[waiting, :2])
        high = np.minimum(boxes[first, 2:], boxes[waiting, 2:])
        inner = np.prod(np.clip(high - low, 0, None), axis=1)
        smaller, larger = np.minimum(area[first], area[waiting]), np.maximum(area[first], area[waiting])
        same = inner > iou * (area[first] + area[waiting] - inner)
        within = (inner > covered * smaller) & (smaller > 0.25 * larger)
        waiting = waiting[~(same | within)]
    return _taken(found, np.array(kept, np.int64))


class OneStage:
    """A detector's LiteRT file, loaded once; not to be shared between threads.

    Attributes:
        path: the file.
        labels: number of labels it scores.
    """

    def __init__(self, path: Path, labels: int, threads: int = 1) -> None:
        """Load a file.

        Args:
            path: a ``.tflite`` with one resizable (1, H, W, 3) input holding
                pixel values 0..255 and a map for each stride.
            labels: number of labels.
            threads: CPU threads for one picture.

        Raises:
            BundleError: the file is missing, damaged or of another form.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise BundleError(f"no model file at {self.path}")
        self.labels = labels
        self._threads = max(1, threads)
        self._runners: OrderedDict[tuple[int, int], _Runner] = OrderedDict()
        self._data = self.path.read_bytes()
        self._runner((64, 64))

    def maps(self, pixels: RGB) -> list[NDArray[np.float32]]:
        """What the network says about a picture, finest map first.

        Args:
            pixels: (H, W, 3) uint8, sides that are multiples of 32.
        """
        height, width = pixels.shape[:2]
        if height % STRIDES[-1] or width % STRIDES[-1]:
            raise ShapeError(f"sides must be multiples of {STRIDES[-1]}, got {width} x {height}")
        return self._runner((height, width))(pixels)

    def find(self, image: RGB, longer_side: int | None = None, min_score: float = 0.3) -> Raw:
        """Faces of a picture, best first, each once.

        Args:
            image: (H, W, 3) uint8 RGB of any size.
            longer_side: scale the picture to this; None leaves it.
            min_score: least score.
        """
        pixels, scale = fitted(image, longer_side)
        found = suppress(decode(self.maps(pixels), self.labels, min_score))
        return Raw(found.boxes / scale, found.scores, found.points / scale)

    def _runner(self, size_hw: tuple[int, int]) -> _Runner:
        runner = self._runners.pop(size_hw, None)
        if runner is None and len(self._runners) >= INTERPRETERS:
            _, runner = self._runners.popitem(last=False)
            runner.resize(size_hw)
        if runner is None:
            runner = _Runner(self._data, self.path, size_hw, self.labels, self._threads)
        self._runners[size_hw] = runner
        return runner


class _Runner:
    """An interpreter allocated for one size."""

    def __init__(self, data: bytes, path: Path, size_hw: tuple[int, int], labels: int, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]

        from maskgen.quiet import quiet_stderr

        try:
            with quiet_stderr():
                self._interpreter = Interpreter(model_content=data, num_threads=threads)
                inputs = self._interpreter.get_input_details()
                if len(inputs) == 1:
                    self._interpreter.resize_tensor_input(inputs[0]["index"], (1, *size_hw, 3))
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{path} is not a model that LiteRT can run: {str(error).splitlines()[0]}") from None
        outputs, channels = self._interpreter.get_output_details(), labels + PLACE_VALUES
        if len(inputs) != 1 or len(outputs) != len(STRIDES) or any(o["shape"][-1] != channels for o in outputs):
            raise BundleError(
                f"{path} has {len(inputs)} inputs and outputs {[list(map(int, o['shape'])) for o in outputs]}; one "
                f"input and {len(STRIDES)} maps of {channels} channels expected for {labels} labels?"
            )
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = sorted(outputs, key=lambda output: -int(output["shape"][1]) * int(output["shape"][2]))

    def resize(self, size_hw: tuple[int, int]) -> None:
        """Take pictures of another size from now on."""
        self._interpreter.resize_tensor_input(self._input["index"], (1, *size_hw, 3))
        self._interpreter.allocate_tensors()

    def __call__(self, pixels: RGB) -> list[NDArray[np.float32]]:
        self._interpreter.set_tensor(self._input["index"], np.asarray(pixels, self._input["dtype"])[None])
        self._interpreter.invoke()
        return [np.asarray(self._interpreter.get_tensor(o["index"])[0], np.float32) for o in self._outputs]


def fitted(image: RGB, longer_side: int | None = None) -> tuple[RGB, float]:
    """A picture as the network takes it: scaled, then padded on the right and below to multiples of 32.

    Returns:
        The pixels, and what the picture's own were multiplied by.
    """
    import cv2

    height, width = image.shape[:2]
    scale = 1.0 if longer_side is None else longer_side / max(height, width)
    if scale != 1.0:
        size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
        shrinks = scale < 1
        image = np.asarray(
            cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
        )
        height, width = image.shape[:2]
    below, right = -height % STRIDES[-1], -width % STRIDES[-1]
    if below or right:
        image = np.pad(image, ((0, below), (0, right), (0, 0)), constant_values=PAD_VALUE)
    return image, scale


def _taken(found: Raw, rows: NDArray[np.int64]) -> Raw:
    return Raw(found.boxes[rows], found.scores[rows], found.points[rows])


def _logit(score: float) -> float:
    score = min(max(score, 1e-6), 1 - 1e-6)
    return float(np.log(score / (1 - score)))
