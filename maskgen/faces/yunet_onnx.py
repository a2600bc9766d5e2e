"""Runs YuNet's file in onnxruntime: the boxes of OpenCV's ``FaceDetectorYN`` in less time.

Source:
    Decoding and suppression follow OpenCV ``modules/objdetect/src/face_detect.cpp``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import WeightsError

_STRIDES: Final = (8, 16, 32)
_MAPS: Final = tuple(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES)

# Numbers of fields in ONNX's protobuf messages.
_GRAPH, _INPUT, _OUTPUT, _VALUE_INFO = 7, 11, 12, 13
_NAME, _TYPE = 1, 2
_TYPE_OF_FLOATS: Final = b"\x0a\x02\x08\x01"
"""``TypeProto`` of a float tensor of any shape."""


class YuNetNetwork:
    """The network for pictures of any size; safe to use from several threads.

    Raises:
        WeightsError: the file is no YuNet.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(any_size(path.read_bytes()), options, ["CPUExecutionProvider"])
        except Exception as error:  # its errors share no class of their own
            raise WeightsError(f"{path} is no network that onnxruntime can read; fetch it again") from error
        missing = set(_MAPS) - {output.name for output in self._session.get_outputs()}
        if missing or len(self._session.get_inputs()) != 1:
            raise WeightsError(f"{path} is no YuNet: it lacks {', '.join(sorted(missing)) or 'one input'}")
        self._input = self._session.get_inputs()[0].name

    def rows(self, bgr: NDArray[np.uint8], min_score: float, iou: float, most: int) -> NDArray[np.float64]:
        """Faces of a picture, best first, each once.

        Args:
            bgr: (H, W, 3) uint8.
            min_score: least score.
            iou: of two boxes that overlap more, the better stays.
            most: candidates that are compared at most.

        Returns:
            (N, 15): x, y, width, height, x and y of five points, score.
        """
        height, width = bgr.shape[:2]
        wide, high = width + -width % _STRIDES[-1], height + -height % _STRIDES[-1]
        pixels = np.zeros((1, 3, high, wide), np.float32)
        pixels[0, :, :height, :width] = bgr.transpose(2, 0, 1)
        maps = dict(zip(_MAPS, self._session.run(_MAPS, {self._input: pixels}), strict=True))
        found = np.concatenate([_decoded(maps, stride, wide // stride, min_score) for stride in _STRIDES])
        found = found[np.argsort(-found[:, 14], kind="stable")][:most]
        return found[_kept(found[:, :4], iou)]


@lru_cache(maxsize=4)
def network(path: Path) -> YuNetNetwork:
    """The file's network, read once for all threads."""
    return YuNetNetwork(path)


def any_size(model: bytes) -> bytes:
    """An ONNX model of one input that takes pictures of any size.

    YuNet's files say 320 or 640 px, and no layer needs it. The sizes of input, outputs and all between are left out.

    Raises:
        ValueError: no ONNX model.
    """
    return b"".join(
        _field(_GRAPH, b"".join(_freed(graph))) if number == _GRAPH else whole
        for number, graph, whole in _fields(model)
    )


def _freed(graph: bytes) -> Iterator[bytes]:
    for number, content, whole in _fields(graph):
        if number in (_INPUT, _OUTPUT):
            name = next(text for field, text, _ in _fields(content) if field == _NAME)
            yield _field(number, _field(_NAME, name) + _field(_TYPE, _TYPE_OF_FLOATS))
        elif number != _VALUE_INFO:
            yield whole


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """A protobuf message's fields: number, content where it has a length, and the field as it stands."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        content = b""
        match key & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(message, at)
                content = message[at : at + length]
                at += length
            case 5:
                at += 4
            case kind:
                raise ValueError(f"no protobuf field has the type {kind}")
        if at > len(message):
            raise ValueError("a protobuf message that ends too soon")
        yield key >> 3, content, message[start:at]


def _field(number: int, content: bytes) -> bytes:
    length, head = len(content), bytearray([number << 3 | 2])
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + content


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("a protobuf message that ends too soon")
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _decoded(maps: dict[str, Any], stride: int, columns: int, min_score: float) -> NDArray[np.float64]:
    """(N, 15) candidates of one map."""
    scores = np.sqrt(np.clip(maps[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(maps[f"obj_{stride}"][0, :, 0], 0, 1))
    cells = np.flatnonzero(scores >= min_score)
    corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float64)
    box = maps[f"bbox_{stride}"][0][cells].astype(np.float64)
    size = np.exp(box[:, 2:]) * stride
    low = (corner + box[:, :2]) * stride - size / 2
    points = (maps[f"kps_{stride}"][0][cells].reshape(-1, 5, 2) + corner[:, None]) * stride
    return np.concatenate([low, size, points.reshape(-1, 10), scores[cells, None]], axis=1)


def _kept(boxes: NDArray[np.float64], iou: float) -> list[int]:
    """Which of the boxes (x, y, width, height), best first, are no second answer; OpenCV compares whole pixels."""
    whole = np.trunc(boxes)
    low, high, area = whole[:, :2], whole[:, :2] + whole[:, 2:], whole[:, 2] * whole[:, 3]
    waiting, kept = np.arange(len(boxes)), []
    while len(waiting):
        first, waiting = waiting[0], waiting[1:]
        kept.append(int(first))
        sides = np.minimum(high[first], high[waiting]) - np.maximum(low[first], low[waiting])
        inner = np.prod(np.clip(sides, 0, None), axis=1)
        waiting = waiting[inner <= iou * (area[first] + area[waiting] - inner)]
    return kept
