"""Draws bodies under heads, and people from behind: what stands in a crowd and is no face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.drawing import palette, patterns
from maskgen.scenes.cutout import Head
from maskgen.scenes.painting import Painting

Canvas = NDArray[np.uint8]

CLOTH_SIDE: Final = 96
_HAIR: Final = ((22, 18, 16), (35, 26, 20), (60, 42, 28), (95, 70, 45), (120, 118, 116), (28, 30, 40))


@dataclass(frozen=True, slots=True)
class Body:
    """Where a body hangs: all in the scene's pixels.

    Attributes:
        chin_xy: the chin.
        width: of the face.
        height: of the face, chin to hairline.
    """

    chin_xy: tuple[float, float]
    width: float
    height: float


def draw_cloths(rng: np.random.Generator, count: int) -> list[Canvas]:
    """Pieces of cloth with folds: half of them dark or grey, as streets are."""
    import cv2

    cloths = []
    names = list(palette.PALETTE)
    for _ in range(count):
        if rng.random() < 0.5:
            base = tuple(int(v) for v in np.clip(rng.gamma(2.0, 22) + rng.normal(0, 6, 3), 4, 250))
        else:
            base = palette.jitter(rng, palette.PALETTE[names[rng.integers(len(names))]])
        rgb = (int(base[0]), int(base[1]), int(base[2]))
        cloth: Any = np.full((CLOTH_SIDE, CLOTH_SIDE, 3), np.array(rgb, np.float32) / 255)
        if rng.random() < 0.3:
            name = str(rng.choice(patterns.NAMES))
            cloth = patterns.render(name, int(rng.integers(2**31)), (CLOTH_SIDE, CLOTH_SIDE), rgb)
        folds: Any = rng.normal(0, 1, (5, 9)).astype(np.float32)
        folds = cv2.resize(folds, (CLOTH_SIDE, CLOTH_SIDE), interpolation=cv2.INTER_CUBIC)
        cloth = cloth * (1 + 0.16 * folds[..., None]) + rng.normal(0, 0.015, (CLOTH_SIDE, CLOTH_SIDE, 1))
        cloths.append(np.clip(cloth * 255, 0, 255).astype(np.uint8))
    return cloths


def _paint(
    scene: Canvas, owner: NDArray[np.int16], shape: list[tuple[float, float]], cloth: Canvas, number: int
) -> None:
    """Fill a polygon with cloth, softly shaded from side to side."""
    import cv2

    points = np.array(shape)
    left, top = np.floor(points.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + 1
    left, top = max(int(left), 0), max(int(top), 0)
    right, bottom = min(int(right), scene.shape[1]), min(int(bottom), scene.shape[0])
    if right - left < 1 or bottom - top < 1:
        return
    alpha = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(alpha, [np.round((points - (left, top)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    fabric = cv2.resize(cloth, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    shade = 1 - 0.35 * np.abs(np.linspace(-1, 1, right - left, dtype=np.float32)) ** 2.5
    weight = alpha.astype(np.float32)[..., None] / 255
    view = scene[top:bottom, left:right]
    view[:] = np.clip(view * (1 - weight) + fabric * (weight * shade[None, :, None]), 0, 255).astype(np.uint8)
    owner[top:bottom, left:right][alpha > 127] = number


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a person is painted with: cloth of coat and trousers, the skin's mean colour."""

    coat: Canvas
    legs: Canvas
    skin_rgb: NDArray[np.float32]


def dress(
    painting: Painting,
    body: Body,
    outfit: Outfit,
    number: int,
    rng: np.random.Generator,
    *,
    neck: float,
    bare_neck: bool = True,
) -> None:
    """Draw a neck, shoulders, a trunk, arms and legs below a chin.

    Args:
        painting: the scene, painted over; ``number`` is written as owner.
        body: where.
        outfit: in what.
        number: of this person.
        rng: decides the cut.
        neck: how many face heights below the chin the collar begins.
        bare_neck: whether a neck is drawn first.
    """
    scene, owner = painting.image, painting.owner
    x, y = body.chin_xy
    w, h = body.width, body.height
    if bare_neck:
        dark = np.clip(outfit.skin_rgb * 0.72, 0, 255).astype(np.uint8)
        skin = np.broadcast_to(dark, (4, 4, 3)).copy()
        spread = 0.3 * w
        top, low = y - 0.15 * h, y + (neck + 0.3) * h
        _paint(scene, owner, [(x - spread, top), (x + spread, top), (x + spread, low), (x - spread, low)], skin, number)
    broad = w * rng.uniform(1.0, 1.5)
    slope = h * rng.uniform(0.12, 0.38)
    top = y + neck * h
    hip = top + h * rng.uniform(2.0, 3.2)
    if hip < scene.shape[0]:
        _walk(painting, body, hip, outfit.legs, number, rng)
    hollow = h * rng.uniform(0.05, 0.3)
    throat = w * rng.uniform(0.28, 0.45)
    outline = [
        (x - throat, top),
        (x, top + hollow),
        (x + throat, top),
        (x + 0.8 * broad, top + 0.6 * slope),
        (x + broad, top + slope + 0.25 * h),
        (x + broad * rng.uniform(1.0, 1.2), hip),
        (x - broad * rng.uniform(1.0, 1.2), hip),
        (x - broad, top + slope + 0.25 * h),
        (x - 0.8 * broad, top + 0.6 * slope),
    ]
    _paint(scene, owner, outline, outfit.coat, number)


def _walk(painting: Painting, body: Body, hip: float, cloth: Canvas, number: int, rng: np.random.Generator) -> None:
    """Draw two legs below a hip."""
    x, w, h = body.chin_xy[0], body.width, body.height
    foot = hip + h * rng.uniform(2.2, 3.2)
    gap, leg = w * rng.uniform(0.05, 0.3), w * rng.uniform(0.7, 0.95)
    for side in (-1, 1):
        inner = x + side * gap / 2
        sole = inner + side * (leg - w * 0.2)
        outline = [(inner, hip - 2), (x + side * leg, hip - 2), (sole, foot), (inner, foot)]
        _paint(painting.image, painting.owner, outline, cloth, number)


def from_behind(painting: Painting, body: Body, coat: Canvas, legs: Canvas, rng: np.random.Generator) -> None:
    """A person who looks away: a body and a head of hair, no face."""
    dress(painting, body, Outfit(coat, legs, np.array([120, 95, 80], np.float32)), 0, rng, neck=0.1)
    x, y = body.chin_xy
    tuft = _tuft(rng)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wide, tall = body.width * rng.uniform(0.55, 0.68), body.height * rng.uniform(0.6, 0.75)
    middle = y - 0.55 * body.height
    if rng.random() < 0.3:  # long hair
        tall *= 1.35
    _paint(painting.image, painting.owner, [(x + wide * np.cos(t), middle + tall * np.sin(t)) for t in turn], tuft, 0)


def hair(scene: Canvas, owner: NDArray[np.int16], head: Head, number: int, rng: np.random.Generator) -> None:
    """Hair behind a face whose picture ends at the forehead."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wide, tall = rng.uniform(0.52, 0.66), rng.uniform(0.85, 1.1)
    middle = 0.75 if rng.random() < 0.7 else 0.5
    shape = [head.at(middle + tall * float(np.sin(t)), wide * float(np.cos(t))) for t in turn]
    _paint(scene, owner, shape, _tuft(rng), number)


def _tuft(rng: np.random.Generator) -> Canvas:
    """Hair as cloth: one colour, strands downwards."""
    import cv2

    colour = np.array(_HAIR[rng.integers(len(_HAIR))]) * rng.uniform(0.7, 1.5)
    grain: Any = rng.normal(0, 1, (6, 24, 1)).astype(np.float32)
    tuft = np.clip(colour * (1 + 0.25 * grain), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(tuft, (64, 64), interpolation=cv2.INTER_CUBIC), np.uint8)
