"""The model folder's ``bundle.json``: labels, preprocessing, threshold, and checksums of its files.

Only the standard library and numpy: ``detect`` reads model folders on machines
that have no TensorFlow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.assets import BUNDLE_NAME, packaged_model
from maskgen.errors import BundleError
from maskgen.io.files import write_whole
from maskgen.types import LABELS

FORMAT: Final = 1
TASKS: Final = ("classifier", "detector")
KERAS_NAME: Final = "model.keras"
LITERT_NAME: Final = "model.tflite"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model folder, as its ``bundle.json`` describes it.

    Attributes:
        folder: where it lies.
        labels: names in output order; every one from ``maskgen.types.LABELS``.
        arch: architecture, ``mobilenetv2``, ``resnet50`` or ``onestage``.
        input_size_wh: width and height the network expects; a detector takes
            pictures of any size, this is the one it was meant for.
        margin: factor by which a face box's width is grown before it is cut out.
        margin_high: the same for its height; None for ``margin``.
        threshold: a face is ``with_mask`` when P(with_mask) reaches this; a
            detector's faces are shown when their score reaches it.
        task: ``classifier`` (a face in, probabilities out) or ``detector``
            (a picture in, boxes with scores out).
        fit: ``stretch`` for faces cut out, ``pad`` for whole pictures.
        sha256: file name -> hex digest, for every file that is run.
        dataset: digest of what it was trained on.
        config: the settings of the training run.
        versions: packages it was made with.
        created: UTC time, ISO 8601.
    """

    folder: Path
    labels: tuple[str, ...]
    arch: str
    input_size_wh: tuple[int, int]
    margin: float = 1.15
    margin_high: float | None = None
    threshold: float = 0.5
    colour_order: str = "RGB"
    scaling: str = "in_model"
    fit: str = "stretch"
    format: int = FORMAT
    task: str = "classifier"
    sha256: Mapping[str, str] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    export: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""

    def __post_init__(self) -> None:
        where = self.folder / BUNDLE_NAME
        known = {
            "format": (self.format, (FORMAT,)),
            "task": (self.task, TASKS),
            "colour_order": (self.colour_order, ("RGB",)),
            "scaling": (self.scaling, ("in_model",)),
            "crop.fit": (self.fit, ("pad",) if self.task == "detector" else ("stretch",)),
        }
        for name, (value, allowed) in known.items():
            if value not in allowed:
                raise BundleError(
                    f"{where}: {name} is {value!r}, this version knows {', '.join(map(repr, allowed))}; "
                    "update maskgen or train the model again"
                )
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels) or not set(self.labels) <= set(LABELS):
            raise BundleError(f"{where}: labels must be two or three of {', '.join(LABELS)}, got {list(self.labels)}")
        if "with_mask" not in self.labels:
            raise BundleError(f"{where}: labels {list(self.labels)} lack with_mask")
        if len(self.input_size_wh) != 2 or min(self.input_size_wh) < 1:
            raise BundleError(f"{where}: input_size_wh must be two positive numbers, got {self.input_size_wh}")
        for name, factor in zip(("margin", "margin_high"), self.margin_wh, strict=True):
            if not 0.5 <= factor <= 4:
                raise BundleError(f"{where}: crop.{name} must lie between 0.5 and 4, got {factor}")
        if not 0 <= self.threshold <= 1:
            raise BundleError(f"{where}: threshold must lie between 0 and 1, got {self.threshold}")

    @property
    def margin_wh(self) -> tuple[float, float]:
        """Factors by which a face box's width and height are grown before it is cut out."""
        return self.margin, self.margin if self.margin_high is None else self.margin_high

    @classmethod
    def load(cls, folder: Path, *, verify: bool = True) -> Bundle:
        """Read a model folder and check that its files are the ones it was saved with.

        Args:
            folder: the model folder.
            verify: also compare every listed file's SHA-256.

        Raises:
            BundleError: no folder, no or damaged ``bundle.json``, unknown
                preprocessing, a file missing or changed.
        """
        folder = Path(folder)
        path = folder / BUNDLE_NAME
        if not folder.is_dir():
            raise BundleError(f"no model folder at {folder}; make one with: maskgen train DATASET {folder}")
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BundleError(
                f"{folder} holds no {BUNDLE_NAME}, so it is no model folder (see maskgen train)"
            ) from None
        except (OSError, ValueError) as error:
            raise BundleError(f"{path} cannot be read: {error}") from None
        bundle = cls._from_json(folder, document)
        if verify:
            bundle.check_sums()
        return bundle

    @classmethod
    def _from_json(cls, folder: Path, document: Any) -> Bundle:
        path = folder / BUNDLE_NAME
        if not isinstance(document, dict):
            raise BundleError(f"{path}: an object expected, got {type(document).__name__}")
        try:
            crop = dict(document["crop"])
            values: dict[str, Any] = {
                name: document[name] for name in ("format", "task", "arch", "colour_order", "scaling")
            }
            width, height = (int(side) for side in document["input_size_wh"])
            values |= {
                "labels": tuple(str(label) for label in document["labels"]),
                "input_size_wh": (width, height),
                "threshold": float(document["threshold"]),
                "margin": float(crop["margin"]),
                # Bundles without it were trained on crops grown alike both ways.
                "margin_high": None if crop.get("margin_high") is None else float(crop["margin_high"]),
                "fit": crop["fit"],
                "sha256": {str(name): str(digest) for name, digest in dict(document["sha256"]).items()},
            }
            for name in ("dataset", "config", "export", "versions"):
                values[name] = dict(document.get(name) or {})
            values["created"] = str(document.get("created", ""))
        except KeyError as error:
            raise BundleError(f"{path}: {error.args[0]!r} is missing") from None
        except (TypeError, ValueError) as error:
            raise BundleError(f"{path}: a value has the wrong form: {error}") from None
        return cls(folder=folder, **values)

    def to_json(self) -> dict[str, Any]:
        """The document that ``load`` reads."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        for name in ("folder", "margin", "margin_high", "fit"):
            del plain[name]
        plain["labels"] = list(self.labels)
        plain["input_size_wh"] = list(self.input_size_wh)
        high = {} if self.margin_high is None else {"margin_high": self.margin_high}
        plain["crop"] = {"margin": self.margin, **high, "fit": self.fit}
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in plain.items()}

    def save(self) -> None:
        """Write ``bundle.json`` whole: to a temporary name, then renamed."""
        write_whole(self.folder / BUNDLE_NAME, (json.dumps(self.to_json(), indent=2) + "\n").encode())

    def path(self, name: str) -> Path:
        """A file of the folder that the bundle lists.

        Raises:
            BundleError: the bundle does not list it, or it is missing.
        """
        if name not in self.sha256:
            raise BundleError(
                f"{self.folder} has no {name} (it has {', '.join(self.sha256) or 'nothing'}); see maskgen export"
            )
        path = self.folder / name
        if not path.is_file():
            raise BundleError(f"{path} is missing; the model folder is incomplete: copy or train it again")
        return path

    def check_sums(self) -> None:
        """Compare every listed file with its recorded SHA-256.

        Raises:
            BundleError: a file is missing, or differs.
        """
        for name, expected in self.sha256.items():
            if Path(name).name != name:
                raise BundleError(f"{self.folder / BUNDLE_NAME}: {name!r} is not a plain file name")
            actual = file_sha256(self.path(name))
            if actual != expected:
                raise BundleError(
                    f"{self.folder / name} is not the file this model was saved with "
                    f"(sha256 {actual[:12]}..., {expected[:12]}... expected); copy or train it again"
                )


PACKAGED: Final = ("classifier", "classifier3", "detector")
"""Networks that ship with the package: of two classes, of three, and the one-stage detector."""


def open_bundle(model: Path | str | None, default: str = "classifier") -> Bundle:
    """The model that somebody named: a folder, or one of ``PACKAGED``.

    Args:
        model: a folder that ``maskgen train`` wrote, or a packaged network's
            name where there is no such folder; None for ``default``.
        default: one of ``PACKAGED``.

    Raises:
        BundleError: no such folder, or one that is damaged or unknown.
    """
    name = default if model is None else str(model)
    if model is None or (name in PACKAGED and not Path(model).exists()):
        return Bundle.load(packaged_bundle(name))
    return Bundle.load(Path(model))


def packaged_bundle(name: str = "classifier") -> Path:
    """The folder of a network that ships with the package.

    Args:
        name: one of ``PACKAGED``.

    Raises:
        BundleError: this installation carries none.
    """
    folder = packaged_model(name)
    if folder is None:
        raise BundleError(f"this installation carries no {name}; name a model folder, made by: maskgen train")
    return folder


def predicted_label(probabilities: NDArray[np.floating[Any]] | Sequence[float], bundle: Bundle) -> str:
    """The label of one face: ``with_mask`` at the threshold, else the likeliest of the others.

    Args:
        probabilities: (C,) in the bundle's label order.
        bundle: the model that gave them.
    """
    return predicted_labels(np.asarray(probabilities, dtype=np.float64)[None], bundle.labels, bundle.threshold)[0]


def predicted_labels(probabilities: NDArray[np.floating[Any]], labels: Sequence[str], threshold: float) -> list[str]:
    """The labels of many faces; see ``predicted_label``.

    Args:
        probabilities: (N, C), columns in the order of ``labels``.
    """
    masked = list(labels).index("with_mask")
    others = np.array(probabilities, dtype=np.float64, copy=True)
    others[:, masked] = -1
    rest = others.argmax(axis=1) if len(others) else np.empty(0, dtype=np.int64)
    return [
        labels[masked] if row[masked] >= threshold else labels[int(other)]
        for row, other in zip(probabilities, rest, strict=True)
    ]


def rescaled(probabilities: NDArray[np.floating[Any]], labels: Sequence[str], threshold: float) -> NDArray[np.float32]:
    """Probabilities in which a model's own threshold reads 0.5: what people are shown.

    The odds of ``with_mask`` are divided by those of the threshold, the other
    labels keep their shares of the rest. So a face is ``with_mask`` when its
    probability is 0.5 or more, just as ``predicted_labels`` says of the raw
    ones, and a score never contradicts its label.

    Args:
        probabilities: (N, C), columns in the order of ``labels``.
        threshold: on the raw P(with_mask).

    Returns:
        (N, C) float32, rows adding up to 1.

    >>> rescaled(np.array([[0.4, 0.6]]), ["with_mask", "without_mask"], 0.4).round(2).tolist()
    [[0.5, 0.5]]
    """
    raw = np.asarray(probabilities, dtype=np.float64).reshape(-1, len(labels))
    masked = list(labels).index("with_mask")
    p, threshold = raw[:, masked], min(max(threshold, 1e-6), 1 - 1e-6)
    scaled = p * (1 - threshold) / np.maximum(p * (1 - threshold) + (1 - p) * threshold, 1e-12)
    rest = np.delete(raw, masked, axis=1)
    total = rest.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, rest / np.where(total > 0, total, 1), 1 / rest.shape[1])
    found = np.insert(shares * (1 - scaled)[:, None], masked, scaled, axis=1).astype(np.float32)
    # What rounding carried over the line goes back.
    at_least, below = np.float32(0.5), np.nextafter(np.float32(0.5), np.float32(0))
    reaches = np.array([label == labels[masked] for label in predicted_labels(raw, labels, threshold)], dtype=bool)
    found[:, masked] = np.where(reaches, np.maximum(found[:, masked], at_least), np.minimum(found[:, masked], below))
    return found


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
