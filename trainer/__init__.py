"""Second stage: a dataset folder in, a model folder out.

    import trainer

    trainer.train("dataset", "model", epochs=3)
    print(trainer.evaluate("model", "my_photos").balanced_accuracy.value)
    trainer.api.export("model", "onnx")  # ``trainer.export`` is the package behind it

Keras callbacks go in through ``reporter=trainer.CallbackReporter([...])``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer import api
    from trainer.api import evaluate, train, train_detector
    from trainer.bundle import Bundle
    from trainer.config.classifier import TrainConfig
    from trainer.config.detector import DetectorConfig
    from trainer.loop.progress import CallbackReporter, Reporter, reporting

__all__ = [
    "Bundle",
    "CallbackReporter",
    "DetectorConfig",
    "Reporter",
    "TrainConfig",
    "api",
    "evaluate",
    "reporting",
    "train",
    "train_detector",
]

_PLACES = {
    "Bundle": "trainer.bundle",
    "CallbackReporter": "trainer.loop.progress",
    "DetectorConfig": "trainer.config.detector",
    "Reporter": "trainer.loop.progress",
    "reporting": "trainer.loop.progress",
    "TrainConfig": "trainer.config.classifier",
}


def __getattr__(name: str) -> Any:
    # Lazy, so that the command line and detect can import parts of this package without the rest.
    if name not in __all__:
        raise AttributeError(f"module 'trainer' has no attribute {name!r}")
    if name == "api":
        return importlib.import_module("trainer.api")
    return getattr(importlib.import_module(_PLACES.get(name, "trainer.api")), name)
