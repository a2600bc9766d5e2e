"""Places pieces in a scene: which one, where its pixels and its points come to lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskgen.types import Label, Points

if TYPE_CHECKING:
    from maskgen.scenes.pieces import Piece

Pool = Mapping[Label, Sequence["Piece"]]


def pick(rng: np.random.Generator, pool: Pool, masked: float) -> Piece:
    """A piece, masked with this probability; one incorrectly worn mask in ten."""
    labels: list[Label] = [label for label in pool if pool[label]]
    share = {"with_mask": masked * 0.92, "incorrect_mask": 0.08, "without_mask": (1 - masked) * 0.92}
    weights = np.array([share[label] for label in labels]) + 1e-9
    pieces = pool[labels[int(rng.choice(len(labels), p=weights / weights.sum()))]]
    return pieces[int(rng.integers(len(pieces)))]


def pick_alone(rng: np.random.Generator, pool: Pool, masked: float) -> Piece | None:
    """A piece that shows one person."""
    for _ in range(6):
        piece = pick(rng, pool, masked)
        if piece.alone:
            return piece
    return None


def masked_share(rng: np.random.Generator) -> float:
    """Everybody in some scenes, nobody in others."""
    return float(rng.beta(1.0, 0.7))


def placing(
    centre_xy: tuple[float, float], factor: float, roll_deg: float, at_xy: tuple[float, float], flip: bool
) -> NDArray[np.float64]:
    """(2, 3): from a piece's first level to the scene."""
    turn = np.radians(roll_deg)
    rotate = factor * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    if flip:
        rotate = rotate @ np.diag([-1.0, 1.0])
    return np.hstack([rotate, (np.array(at_xy) - rotate @ np.array(centre_xy))[:, None]])


def moved(landmarks: NDArray[Any], matrix: NDArray[np.float64]) -> Points:
    return np.asarray(landmarks.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2], np.float64)


def warp(
    piece: Piece, matrix: NDArray[np.float64], size_wh: tuple[int, int]
) -> tuple[NDArray[np.uint8], tuple[slice, slice]] | None:
    """The piece's RGB and alpha where it falls on the scene, reduced without jaggies."""
    import cv2

    height, width = piece.levels[0].shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    placed = moved(corners, matrix)
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
    onto = np.hstack([inner, shift[:, None]])
    size = int(right - left), int(bottom - top)
    drawn = cv2.warpAffine(level, onto, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(drawn, np.uint8), (slice(int(top), int(bottom)), slice(int(left), int(right)))
