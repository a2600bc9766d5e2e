"""First weights of a detector: from the packaged classifier, ImageNet, another model folder, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskgen.assets import BUNDLE_NAME
from maskgen.errors import BundleError, WeightsError
from trainer.bundle import KERAS_NAME, Bundle, packaged_bundle
from trainer.config.detector import DetectorConfig
from trainer.models import onestage


def check(wish: str) -> None:
    """See that named first weights are there, before anything heavy is loaded.

    Raises:
        WeightsError: there is no model folder.
        BundleError: it is damaged.
    """
    if wish in ("auto", "packaged", "imagenet", "none"):
        return
    if not (Path(wish) / BUNDLE_NAME).is_file():
        raise WeightsError(
            f"no model folder at {wish}; --weights takes auto, packaged, imagenet, none or a model folder"
        )
    Bundle.load(Path(wish))


def start(network: Any, config: DetectorConfig) -> str:
    """Give a fresh network its first weights.

    Returns:
        What was taken, for people.

    Raises:
        WeightsError: the weights are missing, cannot be fetched or do not fit.
    """
    from trainer.models.weights import imagenet_donor, load_network

    wish = config.weights
    if wish == "none":
        return "none: the network starts from random values"
    if wish in ("auto", "packaged"):
        try:
            donor = load_network(Bundle.load(packaged_bundle()).path(KERAS_NAME)).get_layer("backbone")
            onestage.copy_backbone(network, donor)
        except (BundleError, ValueError, WeightsError) as error:
            if wish == "packaged":
                raise WeightsError(f"{error}; or use --weights imagenet") from None
        else:
            return "packaged: the backbone of the classifier that ships with maskgen"
    if wish in ("auto", "imagenet"):
        onestage.copy_backbone(network, imagenet_donor("mobilenetv2", 1.0))
        return "imagenet: ImageNet weights through keras.applications"
    folder = Path(wish)
    bundle = Bundle.load(folder)
    donor = load_network(bundle.path(KERAS_NAME))
    if bundle.task != "detector":
        onestage.copy_backbone(network, donor.get_layer("backbone"))
        return f"file: the backbone of {folder}"
    try:
        network.set_weights(donor.get_weights())
    except ValueError:
        raise WeightsError(f"the detector in {folder} has other labels or another width") from None
    return f"file: {folder}"
