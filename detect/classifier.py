"""Who wears a mask: the trained classifier, run by LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskgen.errors import BundleError
from maskgen.types import RGB, Face
from trainer.bundle import LITERT_NAME, Bundle, open_bundle, predicted_labels
from trainer.data.preprocess import cut_rois
from trainer.models.litert import LiteRTModel

if TYPE_CHECKING:
    from detect.bare import BareNetwork

PACKAGED: Final = "classifier3"
"""The packaged classifier in use where none is named: it tells badly worn masks apart."""


class Classifier:
    """A model folder's network with the labels and threshold that belong to it.

    Gives probabilities as the network does; ``Detector`` rescales them. Not to
    be shared between threads: ``copy`` gives each its own.

    Attributes:
        bundle: the model folder as its ``bundle.json`` describes it.
        labels: names in the order of the probabilities.
    """

    def __init__(self, bundle: Bundle, threads: int = 1, network: BareNetwork | None = None) -> None:
        """Open a model folder's network, or take one that came without a folder."""
        if bundle.task != "classifier":
            raise BundleError(f"{bundle.folder} is a {bundle.task}, not a classifier; train one with: maskgen train")
        self.bundle = bundle
        self.labels = bundle.labels
        self._bare = network
        self._model = LiteRTModel(bundle.path(LITERT_NAME), threads=threads) if network is None else network
        if self._model.classes != len(bundle.labels):
            raise BundleError(
                f"{bundle.folder}: the network has {self._model.classes} outputs for the labels "
                f"{', '.join(bundle.labels)}; train or export the model again"
            )
        if self._model.size_wh != tuple(bundle.input_size_wh):
            raise BundleError(
                f"{bundle.folder}: the network takes {self._model.size_wh}, bundle.json says "
                f"{tuple(bundle.input_size_wh)}; export the model again"
            )

    @classmethod
    def load(cls, model: Path | None = None, threads: int = 1) -> Classifier:
        """Open a model folder, or the classifier that ships with the package.

        Args:
            model: a folder that ``maskgen train`` wrote, or a packaged one's
                name; None for ``PACKAGED``.
            threads: CPU threads for one face.

        Raises:
            BundleError: no such folder, or one that is damaged or unknown.
        """
        return cls(open_bundle(model, PACKAGED), threads)

    def copy(self, threads: int = 1) -> Classifier:
        """The same classifier for another thread; the folder's sums are not checked again."""
        return Classifier(self.bundle, threads, None if self._bare is None else self._bare.copy())

    def classify(self, rois: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities of faces already cut to the network's size.

        Args:
            rois: (N, H, W, 3) uint8, RGB.

        Returns:
            (N, C) float32, columns in the order of ``labels``, rows adding up to 1.
        """
        return self._model.predict(rois)

    def classify_boxes(self, image: RGB, boxes: ArrayLike) -> NDArray[np.float32]:
        """Probabilities of a picture's faces, each cut and scaled once.

        Args:
            image: (H, W, 3) uint8, RGB.
            boxes: (N, 4) x0, y0, x1, y1 in pixels.

        Returns:
            (N, C) float32.
        """
        return self.classify(cut_rois(image, boxes, self.bundle.input_size_wh, self.bundle.margin_wh))

    def classify_faces(self, image: RGB, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Probabilities of a picture's faces; see ``classify_boxes``."""
        return self.classify_boxes(image, [face.box.xyxy for face in faces])

    def predicted(self, probabilities: ArrayLike) -> list[str]:
        """Labels by the model's own threshold.

        Args:
            probabilities: (N, C).
        """
        array = np.asarray(probabilities, dtype=np.float64).reshape(-1, len(self.labels))
        return predicted_labels(array, self.labels, self.bundle.threshold)
