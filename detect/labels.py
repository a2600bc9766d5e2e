"""Who says what a face wears: the classifier, the detector that found it, or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from detect.classifier import Classifier
from maskgen.errors import InputError
from maskgen.types import RGB, Face

LabelBy = Literal["detector", "classifier", "both"]

_COARSER: Final = {"incorrect_mask": "without_mask"}
"""What a detector that lacks a label counts it as."""

_LEAST: Final = 1e-4
"""Scores below this are taken for it, so that every face has probabilities."""


class Labels(Protocol):
    """Gives probabilities of a picture's faces.

    Attributes:
        labels: names in the order of the probabilities.
    """

    @property
    def labels(self) -> tuple[str, ...]: ...

    def classify_faces(self, image: RGB, faces: Sequence[Face]) -> NDArray[np.float32]:
        """(N, C) float32, rows adding up to 1."""
        ...


class ByDetector:
    """What the detector saw when it found the face: no second look."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def classify_faces(self, image: RGB, faces: Sequence[Face]) -> NDArray[np.float32]:
        rows = np.empty((len(faces), len(self.labels)), np.float64)
        for row, face in zip(rows, faces, strict=True):
            if face.label_scores is None or len(face.label_scores) != len(self.labels):
                raise InputError(
                    f"the detector {face.detector} does not say what a face wears; --labels classifier does"
                )
            row[:] = np.maximum(face.label_scores, _LEAST)
        return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float32)


class ByBoth:
    """The geometric mean of what the detector and the classifier say.

    Of a face that the detector did not see the classifier says all. A
    detector of two labels counts a badly worn mask as none: what it says of
    ``without_mask`` is then shared out as the classifier would.
    """

    def __init__(self, detector: ByDetector, classifier: Classifier) -> None:
        coarse = [label if label in detector.labels else _COARSER.get(label, label) for label in classifier.labels]
        if set(coarse) != set(detector.labels):
            raise InputError(
                f"the detector knows {', '.join(detector.labels)}, the classifier {', '.join(classifier.labels)}; "
                "choose --labels detector or --labels classifier"
            )
        self.labels = classifier.labels
        self._detector, self._classifier = detector, classifier
        self._coarse = np.array([detector.labels.index(label) for label in coarse])

    def classify_faces(self, image: RGB, faces: Sequence[Face]) -> NDArray[np.float32]:
        fine = np.maximum(self._classifier.classify_faces(image, faces), _LEAST)
        told = np.array([face.label_scores is not None for face in faces], bool)
        if told.any():
            one = self._detector.classify_faces(image, [face for face in faces if face.label_scores is not None])
            fine[told] = self._joint(one, fine[told])
        return np.asarray(fine / fine.sum(axis=1, keepdims=True), np.float32)

    def _joint(self, one: NDArray[np.float32], fine: NDArray[np.float32]) -> NDArray[np.float32]:
        other = np.stack([fine[:, self._coarse == label].sum(axis=1) for label in range(one.shape[1])], axis=1)
        joint = np.sqrt(one * other)
        joint /= joint.sum(axis=1, keepdims=True)
        return np.asarray(joint[:, self._coarse] * fine / other[:, self._coarse], np.float32)
