"""A template shown by itself: tinted, lit from the upper left, on grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.palette import PALETTE, RGBTriple

if TYPE_CHECKING:
    from maskgen.templates import MaskTemplate
    from maskgen.types import RGB

LIGHT: Final = (-0.5, -0.6, 0.62)
BACKGROUND: Final = (176, 152, 138)
FACE_SHARE: Final = 0.92
"""A mask's picture is about this much of a face's width."""


def shaded(template: MaskTemplate, tint: RGBTriple | None = None, print_rgb: NDArray[np.float32] | None = None) -> RGB:
    """The template as it looks on a gently curved, skin-coloured form.

    Args:
        template: what to show.
        tint: sRGB 0 to 255; None takes its commonest colour.
        print_rgb: (H, W, 3) float32 sRGB in [0, 1], a pattern instead of the
            tint where the template takes one.

    Returns:
        (H, W, 3) uint8, the size of the template's picture.
    """
    if tint is None:
        tint = PALETTE[max(template.colours, key=lambda pair: pair[1])[0]]
    width, height = template.size_wh
    colour = template.rgba[..., :3].astype(np.float32) / 255
    alpha = template.rgba[..., 3:].astype(np.float32) / 255
    regions = template.regions if template.regions is not None else np.ones((height, width, 3), np.float32)
    cloth = np.broadcast_to(np.asarray(tint, np.float32) / 255, colour.shape)
    if print_rgb is not None:
        cloth = cloth + (print_rgb - cloth) * regions[..., 1:2]
    dyed = colour * (1 + (cloth - 1) * regions[..., :1])
    skin = np.asarray(BACKGROUND, np.float32) / 255
    thin = regions[..., 2:] * template.material.translucency
    seen = (dyed + (skin - dyed) * thin) * alpha + skin * (1 - alpha)
    lit = _linear(np.asarray(seen, np.float32)) * _light(template)[..., None]
    return np.asarray(np.clip(_encoded(np.clip(lit, 0, 1)) * 255 + 0.5, 0, 255), np.uint8)


def _light(template: MaskTemplate) -> NDArray[np.float32]:
    """Lambert's law over the form and the relief, with dark in the hollows and a highlight."""
    import cv2

    width, height = template.size_wh
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = (x - width / 2) / (width * 0.62), (y - height * 0.45) / (height * 0.95)
    form = np.sqrt(np.clip(1 - u**2, 0.02, 1)) * width * 0.42 + np.sqrt(np.clip(1 - v**2, 0.02, 1)) * width * 0.2
    relief = np.zeros((height, width), np.float32)
    if template.height is not None:
        relief = template.height * (template.material.relief * width / FACE_SHARE)
    solid = template.rgba[..., 3].astype(np.float32) / 255
    surface = cv2.GaussianBlur(form + relief * solid, (0, 0), max(width / 900, 0.4))
    dy, dx = np.gradient(surface)
    normal = np.dstack([-dx, -dy, np.ones_like(dx)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    light = np.asarray(LIGHT, np.float32) / np.linalg.norm(LIGHT)
    diffuse = np.clip(normal @ light, 0, 1)
    hollow = np.clip((cv2.GaussianBlur(relief, (0, 0), width / 90) - relief) * (60 / width), 0, 0.35)
    halfway = light + np.array([0, 0, 1])
    halfway /= np.linalg.norm(halfway)
    shine = np.clip(normal @ halfway, 0, 1) ** 40 * template.material.gloss * 0.7
    return np.asarray((0.3 + 0.95 * diffuse) * (1 - hollow) + shine * solid, np.float32)


def _linear(srgb: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4), np.float32)


def _encoded(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(
        np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055),
        np.float32,
    )
