"""Where the camera looks: the part of a photo that is shown, the frame that is drawn on, the head's turn.

A face is drawn in a small frame: its own neighbourhood, reduced to about the
size that is written, never enlarged, so that a mask has no more detail than
the photo, nor more than the camera keeps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.faces.landmarks import face_box
from maskgen.render import camera
from maskgen.render.camera import CameraParams
from maskgen.render.canvas import Canvas
from maskgen.render.head_turn import Turned, extent, warp
from maskgen.render.params import ImageParams, LightParams
from maskgen.render.region import Region, crop_region, cut, moved_face, sides, within
from maskgen.types import RGB, Box, LandmarkedFace, Points, Pose

SMALLEST_FRAME: Final = 64
"""Faces smaller than this are enlarged before anything is drawn."""

SMALLEST_DETAIL: Final = 96
"""Where the camera loses what is finer, frames are drawn smaller, down to this side."""


@dataclass(frozen=True, slots=True)
class View:
    """What a turned picture is made from.

    Attributes:
        region: the part of the photo that is needed.
        frame_wh: at what size.
        scale: (2,) frame pixels a photo pixel.
        sources: (w * h, 2) photo pixels, what each written pixel shows.
        size_wh: the turned frame's size.
        face: the turned face, in the turned frame.
    """

    region: Region
    frame_wh: tuple[int, int]
    scale: NDArray[np.float64]
    sources: Points
    size_wh: tuple[int, int]
    face: LandmarkedFace

    @staticmethod
    def of(turned: Turned, region: Region, frame_wh: tuple[int, int], face: LandmarkedFace) -> View:
        """The view of a region of the turned picture.

        Args:
            turned: how the head was turned.
            region: of the turned picture.
            frame_wh: its size.
            face: the turned face in it.
        """
        left, top = region[:2]
        step = np.array([(region[2] - left) / frame_wh[0], (region[3] - top) / frame_wh[1]])
        x, y = np.meshgrid(np.arange(frame_wh[0]) + 0.5, np.arange(frame_wh[1]) + 0.5)
        sources = turned.sources(np.stack([x.ravel(), y.ravel()], 1) * step + (left, top), float(step.min()))
        low, high = extent(sources)
        low, high = np.floor(low).astype(int) - 1, np.ceil(high).astype(int) + 1
        wide = min(left, int(low[0])), min(top, int(low[1])), max(region[2], int(high[0])), max(region[3], int(high[1]))
        wide_px = sides(wide)
        wide_wh = max(round(float(wide_px[0] / step[0])), 2), max(round(float(wide_px[1] / step[1])), 2)
        return View(wide, wide_wh, wide_wh / wide_px, sources, frame_wh, face)

    @property
    def origin(self) -> NDArray[np.float64]:
        return np.array(self.region[:2], np.float64)

    def turn(self, canvas: Canvas) -> Canvas:
        """The canvas after the turn."""
        body = self._field(canvas.body)
        worn = body if canvas.worn is canvas.body else self._field(canvas.worn)
        return replace(canvas, image=self._seen(canvas.image), face=self.face, body=body, worn=worn)

    def _field(self, field: NDArray[np.float32]) -> Any:
        return self._seen(field) if field.any() else np.zeros(self.size_wh[::-1], np.float32)

    def _seen(self, picture: Any) -> Any:
        return warp(picture, self.sources, self.origin, self.scale, self.size_wh)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a face: what it shows, and at what size it is drawn.

    Attributes:
        region: what is written, of the photo or of the photo with the head turned.
        size: side of the square that is written.
        frame_wh: size of the frame that is drawn on.
        shrunk: frame pixels a pixel of the frame that a camera without losses would need.
        face: as it is written, a turn included, in the photo's pixels.
        before: as it was photographed, in the photo's pixels.
        view: how the turned picture is made, or None.
    """

    region: Region
    size: int
    frame_wh: tuple[int, int]
    shrunk: float
    face: LandmarkedFace
    before: LandmarkedFace
    view: View | None

    @property
    def landmarks(self) -> Points:
        """(68, 2) in the written picture."""
        return _written(self.face, self.region, self.size)

    @property
    def taken_from(self) -> Region:
        """The part of the photo that is drawn on."""
        return self.region if self.view is None else self.view.region

    def cut(self, photo: RGB) -> Canvas:
        """The part of the photo that is drawn on, at its size, with nothing drawn yet and the head not yet turned."""
        if self.view is not None:
            face = moved_face(self.before, self.view.origin, self.view.scale)
            return Canvas.bare(cut(photo, self.view.region, self.view.frame_wh), face)
        face = moved_face(self.face, np.array(self.region[:2]), self.frame_wh / sides(self.region))
        return Canvas.bare(cut(photo, self.region, self.frame_wh), face)

    def light(self, params: LightParams) -> LightParams:
        """Edges are as soft as they are wide in a frame that was not shrunk."""
        return replace(params, edge_blur=params.edge_blur * self.shrunk) if params.edge_blur > 0 else params

    def turn(self, canvas: Canvas) -> Canvas:
        """The head turned on, with all that it wears."""
        return canvas if self.view is None else self.view.turn(canvas)


def aim(photo: RGB, face: LandmarkedFace, params: ImageParams) -> Shot:
    """The shot of a face that the params ask for."""
    turned = None if params.turn is None else Turned.of(face.landmarks, params.turn)
    if turned is not None and not turned.passes:
        turned = None
    seen = face if turned is None else _turned_face(face, turned)
    size = params.crop.size
    region = within(crop_region(seen, params.crop), photo)
    width, height = sides(region).tolist()
    most = max(round(size * _useful(params.camera, face_box(_written(seen, region, size)))), min(SMALLEST_DETAIL, size))
    frame_wh = min(max(width, SMALLEST_FRAME), most), min(max(height, SMALLEST_FRAME), most)
    shrunk = frame_wh[0] / min(max(width, SMALLEST_FRAME), size)
    view = None
    if turned is not None:
        view = View.of(turned, region, frame_wh, moved_face(seen, np.array(region[:2]), frame_wh / sides(region)))
    return Shot(region, size, frame_wh, shrunk, seen, face, view)


def _written(face: LandmarkedFace, region: Region, size: int) -> Points:
    return np.asarray((face.landmarks - region[:2]) * (size / sides(region)))


def _useful(params: CameraParams | None, box: Box) -> float:
    """Share of the written picture's resolution that outlives the camera."""
    return 1.0 if params is None else camera.detail(params, max(box.width, box.height))


def _turned_face(face: LandmarkedFace, turned: Turned) -> LandmarkedFace:
    pose = Pose(face.pose.yaw_deg + turned.yaw_deg, face.pose.pitch_deg + turned.pitch_deg, face.pose.roll_deg)
    points = None if face.face.points is None else turned.points(face.face.points)
    return LandmarkedFace(replace(face.face, points=points), turned.points(face.landmarks), pose)
