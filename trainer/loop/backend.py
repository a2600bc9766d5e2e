"""Imports Keras and its backend quietly, and only when needed."""

from __future__ import annotations

import os
from typing import Any

from maskgen.quiet import quiet_stderr


def load_keras() -> Any:
    """Import Keras and its backend quietly.

    Returns:
        The module ``keras``.
    """
    # TensorFlow and its C++ read this once, when they are imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():
        import keras

        # Its first call makes TensorFlow look for a GPU and say that there is none.
        keras.ops.zeros(())
    return keras
