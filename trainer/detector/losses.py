"""Detector losses: classification, box regression, landmarks.

Sources:
    Li et al., "Generalized Focal Loss", NeurIPS 2020 (quality focal loss);
    Zheng et al., "Distance-IoU Loss", AAAI 2020; Rezatofighi et al.,
    "Generalized Intersection over Union", CVPR 2019.
"""

from __future__ import annotations

from typing import Any, Final

from maskgen.faces.onestage_litert import SIZE_LIMITS, SIZE_UNIT
from trainer.detector.assign import assign

BOX_WEIGHT: Final = 2.0
POINT_WEIGHT: Final = 0.5
POINT_BETA: Final = 0.05
"""Where the points' loss turns from square to linear, in box sizes."""

_EPS: Final = 1e-7


def decode(values: Any, centres: Any, strides: Any) -> tuple[Any, Any]:
    """Decodes boxes and points from the network's outputs.

    ``maskgen.faces.onestage_litert.decode`` is the same in numpy.

    Args:
        values: (B, A, 14) offsets of the centre, logarithms of the size,
            then offsets of the points.
        centres: (A, 2) centres of the cells.
        strides: (A,) their strides.

    Returns:
        (B, A, 4) boxes xyxy and (B, A, 5, 2) points, in pixels.
    """
    from keras import ops

    unit = ops.expand_dims(strides, -1)  # (A, 1)
    middle = centres + values[..., :2] * unit
    half = ops.exp(ops.clip(values[..., 2:4], *SIZE_LIMITS)) * unit * (SIZE_UNIT / 2)
    boxes = ops.concatenate([middle - half, middle + half], axis=-1)
    shape = ops.shape(values)
    points = ops.reshape(values[..., 4:], (shape[0], shape[1], 5, 2))
    return boxes, ops.expand_dims(centres, 1) + points * ops.expand_dims(unit, -1)


def quality_focal(logits: Any, wanted: Any) -> Any:
    """Quality focal loss: |wanted - score| squared times cross-entropy; ``wanted`` may be any score from 0 to 1."""
    from keras import ops

    entropy = ops.relu(logits) - logits * wanted + ops.log1p(ops.exp(-ops.abs(logits)))
    return ops.square(ops.abs(wanted - ops.sigmoid(logits))) * entropy


def distance_iou(a: Any, b: Any) -> Any:
    """Distance-IoU loss: 1 - IoU + squared centre distance over squared joint diagonal; boxes (..., 4) xyxy."""
    from keras import ops

    low, high = ops.maximum(a[..., :2], b[..., :2]), ops.minimum(a[..., 2:], b[..., 2:])
    inner = ops.prod(ops.relu(high - low), axis=-1)
    area_a, area_b = ops.prod(a[..., 2:] - a[..., :2], axis=-1), ops.prod(b[..., 2:] - b[..., :2], axis=-1)
    iou = inner / ops.maximum(area_a + area_b - inner, _EPS)
    joint = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    return 1 - iou + ops.sum(ops.square(apart), axis=-1) / ops.maximum(ops.sum(ops.square(joint), axis=-1), _EPS)


def smooth_l1(difference: Any, beta: float = POINT_BETA) -> Any:
    """Smooth L1 (Huber) loss, value by value."""
    from keras import ops

    size = ops.abs(difference)
    return ops.where(size < beta, ops.square(size) / (2 * beta), size - beta / 2)


def detection_loss(outputs: Any, centres: Any, strides: Any, truth: Any, labels: int) -> tuple[Any, Any, Any]:
    """The three losses of a batch.

    Args:
        outputs: (B, A, labels + 14) what the network says.
        centres, strides: of the cells.
        truth: (B, M, 21) faces, see ``assign``.
        labels: number of labels.

    Returns:
        Scalars: scores, boxes and points, weighted, to be added up.
    """
    from keras import ops

    logits = outputs[..., :labels]
    boxes, points = decode(outputs[..., labels:], centres, strides)
    found = assign(ops.stop_gradient(ops.sigmoid(logits)), ops.stop_gradient(boxes), centres, strides, truth)
    total = ops.maximum(ops.sum(found.weights), 1.0)
    score_loss = ops.sum(quality_focal(logits, found.scores) * ops.expand_dims(found.counts, -1)) / total
    # Background cells have weight 0; a unit box keeps their gradient finite.
    empty = ops.expand_dims(ops.cast(found.weights <= 0, "float32"), -1)
    wanted = found.boxes + empty * ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0], "float32")
    box_loss = ops.sum(distance_iou(boxes, wanted) * found.weights) / total
    size = ops.sqrt(ops.maximum(ops.prod(wanted[..., 2:] - wanted[..., :2], axis=-1), 1.0))  # (B, A)
    gap = smooth_l1((points - found.points[..., :2]) / ops.expand_dims(ops.expand_dims(size, -1), -1))
    known = found.points[..., 2] * ops.expand_dims(found.weights, -1)  # (B, A, 5)
    point_loss = ops.sum(ops.sum(gap, axis=-1) * known) / ops.maximum(ops.sum(known), 1.0)
    return score_loss, BOX_WEIGHT * box_loss, POINT_WEIGHT * point_loss
