"""maskgen's own detector: 0.8 million parameters, trained on masked faces, ships with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from maskgen.errors import WeightsError
from maskgen.faces.onestage_litert import OneStage
from maskgen.types import RGB, Box, Face


class OneStageFaces:
    """Faces of about 8 px and more, masked ones and profiles too; also says what they wear.

    A face's score is scaled so that 0.5 is the model's own threshold; its
    ``label_scores`` are as the network gave them, in the order of ``labels``.

    Args:
        model: a model folder by ``maskgen train-detector``; by default
            the one that ships with maskgen.
        min_score: least score, 0 to 1.
        threads: CPU threads for one picture.
        enlarge: a small picture is enlarged by this at most, up to the size
            the model was made for. More small faces are found so; where one
            face fills the picture, its points come out better without.

    Attributes:
        labels: names of ``label_scores``.
    """

    name = "onestage"

    def __init__(
        self, model: Path | None = None, min_score: float = 0.5, threads: int = 1, enlarge: float = 1.0
    ) -> None:
        from maskgen import weights

        self.model = Path(model) if model is not None else weights.find("detector")
        self.min_score = min_score
        self.threads = threads
        self.enlarge = enlarge
        plan = _plan(self.model)
        self.labels: tuple[str, ...] = tuple(str(label) for label in plan["labels"])
        self._odds = _odds(float(plan["threshold"]))
        self._longer_side = int(plan["config"].get("longer_side") or 0)
        self._network = OneStage(self.model / "model.tflite", len(self.labels), threads)

    def __reduce__(self) -> tuple[type[OneStageFaces], tuple[Path, float, int, float]]:
        return OneStageFaces, (self.model, self.min_score, self.threads, self.enlarge)

    def detect(self, image: RGB) -> list[Face]:
        longer = max(image.shape[:2])
        side = max(longer, min(self._longer_side, round(longer * self.enlarge)))
        odds = _odds(self.min_score) * self._odds
        found = self._network.find(image, side if side != longer else None, odds / (1 + odds))
        faces = []
        for box, scores, points in zip(found.boxes, found.scores, found.points, strict=True):
            odds = _odds(float(scores.max())) / self._odds
            labels = tuple(float(score) for score in scores)
            faces.append(Face(Box(*box.tolist()), odds / (1 + odds), self.name, np.asarray(points), labels))
        return faces


def _odds(score: float) -> float:
    score = min(max(score, 1e-6), 1 - 1e-6)
    return score / (1 - score)


def _plan(folder: Path) -> dict[str, Any]:
    """``bundle.json``, as far as it is needed to find faces."""
    path = folder / "bundle.json"
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        task, found = plan["task"], {"labels": plan["labels"], "threshold": float(plan["threshold"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder} is no model folder of a detector ({error}); see maskgen train-detector") from None
    if task != "detector":
        raise WeightsError(f"{folder} is a {task}, not a detector; make one with: maskgen train-detector")
    return {**found, "config": plan.get("config") or {}}
