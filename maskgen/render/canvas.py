"""A face while it is being drawn, and the steps that draw on it: mask, what lies over it, the head's turn.

Every step takes the canvas that the last one gave and gives a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.skin import skin_albedo, skin_rgb
from maskgen.render.composite import lay
from maskgen.render.lighting import Light
from maskgen.render.params import Extra, ImageParams, LightParams, MaskParams
from maskgen.types import RGB, LandmarkedFace

if TYPE_CHECKING:
    from maskgen.templates.template import MaskTemplate

Wardrobe: TypeAlias = Mapping[str, "MaskTemplate"]

_Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Canvas:
    """A face and what is drawn on it so far.

    Attributes:
        image: (h, w, 3) uint8.
        face: in its pixels.
        body: (h, w) float32 in [0, 1], what is seen of the mask's body.
        worn: the same of what covers nose, mouth and chin, seen or not: the mask, or cloth that is worn as one.
        inside: share of the mask inside the picture.
        contrast: mean absolute change under the mask, of full scale.
    """

    image: RGB
    face: LandmarkedFace
    body: _Float
    worn: _Float
    inside: float = 1.0
    contrast: float = 0.0

    @staticmethod
    def bare(image: RGB, face: LandmarkedFace) -> Canvas:
        """A face with nothing on it."""
        nothing = np.zeros(image.shape[:2], np.float32)
        return Canvas(image, face, nothing, nothing)

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, slots=True)
class Shade:
    """How all that is drawn on one face is lit.

    Attributes:
        light: on the face.
        params: how it is varied.
        skin: (3,) the face's own skin in white light, for hands and beards; None where nothing needs it.
    """

    light: Light
    params: LightParams
    skin: _Float | None

    @staticmethod
    def of(canvas: Canvas, light: Light, params: LightParams, *, skin: bool) -> Shade:
        """The shade on a bare face; ``skin`` where something will be laid over it."""
        if not skin:
            return Shade(light, params, None)
        colour, level = skin_rgb(canvas.image, canvas.face.landmarks), light.level * params.gain
        return Shade(light, params, skin_albedo(colour, level, light.colour, params.white_balance))


def put_on(canvas: Canvas, mask: MaskParams | None, wardrobe: Wardrobe, shade: Shade) -> Canvas:
    """The face with its mask on; the same canvas without one."""
    import cv2

    if mask is None:
        return canvas
    from maskgen.render.wear.warp import mask_layer

    layer = mask_layer(wardrobe[mask.template], canvas.face, mask, canvas.size_wh)
    image, _, body = lay(canvas.image, layer, shade.light, canvas.face, shade.params)
    drawn = 0.0 if layer.body is None else float(layer.body.sum())
    covered = (body > 0.5).astype(np.uint8)
    return Canvas(
        image,
        canvas.face,
        body=body,
        worn=body,
        inside=min(1.0, float(body.sum()) / drawn) if drawn > 0 else 0.0,
        contrast=float(np.mean(cv2.mean(cv2.absdiff(image, canvas.image), covered)[:3])) / 255,
    )


def extras_in_order(params: ImageParams) -> tuple[list[Extra], list[Extra]]:
    """What is worn or held, lowest first; and who stands in front of it all."""
    if params.confuser is None and not params.accessories:
        return [], []
    over = list(params.accessories)
    if params.confuser is not None:
        # What is worn on the face lies under glasses; what is held, before them.
        over.insert(0 if _place(params.confuser) == "worn" else len(over), params.confuser)
    in_front = [extra for extra in over if _place(extra) == "in_front"]
    return [extra for extra in over if _place(extra) != "in_front"], in_front


def lay_over(canvas: Canvas, things: Sequence[Extra], shade: Shade, cloth: Extra | None = None) -> Canvas:
    """The face with some things over it, lowest first; they hide what is seen of the mask.

    Args:
        canvas: the face so far.
        things: confusers and accessories.
        shade: how they are lit.
        cloth: the confuser among them, if any; where it is worn, it counts as what covers nose, mouth and chin.
    """
    from maskgen.occluders.registry import layer

    for thing in things:
        assert shade.skin is not None, "the shade was made for a face with nothing over it"
        drawn = layer(thing.name, canvas.face, thing.params, canvas.size_wh, shade.skin)
        image, alpha, _ = lay(canvas.image, drawn, shade.light, canvas.face, shade.params)
        worn = alpha if thing is cloth and _place(thing) == "worn" else canvas.worn
        canvas = replace(canvas, image=image, body=canvas.body * (1 - alpha), worn=worn)
    return canvas


def _place(extra: Extra) -> str:
    """``worn``, ``held`` or ``in_front``."""
    from maskgen.occluders.registry import OCCLUDERS

    return OCCLUDERS.load(extra.name).place
