"""What is known of a drawn face, measured on what was drawn, and the gate that refuses what nobody could see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.landmarks import face_box
from maskgen.render.canvas import Canvas
from maskgen.render.covers import BARE, Covers, measure
from maskgen.render.params import ImageParams
from maskgen.render.polygons import Polygon, polygons
from maskgen.types import RGB, Box, LandmarkedFace, Points, Pose

MIN_VISIBLE: Final = 0.5
"""Share of the lower face that a mask worn as it should be must cover."""

MIN_AREA: Final = 0.05
"""Share of the face's box that a mask must cover however it is worn."""

MIN_INSIDE: Final = 0.35
"""Share of the mask that must lie inside the picture."""

MIN_CONTRAST: Final = 0.025
"""Mean change under the mask, of full scale: below it nobody could tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """What is written, and what is known about it because we drew it.

    Attributes:
        image: (H, W, 3) uint8.
        coverage: polygons of the visible mask's body (its straps are not part
            of it), pixels of ``image``; empty without a mask.
        box: the face's box in ``image``; may reach beyond it.
        landmarks: (68, 2) in ``image``.
        pose: of the head in ``image``, a turn included.
        visible: share of the lower face that the mask covers in sight.
        area: visible mask over the face's box.
        inside: share of the mask inside the picture.
        contrast: mean absolute change under the mask, of full scale.
        body: (h, w) float32 in [0, 1], the alpha of the visible mask's body.
        origin_xy: where it lies in ``image``.
        covers: what of nose, mouth and chin lies beneath the mask, or beneath the cloth that counts as one;
            a hand before it changes nothing.
    """

    image: RGB
    coverage: tuple[Polygon, ...]
    box: Box
    landmarks: Points
    pose: Pose
    visible: float
    area: float
    inside: float
    contrast: float
    covers: Covers
    body: NDArray[np.float32]
    origin_xy: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures of a canvas; see ``Rendered``."""

    visible: float
    area: float
    inside: float
    contrast: float
    covers: Covers

    @staticmethod
    def of(canvas: Canvas) -> Measures:
        """Measured on the alpha of what was drawn."""
        visible = area = 0.0
        if canvas.body.any():
            lower = _lower_face(canvas.face, canvas.size_wh)
            visible = float((canvas.body * lower).sum() / max(float(lower.sum()), 1.0))
            area = float(canvas.body.sum()) / max(face_box(canvas.face.landmarks).area, 1.0)
        covers = measure(canvas.worn, canvas.face.landmarks) if canvas.worn.any() else BARE
        return Measures(visible, area, canvas.inside, canvas.contrast, covers)


def rendered(
    image: RGB, canvas: Canvas, face: LandmarkedFace, body: NDArray[np.float32], origin_xy: tuple[int, int] = (0, 0)
) -> Rendered:
    """The record of a written picture.

    Args:
        image: the picture as the camera left it.
        canvas: what was drawn.
        face: in the pixels of ``image``.
        body: what is seen of the mask's body, at the scale of ``image``.
        origin_xy: where it lies in ``image``.
    """
    known = Measures.of(canvas)
    return Rendered(
        image,
        polygons(body, origin_xy),
        face_box(face.landmarks),
        face.landmarks,
        face.pose,
        known.visible,
        known.area,
        known.inside,
        known.contrast,
        known.covers,
        body,
        origin_xy,
    )


def gate(rendered: Rendered, params: ImageParams) -> str | None:
    """Why an image must not be written, or None when it shows what its line says.

    Returns:
        ``mask_hidden``, ``mask_outside``, ``mask_unseen``, ``cloth_too_low`` or None.
    """
    if params.mask is None:
        # A scarf that counts as a mask (--scarf-label) covers what a mask covers.
        return "cloth_too_low" if params.label == "with_mask" and not rendered.covers.whole else None
    if rendered.inside < MIN_INSIDE:
        return "mask_outside"
    if params.mask.wear == "correct" and rendered.visible < MIN_VISIBLE:
        return "mask_hidden"
    if rendered.area < MIN_AREA or not rendered.coverage:
        return "mask_hidden"
    if rendered.contrast < MIN_CONTRAST:
        return "mask_unseen"
    return None


def _lower_face(face: LandmarkedFace, size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """1 between the nose's tip, the cheeks and the chin."""
    import cv2

    ring = np.concatenate([face.landmarks[3:14], face.landmarks[30:31]])
    canvas = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    cv2.fillPoly(canvas, [np.round((ring - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    return canvas.astype(np.float32)
