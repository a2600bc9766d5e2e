"""The face's light on what is drawn over it, and its shadow on the face.

The light is read from the face: skin that curves away from it is darker, so a
Lambert model fitted to the skin gives direction and share of the light, and
what the model leaves over, smoothed, is the shading field: shadows that fall
over the face fall over the mask too. Everything is mixed in linear light.

Sources:
    Lambert fit with robust reweighting: Basri and Jacobs, "Lambertian
    reflectance and linear subspaces", PAMI 2003 (first-order terms).
    White balance: Finlayson and Trezzi, "Shades of Gray", CIC 2004.
    Blur from re-blurred edges: Zhuo and Sim, Pattern Recognition 2011.
    Noise: Immerkaer, CVIU 1996.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskgen.render.laying.grain import grain
from maskgen.render.laying.placed import Placed, place
from maskgen.render.laying.shading import Lit, light_layer
from maskgen.render.laying.shadow import shadow
from maskgen.render.laying.tones import encode, to_linear
from maskgen.render.lighting import Light, held
from maskgen.render.params import LightParams
from maskgen.render.wear.edges import face_axes

if TYPE_CHECKING:
    from maskgen.drawing.layer import Layer
    from maskgen.types import RGB, LandmarkedFace

_Float = NDArray[np.float32]


def composite(photo: RGB, layer: Layer, light: Light, face: LandmarkedFace, params: LightParams | None = None) -> RGB:
    """Lay a layer over a photo as if it had been there.

    Args:
        photo: (H, W, 3) uint8.
        layer: what to lay down; may reach beyond the photo.
        light: from ``estimate_light``.
        face: in the photo's pixels; curves the surface, bounds the shadow.
        params: how the light is varied.

    Returns:
        A new (H, W, 3) uint8 RGB array; ``photo`` keeps its values.
    """
    return lay(photo, layer, light, face, params or LightParams())[0]


def lay(
    photo: RGB, layer: Layer, light: Light, face: LandmarkedFace, params: LightParams
) -> tuple[RGB, _Float, _Float]:
    """``composite``, and where the layer came to lie.

    Returns:
        The new picture, the layer's alpha and its body's alpha, (H, W) float32
        in the photo's frame.
    """
    image = photo.copy()
    alpha_out, body_out = np.zeros(photo.shape[:2], np.float32), np.zeros(photo.shape[:2], np.float32)
    spread = math.sqrt(max((params.sharpness * min(light.blur_px, 4.0)) ** 2 - 0.35**2, 0) + params.edge_blur**2)
    pad = math.ceil(2 + 2.5 * layer.lift * params.shadow_soft + 2 * spread)
    placed = place(layer, pad, (photo.shape[1], photo.shape[0]))
    if placed is None:
        return image, alpha_out, body_out
    axes = face_axes(face)
    lit, body = _as_soft_as_the_photo(light_layer(placed, light, params, axes), placed, spread)
    taken: _Float | None = None
    if layer.shadow * params.shadow > 0:
        taken = 1 - shadow(lit.alpha, placed, light, params, face.landmarks, axes)
    sheer: Any = held(placed.sheer * np.float32(params.translucency), 0, 0.95)
    cut = photo[placed.where]
    image[placed.where] = _mixed(cut, lit, sheer, taken, grain(lit.alpha, light, params))
    alpha_out[placed.where], body_out[placed.where] = lit.alpha, body
    return image, alpha_out, body_out


def _as_soft_as_the_photo(lit: Lit, placed: Placed, spread: float) -> tuple[Lit, _Float]:
    """What is drawn, and its body's alpha, blurred by ``spread`` pixels."""
    import cv2

    if spread <= 0.25:
        return lit, placed.body
    planes: Any = cv2.split(cv2.GaussianBlur(cv2.merge([*lit.planes, lit.alpha]), (0, 0), spread))
    *colours, alpha = planes
    body = alpha if placed.layer.body is None else cv2.GaussianBlur(placed.body, (0, 0), spread)
    return Lit(colours, alpha, lit.albedo), np.asarray(body, np.float32)


def _mixed(cut: RGB, lit: Lit, sheer: Any, remaining: _Float | None, noise: _Float | None) -> RGB:
    """The layer over the photo, mixed in linear light.

    Args:
        cut: (h, w, 3) what lies beneath.
        lit: the layer.
        sheer: how far what lies beneath shines through, (h, w) or one number.
        remaining: (h, w) share of the light that the layer's shadow leaves, or None.
        noise: (h, w) in 8-bit steps, or None.

    Returns:
        (h, w, 3); where nothing was laid and no shadow falls, the bytes of ``cut``.
    """
    import cv2

    remains = 1 - lit.alpha
    beneath = cv2.split(to_linear(cut))
    sheer_somewhere = bool(np.any(sheer > 0))
    planes = []
    for channel in range(3):
        below = beneath[channel] if remaining is None else beneath[channel] * remaining
        plane = below * remains
        if sheer_somewhere:
            plane += lit.planes[channel] * (1 - sheer)
            plane += sheer * below * np.maximum(lit.albedo[channel], 0.05) * lit.alpha
        else:
            plane += lit.planes[channel]
        plane = encode(plane)
        if noise is not None:
            plane += noise
            # Below black there is nothing: OpenCV would take the noise's amount and make it brighter.
            np.maximum(plane, 0, out=plane)
        planes.append(plane)
    changed = cv2.merge([cv2.convertScaleAbs(plane) for plane in planes])
    touched = lit.alpha > 0.002 if remaining is None else (lit.alpha > 0.002) | (remaining < 0.998)
    mixed = cut.copy()
    cv2.copyTo(changed, touched.astype(np.uint8), mixed)
    return mixed
