"""The colour of a face's skin, robust to beards, glasses and highlights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.frame import face_frame

if TYPE_CHECKING:
    from maskgen.types import RGB, Points

# Cheeks and nose as weighted means of landmarks (iBUG order, 0-based): below
# the eyes, beside the nose, on its bridge.
_SPOTS = (
    ((1, 0.35), (31, 0.35), (41, 0.3)),
    ((2, 0.4), (31, 0.4), (41, 0.2)),
    ((15, 0.35), (35, 0.35), (46, 0.3)),
    ((14, 0.4), (35, 0.4), (46, 0.2)),
    ((29, 1.0),),
    ((31, 0.5), (40, 0.5)),
    ((35, 0.5), (47, 0.5)),
)
_FALLBACK = (0.72, 0.55, 0.47)


def skin_rgb(photo: RGB, landmarks: Points) -> NDArray[np.float32]:
    """The median colour of cheeks and nose, as the photo shows it (lit).

    Args:
        photo: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) float64, pixels.

    Returns:
        (3,) float32 sRGB in [0, 1]. Where no spot lies inside the photo, an
        average skin.
    """
    height, width = photo.shape[:2]
    reach = max(face_frame(landmarks).width * 0.035, 0.5)
    samples = []
    for spot in _SPOTS:
        x, y = sum((weight * landmarks[i] for i, weight in spot), np.zeros(2))
        left, top = max(int(x - reach), 0), max(int(y - reach), 0)
        patch = photo[top : max(int(y + reach) + 1, 0), left : max(int(x + reach) + 1, 0)]
        if left < width and top < height and patch.size:
            step = max(patch.shape[0] // 8, 1)
            samples.append(_middle(patch[::step, ::step].reshape(-1, 3)))
    if not samples:
        return np.asarray(_FALLBACK, np.float32)
    # A spot under hair, a frame or a highlight is an outlier among seven.
    spots = np.asarray(samples) / 255
    level = spots.mean(1)
    near = np.argsort(np.abs(level - _middle(level)))[: max(len(spots) * 2 // 3, 1)]
    return np.asarray(spots[near].mean(0), np.float32)


def _middle(values: NDArray[Any]) -> Any:
    """The median along the first axis; numpy's own takes five times as long for so few."""
    ranked, half = np.sort(values, axis=0), len(values) // 2
    return (ranked[(len(values) - 1) // 2].astype(np.float64) + ranked[half]) / 2


def skin_albedo(
    skin: NDArray[np.float32], level: float, colour: NDArray[np.float32], white_balance: float = 0.7
) -> NDArray[np.float32]:
    """The skin's own colour under white light, from its colour in the photo and the light on it.

    Without this step a hand would be lit twice: the photo's light is in
    ``skin_rgb`` already and ``blend`` multiplies by it again.

    Args:
        skin: (3,) sRGB in [0, 1], from ``skin_rgb``.
        level: linear luminance of a white thing in that light (``blend.Light.level``).
        colour: (3,) linear RGB of the light (``blend.Light.colour``).
        white_balance: how much of the light's colour the layer will take.

    Returns:
        (3,) float32 sRGB in [0, 1], such that lighting it gives ``skin`` back
        (up to clipping).
    """
    linear = np.power(np.clip(skin, 0, 1), 2.2) / (max(level, 1e-3) * np.power(colour, white_balance))
    return np.asarray(np.power(np.clip(linear, 0.004, 0.95), 1 / 2.2), np.float32)
