"""Compression of ``model.keras``: batch-norm folding, 16-bit rounding, half the size.

Three steps. Batch normalisation with frozen statistics is a factor and a
shift: the factor moves into the convolution before it, and the statistics
become mean 0 and variance 1, so what the network computes stays the same and
no stored statistic is anybody else's. Weights are then rounded, to fewer bits
than 16-bit floats can hold; the float16 LiteRT file, whose converter would
otherwise round other numbers, holds exactly these. The zeros at the end of
every number, at last, compress.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.io.files import write_whole

KERNEL_BITS: Final = 8
"""Significant bits of a kernel's values, as many as bfloat16 has: ``model.keras`` is a quarter smaller than with 11."""


def fold_batch_norm(network: Any) -> int:
    """Move every batch normalisation's factor into the convolution before it, in place.

    Args:
        network: a ``keras.Model``; nested ones are gone through too.

    Returns:
        How many were folded.
    """
    import keras

    layers = keras.layers
    folded = 0
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            folded += fold_batch_norm(layer)
        if not isinstance(layer, layers.BatchNormalization):
            continue
        before = _source(layer)
        if not isinstance(before, (layers.Conv2D, layers.DepthwiseConv2D)) or len(before._outbound_nodes) != 1:
            continue
        if before.activation is not keras.activations.linear:
            continue
        kernel, shift = folded_weights(before, layer)
        # The shift stays with the normalisation: the convolution may have no bias.
        before.set_weights([kernel, *(np.zeros_like(bias) for bias in before.get_weights()[1:])])
        one, zero = np.ones_like(shift), np.zeros_like(shift)
        layer.set_weights([one, shift, zero, one - layer.epsilon])
        folded += 1
    return folded


def folded_weights(convolution: Any, norm: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a convolution and the batch normalisation behind it do, as one convolution's weights.

    Args:
        convolution: a ``Conv2D`` or ``DepthwiseConv2D``, with or without bias.
        norm: a ``BatchNormalization`` that runs on its stored statistics.

    Returns:
        The kernel, in the shape of the convolution's own, and the bias (C,).

    Raises:
        ValueError: the layers are others, or do not fit each other.
    """
    import keras

    kernel, *bias = (np.asarray(value, np.float64) for value in convolution.get_weights())
    gamma, beta, mean, variance = (np.asarray(value, np.float64) for value in norm.get_weights())
    factor = gamma / np.sqrt(variance + norm.epsilon)
    # A depthwise kernel is (h, w, channels, 1), a plain one (h, w, in, channels).
    scale = factor[:, None] if isinstance(convolution, keras.layers.DepthwiseConv2D) else factor
    return kernel * scale, beta + ((bias[0] if bias else 0) - mean) * factor


def round_weights(network: Any) -> None:
    """Round every weight but the batch-norm statistics, in place; they stay 32 bits wide.

    Kernels keep ``KERNEL_BITS``, shifts and biases what a 16-bit float holds.
    """
    for variable in network.weights:
        value = np.asarray(variable)
        if "moving_" in variable.path or value.dtype != np.float32:
            continue
        if value.ndim > 1:
            fraction, exponent = np.frexp(value)
            value = np.ldexp(np.round(np.ldexp(fraction, KERNEL_BITS)), exponent - KERNEL_BITS)
        variable.assign(value.astype(np.float16).astype(np.float32))


def compress(path: Path) -> tuple[int, int]:
    """Write a ``.keras`` file again, its weights shuffled by byte and deflated.

    Keras and h5py read it as before.

    Returns:
        Size before and after, in bytes.
    """
    import h5py  # type: ignore[import-untyped]

    before = path.stat().st_size
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith(".h5"):
                data = _shuffled(data, h5py)
            # A fixed date: the same weights give the same file.
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
    write_whole(path, buffer.getvalue())
    return before, path.stat().st_size


def _shuffled(data: bytes, h5py: Any) -> bytes:
    target = io.BytesIO()
    with h5py.File(io.BytesIO(data), "r") as old, h5py.File(target, "w") as new:
        for key, value in old.attrs.items():
            new.attrs[key] = value

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                options = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if item.size > 256 else {}
                made = new.create_dataset(name, data=item[()], **options)
            else:
                made = new.require_group(name)
            for key, value in item.attrs.items():
                made.attrs[key] = value

        old.visititems(copy)
    return target.getvalue()


def _source(layer: Any) -> Any:
    """The layer whose output a layer takes, or None where it takes several."""
    nodes = layer._inbound_nodes
    parents = nodes[0].parent_nodes if len(nodes) == 1 else []
    return parents[0].operation if len(parents) == 1 else None
