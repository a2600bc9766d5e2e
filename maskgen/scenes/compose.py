"""Composes one scene: a background, people back to front, one camera, what is known about every face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.scenes import backgrounds, layout, negatives
from maskgen.scenes.crowd import crowd, look_away
from maskgen.scenes.painting import Painting, SceneFace, seen_in
from maskgen.scenes.photographs import mosaic, photograph
from maskgen.scenes.placing import Pool
from maskgen.types import RGB

if TYPE_CHECKING:
    from maskgen.render.camera import CameraParams
    from maskgen.scenes.backgrounds import Places

FACE_PX: Final = 55.0
"""What the camera takes for a face's size: its blur is meant for a whole scene, where most faces are small."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished scene.

    Attributes:
        image: (H, W, 3) uint8.
        faces: those of which anything is in sight.
        kind: crowd, photo, mosaic or empty.
    """

    image: RGB
    faces: tuple[SceneFace, ...]
    kind: layout.Kind


def compose(
    rng: np.random.Generator, size: int, pool: Pool, cloths: Sequence[RGB], places: Places, camera: str = "street"
) -> Scene:
    """Draw a scene.

    Args:
        rng: decides everything.
        size: the longer side, in pixels.
        pool: pieces by label.
        cloths: from ``clothes.draw_cloths``.
        places: what backgrounds there are.
        camera: none, mild or street.
    """
    import cv2

    kind = layout.draw_kind(rng)
    size_wh = layout.draw_size(rng, size)
    ground = backgrounds.draw(rng, size_wh, places)
    if kind != "empty" and rng.random() < 0.4:  # behind people, places are out of focus
        ground = np.asarray(cv2.GaussianBlur(ground, (0, 0), float(np.exp(rng.uniform(-0.7, 1.4)))), np.uint8)
    painting = Painting(ground, np.zeros((size_wh[1], size_wh[0]), np.int16), [])
    if kind == "empty":
        negatives.scatter(rng, painting.image, None, int(rng.integers(2, 14)))
        for stand in layout.crowd(rng, size_wh)[:6]:
            look_away(rng, painting, stand, cloths)
    elif rng.random() < 0.35:
        negatives.scatter(rng, painting.image, None, int(rng.integers(1, 6)))
    if kind == "crowd":
        crowd(rng, painting, pool, cloths)
    elif kind == "photo":
        photograph(rng, painting, pool)
    elif kind == "mosaic":
        mosaic(rng, painting, pool)
    if rng.random() < 0.12:
        negatives.scatter(rng, painting.image, painting.owner, int(rng.integers(1, 3)))
    faces = tuple(face for face in map(seen_in(painting), painting.faces) if face is not None)
    return Scene(_photograph(rng, painting.image, camera), faces, kind)


def _photograph(rng: np.random.Generator, image: RGB, strength: str) -> RGB:
    """One camera for the whole scene."""
    from maskgen.render import camera

    params = camera.draw(rng, strength)  # type: ignore[arg-type]
    return camera.apply(image, _for_scenes(rng, params), FACE_PX)


def _for_scenes(rng: np.random.Generator, params: CameraParams) -> CameraParams:
    """A camera that does to a scene what it may: faces of ten pixels must survive it."""
    coarse = float(rng.uniform(0.45, 1.0)) * FACE_PX if params.face_px is not None and rng.random() < 0.35 else None
    return replace(
        params,
        face_px=coarse,
        focus_px=min(params.focus_px, 5.0),
        motion_px=min(params.motion_px, 12.0),
        noise=params.noise * 0.6,
        codecs=tuple((name, max(quality, 35)) for name, quality in params.codecs[:1]),
    )
