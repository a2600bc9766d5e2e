"""Hangs photographs in a scene as they are: one that fills it, or many side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.scenes.boxes import annotated_box
from maskgen.scenes.painting import Painted, Painting
from maskgen.scenes.placing import Pool, masked_share, moved, pick, warp
from maskgen.types import Box

if TYPE_CHECKING:
    from maskgen.scenes.pieces import Piece

MAX_SHARE: Final = 0.7
"""No face is larger, as a share of the scene's longer side."""


def photograph(rng: np.random.Generator, painting: Painting, pool: Pool) -> None:
    """One picture fills the scene, or hangs in it."""
    height, width = painting.image.shape[:2]
    piece = pick(rng, pool, masked_share(rng))
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
    hang(rng, painting, piece, Box(left, top, left + wide, top + tall), painting.frame)


def mosaic(rng: np.random.Generator, painting: Painting, pool: Pool) -> None:
    """Pictures side by side, as on a contact sheet or a call's screen."""
    height, width = painting.image.shape[:2]
    tile = max(width, height) / float(np.exp(rng.uniform(np.log(1.8), np.log(7))))
    columns, rows = max(1, round(width / tile)), max(1, round(height / tile))
    gap, masked = float(rng.integers(0, 6)), masked_share(rng)
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
            piece = pick(rng, pool, masked)
            tall, wide = piece.photo.shape[:2]
            factor = max(cell.width / wide, cell.height / tall) * float(rng.uniform(1, 1.5))
            left = cell.left - float(rng.uniform(0, 1)) * (wide * factor - cell.width)
            top = cell.top - float(rng.uniform(0, 0.7)) * (tall * factor - cell.height)
            hang(rng, painting, piece, Box(left, top, left + wide * factor, top + tall * factor), cell)


def hang(rng: np.random.Generator, painting: Painting, piece: Piece, frame: Box, cell: Box) -> None:
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
    warped = warp(piece, matrix, (width, height))
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
        landmarks = moved(person.landmarks, matrix)
        number = len(painting.faces) + 1
        painting.faces.append(Painted(number, person.label, landmarks, flip, shown))
        # Of faces in one photograph nobody knows who hides whom: each has the pixels of its own box.
        box = annotated_box(landmarks, person.label)
        x0, y0 = max(round(box.left), left), max(round(box.top), top)
        x1, y1 = min(round(box.right), right), min(round(box.bottom), bottom)
        if x1 > x0 and y1 > y0:
            painting.owner[y0:y1, x0:x1] = number
