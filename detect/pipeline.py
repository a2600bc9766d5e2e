"""Pictures and video in, faces and what they wear out: the Python API of detect.

from detect import Detector

detector = Detector.load()
for face in detector.detect("street.jpg"):
    print(face.label, face.score, face.box.xyxy)

for frame in detector.watch("rtsp://camera.local/1"):
    print(frame.time_s, [face.label for face in frame.faces])
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from detect import find
from detect.classify import Classifier
from detect.find import FaceSearch
from detect.results import Detections, FaceResult
from maskgen.errors import InputError, ShapeError
from maskgen.types import RGB

if TYPE_CHECKING:
    from detect.sources import Source
    from detect.watch import Watch

_SCORED: Final = frozenset({"yunet", "ssd", "mtcnn"})
"""Detectors whose scores are probabilities; others' count as certain."""


class Looker:
    """A face search and a classifier for one thread: neither may be shared."""

    def __init__(self, search: FaceSearch, classifier: Classifier) -> None:
        self._search = search
        self._classifier = classifier

    def look(self, image: RGB, *, pad: bool = False) -> Detections:
        """Find and classify every face of a picture.

        Args:
            image: (H, W, 3) uint8, RGB.
            pad: where no face is found, look again at the padded picture.

        Raises:
            ShapeError: ``image`` is something else.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ShapeError(f"an image must be (H, W, 3) uint8 and not empty, got {image.shape} {image.dtype}")
        height, width = image.shape[:2]
        found = self._search.find(image, pad=pad)
        if not found:
            return Detections(width, height)
        probabilities = self._classifier.classify_boxes(image, [face.box.xyxy for face in found])
        labels = self._classifier.predicted(probabilities)
        names = self._classifier.labels
        faces = []
        for face, row, label in zip(found, probabilities, labels, strict=True):
            by_label = {name: float(p) for name, p in zip(names, row, strict=True)}
            face_score = min(max(face.score, 0.0), 1.0) if face.detector in _SCORED else 1.0
            faces.append(
                FaceResult(face.box.clipped(width, height), label, by_label[label], by_label, face_score=face_score)
            )
        return Detections(width, height, tuple(faces))


class Detector:
    """Finds faces and says who wears a mask.

    Safe to use from several threads: each gets its own network.

    Attributes:
        labels: the model's labels.
        threshold: P(with_mask) from which a face counts as ``with_mask``.
        threads: frames or pictures worked on at once.
    """

    def __init__(
        self, new_looker: Callable[[], Looker], labels: Sequence[str], threshold: float = 0.5, threads: int = 1
    ) -> None:
        """Build from a function that makes a ``Looker``; most callers want ``load``."""
        if threads < 1:
            raise InputError(f"threads must be 1 or more, got {threads}")
        self.labels = tuple(labels)
        self.threshold = threshold
        self.threads = threads
        self._new_looker = new_looker
        self._idle: list[Looker] = []
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls,
        model: Path | str | None = None,
        faces: str = "auto",
        threads: int = 1,
        small_faces: bool = False,
    ) -> Detector:
        """Open a model and a face detector.

        Args:
            model: a folder that ``maskgen train`` wrote; None for the one that
                ships with the package.
            faces: a face detector's name, or ``auto`` for the best present.
            threads: frames or pictures worked on at once in ``watch`` and
                ``detect_many``.
            small_faces: look a second time at enlarged tiles.

        Raises:
            BundleError: the model folder cannot be used.
            InputError: no face detector has that name.
            WeightsError: the face detector's file is missing.
        """
        classifier = Classifier.load(None if model is None else Path(model))
        unused = [classifier]

        def new_looker() -> Looker:
            try:
                own = unused.pop()
            except IndexError:
                own = classifier.copy()
            return Looker(find.load(faces, small_faces), own)

        detector = cls(new_looker, classifier.labels, classifier.bundle.threshold, threads)
        detector._idle.append(new_looker())  # a missing file shows now, not at the first picture
        return detector

    def detect(self, image: RGB | Path | str | bytes) -> Detections:
        """Every face of one picture.

        Args:
            image: (H, W, 3) uint8 RGB array, a file's path, or a file's bytes.

        Raises:
            ImageError: the file is no picture.
            ShapeError: the array is no picture.
        """
        return self._look(as_rgb(image), pad=True)

    def watch(
        self,
        source: Source | str | int | Path,
        *,
        every: int = 1,
        max_fps: float | None = None,
        track: bool = True,
    ) -> Watch:
        """Every frame of a video, or the newest frames of a live source, with tracked faces.

        Reading, detection and whatever the caller does with a frame overlap;
        a bounded number of frames is held.

        Args:
            source: what ``detect.sources.open_source`` understands, or a
                source that is open already; closed at the end.
            every: look for faces in every n-th frame only; in between they
                are carried along.
            max_fps: drop frames beyond this rate.
            track: number the faces and smooth their labels over time.

        Returns:
            An iterator over ``FrameResult``.

        Raises:
            SourceError: the source cannot be opened, or breaks off.
            InputError: ``every`` or ``max_fps`` makes no sense.
        """
        from detect.sources import open_source
        from detect.track import FaceTracker, Untracked
        from detect.watch import Watch

        if every < 1:
            raise InputError(f"every must be 1 or more, got {every}")
        if max_fps is not None and not 0 < max_fps < math.inf:
            raise InputError(f"max_fps must be above 0, got {max_fps}")
        opened = open_source(source) if isinstance(source, (str, int, Path)) else source
        follower = FaceTracker(self.labels, self.threshold, opened.rate) if track else Untracked()
        return Watch(self._look, opened, follower, self.threads, every, max_fps)

    def _look(self, image: RGB, *, pad: bool = False) -> Detections:
        with self._lock:
            looker = self._idle.pop() if self._idle else None
        looker = looker or self._new_looker()
        try:
            return looker.look(image, pad=pad)
        finally:
            with self._lock:
                self._idle.append(looker)


def as_rgb(image: RGB | Path | str | bytes) -> RGB:
    """A picture as an array, from an array, a path or a file's bytes."""
    if isinstance(image, np.ndarray):
        return image
    from maskgen import images

    return images.decode_rgb(image) if isinstance(image, bytes) else images.read_rgb(Path(image))
