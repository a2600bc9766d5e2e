"""First weights of a classifier (packaged, ImageNet, a file), and safe loading of Keras files."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from maskgen.assets import BUNDLE_NAME
from maskgen.errors import BundleError, WeightsError
from trainer.bundle import KERAS_NAME, Bundle, packaged_bundle

if TYPE_CHECKING:
    from trainer.config.classifier import TrainConfig

logger = logging.getLogger(__name__)

SAFE_LAYERS: Final = frozenset(
    (
        *("Functional", "Model", "Sequential", "InputLayer", "Rescaling", "Normalization", "Resizing"),
        *("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "BatchNormalization", "LayerNormalization"),
        *("ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Activation", "Dropout", "SpatialDropout2D", "GaussianNoise"),
        *("Add", "Multiply", "Concatenate", "Average", "Flatten", "Reshape", "Permute"),
        *("ZeroPadding2D", "Cropping2D", "UpSampling2D", "DepthToSpace"),
        *("MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D"),
    )
)
"""Layers that calculate and do nothing else. A Lambda layer holds Python code and is none of them."""


def load_network(path: Path) -> Any:
    """Open a ``.keras`` file whose layers only calculate.

    Returns:
        The ``keras.Model``, not compiled.

    Raises:
        BundleError: missing, damaged, or holding a layer that could run code.
    """
    import keras

    _refuse_code(path)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # keras raises whatever its layers raise
        raise BundleError(f"{path} cannot be opened by Keras: {_first_line(error)}") from None


def _refuse_code(path: Path) -> None:
    """Read the network's plan before Keras does, and refuse what is no plain layer."""
    try:
        with zipfile.ZipFile(path) as archive:
            plan = json.loads(archive.read("config.json"))
    except FileNotFoundError:
        raise BundleError(f"no network at {path}") from None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise BundleError(f"{path} is no .keras file: {_first_line(error)}") from None
    for entry in _layers(plan):
        name, module = entry.get("class_name"), str(entry.get("module", ""))
        if name not in SAFE_LAYERS or entry.get("registered_name") not in (None, name) or not _is_keras(module):
            raise BundleError(
                f"{path} holds a {name} layer{f' of {module}' if module else ''}, which could run code of its own; "
                "maskgen opens only networks of plain Keras layers"
            )
    for entry in _objects(plan):
        if not _is_keras(str(entry.get("module", ""))) or entry.get("class_name") in ("function", "__lambda__"):
            raise BundleError(
                f"{path} refers to {entry.get('module')}.{entry.get('class_name')}, which is no part of Keras"
            )


def _is_keras(module: str) -> bool:
    # Keras writes "builtins" for plain values such as a dtype's name.
    return module in ("", "None", "builtins", "keras") or module.startswith("keras.")


def _layers(plan: Any) -> list[dict[str, Any]]:
    """The network itself and every layer in it, nested networks included."""
    found = [plan] if isinstance(plan, dict) else []
    stack = [plan]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            layers = item.get("layers")
            found.extend(layer for layer in (layers if isinstance(layers, list) else ()) if isinstance(layer, dict))
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return found


def _objects(plan: Any) -> list[dict[str, Any]]:
    """Every serialised object in a plan."""
    found, stack = [], [plan]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if "class_name" in item and "config" in item:
                found.append(item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return found


def check(wish: str) -> None:
    """See that named first weights are there, before anything heavy is loaded.

    Args:
        wish: what ``--weights`` says.

    Raises:
        WeightsError: there is nothing at the path, or no model in the folder.
        BundleError: the model folder is damaged.
    """
    path = Path(wish)
    if wish in ("auto", "packaged", "imagenet", "none"):
        return
    if path.is_dir() and (path / BUNDLE_NAME).is_file():
        Bundle.load(path)
    elif not path.is_file():
        raise WeightsError(_nothing_at(path))


def _nothing_at(path: Path) -> str:
    return (
        f"no weights at {path}; --weights takes auto, packaged, imagenet, none, a model folder, "
        "a .keras file or a .weights.h5 file of the backbone"
    )


def start(model: Any, config: TrainConfig) -> str:
    """Give a fresh network's backbone its first weights.

    Args:
        model: what ``trainer.models.build`` returned.
        config: ``weights`` names the source.

    Returns:
        What was taken, for people.

    Raises:
        WeightsError: the weights are missing, cannot be fetched or do not fit.
    """
    wish = config.weights
    if wish == "none":
        return "none: the network starts from random values"
    if wish == "auto":
        wish = _choose(config)
    if wish == "packaged":
        try:
            folder = packaged_bundle()
        except BundleError as error:
            raise WeightsError(f"{error}; or use --weights imagenet") from None
        _copy_backbone(model, folder / KERAS_NAME, folder)
        return "packaged: the classifier that ships with maskgen"
    if wish == "imagenet":
        _copy_imagenet(model, config)
        return "imagenet: ImageNet weights through keras.applications"
    path = Path(wish)
    if path.is_dir() and (path / BUNDLE_NAME).is_file():
        _copy_backbone(model, Bundle.load(path).path(KERAS_NAME), path)
    elif path.suffix == ".keras" and path.is_file():
        _copy_backbone(model, path, path)
    elif path.is_file():
        try:
            model.get_layer("backbone").load_weights(path)
        except Exception as error:
            raise WeightsError(
                f"{path} does not fit {config.arch} (alpha {config.alpha}): {_first_line(error)}"
            ) from None
    else:
        raise WeightsError(_nothing_at(path))
    return f"file: {path}"


def _choose(config: TrainConfig) -> str:
    """``packaged`` where the classifier that ships is of this very kind, else ``imagenet``."""
    try:
        bundle = Bundle.load(packaged_bundle(), verify=False)
    except BundleError:
        return "imagenet"
    same = bundle.arch == config.arch and float(bundle.config.get("alpha", 1.0)) == config.alpha
    return "packaged" if same and KERAS_NAME in bundle.sha256 else "imagenet"


def _copy_backbone(model: Any, file: Path, shown: Path) -> None:
    if file.parent.joinpath(BUNDLE_NAME).is_file():
        Bundle.load(file.parent)
    try:
        donor = load_network(file).get_layer("backbone")
        model.get_layer("backbone").set_weights(donor.get_weights())
    except ValueError as error:
        raise WeightsError(f"the network in {shown} is of another kind: {_first_line(error)}") from None


def _copy_imagenet(model: Any, config: TrainConfig) -> None:
    donor = imagenet_donor(config.arch, config.alpha)
    model.get_layer("backbone").set_weights(donor.get_weights())


def imagenet_donor(arch: str, alpha: float) -> Any:
    """Keras's own network with its ImageNet weights, downloaded once.

    Raises:
        WeightsError: they are not here and cannot be fetched.
    """
    import keras

    # Convolutions do not care for the size, and the 224 px file is the one that people have.
    options: dict[str, Any] = {"include_top": False, "weights": "imagenet", "input_shape": (224, 224, 3)}
    try:
        # Keras says on stdout that it downloads; stdout is for results.
        with contextlib.redirect_stdout(sys.stderr):
            if arch == "mobilenetv2":
                return keras.applications.MobileNetV2(alpha=alpha, **options)
            return keras.applications.ResNet50(**options)
    except Exception as error:  # urllib, OSError, ValueError of a bad sum: all mean that there are none
        raise WeightsError(
            f"Keras could not get the ImageNet weights of {arch} ({_first_line(error)}); connect once, or set "
            "KERAS_HOME to a folder that holds models/, or use --weights packaged or --weights none"
        ) from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
