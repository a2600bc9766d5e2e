"""Mask classifier for photos that come in: leaves out people who wear a mask already, well or badly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from maskgen.assets import BUNDLE_NAME, packaged_model
from maskgen.errors import WeightsError
from maskgen.faces.landmarks import face_box
from maskgen.faces.rois import cut_rois
from maskgen.io.tensors import dequantise, quantise
from maskgen.quiet import quiet_stderr
from maskgen.types import RGB, LandmarkedFace

WORN: Final = 0.65
"""Probability of a mask, however it is worn, from which on a face counts as masked. Chosen on 60 masked and 870 bare
faces of the sets that ``benchmarks/already_masked.py`` looks at."""


class MaskedFaces:
    """Says of a face whether it wears a mask; one per process, not for two threads.

    Args:
        model: a classifier's folder that ``maskgen train`` wrote; by default
            the packaged one of three labels.

    Raises:
        WeightsError: the folder is missing, damaged, or no classifier's.
    """

    def __init__(self, model: Path | None = None) -> None:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]

        folder = model if model is not None else packaged_model("classifier3")
        if folder is None:
            raise WeightsError("this installation carries no classifier3; install maskgen again, or use --keep-masked")
        plan = _plan(folder)
        self._size_wh: tuple[int, int] = (int(plan["input_size_wh"][0]), int(plan["input_size_wh"][1]))
        crop = plan["crop"]
        self._margin = float(crop["margin"]), float(crop.get("margin_high", crop["margin"]))
        self._bare = list(plan["labels"]).index("without_mask")
        try:
            with quiet_stderr():
                self._network = Interpreter(model_path=str(folder / "model.tflite"), num_threads=1)
                self._network.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            words = str(error).splitlines()[0]
            raise WeightsError(f"{folder}/model.tflite is not a model that LiteRT can run: {words}") from None
        self._input = self._network.get_input_details()[0]
        self._output = self._network.get_output_details()[0]

    def probability(self, image: RGB, face: LandmarkedFace) -> float:
        """The probability that a face wears a mask, well or badly.

        Args:
            image: (H, W, 3) uint8.
            face: in the image's pixels.
        """
        roi = cut_rois(image, [face_box(face.landmarks).xyxy], self._size_wh, self._margin)
        self._network.set_tensor(self._input["index"], quantise(roi, self._input))
        self._network.invoke()
        row = dequantise(self._network.get_tensor(self._output["index"]), self._output)[0]
        return float(1 - row[self._bare] / row.sum())

    def worn(self, image: RGB, face: LandmarkedFace) -> bool:
        """Whether a face wears a mask; see ``probability``."""
        return self.probability(image, face) >= WORN


def _plan(folder: Path) -> dict[str, Any]:
    """``bundle.json``, as far as it is needed to look at faces."""
    path = folder / BUNDLE_NAME
    try:
        plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        crop, labels = plan["crop"], plan["labels"]
        known = plan["task"] == "classifier" and plan["scaling"] == "in_model" and "without_mask" in labels
        float(crop["margin"]), float(crop.get("margin_high", 1)), [int(side) for side in plan["input_size_wh"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder} is no model folder of a classifier ({error}); see maskgen train") from None
    if not known:
        raise WeightsError(f"{folder} is no classifier of masks that can be used here; see maskgen train")
    return plan
