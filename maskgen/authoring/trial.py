"""Tries a mask on a face: the faces of the editor's page, and the mask drawn on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from maskgen.drawing.palette import PALETTE
from maskgen.errors import InputError

if TYPE_CHECKING:
    from maskgen.templates.template import MaskTemplate
    from maskgen.types import RGB, LandmarkedFace, Wear

PREVIEW_SIDE: Final = 560
FACE_PX: Final = 300
"""Photos are enlarged until the face is this wide, for the page only, so that the mask is seen in detail."""


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face that the mask is tried on.

    Attributes:
        title: for people.
        photo: (H, W, 3) uint8, cut around the face and enlarged.
        face: in that photo's pixels.
    """

    title: str
    photo: RGB
    face: LandmarkedFace


def find_face(photo: RGB, title: str) -> ShownFace:
    """The largest face of a photo, ready to be dressed.

    Raises:
        InputError: there is none.
        WeightsError: a model file is missing.
    """
    import cv2
    import numpy as np

    from maskgen.faces.landmarks import FaceFinder, face_box
    from maskgen.types import Face, LandmarkedFace

    found = FaceFinder().find(photo).faces
    if not found:
        raise InputError(f"no face was found in {title}; choose another photo with --face")
    face = max(found, key=lambda one: face_box(one.landmarks).width)
    box = face_box(face.landmarks)
    reach = box.grown(2.6).clipped(photo.shape[1], photo.shape[0])
    left, top, right, bottom = (round(v) for v in reach.xyxy)
    cut = np.ascontiguousarray(photo[top:bottom, left:right])
    scale = FACE_PX / max(box.width, 1.0)
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    shown = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=how), np.uint8)
    placed = Face(face.face.box.moved(-left, -top).scaled(scale), face.face.score, face.face.detector)
    return ShownFace(title, shown, LandmarkedFace(placed, (face.landmarks - (left, top)) * scale, face.pose))


PUBLIC: Final = ("Eileen Collins", "Grace Hopper")


def public_faces() -> list[ShownFace]:
    """Two public-domain portraits that come with packages we need anyway."""
    import numpy as np
    from matplotlib import cbook
    from skimage import data

    from maskgen import images

    hopper = images.read_rgb(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    photos = np.asarray(data.astronaut(), np.uint8), hopper
    return [find_face(photo, title) for title, photo in zip(PUBLIC, photos, strict=True)]


def worn(template: MaskTemplate, faces: list[ShownFace], view: dict[str, Any]) -> tuple[RGB, list[list[float]]]:
    """The picture of the template on a face, and the anchors' places in it."""
    import numpy as np

    from maskgen.faces.frame import face_frame
    from maskgen.render.face import render
    from maskgen.render.params import CropParams, ImageParams, MaskParams

    index = view.get("face")
    shown = faces[index if isinstance(index, int) and 0 <= index < len(faces) else 0]
    colour = view.get("tint") if view.get("tint") in PALETTE else template.colours[0][0]
    red, green, blue = (value / 255 for value in PALETTE[str(colour)])
    own = next((strap.own for strap in template.straps), False)
    wear: Wear = next((one for one in template.wears if one == view.get("wear")), "correct")
    mask = MaskParams(
        template.name,
        wear=wear,
        colour=str(colour),
        tint=(red, green, blue),
        pattern="floral" if view.get("printed") else None,
        pattern_seed=3,
        strap_rgb=(red, green, blue) if own else (0.95, 0.95, 0.95),
    )
    params = ImageParams(label="with_mask", crop=CropParams(size=PREVIEW_SIDE, margin=1.5), mask=mask)
    rendered = render(shown.photo, shown.face, params, {template.name: template})
    frame = face_frame(rendered.landmarks)
    places = [anchor.spot.resolve(rendered.landmarks, frame) for anchor in (*template.top, *template.bottom)]
    spots = (np.array(places) / PREVIEW_SIDE).round(4).tolist()
    return rendered.image, spots if wear == "correct" else []
