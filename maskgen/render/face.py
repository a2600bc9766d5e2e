"""Photo + face + params -> the picture that is written, and its ground truth. Pure.

A face is drawn in a small frame: its own neighbourhood, reduced to about the
size that is written, never enlarged, so that a mask has no more detail than
the photo, nor more than the camera keeps. The camera comes last and is the same for every class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.render.composite import lay
from maskgen.render.covers import BARE, Covers, measure
from maskgen.render.head_turn import Turned, extent, warp
from maskgen.render.lighting import Light, estimate_light, seen_in
from maskgen.render.params import CropParams, Extra, ImageParams
from maskgen.render.polygons import Polygon, polygons
from maskgen.types import RGB, Box, Face, LandmarkedFace, Points, Pose

if TYPE_CHECKING:
    from maskgen.templates.template import MaskTemplate

SMALLEST_FRAME: Final = 64
"""Faces smaller than this are enlarged before anything is drawn."""

SMALLEST_DETAIL: Final = 96
"""Where the camera loses what is finer, frames are drawn smaller, down to this side."""

MIN_VISIBLE: Final = 0.5
"""Share of the lower face that a mask worn as it should be must cover."""

MIN_AREA: Final = 0.05
"""Share of the face's box that a mask must cover however it is worn."""

MIN_INSIDE: Final = 0.35
"""Share of the mask that must lie inside the picture."""

MIN_CONTRAST: Final = 0.025
"""Mean change under the mask, of full scale: below it nobody could tell."""

LIGHT_MARGIN: Final = 1.35
"""The light is read from the face's box grown by this, as far as crops reach."""

LIGHT_PX: Final = 112
"""Longest side of the copy that it is read from."""

MAX_BEYOND: Final = 0.05
"""How far a crop may leave the photo, as a share of its side."""

Wardrobe = Mapping[str, "MaskTemplate"]

_Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
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
    covers: Covers = BARE


@dataclass(slots=True)
class _Drawn:
    """One face drawn in its frame, before crop scale and camera."""

    image: RGB
    body: _Float
    visible: float
    area: float
    inside: float
    contrast: float
    covers: Covers = BARE


@dataclass(frozen=True, slots=True)
class FaceLight:
    """The light on a face, for every picture that is made of it.

    Attributes:
        light: as read from the region.
        region: left, top, right, bottom in the photo.
    """

    light: Light
    region: tuple[int, int, int, int]

    @staticmethod
    def read(photo: RGB, face: LandmarkedFace) -> FaceLight:
        """The light on a face of a photo."""
        region = _within(crop_region(face, CropParams(margin=LIGHT_MARGIN)), photo)
        sides = np.array([region[2] - region[0], region[3] - region[1]])
        small = min(1.0, LIGHT_PX / int(sides.max()))
        size_wh = max(8, round(int(sides[0]) * small)), max(8, round(int(sides[1]) * small))
        moved = _moved_face(face, np.array(region[:2]), size_wh / sides)
        return FaceLight(estimate_light(cut(photo, region, size_wh), moved), region)

    def on(self, region: tuple[int, int, int, int], frame: RGB, face: LandmarkedFace) -> Light:
        """The light in a frame that shows a region of the photo."""
        left, top, right, bottom = self.region
        width, height = right - left, bottom - top
        part = (
            (region[0] - left) / width,
            (region[1] - top) / height,
            (region[2] - left) / width,
            (region[3] - top) / height,
        )
        return seen_in(self.light, part, frame, face)


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
    from maskgen.render import camera

    if params.crop.mode == "scene":
        return render_scene(photo, [(face, params)], wardrobe)[0]
    turned = None if params.turn is None else Turned.of(face.landmarks, params.turn)
    if turned is not None and not turned.passes:
        turned = None
    seen = face if turned is None else _turned_face(face, turned)
    region = _within(crop_region(seen, params.crop), photo)
    size = params.crop.size
    sides = np.array([region[2] - region[0], region[3] - region[1]])
    landmarks = (seen.landmarks - region[:2]) * (size / sides)
    box = _face_box(landmarks)
    face_px = max(box.width, box.height)
    useful = 1.0 if params.camera is None else camera.detail(params.camera, face_px)
    most = max(round(size * useful), min(SMALLEST_DETAIL, size))
    frame_wh = (min(max(int(sides[0]), SMALLEST_FRAME), most), min(max(int(sides[1]), SMALLEST_FRAME), most))
    laid = params.light
    if most < size and laid.edge_blur > 0:
        full = min(max(int(sides[0]), SMALLEST_FRAME), size)
        params = replace(params, light=replace(laid, edge_blur=laid.edge_blur * frame_wh[0] / full))
    moved = _moved_face(seen, np.array(region[:2]), frame_wh / sides)
    if turned is None:
        after, before, shown = None, moved, region
        frame = cut(photo, region, frame_wh)
    else:
        view = _view(turned, region, frame_wh)
        after, before, shown = _After(view, moved), _moved_face(face, view.origin, view.scale), view.region
        frame = cut(photo, shown, view.frame_wh)
    if _bare(params):
        drawn = _undrawn(frame, after)
    else:
        light = light or FaceLight.read(photo, face)
        drawn = _draw(frame, before, params, wardrobe, light.on(shown, frame, before), after)
    if params.camera is not None:
        image = camera.apply(drawn.image, params.camera, face_px, (size, size))
    else:
        image = drawn.image if frame_wh == (size, size) else _resized(drawn.image, (size, size))
    body = drawn.body if frame_wh == (size, size) or not drawn.body.any() else _enlarged(drawn.body, (size, size))
    return Rendered(
        image,
        polygons(body),
        box,
        landmarks,
        seen.pose,
        drawn.visible,
        drawn.area,
        drawn.inside,
        drawn.contrast,
        drawn.covers,
    )


def render_scene(
    photo: RGB, dressed: Sequence[tuple[LandmarkedFace, ImageParams]], wardrobe: Wardrobe
) -> list[Rendered]:
    """Draw several faces of one photo, one on another, at the photo's own scale.

    Returns:
        One record a face, in order; all share the finished picture. The
        camera of the first face's params is the picture's.
    """
    image = photo.copy()
    records: list[tuple[_Drawn, tuple[int, int]]] = []
    for face, params in dressed:
        box = _face_box(face.landmarks)
        reach = box.grown(2.4).clipped(photo.shape[1], photo.shape[0])
        left, top = math.floor(reach.left), math.floor(reach.top)
        right, bottom = max(math.ceil(reach.right), left + 1), max(math.ceil(reach.bottom), top + 1)
        where = slice(top, bottom), slice(left, right)
        frame = np.ascontiguousarray(image[where])
        moved = _moved_face(face, np.array([left, top]), np.ones(2))
        if _bare(params):
            drawn = _undrawn(frame)
        else:
            drawn = _draw(frame, moved, params, wardrobe, estimate_light(frame, moved))
        image[where] = drawn.image
        records.append((drawn, (left, top)))
    if dressed and dressed[0][1].camera is not None:
        from maskgen.render import camera

        box = _face_box(dressed[0][0].landmarks)
        image = camera.apply(image, dressed[0][1].camera, max(box.width, box.height))
    return [
        Rendered(
            image,
            polygons(drawn.body, origin),
            _face_box(face.landmarks),
            face.landmarks.copy(),
            face.pose,
            drawn.visible,
            drawn.area,
            drawn.inside,
            drawn.contrast,
            drawn.covers,
        )
        for (face, _), (drawn, origin) in zip(dressed, records, strict=True)
    ]


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


def crop_region(face: LandmarkedFace, crop: CropParams) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of what is cut from the photo; may reach beyond it."""
    box = _face_box(face.landmarks)
    stretch = math.sqrt(crop.aspect)
    width, height = box.width * crop.margin * stretch, box.height * crop.margin / stretch
    x, y = box.center_xy
    x, y = x + crop.shift_xy[0] * box.width, y + crop.shift_xy[1] * box.height
    left, top = round(x - width / 2), round(y - height / 2)
    return left, top, left + max(2, round(width)), top + max(2, round(height))


def _within(region: tuple[int, int, int, int], photo: RGB) -> tuple[int, int, int, int]:
    """A region that leaves the photo by at most ``MAX_BEYOND`` of its side: repeated pixels are no photograph."""
    left, top, right, bottom = region
    over_x, over_y = round(MAX_BEYOND * (right - left)), round(MAX_BEYOND * (bottom - top))
    height, width = photo.shape[:2]
    kept = max(left, -over_x), max(top, -over_y), min(right, width + over_x), min(bottom, height + over_y)
    return kept if kept[2] - kept[0] > 1 and kept[3] - kept[1] > 1 else region


def cut(photo: RGB, region: tuple[int, int, int, int], size_wh: tuple[int, int]) -> RGB:
    """A region of a photo at a size; its edge is repeated beyond the picture."""
    import cv2

    left, top, right, bottom = region
    height, width = photo.shape[:2]
    inner: Any = photo[
        min(max(top, 0), height - 1) : max(min(bottom, height), 1),
        min(max(left, 0), width - 1) : max(min(right, width), 1),
    ]
    borders = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
    if any(borders):
        inner = cv2.copyMakeBorder(inner, *borders, cv2.BORDER_REPLICATE)
    shrinking = size_wh[0] < inner.shape[1] or size_wh[1] < inner.shape[0]
    if (inner.shape[1], inner.shape[0]) == size_wh:
        return np.ascontiguousarray(inner).copy()
    return np.asarray(
        cv2.resize(inner, size_wh, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR), np.uint8
    )


def _resized(image: RGB, size_wh: tuple[int, int]) -> RGB:
    import cv2

    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR), np.uint8)


def _enlarged(field: _Float, size_wh: tuple[int, int]) -> _Float:
    import cv2

    return np.asarray(cv2.resize(field, size_wh, interpolation=cv2.INTER_LINEAR), np.float32)


def _face_box(landmarks: Points) -> Box:
    from maskgen.faces.landmarks import face_box

    box: Box = face_box(landmarks)
    return box


def _moved_face(face: LandmarkedFace, origin: NDArray[Any], scale: NDArray[np.float64]) -> LandmarkedFace:
    landmarks = (face.landmarks - origin) * scale
    points = None if face.face.points is None else (face.face.points - origin) * scale
    box = Box(*((np.array(face.face.box.xyxy).reshape(2, 2) - origin) * scale).ravel().tolist())
    return LandmarkedFace(Face(box, face.face.score, face.face.detector, points), landmarks, face.pose)


@dataclass(frozen=True, slots=True)
class _View:
    """What a turned picture is made from.

    Attributes:
        region: the part of the photo that is needed.
        frame_wh: at what size.
        scale: (2,) frame pixels a photo pixel.
        sources: (w * h, 2) photo pixels, what each written pixel shows.
        size_wh: the turned frame's size.
    """

    region: tuple[int, int, int, int]
    frame_wh: tuple[int, int]
    scale: NDArray[np.float64]
    sources: Points
    size_wh: tuple[int, int]

    @property
    def origin(self) -> NDArray[np.float64]:
        return np.array(self.region[:2], np.float64)

    def of(self, image: Any) -> Any:
        return warp(image, self.sources, self.origin, self.scale, self.size_wh)


@dataclass(frozen=True, slots=True)
class _After:
    """The turn that follows when all that a face wears is drawn, and the face after it."""

    view: _View
    face: LandmarkedFace


def _view(turned: Turned, region: tuple[int, int, int, int], frame_wh: tuple[int, int]) -> _View:
    left, top = region[:2]
    step = np.array([(region[2] - left) / frame_wh[0], (region[3] - top) / frame_wh[1]])
    x, y = np.meshgrid(np.arange(frame_wh[0]) + 0.5, np.arange(frame_wh[1]) + 0.5)
    sources = turned.sources(np.stack([x.ravel(), y.ravel()], 1) * step + (left, top), float(step.min()))
    low, high = extent(sources)
    low, high = np.floor(low).astype(int) - 1, np.ceil(high).astype(int) + 1
    wide = min(left, int(low[0])), min(top, int(low[1])), max(region[2], int(high[0])), max(region[3], int(high[1]))
    sides = np.array([wide[2] - wide[0], wide[3] - wide[1]])
    wide_wh = max(round(float(sides[0] / step[0])), 2), max(round(float(sides[1] / step[1])), 2)
    return _View(wide, wide_wh, wide_wh / sides, sources, frame_wh)


def _turned_face(face: LandmarkedFace, turned: Turned) -> LandmarkedFace:
    pose = Pose(face.pose.yaw_deg + turned.yaw_deg, face.pose.pitch_deg + turned.pitch_deg, face.pose.roll_deg)
    points = None if face.face.points is None else turned.points(face.face.points)
    return LandmarkedFace(replace(face.face, points=points), turned.points(face.landmarks), pose)


def _bare(params: ImageParams) -> bool:
    """Nothing is drawn on the face."""
    return params.mask is None and params.confuser is None and not params.accessories


def _undrawn(frame: RGB, after: _After | None = None) -> _Drawn:
    """The frame as it is; with a turn, turned."""
    image = frame if after is None else after.view.of(frame)
    return _Drawn(image, np.zeros(image.shape[:2], np.float32), 0.0, 0.0, 1.0, 0.0)


def _draw(
    frame: RGB,
    face: LandmarkedFace,
    params: ImageParams,
    wardrobe: Wardrobe,
    light: Light,
    after: _After | None = None,
) -> _Drawn:
    """Everything that is drawn on one face, in order, in its frame; with a turn, in the turned frame."""
    import cv2

    height, width = frame.shape[:2]
    image = frame
    body = np.zeros((height, width), np.float32)
    worn = body
    inside, contrast = 1.0, 0.0
    if params.mask is not None:
        from maskgen.render.warp import mask_layer

        layer = mask_layer(wardrobe[params.mask.template], face, params.mask, (width, height))
        image, _, body = lay(frame, layer, light, face, params.light)
        worn = body
        drawn = 0.0 if layer.body is None else float(layer.body.sum())
        inside = min(1.0, float(body.sum()) / drawn) if drawn > 0 else 0.0
        covered = (body > 0.5).astype(np.uint8)
        contrast = float(np.mean(cv2.mean(cv2.absdiff(image, frame), covered)[:3])) / 255
    over, before = _in_order(params)
    if over or before:
        from maskgen.faces.skin import skin_albedo, skin_rgb

        level = light.level * params.light.gain
        skin = skin_albedo(skin_rgb(frame, face.landmarks), level, light.colour, params.light.white_balance)
        image, body, cloth = _draw_over(image, body, over, face, light, params, skin)
        worn = worn if cloth is None else cloth
    if after is not None:
        image, body, worn, face = after.view.of(image), after.view.of(body), after.view.of(worn), after.face
        height, width = image.shape[:2]
    if before:
        # Who stands in front does not turn with the head.
        image, body, _ = _draw_over(image, body, before, face, light, params, skin)
    lower = _lower_face(face, (width, height))
    visible = float((body * lower).sum() / max(float(lower.sum()), 1.0))
    area = float(body.sum()) / max(_face_box(face.landmarks).area, 1.0)
    return _Drawn(image, body, visible, area, inside, contrast, measure(worn, face.landmarks))


def _in_order(params: ImageParams) -> tuple[list[Extra], list[Extra]]:
    """What is worn or held, lowest first; and who stands in front of it all."""
    if params.confuser is None and not params.accessories:
        return [], []
    from maskgen.occluders.registry import OCCLUDERS

    def in_front(extra: Extra) -> bool:
        return OCCLUDERS.load(extra.name).place == "in_front"

    over = list(params.accessories)
    if params.confuser is not None:
        # What is worn on the face lies under glasses; what is held, before them.
        worn = OCCLUDERS.load(params.confuser.name).place == "worn"
        over.insert(0 if worn else len(over), params.confuser)
    return [extra for extra in over if not in_front(extra)], [extra for extra in over if in_front(extra)]


def _draw_over(
    image: RGB,
    body: _Float,
    over: list[Extra],
    face: LandmarkedFace,
    light: Light,
    params: ImageParams,
    skin: _Float,
) -> tuple[RGB, _Float, _Float | None]:
    """The picture, what is still seen of the mask, and the alpha of cloth that is worn as a confuser."""
    from maskgen.occluders.registry import OCCLUDERS, layer

    size = image.shape[1], image.shape[0]
    cloth: _Float | None = None
    for extra in over:
        drawn = layer(extra.name, face, extra.params, size, skin)
        image, alpha, _ = lay(image, drawn, light, face, params.light)
        body = body * (1 - alpha)
        if extra is params.confuser and OCCLUDERS.load(extra.name).place == "worn":
            cloth = alpha
    return image, body, cloth


def _lower_face(face: LandmarkedFace, size_wh: tuple[int, int]) -> _Float:
    """1 between the nose's tip, the cheeks and the chin."""
    import cv2

    ring = np.concatenate([face.landmarks[3:14], face.landmarks[30:31]])
    canvas = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    cv2.fillPoly(canvas, [np.round((ring - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    return canvas.astype(np.float32)
