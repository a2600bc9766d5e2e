"""Photo + face + params -> the picture that is written, and its ground truth. Pure.

The way of a face: aim (where to cut, how far the head is turned), cut, light,
mask, what is worn over it, the turn, who stands in front, camera. Each step
takes what the last one gave. The camera comes last and is the same for every class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.landmarks import face_box
from maskgen.render import camera
from maskgen.render.camera import CameraParams
from maskgen.render.canvas import Canvas, Shade, Wardrobe, extras_in_order, lay_over, put_on
from maskgen.render.face_light import FaceLight
from maskgen.render.lighting import Light, estimate_light
from maskgen.render.measures import Rendered, gate, rendered
from maskgen.render.params import ImageParams
from maskgen.render.region import crop_region, cut, moved_face, reach
from maskgen.render.shot import Shot, aim
from maskgen.types import RGB, LandmarkedFace

__all__ = ["FaceLight", "Rendered", "Wardrobe", "crop_region", "cut", "gate", "render", "render_scene"]


def render(
    photo: RGB, face: LandmarkedFace, params: ImageParams, wardrobe: Wardrobe, light: FaceLight | None = None
) -> Rendered:
    """Draw one face as its params say.

    Args:
        photo: (H, W, 3) uint8; keeps its values.
        face: the face to dress, in the photo's pixels.
        params: everything that chance decided.
        wardrobe: templates by name.
        light: what ``FaceLight.read`` says of this face, where several
            pictures are made of it; None to read it here.

    Returns:
        For ``crop.mode`` "face" a square of ``crop.size``; for "scene" the whole
        photo.
    """
    if params.crop.mode == "scene":
        return render_scene(photo, [(face, params)], wardrobe)[0]
    shot = aim(photo, face, params)
    bare = shot.cut(photo)
    if params.bare:
        return _photographed(shot.turn(bare), shot, params.camera)
    light = light or FaceLight.read(photo, face)
    here = light.on(shot.taken_from, bare.image, bare.face)
    drawn = _draw(bare, replace(params, light=shot.light(params.light)), wardrobe, here, shot)
    return _photographed(drawn, shot, params.camera)


def render_scene(
    photo: RGB, dressed: Sequence[tuple[LandmarkedFace, ImageParams]], wardrobe: Wardrobe
) -> list[Rendered]:
    """Draw several faces of one photo, one on another, at the photo's own scale.

    Returns:
        One record a face, in order; all share the finished picture. The
        camera of the first face's params is the picture's.
    """
    image = photo.copy()
    drawn: list[tuple[Canvas, tuple[int, int]]] = []
    for face, params in dressed:
        left, top, right, bottom = reach(face, photo)
        where = slice(top, bottom), slice(left, right)
        frame = np.ascontiguousarray(image[where])
        canvas = Canvas.bare(frame, moved_face(face, np.array([left, top]), np.ones(2)))
        if not params.bare:
            canvas = _draw(canvas, params, wardrobe, estimate_light(frame, canvas.face))
        image[where] = canvas.image
        drawn.append((canvas, (left, top)))
    if dressed and dressed[0][1].camera is not None:
        box = face_box(dressed[0][0].landmarks)
        image = camera.apply(image, dressed[0][1].camera, max(box.width, box.height))
    return [
        rendered(image, canvas, replace(face, landmarks=face.landmarks.copy()), canvas.body, origin)
        for (face, _), (canvas, origin) in zip(dressed, drawn, strict=True)
    ]


def _draw(bare: Canvas, params: ImageParams, wardrobe: Wardrobe, light: Light, shot: Shot | None = None) -> Canvas:
    """Everything that is drawn on one face, in order."""
    over, before = extras_in_order(params)
    shade = Shade.of(bare, light, params.light, skin=bool(over or before))
    masked = put_on(bare, params.mask, wardrobe, shade)
    dressed = lay_over(masked, over, shade, params.confuser)
    turned = dressed if shot is None else shot.turn(dressed)
    # Who stands in front does not turn with the head.
    return lay_over(turned, before, shade)


def _photographed(drawn: Canvas, shot: Shot, params: CameraParams | None) -> Rendered:
    """The picture that is written of a finished canvas."""
    written = shot.size, shot.size
    face = replace(shot.face, landmarks=shot.landmarks)
    if params is not None:
        box = face_box(face.landmarks)
        image = camera.apply(drawn.image, params, max(box.width, box.height), written)
    else:
        image = _enlarged(drawn.image, written)
    body = _enlarged(drawn.body, written) if drawn.body.any() else np.zeros(written, np.float32)
    return rendered(image, drawn, face, body)


def _enlarged(picture: Any, size_wh: tuple[int, int]) -> NDArray[Any]:
    import cv2

    if picture.shape[1::-1] == size_wh:
        return np.asarray(picture)
    return np.asarray(cv2.resize(picture, size_wh, interpolation=cv2.INTER_LINEAR))
