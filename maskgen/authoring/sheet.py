"""Template sheet: a mask tinted and lit from the upper left, with its anchors, and worn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.drawing.palette import PALETTE, RGBTriple
from maskgen.errors import InputError

if TYPE_CHECKING:
    from maskgen.templates.template import MaskTemplate
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
        tint = commonest_colour(template)[1]
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
    solid = np.minimum(template.rgba[..., 3].astype(np.float32) / 12, 1)  # a clear pane is a surface too
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


def on_face(template: MaskTemplate, photo: RGB | None = None, tint: RGBTriple | None = None, size: int = 640) -> RGB:
    """The template worn by the first face of a photo, as ``generate`` would draw it without a camera.

    Args:
        template: what is worn.
        photo: (H, W, 3) uint8; None takes a public-domain portrait (Grace
            Hopper, US Navy, which comes with matplotlib).
        tint: sRGB 0 to 255; None takes its commonest colour.
        size: side of the picture.

    Returns:
        (size, size, 3) uint8.

    Raises:
        InputError: there is no face in the photo.
        WeightsError: a model file is missing.
    """
    from maskgen.faces.landmarks import FaceFinder
    from maskgen.render.face import render
    from maskgen.render.params import CropParams, ImageParams, MaskParams

    if photo is None:
        photo = _portrait()
    faces = FaceFinder().find(photo).faces
    if not faces:
        raise InputError("no face was found in the photo; choose another with --face")
    name, rgb = commonest_colour(template)
    red, green, blue = (value / 255 for value in (tint or rgb))
    share = (red, green, blue)
    params = ImageParams(
        label="with_mask",
        crop=CropParams(size=size, margin=1.5),
        mask=MaskParams(template.name, colour=name, tint=share, strap_rgb=share),
    )
    return render(photo, faces[0], params, {template.name: template}).image


def sheet(template: MaskTemplate, photo: RGB | None = None, *, with_face: bool = True) -> RGB:
    """Everything worth seeing of a template: large, with its anchors, in three colours, printed, and worn.

    Returns:
        (H, W, 3) uint8, about 1800 pixels wide.
    """
    import cv2

    from maskgen.drawing import patterns

    large = template.reduced(1100)
    width = large.size_wh[0]
    main = _with_anchors(shaded(large), large)
    small = template.reduced(width // 3)
    row = [shaded(small, PALETTE[name]) for name in _three_colours(template)]
    if template.pattern_chance > 0:
        pattern = patterns.render("floral", 3, small.size_wh, PALETTE["cream"])
        row[2] = shaded(small, PALETTE["cream"], pattern)
    joined = np.hstack(row)
    strip = cv2.resize(joined, (width, round(joined.shape[0] * width / joined.shape[1])), interpolation=cv2.INTER_AREA)
    left = np.asarray(np.vstack([main, strip]), np.uint8)
    if not with_face:
        return left
    side = min(left.shape[0], 760)
    face = on_face(template, photo, size=side)
    right = np.full((left.shape[0], side, 3), BACKGROUND, np.uint8)
    right[(left.shape[0] - side) // 2 :][:side] = face
    return np.asarray(np.hstack([left, right]), np.uint8)


def commonest_colour(template: MaskTemplate) -> tuple[str, RGBTriple]:
    """The palette's name and sRGB of the colour with the greatest weight."""
    name = max(template.colours, key=lambda pair: pair[1])[0]
    return name, PALETTE[name]


def _three_colours(template: MaskTemplate) -> list[str]:
    ranked = [name for name, _ in sorted(template.colours, key=lambda pair: -pair[1])]
    return (ranked * 3)[1:4]


def _with_anchors(picture: RGB, template: MaskTemplate) -> RGB:
    """Rings at the anchors (top red, bottom blue) and at the straps' roots (yellow)."""
    import cv2

    drawn = picture.copy()
    radius = max(4, picture.shape[1] // 160)
    marks = [(anchor.xy, (214, 40, 40)) for anchor in template.top]
    marks += [(anchor.xy, (36, 74, 200)) for anchor in template.bottom]
    marks += [(strap.xy, (240, 200, 40)) for strap in template.straps]
    for (x, y), rgb in marks:
        cv2.circle(drawn, (round(x), round(y)), radius, (255, 255, 255), 4, cv2.LINE_AA)
        cv2.circle(drawn, (round(x), round(y)), radius, rgb, 2, cv2.LINE_AA)
    return drawn


def _portrait() -> RGB:
    from matplotlib import cbook

    from maskgen import images

    return images.read_rgb(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
