# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""A scarf wound round the neck and pulled over mouth or nose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing import cloth
from maskgen.drawing.board import Board, FaceFrame, Params, curve
from maskgen.occluders.base import Occluder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace, Points


def draw_params(rng: np.random.Generator) -> Params:
    """Cloth, how high, how many turns."""
    return {
        "cloth": cloth.draw_cloth(rng, 0.45, weaves=("plain", "knit", "ribbed", "fleece", "coarse", "knit")),
        "level": round(float(rng.choice([rng.uniform(0.08, 0.35), rng.uniform(0.3, 0.62)])), 3),
        "lift": round(float(rng.uniform(0.0, 0.07)), 3),
        "lean": round(float(rng.normal(0, 0.05)), 3),
        "turns": int(rng.integers(2, 5)),
        "bulk": round(float(rng.uniform(0.06, 0.14)), 3),
        "band": round(float(rng.uniform(0.22, 0.38)), 3),
        "sag": round(float(rng.uniform(0.05, 0.2)), 3),
        "wide": round(float(rng.uniform(0.03, 0.16)), 3),
        "tail": bool(rng.random() < 0.35),
        "side": int(rng.choice([-1, 1])),
        "upper_last": bool(rng.random() < 0.6),
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the turns of the scarf, each a soft roll of cloth."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-1.3, -0.7, 1.3, 1.7), frame_wh)
    marks = frame.to_face(face.landmarks)
    rng = np.random.default_rng(params["seed"])
    top = cloth.over_face(marks, params["level"], params["lift"])
    left, right = top[0], top[-1]
    wide, lean = params["wide"], params["lean"]
    # Beside the head the cloth goes back and a little down.
    top = np.vstack(
        [
            left + (-wide - 0.02, 0.1 + lean),
            left + (-wide * 0.6, 0.02 + lean * 0.6),
            top[2:-2],
            right + (wide * 0.6, 0.02 - lean * 0.6),
            right + (wide + 0.02, 0.1 - lean),
        ]
    )
    top = cloth.ragged(curve(top, 64), rng, 0.008)
    chin = float(marks[8, 1])
    turns, sag = params["turns"], params["sag"]
    start = float(top[:, 1].mean())
    reach = max(chin + 0.55, start + 0.7) - start
    lines = [top]
    for k in range(1, turns + 1):
        t = k / turns
        half = (right[0] - left[0]) / 2 + wide + 0.03 + 0.3 * t**1.5 + rng.normal(0, 0.02)
        centre = (left[0] + right[0]) / 2 + rng.normal(0, 0.02)
        x = np.linspace(-1, 1, 64)
        tilt = rng.normal(0, 0.05) * x
        drop = reach + 0.4 if k == turns else params["band"] * k + rng.normal(0, 0.03)
        y = start + drop + sag * (1 - x**2) + tilt
        lines.append(cloth.ragged(np.stack([centre + x * half, y], 1), rng, 0.012))
    order = range(turns - 1, -1, -1) if params["upper_last"] else range(turns)
    for k in order:
        upper, lower = lines[k], lines[k + 1] + (0, 0.06)
        _roll(board, params, k, upper if k == 0 else upper - (0, 0.05), lower)
    if params["tail"]:
        x, y = params["side"] * 0.28, chin + 0.28
        lines = [np.array([(x - 0.17, y), (x + 0.17, y)]), np.array([(x - 0.22, 2.2), (x + 0.2, 2.2)])]
        _roll(board, params, 9, lines[0], lines[1], hanging=True)
    return board.layer(follows_face=True, shadow=0.7, lift=0.03 * frame.unit)


def _roll(board: Board, params: Params, k: int, upper: Points, lower: Points, hanging: bool = False) -> None:
    """One turn: a padded band with folds along it."""
    outline = np.vstack([upper, lower[::-1]])
    part = board.around(outline, pad=0.12)
    if part.alpha.size <= 1:
        return
    coverage = part.fill(curve(outline[::3], 96, closed=True) if len(outline) > 20 else outline)
    v, gap = cloth.between(part, upper, lower)
    bulk = params["bulk"]
    inner = np.clip(4 * v * (1 - v), 0, 1)
    form = np.sqrt(inner) * np.float32(bulk)
    edge = np.exp(-np.square(v / np.float32(0.1))) + np.exp(-np.square((1 - v) / np.float32(0.16)))
    # Folds run along the band, and climb with it towards the sides.
    half = float(np.ptp(upper[:, 0])) / 2
    slope = np.clip((part.x - upper[:, 0].mean()) / max(half, 1e-3), -1, 1)
    depth = bulk * 0.22 * params["cloth"]["folds"]
    seed = params["seed"] + 31 * k
    if hanging:
        form = form * 0.4 + cloth.folds(part, seed, 0.09, 4, 90, depth)
    else:
        lean = cloth.folds(part, seed, 0.075, 4.5, -14, depth)
        other = cloth.folds(part, seed + 1, 0.075, 4.5, 14, depth)
        # The two ways meet along no straight line.
        meet = slope * np.float32(1.3) + part.noise(seed + 2, 0.3) * np.float32(0.25) + np.float32(0.5)
        blend = np.clip(meet, 0, 1)
        form = form + lean * blend + other * (1 - blend)
    u = np.broadcast_to(part.x + np.float32(k * 0.37 + 1.9), part.shape)
    along_v = v * np.clip(gap, 0.15, 0.6) + np.float32(k * 0.29)
    if hanging:
        u, along_v = along_v, np.asarray(u)
    cloth.drape(part, params["cloth"], coverage, np.asarray(u), along_v, form)
    # A roll turns away from the light at its rims.
    part.tint(1 - np.float32(0.16) * np.clip(edge, 0, 1) * coverage)


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=0.5, family="scarf")
