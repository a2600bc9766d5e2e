"""A hood round the head, face open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing import cloth
from maskgen.drawing.board import Board, FaceFrame, Params, curve
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace, Points


def draw_params(rng: np.random.Generator) -> Params:
    """Cloth, opening, fur or not."""
    return {
        "cloth": cloth.draw_cloth(rng, 0.15, ("camouflage", "heather", "checks"), ("plain", "fleece", "coarse")),
        "open": round(float(rng.uniform(0.0, 0.13)), 3),
        "brow": round(float(rng.uniform(-0.02, 0.22)), 3),
        "thick": round(float(rng.uniform(0.3, 0.5)), 3),
        "fur": bool(rng.random() < 0.25),
        "fur_rgb": [
            round(float(v), 3)
            for v in ((0.55, 0.45, 0.34), (0.8, 0.78, 0.74), (0.2, 0.18, 0.17), (0.4, 0.33, 0.26))[rng.integers(4)]
        ],
        "cords": bool(rng.random() < 0.6),
        "lean": round(float(rng.normal(0, 0.03)), 3),
        "seed": int(rng.integers(2**31)),
    }


def opening(marks: Points, gap: float, brow: float, lean: float, below: float) -> Points:
    """The edge of the cloth round a face, from the brow clockwise; (72, 2) face widths."""
    top = float(marks[17:27, 1].mean()) - 0.18 - brow
    left, right = marks[0, 0] - gap, marks[16, 0] + gap
    middle = (left + right) / 2
    chin = float(marks[8, 1])
    return curve(
        [
            (middle + lean, top - 0.08),
            (middle + (right - middle) * 0.7 + lean, top + 0.06),
            (right + lean * 0.5, marks[16, 1] - 0.05),
            (marks[13, 0] * 0.5 + right * 0.5, marks[13, 1]),
            (marks[11, 0] + gap * 0.6, marks[11, 1] + 0.06),
            (marks[8, 0] * 0.5 + middle * 0.5, chin + below),
            (marks[5, 0] - gap * 0.6, marks[5, 1] + 0.06),
            (marks[3, 0] * 0.5 + left * 0.5, marks[3, 1]),
            (left + lean * 0.5, marks[0, 1] - 0.05),
            (middle + (left - middle) * 0.7 + lean, top + 0.06),
        ],
        72,
        closed=True,
    )


def ring(board: Board, inner: Points, thick: float, drop: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage of cloth round an opening down to the shoulders, and its distance from the edge."""
    import cv2

    centre = inner.mean(0)
    grown = centre + (inner - centre) * (1 + thick / 0.5, 1 + thick / 0.62)
    left, right = (_fall(grown, side, drop) for side in (-1, 1))
    body = np.vstack([left, right[::-1]])
    outside = np.maximum(board.fill(grown), board.fill(body))
    hole = board.fill(inner)
    away = cv2.distanceTransform((hole < 0.5).astype(np.uint8), cv2.DIST_L2, 3) * np.float32(1 / board.px)
    return outside * (1 - hole), np.asarray(away, np.float32)


def _fall(outline: Points, side: int, drop: float) -> Points:
    """Where the cloth falls from its outline beside the cheek over the neck to the shoulder: no step, no corner."""
    middle = outline[:, 0].mean()
    half = outline[(outline[:, 0] - middle) * side > 0]
    half = half[np.argsort(half[:, 1])]
    cheek, jaw = (float(np.interp(y, half[:, 1], half[:, 0])) for y in (0.0, 0.2))
    neck = middle + 0.92 * (jaw - middle)
    return curve(
        [
            (cheek, 0.0),
            (jaw, 0.2),
            (neck, 0.5),
            (neck + side * 0.16, 0.74),
            (side * 1.3, 1.0 + drop),
            (side * 1.5, 2.2),
        ],
        36,
    )


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the hood: a thick rim, folds that run along it."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-1.4, -1.6, 1.4, 1.6), frame_wh)
    inner = opening(marks, params["open"], params["brow"], params["lean"], 0.16)
    rng = np.random.default_rng(params["seed"])
    wobble = np.convolve(np.tile(rng.normal(0, 0.02, 72), 3), np.hanning(9) / 4, "same")[72:144]
    centre = inner.mean(0)
    inner = centre + (inner - centre) * (1 + wobble[:, None])
    # The lining in the hood's own shade, between its rim and the head.
    dark = np.asarray(params["cloth"]["rgb"], np.float32) / 255 * 0.3
    lining, _ = ring(board, opening(marks, 0.0, max(params["brow"] - 0.06, -0.02), params["lean"], 0.1), 0.2, 0.0)
    soft = board.blur(lining, 0.012)
    board.lay(np.asarray(soft * lining), dark, -0.05)
    coverage, away = ring(board, inner, params["thick"], 0.0)
    angle = np.arctan2(board.y - np.float32(centre[1]), board.x - np.float32(centre[0]))
    form = np.float32(0.1) * np.sqrt(np.clip(away / np.float32(0.09), 0, 1)) - np.clip(
        away - np.float32(0.2), 0, 1
    ) * np.float32(0.35)
    waves = board.noise(params["seed"] + 1, 0.13) * np.float32(0.8)
    form = form + np.cos(angle * 7 + waves * 2 + away * 8) * np.float32(0.014 * params["cloth"]["folds"]) * np.clip(
        away * 6, 0, 1
    )
    form = form + cloth.folds(board, params["seed"] + 2, 0.12, 3, 75, 0.012 * params["cloth"]["folds"])
    u = np.asarray(angle * np.float32(0.6) + np.float32(4), np.float32)
    cloth.drape(board, params["cloth"], coverage, u, away, np.asarray(form, np.float32))
    seam = np.exp(-np.square((away - np.float32(0.055)) / np.float32(0.006))) * coverage
    board.tint(1 - np.float32(0.28) * seam)
    if params["fur"]:
        _fur(board, params, inner, rng)
    elif params["cords"]:
        for side in (-1, 1):
            x = float(marks[8, 0]) + side * 0.2
            cord = curve(
                [(x, marks[8, 1] + 0.14), (x + side * 0.02, marks[8, 1] + 0.4), (x - side * 0.02, marks[8, 1] + 0.85)],
                16,
            )
            line = board.lines([cord], 0.026)
            board.cast(line, 0.01, 0.4, (0.008, 0.012))
            board.lay(line, np.clip(np.asarray(params["cloth"]["rgb"], np.float32) / 255 * 0.7 + 0.18, 0, 1), 0.05)
    return board.layer(follows_face=False, shadow=0.8, lift=0.04 * frame.unit)


def _fur(board: Board, params: Params, inner: Points, rng: np.random.Generator) -> None:
    """A fringe of fur on the rim."""
    from maskgen.drawing import hair

    at = rng.integers(0, len(inner), 700)
    centre = inner.mean(0)
    way = inner[at] - centre
    way = way / np.hypot(way[:, 0], way[:, 1])[:, None]
    turn = rng.normal(0, 0.6, 700)
    way = np.stack(
        [way[:, 0] * np.cos(turn) - way[:, 1] * np.sin(turn), way[:, 0] * np.sin(turn) + way[:, 1] * np.cos(turn)], 1
    )
    start = inner[at] + rng.normal(0, 0.02, (700, 2))
    t = np.linspace(-0.35, 1, 4)[None, :, None]
    paths = start[:, None] + way[:, None] * t * rng.uniform(0.08, 0.2, (700, 1, 1))
    paths[..., 1] += np.square(t[..., 0]) * 0.03
    coverage, colour = hair.strands(board, paths, params["fur_rgb"], rng, 0.008)
    board.lay(coverage, colour, board.blur(coverage, 0.04) * np.float32(0.1) + np.float32(0.05))


OCCLUDER: Final = Occluder("accessory", draw_params, layer, weight=1.0, family="headgear")
