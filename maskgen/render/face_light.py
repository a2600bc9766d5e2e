"""The light on one face of a photo, read once for every picture that is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from maskgen.render.lighting import Light, estimate_light, seen_in
from maskgen.render.params import CropParams
from maskgen.render.region import Region, crop_region, cut, moved_face, sides, within
from maskgen.types import RGB, LandmarkedFace

LIGHT_MARGIN: Final = 1.35
"""The light is read from the face's box grown by this, as far as crops reach."""

LIGHT_PX: Final = 112
"""Longest side of the copy that it is read from."""


@dataclass(frozen=True, slots=True)
class FaceLight:
    """The light on a face, for every picture that is made of it.

    Attributes:
        light: as read from the region.
        region: left, top, right, bottom in the photo.
    """

    light: Light
    region: Region

    @staticmethod
    def read(photo: RGB, face: LandmarkedFace) -> FaceLight:
        """The light on a face of a photo."""
        region = within(crop_region(face, CropParams(margin=LIGHT_MARGIN)), photo)
        side_px = sides(region)
        small = min(1.0, LIGHT_PX / int(side_px.max()))
        size_wh = max(8, round(int(side_px[0]) * small)), max(8, round(int(side_px[1]) * small))
        moved = moved_face(face, np.array(region[:2]), size_wh / side_px)
        return FaceLight(estimate_light(cut(photo, region, size_wh), moved), region)

    def on(self, region: Region, frame: RGB, face: LandmarkedFace) -> Light:
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
