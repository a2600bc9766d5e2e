"""Metadata of an exported network: input, labels, threshold; in a JSON file beside it and inside it.

An exported file travels without its model folder. Only the standard library:
``detect`` reads cards on machines that have no TensorFlow.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from maskgen.errors import BundleError
from maskgen.io.files import write_whole
from trainer.bundle import Bundle

INPUT_RANGE: Final = (0, 255)
"""Pixel values that our networks take; the scaling is a layer of theirs."""

_INSIDE_SAVED_MODEL: Final = Path("assets.extra") / "maskgen.json"


def card_of(bundle: Bundle) -> dict[str, Any]:
    """The card of a model folder's network."""
    return {
        "input": {
            "range": list(INPUT_RANGE),
            "size_wh": list(bundle.input_size_wh),
            "colour_order": bundle.colour_order,
            "layout": "NHWC",
        },
        "labels": list(bundle.labels),
        "threshold": bundle.threshold,
        "crop": {"margin": bundle.margin_wh[0], "margin_high": bundle.margin_wh[1], "fit": bundle.fit},
        "task": bundle.task,
    }


def attach(path: Path, bundle: Bundle) -> None:
    """Write the card beside an exported file or SavedModel, and into it where it has a place.

    Args:
        path: ``x.tflite``, ``x.onnx`` or a SavedModel's folder.
        bundle: whose network it is.
    """
    card = card_of(bundle)
    data = (json.dumps(card, indent=2) + "\n").encode()
    write_whole(beside(path), data)
    if path.is_dir():
        inside = path / _INSIDE_SAVED_MODEL
        inside.parent.mkdir(exist_ok=True)
        write_whole(inside, data)
    elif path.suffix == ".onnx":
        import onnx

        model = onnx.load(str(path))
        for name in ("input", "labels", "threshold", "crop"):
            entry = model.metadata_props.add()
            entry.key, entry.value = f"maskgen.{name}", json.dumps(card[name])
        write_whole(path, model.SerializeToString())


def beside(path: Path) -> Path:
    """Where a file's card lies: ``model.onnx.json`` beside ``model.onnx``."""
    return path.with_name(f"{path.name}.json")


def read(path: Path) -> dict[str, Any] | None:
    """The card of an exported file or folder; None where it has none.

    Raises:
        BundleError: it has one that cannot be understood.
    """
    for place in (path / _INSIDE_SAVED_MODEL, beside(path)):
        if not place.is_file():
            continue
        try:
            card = json.loads(place.read_text(encoding="utf-8"))
            if not isinstance(card, dict) or "input" not in card:
                continue  # somebody else's file of that name
            low, high = (float(value) for value in card["input"]["range"])
            width, height = (int(side) for side in card["input"]["size_wh"])
            return {
                "range": (low, high),
                "size_wh": (width, height),
                "labels": tuple(str(label) for label in card["labels"]),
                "threshold": float(card["threshold"]),
                "margin": float(card["crop"]["margin"]),
                "margin_high": float(card["crop"].get("margin_high", card["crop"]["margin"])),
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"{place} is no card of an exported model: {type(error).__name__} {error}") from None
    return None
