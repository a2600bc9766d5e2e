"""Assigns ground-truth faces to feature-map cells (task-aligned assignment), for a whole batch at once.

A cell is a candidate for a face when its centre lies in the face's box, or,
for faces hardly larger than a cell, near its centre. Of the candidates the ten
that agree best with the face, in label and in box, are taken; a cell that is
wanted by two faces answers for the one it overlaps more.

Source:
    Feng et al., "TOOD: Task-aligned One-stage Object Detection", ICCV 2021.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

TOP: Final = 10
"""Cells a face gets at most, but for ties."""

BETA: Final = 6.0
"""Agreement is the root of the score times IoU ** BETA; values of Ultralytics' YOLOv8, which shares the method."""

NEAR: Final = 0.75
"""A cell within this many strides of a small face's centre is a candidate, inside the box or not."""

_EPS: Final = 1e-9


class Targets(NamedTuple):
    """Training targets of every cell.

    Attributes:
        scores: (B, A, C) wanted score of every label, 0 where no face is.
        weights: (B, A) wanted score of the cell's face, 0 for background.
        boxes: (B, A, 4) of the cell's face, xyxy; zeros for background.
        points: (B, A, 5, 3) of the cell's face.
        counts: (B, A) 0 where a cell lies on an ignored box and answers for
            no face, else 1.
    """

    scores: Any
    weights: Any
    boxes: Any
    points: Any
    counts: Any


def overlaps(a: Any, b: Any) -> Any:
    """Intersection over union of every box of ``a`` (B, M, 4) with every one of ``b`` (B, A, 4): (B, M, A)."""
    from keras import ops

    a, b = ops.expand_dims(a, 2), ops.expand_dims(b, 1)
    width = ops.minimum(a[..., 2], b[..., 2]) - ops.maximum(a[..., 0], b[..., 0])
    height = ops.minimum(a[..., 3], b[..., 3]) - ops.maximum(a[..., 1], b[..., 1])
    inner = ops.relu(width) * ops.relu(height)
    area_a = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
    area_b = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return inner / ops.maximum(area_a + area_b - inner, _EPS)


def assign(scores: Any, boxes: Any, centres: Any, strides: Any, truth: Any, top: int = TOP) -> Targets:
    """Share out the cells.

    Args:
        scores: (B, A, C) scores after the sigmoid, as predicted.
        boxes: (B, A, 4) xyxy in pixels, as predicted.
        centres: (A, 2) centres of the cells, x and y in pixels.
        strides: (A,) their strides.
        truth: (B, M, 21) faces, see ``trainer.data.scenes.FACE_VALUES``:
            xyxy, label, kind (1 a face, -1 to be ignored, 0 padding), then
            five points x, y, known.
        top: cells a face gets at most.

    Returns:
        Targets; nothing in them is differentiated.
    """
    from keras import ops

    faces, kind = truth[..., :4], truth[..., 5]
    real, ignored = ops.cast(kind > 0.5, "float32"), ops.cast(kind < -0.5, "float32")
    near = _candidates(faces, centres, strides)  # (B, M, A)
    labels = ops.one_hot(ops.cast(truth[..., 4], "int32"), scores.shape[-1])  # (B, M, C)
    said = ops.matmul(labels, ops.transpose(scores, (0, 2, 1)))  # (B, M, A): score of the face's own label
    iou = overlaps(faces, boxes)
    # A little for all, so that a face that no box overlaps yet still gets cells.
    agreement = ops.sqrt(said) * (iou + 1e-2) ** BETA
    agreement = agreement * near * ops.expand_dims(real, -1)
    least = ops.top_k(agreement, min(top, int(agreement.shape[-1])), sorted=True)[0][..., -1:]
    taken = ops.cast(ops.logical_and(agreement >= least, agreement > 0), "float32")
    # One face a cell: the one it overlaps most.
    best = ops.one_hot(ops.argmax(iou * taken + taken * _EPS, axis=1), taken.shape[1], axis=1)
    taken = taken * best
    agreement = agreement * taken
    strongest = ops.max(agreement, axis=-1, keepdims=True)
    closest = ops.max(iou * taken, axis=-1, keepdims=True)
    wanted = agreement / ops.maximum(strongest, 1e-20) * closest  # (B, M, A)
    cells = ops.transpose(taken, (0, 2, 1))  # (B, A, M), one 1 in a row at most
    chosen = ops.matmul(cells, truth)
    weights = ops.max(wanted, axis=1)
    target_scores = ops.matmul(cells, labels) * ops.expand_dims(weights, -1)
    on_ignored = ops.max(near * ops.expand_dims(ignored, -1), axis=1)
    answers = ops.max(taken, axis=1)
    counts = ops.maximum(1.0 - on_ignored, answers)
    shape = ops.shape(chosen)
    points = ops.reshape(chosen[..., 6:], (shape[0], shape[1], 5, 3))
    found = (target_scores, weights, chosen[..., :4], points, counts)
    return Targets(*(ops.stop_gradient(value) for value in found))


def _candidates(faces: Any, centres: Any, strides: Any) -> Any:
    """(B, M, A) float: 1 where a cell may answer for a face."""
    from keras import ops

    middle = ops.expand_dims((faces[..., :2] + faces[..., 2:]) / 2, 2)  # (B, M, 1, 2)
    size = ops.expand_dims(faces[..., 2:] - faces[..., :2], 2)
    reach = ops.expand_dims(ops.expand_dims(strides * NEAR, -1), 0)  # (1, A, 1)
    away = ops.abs(middle - ops.expand_dims(centres, 0))  # (B, M, A, 2)
    inside = ops.all(away < ops.maximum(size / 2, reach), axis=-1)
    # No cell larger than the face, but of the finest map.
    longer = ops.max(size, axis=-1)  # (B, M, 1)
    fits = strides <= ops.maximum(longer, ops.min(strides))
    return ops.cast(ops.logical_and(inside, fits), "float32")
