"""Lumpy noise: cut from one tile that is always the same, scaled and turned."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_TILE: Final = 512

_Float = NDArray[np.float32]


def lumps(
    shape: tuple[int, int],
    start_xy: tuple[int, int],
    seed: int,
    lump_px: float,
    stretch: float = 1,
    angle_deg: float = 0,
) -> _Float:
    """Smooth noise, mean 0, deviation 1.

    Args:
        shape: (h, w) of what comes back.
        start_xy: its first pixel on an endless lattice; parts that overlap there agree.
        seed: where the lattice begins.
        lump_px: about how wide a lump is.
        stretch: how many times longer than wide, along the angle.
        angle_deg: where they are drawn out to.
    """
    import cv2

    shift = np.random.default_rng(seed).uniform(0, _TILE, 2)
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    lump = 8 if lump_px >= 8 else 2
    # Wide lumps are made small and enlarged.
    shrink = max(int(lump_px // 8), 1)
    step = lump * shrink / max(lump_px, 0.5)
    turn = np.array([[cos * step / stretch, sin * step / stretch], [-sin * step, cos * step]])
    # The middle one of nine tiles: few boards reach over its neighbours.
    start = np.mod(turn @ (start_xy[0] / shrink, start_xy[1] / shrink) + shift, _TILE) + _TILE
    h, w = shape
    small_wh = (-(-w // shrink), -(-h // shrink))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = np.hstack([turn, start[:, None]])
    field = cv2.warpAffine(_tile(lump), matrix, small_wh, flags=flags, borderMode=cv2.BORDER_WRAP)
    if shrink == 1:
        return np.asarray(field)
    field = cv2.resize(field, (small_wh[0] * shrink, small_wh[1] * shrink), interpolation=cv2.INTER_LINEAR)
    return np.asarray(field[:h, :w])


@lru_cache(maxsize=2)
def _tile(lump: int) -> _Float:
    """Smooth noise, lumps ``lump`` pixels across, deviation 1; three periods each way, always the same."""
    rng = np.random.default_rng(20261121 + lump)
    frequency = np.hypot(np.fft.fftfreq(_TILE)[:, None], np.fft.fftfreq(_TILE)[None]) * lump / 8
    # With some of the finer octaves.
    envelope = np.exp(-((frequency * 14) ** 2)) + 0.25 * np.exp(-((frequency * 6) ** 2))
    spectrum = np.fft.fft2(rng.normal(size=(_TILE, _TILE))) * envelope
    spectrum[0, 0] = 0
    field = np.fft.ifft2(spectrum).real
    return np.asarray(np.tile(field / field.std(), (3, 3)), np.float32)
