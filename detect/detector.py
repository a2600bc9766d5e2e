"""Pictures and video in, faces and what they wear out: the Python API of detect.

from detect import Detector, watch

detector = Detector.load()
for face in detector.detect("street.jpg"):
    print(face.label, face.score, face.box.xyxy)

for frame in watch(detector, "rtsp://camera.local/1"):
    print(frame.time_s, [face.label for face in frame.faces])
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from detect.classifier import Classifier
from detect.fused import FUSED
from detect.labels import ByBoth, ByDetector, LabelBy, Labels
from detect.results import Detections, FaceResult, face_result, face_score
from detect.search import CUT
from detect.search import load as load_search
from detect.sight import Search, Sight
from maskgen.errors import InputError, ShapeError
from maskgen.types import RGB, Face
from trainer.bundle import Bundle, open_bundle, packaged_bundle, predicted_labels, rescaled

T = TypeVar("T")

OWN: Final = "onestage"
"""maskgen's own detector, whose faces say what they wear."""

_SAYS: Final[dict[LabelBy, tuple[str, ...]]] = {"detector": (OWN,), "both": (OWN, FUSED)}
"""Detectors whose faces say enough: of two, one may have seen a face alone."""


class _Spare(Generic[T]):
    """Things that one thread may use at a time: lends one that is idle, or makes another."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._idle: list[T] = []
        self._lock = threading.Lock()

    def add(self, one: T) -> None:
        with self._lock:
            self._idle.append(one)

    @contextlib.contextmanager
    def lent(self) -> Iterator[T]:
        with self._lock:
            one = self._idle.pop() if self._idle else None
        if one is None:
            one = self._make()
        try:
            yield one
        finally:
            self.add(one)


class Detector:
    """Finds faces and says who wears a mask.

    Safe to use from several threads: each gets its own network.

    Attributes:
        labels: the model's labels.
        threshold: the model's own, on P(with_mask) as the network gives it;
            in everything that comes out of here it reads 0.5.
        threads: frames or pictures worked on at once.
        found_by: the face detector's name; ``fused`` for two of them.
        min_score: least confidence of the faces that are reported.
        sure_score: confidence below which a face counts as doubtful.
        least_score: face score with which a face in a video begins.
    """

    def __init__(
        self,
        new_search: Callable[[], Search],
        new_classifier: Callable[[], Labels],
        labels: Sequence[str],
        threshold: float = 0.5,
        threads: int = 1,
    ) -> None:
        """Build from functions that make the parts; most callers want ``load``."""
        if threads < 1:
            raise InputError(f"threads must be 1 or more, got {threads}")
        self.labels = tuple(labels)
        self.threshold = threshold
        self.threads = threads
        self.found_by = ""
        self.min_score = self.sure_score = 0.0
        self.least_score = math.inf
        self._searches = _Spare(new_search)
        self._classifiers = _Spare(new_classifier)

    @classmethod
    def load(
        cls,
        model: Path | str | None = None,
        faces: str = "auto",
        threads: int = 1,
        small_faces: bool = False,
        min_face_score: float | None = None,
        labels: LabelBy | None = None,
        scaling: str | None = None,
        classes: Sequence[str] | None = None,
        min_score: float | None = None,
    ) -> Detector:
        """Open a model and a face detector.

        Args:
            model: a folder that ``maskgen train`` wrote, a classifier's or a
                detector's; a bare classifier (``x.h5``, ``x.keras``,
                ``x.tflite``, a SavedModel); None for those that ship with the
                package.
            faces: a face detector's name; ``fused`` for maskgen's own and
                YuNet together; ``auto`` for these where YuNet's file is
                present, else maskgen's own. A detector's model finds its
                faces itself.
            threads: frames or pictures worked on at once in ``detect.watch`` and
                ``detect_many``.
            small_faces: look a second time at enlarged tiles.
            min_face_score: least confidence of the face detector, in its own
                unit, instead of ``min_score``.
            labels: who says what a face wears: the ``detector`` (one look),
                the ``classifier``, or ``both``; None for the model that was
                given, or for the best where none was.
            scaling: what a bare classifier's pixel values are brought to:
                ``-1..1``, ``0..1`` or ``0..255``.
            classes: a bare classifier's labels in the order of its outputs.
            min_score: least ``FaceResult.confidence``; None for the cut with
                which nine of ten faces are right (``search.CUT``).

        Raises:
            BundleError: the model folder cannot be used.
            InputError: no face detector has that name.
            WeightsError: the face detector's file is missing.
        """
        bare = _bare(model, scaling, classes)
        bundle = None if model is None or bare is not None else open_bundle(model)
        own = bundle if bundle is not None and bundle.task == "detector" else None
        if own is not None and faces not in ("auto", OWN):
            raise InputError(f"{model} is a detector and finds its faces itself; leave out --faces {faces}")
        if own is not None or (faces == "auto" and labels == "detector"):
            faces = OWN
        folder = None if own is None else own.folder
        new_search = partial(load_search, faces, small_faces, min_face_score, folder, min_score)
        search = new_search()  # a missing file shows now, not at the first picture
        packaged: LabelBy = "both" if model is None and search.name in (OWN, FUSED) else "classifier"
        chosen: LabelBy = labels or ("detector" if own is not None else packaged)
        if search.name not in _SAYS.get(chosen, (search.name,)):
            raise InputError(f"--labels {chosen} needs maskgen's own detector (--faces {OWN}), not {search.name}")
        by_detector = None
        if chosen != "classifier":
            by_detector = ByDetector((own or Bundle.load(packaged_bundle("detector"))).labels)
        classifier = None
        if chosen != "detector":
            classifier = bare or _classifier(None if own is not None else bundle)
        new_labels = partial(_labels, by_detector, classifier)
        first = new_labels()
        threshold = 0.5 if classifier is None else classifier.bundle.threshold
        detector = cls(new_search, new_labels, first.labels, threshold, threads)
        detector.found_by = search.name
        detector.min_score, detector.sure_score = search.cut, CUT.get(search.name, 0.0)
        detector.least_score = search.begins
        detector._searches.add(search)
        detector._classifiers.add(first)
        return detector

    def detect(self, image: RGB | Path | str | bytes) -> Detections:
        """Every face of one picture.

        Args:
            image: (H, W, 3) uint8 RGB array, a file's path, or a file's bytes.

        Raises:
            ImageError: the file is no picture.
            ShapeError: the array is no picture.
        """
        picture = as_rgb(image)
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
            raise ShapeError(f"an image must be (H, W, 3) uint8 and not empty, got {picture.shape} {picture.dtype}")
        height, width = picture.shape[:2]
        seen = self.look(picture, thorough=True)
        results = self.results(seen.faces, self.classify(picture, seen.faces), width, height)
        kept = tuple(face for face in results if face.confidence >= self.min_score)
        hidden = [face.box for face in results if face.confidence < self.min_score]
        hidden += [box.clipped(width, height) for box in seen.doubtful]
        return Detections(width, height, kept, tuple(hidden), self.found_by)

    def find(self, image: RGB, *, thorough: bool = False) -> list[Face]:
        """Faces alone, from left to right; see ``look``."""
        return self.look(image, thorough=thorough).faces

    def look(self, image: RGB, *, thorough: bool = False) -> Sight:
        """Faces alone, and what might be one.

        Args:
            image: (H, W, 3) uint8, RGB.
            thorough: take the time that a single picture is worth; see
                ``FaceSearch.look``.
        """
        with self._searches.lent() as search:
            return search.look(image, thorough=thorough)

    def classify(self, image: RGB, found: Sequence[Face]) -> NDArray[np.float32]:
        """Probabilities (N, C) of faces, columns in the order of ``labels``.

        The one place where detect rescales them: a face counts as
        ``with_mask`` from 0.5 on, whatever the model's own threshold is.
        """
        if not found:
            return np.empty((0, len(self.labels)), dtype=np.float32)
        with self._classifiers.lent() as classifier:
            return rescaled(classifier.classify_faces(image, found), self.labels, self.threshold)

    def results(
        self, found: Sequence[Face], probabilities: NDArray[np.float32], width: int, height: int
    ) -> tuple[FaceResult, ...]:
        """Faces with their labels, boxes within the picture; those below ``min_score`` too."""
        labels = predicted_labels(probabilities, self.labels, 0.5)
        return tuple(
            face_result(
                face.box.clipped(width, height), face_score(face), label, self.labels, row, sure_score=self.sure_score
            )
            for face, row, label in zip(found, probabilities, labels, strict=True)
        )


def _labels(detector: ByDetector | None, classifier: Classifier | None) -> Labels:
    """One thread's own way to label faces; at least one of the two is given."""
    if classifier is None:
        assert detector is not None
        return detector
    return classifier.copy() if detector is None else ByBoth(detector, classifier.copy())


def _classifier(bundle: Bundle | None) -> Classifier:
    return Classifier.load(None) if bundle is None else Classifier(bundle)


def _bare(model: Path | str | None, scaling: str | None, classes: Sequence[str] | None) -> Classifier | None:
    """The classifier in a file or SavedModel without a model folder; None for what is neither."""
    from detect.bare import is_bare, open_bare

    if model is None or not is_bare(Path(model)):
        if scaling is not None or classes is not None:
            raise InputError(
                "--scaling and --classes describe a bare .h5, .keras or .tflite file or SavedModel; "
                f"{'no --model was named' if model is None else f'{model} is none'}"
            )
        return None
    bundle, network = open_bare(Path(model), scaling, classes)
    return Classifier(bundle, network=network)


def as_rgb(image: RGB | Path | str | bytes) -> RGB:
    """A picture as an array, from an array, a path or a file's bytes."""
    if isinstance(image, np.ndarray):
        return image
    from maskgen import images

    return images.decode_rgb(image) if isinstance(image, bytes) else images.read_rgb(Path(image))
