"""One scene: a background, people back to front, one camera, and what is known about every face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.scenes import backgrounds, clothes, layout, negatives
from maskgen.scenes.boxes import annotated_box, five_points
from maskgen.scenes.cutout import head_of
from maskgen.types import RGB, Box, Label, Points

if TYPE_CHECKING:
    from maskgen.render.camera import CameraParams
    from maskgen.scenes.backgrounds import Places
    from maskgen.scenes.pieces import Piece

MIN_VISIBLE: Final = 0.35
"""A face of which less is in sight is neither right nor wrong to find."""

MIN_BELOW: Final = 0.3
"""Nor is one of whose lower half less is in sight: nobody can see what it wears."""

MIN_PX: Final = 6.0
"""Nor is a face smaller than this, square root of its box's area."""

MAX_SHARE: Final = 0.7
"""No face is larger, as a share of the scene's longer side."""

FACE_PX: Final = 55.0
"""What the camera takes for a face's size: its blur is meant for a whole scene, where most faces are small."""


@dataclass(frozen=True, slots=True)
class SceneFace:
    """A face of a scene, in its pixels.

    Attributes:
        label: what it wears.
        box: as ``boxes.annotated_box`` has it, clipped to the picture that shows it.
        points: (5, 2), the order of ``types.Face``.
        visible: share of the face in sight: not covered, not beyond the edge.
        below: the same of its lower half, where a mask would be.
    """

    label: Label
    box: Box
    points: Points
    visible: float
    below: float = 1.0

    @property
    def ignored(self) -> bool:
        """Whether finding it is neither right nor wrong."""
        return self.visible < MIN_VISIBLE or self.below < MIN_BELOW or self.box.area < MIN_PX**2


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


@dataclass(frozen=True, slots=True)
class _Painted:
    """A face as painted; ``cell`` is what of the scene may show it."""

    number: int
    label: Label
    landmarks: Points
    mirrored: bool
    cell: Box


@dataclass(slots=True)
class _Painting:
    """A scene while it is painted. ``owner`` says whose head, from 1, is to be seen at a pixel; 0 nobody's."""

    image: RGB
    owner: NDArray[np.int16]
    faces: list[_Painted]

    @property
    def frame(self) -> Box:
        """The whole picture as a box."""
        return Box(0, 0, self.image.shape[1], self.image.shape[0])


Pool = Mapping[Label, Sequence["Piece"]]


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
    painting = _Painting(ground, np.zeros((size_wh[1], size_wh[0]), np.int16), [])
    if kind == "empty":
        negatives.scatter(rng, painting.image, None, int(rng.integers(2, 14)))
        for stand in layout.crowd(rng, size_wh)[:6]:
            _look_away(rng, painting, stand, cloths)
    elif rng.random() < 0.35:
        negatives.scatter(rng, painting.image, None, int(rng.integers(1, 6)))
    if kind == "crowd":
        _crowd(rng, painting, pool, cloths)
    elif kind == "photo":
        _photo(rng, painting, pool)
    elif kind == "mosaic":
        _mosaic(rng, painting, pool)
    if rng.random() < 0.12:
        negatives.scatter(rng, painting.image, painting.owner, int(rng.integers(1, 3)))
    faces = tuple(face for face in map(_seen(painting), painting.faces) if face is not None)
    return Scene(_photograph(rng, painting.image, camera), faces, kind)


def _pick(rng: np.random.Generator, pool: Pool, masked: float) -> Piece:
    """A piece, masked with this probability; one incorrectly worn mask in ten."""
    labels: list[Label] = [label for label in pool if pool[label]]
    share = {"with_mask": masked * 0.92, "incorrect_mask": 0.08, "without_mask": (1 - masked) * 0.92}
    weights = np.array([share[label] for label in labels]) + 1e-9
    pieces = pool[labels[int(rng.choice(len(labels), p=weights / weights.sum()))]]
    return pieces[int(rng.integers(len(pieces)))]


def _alone(rng: np.random.Generator, pool: Pool, masked: float) -> Piece | None:
    """A piece that shows one person."""
    for _ in range(6):
        piece = _pick(rng, pool, masked)
        if piece.alone:
            return piece
    return None


def _masked_share(rng: np.random.Generator) -> float:
    """Everybody in some scenes, nobody in others."""
    return float(rng.beta(1.0, 0.7))


# ---------------------------------------------------------------- crowds


def _crowd(rng: np.random.Generator, painting: _Painting, pool: Pool, cloths: Sequence[RGB]) -> None:
    masked, light = _masked_share(rng), float(rng.uniform(0.15, 0.7))
    focus = float(rng.uniform(0, 1.2)) if rng.random() < 0.3 else 0.0
    for stand in layout.crowd(rng, (painting.image.shape[1], painting.image.shape[0])):
        if stand.away:
            _look_away(rng, painting, stand, cloths)
            continue
        piece = _alone(rng, pool, masked)
        if piece is not None:
            _person(rng, painting, stand, piece, cloths, light, focus)


def _look_away(rng: np.random.Generator, painting: _Painting, stand: layout.Stand, cloths: Sequence[RGB]) -> None:
    body = clothes.Body((stand.x, stand.y + 0.65 * stand.width), stand.width, 1.3 * stand.width)
    coat, legs = (cloths[int(rng.integers(len(cloths)))] for _ in range(2))
    clothes.from_behind(painting.image, painting.owner, body, coat, legs, rng)


def _person(
    rng: np.random.Generator,
    painting: _Painting,
    stand: layout.Stand,
    piece: Piece,
    cloths: Sequence[RGB],
    light: float,
    focus: float,
) -> None:
    """A head on a body."""
    person = piece.people[0]
    box = annotated_box(person.landmarks.astype(np.float64), person.label)
    factor = stand.width / max(box.width, 1.0)
    flip = bool(rng.random() < 0.5)
    matrix = _placing(box.center_xy, factor, stand.roll_deg, (stand.x, stand.y), flip)
    landmarks = _moved(person.landmarks, matrix)
    head = head_of(landmarks)
    number = len(painting.faces) + 1
    painting.faces.append(_Painted(number, person.label, landmarks, flip, painting.frame))
    coat, legs = (cloths[int(rng.integers(len(cloths)))] for _ in range(2))
    if piece.cloth_rgb is not None and piece.below > 0.9 and rng.random() < 0.8:
        coat = np.clip(coat * 0.25 + piece.cloth_rgb * 0.75, 0, 255).astype(np.uint8)
    tone = _tone_curve(rng, painting, stand, piece, light)
    upright = clothes.Body((float(landmarks[8, 0]), float(landmarks[8, 1])), head.width, 1.35 * head.height)
    skin = tone[np.clip(piece.skin_rgb, 0, 255).astype(int), [0, 1, 2]].astype(np.float32)
    image, owner = painting.image, painting.owner
    # What lies behind the head: shoulders where the picture shows them, else only a neck.
    shown = piece.below / 1.35
    before = shown < 0.45
    if not before:
        clothes.dress(
            image, owner, upright, coat, legs, skin, number, rng, neck=max(0.3, shown - 0.55), bare_neck=False
        )
    else:
        clothes.dress(image, owner, upright, coat, legs, skin, number, rng, neck=max(0.1, shown - 0.1))
    if piece.crown < 0.75 and rng.random() < 0.8:
        clothes.hair(image, owner, head, number, rng)
    _paste(rng, painting, piece, matrix, tone, number, focus)
    if before and rng.random() < 0.7:
        # A collar before the neck hides where a tight picture ends.
        collar = replace(upright, height=upright.height)
        neck = float(np.clip(shown - 0.08, 0.04, 0.3))
        clothes.dress(image, owner, collar, coat, legs, skin, 0, rng, neck=neck, bare_neck=False)


def _placing(
    centre_xy: tuple[float, float], factor: float, roll_deg: float, at_xy: tuple[float, float], flip: bool
) -> NDArray[np.float64]:
    """(2, 3): from a piece's first level to the scene."""
    turn = np.radians(roll_deg)
    rotate = factor * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    if flip:
        rotate = rotate @ np.diag([-1.0, 1.0])
    return np.hstack([rotate, (np.array(at_xy) - rotate @ np.array(centre_xy))[:, None]])


def _moved(landmarks: NDArray[Any], matrix: NDArray[np.float64]) -> Points:
    return np.asarray(landmarks.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2], np.float64)


def _tone_curve(
    rng: np.random.Generator, painting: _Painting, stand: layout.Stand, piece: Piece, light: float
) -> NDArray[np.uint8]:
    """(256, 3): brings a piece halfway to the light where it stands."""
    height, width = painting.image.shape[:2]
    reach = max(4, int(stand.width))
    x, y = int(np.clip(stand.x, 0, width - 1)), int(np.clip(stand.y, 0, height - 1))
    around = (
        painting.image[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach : 2].reshape(-1, 3).mean(axis=0)
    )
    everywhere = painting.image[::8, ::8].reshape(-1, 3).mean(axis=0)
    goal = 0.3 * around + 0.7 * everywhere + 20
    level = (float(goal.mean()) / max(float(piece.skin_rgb.mean()), 20.0)) ** light
    tint = (goal / goal.mean()) ** (0.5 * light)
    gain = np.clip(level * tint * np.exp(rng.normal(0, 0.12)), 0.3, 1.9)
    contrast = float(np.exp(rng.normal(0, 0.12)))
    values = np.arange(256, dtype=np.float64)[:, None] / 255
    middle = float(piece.skin_rgb.mean()) / 255
    curve = ((values - middle) * contrast + middle) * gain
    curve = np.where(curve > 0.85, 0.85 + 0.15 * np.tanh((curve - 0.85) / 0.15), curve)
    return np.asarray(np.clip(curve * 255, 0, 255), np.uint8)


def _warped(
    piece: Piece, matrix: NDArray[np.float64], size_wh: tuple[int, int]
) -> tuple[NDArray[np.uint8], tuple[slice, slice]] | None:
    """The piece's RGB and alpha where it falls on the scene, reduced without jaggies."""
    import cv2

    height, width = piece.levels[0].shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    placed = _moved(corners, matrix)
    left, top = np.maximum(np.floor(placed.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(placed.max(axis=0)).astype(int) + 1, size_wh)
    if right - left < 1 or bottom - top < 1:
        return None
    factor = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    depth = int(np.clip(np.round(-np.log2(max(factor, 1e-6)) - 0.2), 0, len(piece.levels) - 1))
    level = piece.levels[depth]
    # Pixel centres lie at a half; a level's pixels may be a little wider than 2**depth.
    grow = np.array([width / level.shape[1], height / level.shape[0]])
    inner = matrix[:, :2] * grow
    shift = matrix[:, 2] - (left, top) + inner @ np.array([0.5, 0.5]) - 0.5
    warp = np.hstack([inner, shift[:, None]])
    size = int(right - left), int(bottom - top)
    drawn = cv2.warpAffine(level, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(drawn, np.uint8), (slice(int(top), int(bottom)), slice(int(left), int(right)))


def _paste(
    rng: np.random.Generator,
    painting: _Painting,
    piece: Piece,
    matrix: NDArray[np.float64],
    tone: NDArray[np.uint8],
    number: int,
    focus: float,
) -> None:
    import cv2

    warped = _warped(piece, matrix, (painting.image.shape[1], painting.image.shape[0]))
    if warped is None:
        return
    drawn, where = warped
    colour, alpha = drawn[..., :3], drawn[..., 3]
    if focus > 0.3:
        sigma = focus * float(rng.uniform(0.5, 1.2))
        colour, alpha = (np.asarray(cv2.GaussianBlur(part, (0, 0), sigma), np.uint8) for part in (colour, alpha))
    toned = cv2.LUT(np.ascontiguousarray(colour), tone[None])
    weight = alpha.astype(np.float32)[..., None] / 255
    view = painting.image[where]
    view[:] = (view * (1 - weight) + toned * weight + 0.5).astype(np.uint8)
    painting.owner[where][alpha > 127] = number


# ---------------------------------------------------------------- photographs as they are


def _photo(rng: np.random.Generator, painting: _Painting, pool: Pool) -> None:
    """One picture fills the scene, or hangs in it."""
    height, width = painting.image.shape[:2]
    piece = _pick(rng, pool, _masked_share(rng))
    rows, columns = piece.photo.shape[:2]
    box = annotated_box(piece.people[0].landmarks.astype(np.float64), piece.people[0].label)
    share = float(np.exp(rng.uniform(np.log(0.1), np.log(0.6))))
    factor = share * max(width, height) / max(box.width, box.height)
    cover = max(width / columns, height / rows)
    if rng.random() < 0.8 and cover * max(box.width, box.height) < MAX_SHARE * max(width, height):
        factor = max(factor, cover)
    wide, tall = columns * factor, rows * factor
    x, y = box.center_xy
    left = width * float(rng.normal(0.5, 0.15)) - x * factor
    top = height * float(rng.normal(0.45, 0.12)) - y * factor
    if wide >= width and tall >= height:
        left, top = min(max(left, width - wide), 0.0), min(max(top, height - tall), 0.0)
    _hang(rng, painting, piece, Box(left, top, left + wide, top + tall), painting.frame)


def _mosaic(rng: np.random.Generator, painting: _Painting, pool: Pool) -> None:
    """Pictures side by side, as on a contact sheet or a call's screen."""
    height, width = painting.image.shape[:2]
    tile = max(width, height) / float(np.exp(rng.uniform(np.log(1.8), np.log(7))))
    columns, rows = max(1, round(width / tile)), max(1, round(height / tile))
    gap, masked = float(rng.integers(0, 6)), _masked_share(rng)
    for row in range(rows):
        for column in range(columns):
            if rng.random() < 0.08:
                continue
            cell = Box(
                column * width / columns,
                row * height / rows,
                (column + 1) * width / columns - gap,
                (row + 1) * height / rows - gap,
            )
            piece = _pick(rng, pool, masked)
            tall, wide = piece.photo.shape[:2]
            factor = max(cell.width / wide, cell.height / tall) * float(rng.uniform(1, 1.5))
            left = cell.left - float(rng.uniform(0, 1)) * (wide * factor - cell.width)
            top = cell.top - float(rng.uniform(0, 0.7)) * (tall * factor - cell.height)
            _hang(rng, painting, piece, Box(left, top, left + wide * factor, top + tall * factor), cell)


def _hang(rng: np.random.Generator, painting: _Painting, piece: Piece, frame: Box, cell: Box) -> None:
    """Put the whole picture into ``frame``, as far as it lies in ``cell``."""
    import cv2

    width, height = painting.image.shape[1], painting.image.shape[0]
    shown = Box(
        max(frame.left, cell.left, 0),
        max(frame.top, cell.top, 0),
        max(min(frame.right, cell.right, width), cell.left, 0),
        max(min(frame.bottom, cell.bottom, height), cell.top, 0),
    )
    left, top, right, bottom = (round(v) for v in shown.xyxy)
    if right - left < 2 or bottom - top < 2:
        return
    flip = bool(rng.random() < 0.5)
    factor = frame.width / piece.photo.shape[1]
    matrix = np.array([[factor, 0, frame.left], [0, frame.height / piece.photo.shape[0], frame.top]])
    if flip:
        matrix[0] = [-factor, 0, frame.right]
    warped = _warped(piece, matrix, (width, height))
    if warped is None:
        return
    drawn, (down, across) = warped
    tone = np.clip(np.arange(256)[:, None] * np.exp(rng.normal(0, 0.12)) * np.ones(3), 0, 255).astype(np.uint8)
    rows, columns = slice(top - down.start, bottom - down.start), slice(left - across.start, right - across.start)
    part = np.ascontiguousarray(drawn[rows, columns, :3])
    rows, columns = slice(top, top + part.shape[0]), slice(left, left + part.shape[1])
    painting.image[rows, columns] = cv2.LUT(part, tone[None])
    painting.owner[rows, columns] = 0
    for person in piece.people:
        landmarks = _moved(person.landmarks, matrix)
        number = len(painting.faces) + 1
        painting.faces.append(_Painted(number, person.label, landmarks, flip, shown))
        # Of faces in one photograph nobody knows who hides whom: each has the pixels of its own box.
        box = annotated_box(landmarks, person.label)
        x0, y0 = max(round(box.left), left), max(round(box.top), top)
        x1, y1 = min(round(box.right), right), min(round(box.bottom), bottom)
        if x1 > x0 and y1 > y0:
            painting.owner[y0:y1, x0:x1] = number


# ---------------------------------------------------------------- what is known, and the camera


def _seen(painting: _Painting) -> Callable[[_Painted], SceneFace | None]:
    """How to turn what was painted into what is to be seen."""
    height, width = painting.owner.shape

    def seen(face: _Painted) -> SceneFace | None:
        box = annotated_box(face.landmarks, face.label)
        # A face is an ellipse in its box; the corners belong to the background.
        x, y = box.center_xy
        left, top = max(0, int(box.left)), max(0, int(box.top))
        right, bottom = min(width, int(np.ceil(box.right))), min(height, int(np.ceil(box.bottom)))
        if right <= left or bottom <= top or box.area <= 0:
            return None
        dx = (np.arange(left, right) + 0.5 - x) / (box.width / 2 * 0.9)
        dy = (np.arange(top, bottom) + 0.5 - y) / (box.height / 2 * 0.9)
        inside = dx[None] ** 2 + dy[:, None] ** 2 <= 1
        area = 0.81 * np.pi / 4 * box.area
        own = inside & (painting.owner[top:bottom, left:right] == face.number)
        visible = float(own.sum()) / max(area, 1.0)
        if visible < 0.03:
            return None
        cell = face.cell
        clipped = Box(
            min(max(box.left, cell.left), cell.right),
            min(max(box.top, cell.top), cell.bottom),
            min(max(box.right, cell.left), cell.right),
            min(max(box.bottom, cell.top), cell.bottom),
        )
        points = five_points(face.landmarks, mirrored=face.mirrored)
        below = float(own[max(0, round(y) - top) :].sum()) / max(area / 2, 1.0)
        return SceneFace(face.label, clipped, points, min(1.0, visible), below)

    return seen


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
