"""Paints a crowd: heads on bodies, back to front, in the light of their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskgen.scenes import clothes, layout
from maskgen.scenes.boxes import annotated_box
from maskgen.scenes.cutout import head_of
from maskgen.scenes.painting import Painted, Painting
from maskgen.scenes.placing import Pool, masked_share, moved, pick_alone, placing, warp
from maskgen.types import RGB

if TYPE_CHECKING:
    from maskgen.scenes.pieces import Piece


def crowd(rng: np.random.Generator, painting: Painting, pool: Pool, cloths: Sequence[RGB]) -> None:
    masked, light = masked_share(rng), float(rng.uniform(0.15, 0.7))
    focus = float(rng.uniform(0, 1.2)) if rng.random() < 0.3 else 0.0
    for stand in layout.crowd(rng, (painting.image.shape[1], painting.image.shape[0])):
        if stand.away:
            look_away(rng, painting, stand, cloths)
            continue
        piece = pick_alone(rng, pool, masked)
        if piece is not None:
            person(rng, painting, stand, piece, cloths, light, focus)


def look_away(rng: np.random.Generator, painting: Painting, stand: layout.Stand, cloths: Sequence[RGB]) -> None:
    body = clothes.Body((stand.x, stand.y + 0.65 * stand.width), stand.width, 1.3 * stand.width)
    coat, legs = (cloths[int(rng.integers(len(cloths)))] for _ in range(2))
    clothes.from_behind(painting, body, coat, legs, rng)


def person(
    rng: np.random.Generator,
    painting: Painting,
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
    matrix = placing(box.center_xy, factor, stand.roll_deg, (stand.x, stand.y), flip)
    landmarks = moved(person.landmarks, matrix)
    head = head_of(landmarks)
    number = len(painting.faces) + 1
    painting.faces.append(Painted(number, person.label, landmarks, flip, painting.frame))
    coat, legs = (cloths[int(rng.integers(len(cloths)))] for _ in range(2))
    if piece.cloth_rgb is not None and piece.below > 0.9 and rng.random() < 0.8:
        coat = np.clip(coat * 0.25 + piece.cloth_rgb * 0.75, 0, 255).astype(np.uint8)
    tone = _tone_curve(rng, painting, stand, piece, light)
    upright = clothes.Body((float(landmarks[8, 0]), float(landmarks[8, 1])), head.width, 1.35 * head.height)
    skin = tone[np.clip(piece.skin_rgb, 0, 255).astype(int), [0, 1, 2]].astype(np.float32)
    outfit = clothes.Outfit(coat, legs, skin)
    # What lies behind the head: shoulders where the picture shows them, else only a neck.
    shown = piece.below / 1.35
    before = shown < 0.45
    if not before:
        clothes.dress(painting, upright, outfit, number, rng, neck=max(0.3, shown - 0.55), bare_neck=False)
    else:
        clothes.dress(painting, upright, outfit, number, rng, neck=max(0.1, shown - 0.1))
    if piece.crown < 0.75 and rng.random() < 0.8:
        clothes.hair(painting.image, painting.owner, head, number, rng)
    _paste(rng, painting, piece, matrix, tone, number, focus)
    if before and rng.random() < 0.7:
        # A collar before the neck hides where a tight picture ends.
        collar = replace(upright, height=upright.height)
        neck = float(np.clip(shown - 0.08, 0.04, 0.3))
        clothes.dress(painting, collar, outfit, 0, rng, neck=neck, bare_neck=False)


def _tone_curve(
    rng: np.random.Generator, painting: Painting, stand: layout.Stand, piece: Piece, light: float
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


def _paste(
    rng: np.random.Generator,
    painting: Painting,
    piece: Piece,
    matrix: NDArray[np.float64],
    tone: NDArray[np.uint8],
    number: int,
    focus: float,
) -> None:
    import cv2

    warped = warp(piece, matrix, (painting.image.shape[1], painting.image.shape[0]))
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
