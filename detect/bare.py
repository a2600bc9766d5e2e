"""Other people's classifiers: a bare ``.h5``, ``.keras`` or ``.tflite`` file, or a SavedModel, without a model folder.

The classic tutorials leave such a file and say nothing in it about scaling or
labels; who uses it has to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import BundleError, InputError
from trainer import input_card
from trainer.bundle import Bundle
from trainer.models.litert import LiteRTModel

SCALINGS: Final = {"-1..1": (-1.0, 1.0), "0..1": (0.0, 1.0), "0..255": (0.0, 255.0)}
"""Ranges that pixel values are brought to; the first is what MobileNetV2's ``preprocess_input`` gives."""

ALPHABETICAL: Final = {
    1: ("with_mask", "without_mask"),
    2: ("with_mask", "without_mask"),
    3: ("incorrect_mask", "with_mask", "without_mask"),
}
"""Labels by the number of outputs, as Keras orders folders and scikit-learn words; a single one is the second's."""

_KERAS: Final = frozenset({".h5", ".hdf5", ".keras"})
_LITERT: Final = frozenset({".tflite", ".lite"})


def is_bare(model: Path) -> bool:
    """Whether a path names a network's own file or SavedModel rather than a model folder."""
    return model.suffix.lower() in _KERAS | _LITERT or (model / "saved_model.pb").is_file()


def scaling_of(text: str) -> tuple[float, float]:
    """The range that ``-1..1``, ``[-1,1]``, ``0..1`` or ``0..255`` names.

    Raises:
        InputError: it is none of these.
    """
    plain = re.sub(r"[\[\]\s]", "", text).replace(",", "..")
    if plain not in SCALINGS:
        raise InputError(f"--scaling takes {', '.join(SCALINGS)}, got {text!r}")
    return SCALINGS[plain]


class BareNetwork:
    """A network of another origin behind what ``LiteRTModel`` has.

    Attributes:
        size_wh: width and height of its input.
        classes: number of labels.
    """

    def __init__(
        self,
        path: Path,
        run: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        size_wh: tuple[int, int],
        outputs: int,
        reopen: Callable[[], BareNetwork] | None = None,
    ) -> None:
        """Wrap one.

        Args:
            path: where it came from, for messages.
            run: gives (N, outputs) of (N, H, W, 3) scaled pixels.
            reopen: makes another for another thread; None where ``run`` may be shared.
        """
        self.path = path
        self.size_wh = size_wh
        self.classes = max(outputs, 2)
        self.range = SCALINGS["0..255"]
        self._run = run
        self._reopen = reopen

    def copy(self) -> BareNetwork:
        """The same network for another thread."""
        if self._reopen is None:
            return self
        other = self._reopen()
        other.range = self.range
        return other

    def predict(self, rois: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (N, C) of faces (N, H, W, 3) uint8 RGB; see ``LiteRTModel.predict``.

        Raises:
            BundleError: what comes out are no probabilities.
        """
        if not len(rois):
            return np.empty((0, self.classes), np.float32)
        low, high = self.range
        found = np.asarray(self._run(rois.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)))
        found = found.reshape(len(rois), -1).astype(np.float32)
        if found.shape[1] == 1:
            found = np.concatenate([1 - found, found], axis=1)
        if not np.isfinite(found).all() or found.min() < -1e-3 or np.abs(found.sum(axis=1) - 1).max() > 1e-2:
            raise BundleError(
                f"{self.path} gives {np.round(found[0], 2).tolist()}, which are no probabilities: "
                "its last layer must be a softmax or a sigmoid"
            )
        return found


def open_bare(
    path: Path, scaling: str | None = None, labels: Sequence[str] | None = None, threads: int = 1
) -> tuple[Bundle, BareNetwork]:
    """A bare network, and what a model folder would have said of it.

    Args:
        path: the file, or a SavedModel's folder.
        scaling: one of ``SCALINGS``; None where a card says it.
        labels: names in the order of the outputs; None for the card's, else
            ``ALPHABETICAL``.

    Raises:
        BundleError: it cannot be opened, or something has to be said about it.
        InputError: what was said makes no sense.
    """
    card = input_card.read(path)
    wanted = None if scaling is None else scaling_of(scaling)
    if wanted is None and card is None:
        raise BundleError(
            f"{path} does not say how pixel values are scaled; pass --scaling -1..1 (MobileNetV2's preprocess_input, "
            "as in the tutorials), --scaling 0..1 (divided by 255) or --scaling 0..255 (as they are)"
        )
    network = _opened(path, threads)
    network.range = wanted or (card or {})["range"]
    names = tuple(labels or (card or {}).get("labels") or ALPHABETICAL.get(network.classes, ()))
    if len(names) != network.classes:
        raise BundleError(
            f"{path} has {network.classes} outputs, and its labels are {', '.join(names) or 'not known'}; "
            "name as many in their order with --classes with_mask,without_mask"
        )
    known = card or {"threshold": 0.5, "margin": 1.0, "margin_high": 1.0}
    bundle = Bundle(
        folder=path,
        labels=names,
        arch="unknown",
        input_size_wh=network.size_wh,
        margin=known["margin"],
        margin_high=known["margin_high"],
        threshold=known["threshold"],
    )
    return bundle, network


def _opened(path: Path, threads: int) -> BareNetwork:
    if not path.exists():
        raise BundleError(f"no model file at {path}")
    if path.suffix.lower() in _LITERT:
        return _litert(path, threads)
    try:
        network = _saved_model(path) if path.is_dir() else _keras(path)
    except ModuleNotFoundError as error:
        raise BundleError(
            f"{path} needs {error.name}, which is not installed here; install it with: pip install tensorflow, "
            "or convert the model to .tflite where it is"
        ) from None
    except BundleError:
        raise
    except Exception as error:  # Keras and TensorFlow raise whatever the file led to
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise BundleError(
            f"{path} cannot be opened: {first[0]}; convert it to .tflite with the TensorFlow that it was made with"
        ) from None
    return network


def _litert(path: Path, threads: int) -> BareNetwork:
    model = LiteRTModel(path, threads)
    return BareNetwork(path, _as_given(model), model.size_wh, model.classes, lambda: _litert(path, threads))


def _as_given(model: LiteRTModel) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        return model.predict(pixels)  # type: ignore[arg-type]  # floats pass as they are

    return run


def _keras(path: Path) -> BareNetwork:
    import tensorflow  # noqa: F401  # the error that names what is missing
    from keras import saving

    model: Any = saving.load_model(path, compile=False, safe_mode=True)
    return BareNetwork(
        path,
        lambda pixels: np.asarray(model(pixels, training=False)),
        _size_wh(path, model.input_shape),
        int(model.output_shape[-1]),
    )


def _saved_model(path: Path) -> BareNetwork:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    if "serving_default" not in loaded.signatures:
        raise BundleError(f"{path} has no signature called serving_default; save it with model.export({path.name!r})")
    serve = loaded.signatures["serving_default"]
    ((name, spec),) = serve.structured_input_signature[1].items()
    ((out, result),) = serve.structured_outputs.items()

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        assert loaded is not None  # its functions do not keep it alive
        return np.asarray(serve(**{name: tf.constant(pixels)})[out])

    return BareNetwork(path, run, _size_wh(path, spec.shape), int(result.shape[-1]))


def _size_wh(path: Path, shape: Any) -> tuple[int, int]:
    """Of (N, H, W, 3)."""
    sides = [None if side is None else int(side) for side in shape]
    if len(sides) != 4 or sides[3] != 3 or sides[1] is None or sides[2] is None:
        raise BundleError(f"{path} takes an input of shape {tuple(sides)}; (None, height, width, 3) expected")
    return sides[2], sides[1]
