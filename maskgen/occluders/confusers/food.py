# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""Things eaten out of the hand, at the mouth."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from maskgen.drawing.board import CM, Board, FaceFrame, Params, curve, ellipse
from maskgen.occluders.base import Occluder
from maskgen.occluders.hands import grip

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace

_Cook: TypeAlias = Callable[[Board, Params, np.random.Generator], None]


def draw_params(rng: np.random.Generator) -> Params:
    """What is eaten, where, and the hand or hands that hold it."""
    kind = str(rng.choice(list(_COOKS)))
    side = int(rng.choice([-1, 1]))
    at = [float(rng.normal(0.02, 0.04)) * side, float(rng.normal(0.17, 0.05))]
    angle = float(rng.normal(0, 12))
    down = {"ice_cream": 0.52, "banana": 0.42, "slice": 0.16, "sandwich": 0.12, "burger": 0.1}.get(kind, 0.1)
    out = {"ice_cream": 0.06, "banana": 0.08, "apple": 0.16}.get(kind, 0.3)
    bend = 34 if kind in ("ice_cream", "banana") else 24
    params: Params = {
        "kind": kind,
        "at": [round(v, 4) for v in at],
        "angle_deg": round(angle, 2),
        "scale": round(float(rng.normal(1.1, 0.12)), 3),
        "side": side,
        "tint": [round(float(v), 4) for v in np.exp(rng.normal(0, 0.07, 3))],
        "pick": int(rng.integers(4)),
        "seed": int(rng.integers(2**31)),
        "hand": None,
        "other": None,
    }
    if rng.random() < 0.92:
        hold = (at[0] + side * out, at[1] + down)
        params["hand"] = grip.draw_grip(rng, side, hold, turn=-76, bend=bend)
        if kind in ("sandwich", "burger", "slice") and rng.random() < 0.55:
            keep = {k: params["hand"][k] for k in ("tone", "nails", "nail_length", "sleeve", "glove", "fat", "scale")}
            params["other"] = grip.draw_grip(
                rng, -side, (at[0] - side * out, at[1] + down), turn=-76, bend=bend, **keep
            )
    return params


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the food, then the hands."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-1.2, -0.6, 1.2, 1.6), frame_wh)
    rng = np.random.default_rng(params["seed"])
    _COOKS[params["kind"]](board, params, rng)
    grip.grip(board, params["other"], skin_rgb)
    grip.grip(board, params["hand"], skin_rgb)
    return board.layer(follows_face=False, shadow=0.65, lift=0.04 * frame.unit, gloss=0.04)


def _piece(
    board: Board,
    params: Params,
    outline: ArrayLike,
    rgb: ArrayLike,
    depth: float,
    rough: float = 0.05,
    *,
    grain: float = 0.02,
    seed: int = 0,
    height: float = 0.0,
    gloss: float = 0.0,
) -> None:
    """One solid: a rounded cushion with mottled colour; outline in the food's own frame."""
    points = grip.placed(outline, params["at"], params["angle_deg"])
    part = board.around(points, pad=0.06)
    if part.alpha.size <= 1:
        return
    coverage = part.fill(points)
    if not coverage.any():
        return
    part.cast(coverage, 0.02, 0.4, (0, 0.015))
    mottle = part.noise(params["seed"] + seed, grain) * np.float32(rough) + part.noise(
        params["seed"] + seed + 1, 0.09
    ) * np.float32(rough * 0.7)
    form = part.puff(coverage, depth, depth * 1.3)
    rim = 0.72 + 0.28 * np.clip(form / np.float32(depth), 0, 1)
    colour = np.asarray(rgb, np.float32) * np.asarray(params["tint"], np.float32)
    painted = colour[:, None, None] * (1 + mottle) * rim
    if gloss:
        centre = points.mean(0) + (-0.3 * np.ptp(points[:, 0]) / 2, -0.4 * np.ptp(points[:, 1]) / 2)
        away = np.square(part.x - np.float32(centre[0])) + np.square(part.y - np.float32(centre[1]))
        painted = painted + np.float32(gloss) * np.exp(-away / np.float32((0.16 * np.ptp(points[:, 0])) ** 2))
    part.lay(
        coverage, np.clip(painted, 0, 1), np.asarray(form + mottle * np.float32(0.05) + np.float32(height), np.float32)
    )


def _wavy(rng: np.random.Generator, left: float, right: float, y: float, thick: float, wave: float) -> np.ndarray:
    """A ragged strip, as leaves and cheese hang out of bread."""
    x = np.linspace(left, right, 18)
    top = y - thick / 2 + rng.normal(0, wave * 0.4, 18)
    low = y + thick / 2 + np.abs(rng.normal(0, wave, 18))
    return curve(np.vstack([np.stack([x, top], 1), np.stack([x, low], 1)[::-1]]), 90, closed=True)


def _burger(board: Board, params: Params, rng: np.random.Generator) -> None:
    cm = CM * params["scale"]
    w = 5.2 * cm
    _piece(
        board,
        params,
        curve([(-w, 1.6 * cm), (w, 1.6 * cm), (w * 0.9, 3.4 * cm), (-w * 0.9, 3.4 * cm)], 40, closed=True),
        (0.83, 0.6, 0.34),
        0.05,
    )
    _piece(board, params, _wavy(rng, -w, w, 1.2 * cm, 1.5 * cm, 0.3 * cm), (0.33, 0.2, 0.13), 0.03, 0.16, grain=0.012)
    _piece(board, params, _wavy(rng, -w, w, 0.2 * cm, 0.4 * cm, 0.6 * cm), (0.96, 0.74, 0.25), 0.01, 0.02)
    _piece(
        board, params, _wavy(rng, -w * 1.06, w * 1.06, -0.3 * cm, 0.6 * cm, 0.45 * cm), (0.42, 0.62, 0.22), 0.015, 0.14
    )
    _piece(
        board,
        params,
        curve(
            [
                (-w, -0.4 * cm),
                (-w * 0.92, -2.4 * cm),
                (0, -4.3 * cm),
                (w * 0.92, -2.4 * cm),
                (w, -0.4 * cm),
                (0, -0.1 * cm),
            ],
            48,
            closed=True,
        ),
        (0.8, 0.52, 0.25),
        0.12,
        0.05,
        gloss=0.25,
    )
    seeds = [
        grip.placed(
            ellipse(
                rng.uniform(-0.75, 0.75) * w,
                rng.uniform(-3.4, -1.4) * cm,
                0.2 * cm,
                0.11 * cm,
                rng.uniform(0, 180),
                count=10,
            ),
            params["at"],
            params["angle_deg"],
        )
        for _ in range(22)
    ]
    top = board.around(*seeds)
    top.lay(top.fill(*seeds) * top.alpha, (0.95, 0.87, 0.68))


def _sandwich(board: Board, params: Params, rng: np.random.Generator) -> None:
    cm = CM * params["scale"]
    w = 5.6 * cm
    crumb = [(0.93, 0.85, 0.7), (0.72, 0.52, 0.33), (0.88, 0.7, 0.45), (0.55, 0.38, 0.25)][params["pick"]]
    for k, y in enumerate((1.9 * cm, -1.8 * cm)):
        bread = ellipse(0, y, w, 1.25 * cm, 0, 4)
        if k == 1:
            _piece(board, params, _wavy(rng, -w, w, 0.8 * cm, 0.9 * cm, 0.3 * cm), (0.86, 0.45, 0.4), 0.02, 0.08)
            _piece(board, params, _wavy(rng, -w, w, 0.1 * cm, 0.4 * cm, 0.5 * cm), (0.97, 0.8, 0.4), 0.01, 0.02)
            _piece(
                board,
                params,
                _wavy(rng, -w * 1.05, w * 1.05, -0.6 * cm, 0.7 * cm, 0.5 * cm),
                (0.45, 0.66, 0.25),
                0.015,
                0.14,
            )
        _piece(board, params, bread, np.asarray((0.66, 0.43, 0.22)), 0.04, 0.06, seed=k)
        _piece(
            board,
            params,
            ellipse(0, y + 0.15 * cm, w * 0.95, 0.85 * cm, 0, 4),
            crumb,
            0.03,
            0.08,
            grain=0.012,
            seed=k + 7,
        )


def _slice(board: Board, params: Params, rng: np.random.Generator) -> None:
    """Pizza: tip at the mouth."""
    cm = CM * params["scale"]
    w = 5.4 * cm
    tip = curve(
        [(-0.6 * cm, -2.6 * cm), (0.6 * cm, -2.6 * cm), (w, 7.6 * cm), (0, 8.6 * cm), (-w, 7.6 * cm)], 50, closed=True
    )
    _piece(board, params, tip, (0.94, 0.72, 0.32), 0.02, 0.12, grain=0.03)
    for _ in range(7):
        y = rng.uniform(-0.5, 7) * cm
        x = rng.uniform(-0.7, 0.7) * w * (y + 2.6 * cm) / (10.5 * cm)
        topping = [(0.68, 0.18, 0.12), (0.68, 0.18, 0.12), (0.25, 0.4, 0.15), (0.18, 0.12, 0.1)][int(rng.integers(4))]
        size = rng.uniform(0.5, 1.2) * cm
        _piece(board, params, ellipse(x, y, size, size * 0.8, rng.uniform(0, 180), count=24), topping, 0.012, 0.1)
    _piece(
        board,
        params,
        curve(
            [(-w * 1.02, 7.2 * cm), (0, 8.2 * cm), (w * 1.02, 7.2 * cm), (w, 9 * cm), (0, 10.2 * cm), (-w, 9 * cm)],
            50,
            closed=True,
        ),
        (0.78, 0.52, 0.26),
        0.07,
        0.1,
    )


def _apple(board: Board, params: Params, rng: np.random.Generator) -> None:
    cm = CM * params["scale"]
    rgb = [(0.72, 0.1, 0.1), (0.5, 0.68, 0.2), (0.85, 0.65, 0.2), (0.9, 0.48, 0.1)][params["pick"]]
    r = 3.7 * cm
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    shape = np.stack([r * np.sin(t), -r * np.cos(t) * 0.95], 1)
    if params["pick"] != 3:
        shape[:, 1] += 0.3 * r * np.exp(-np.square(shape[:, 0] / (0.3 * r))) * (shape[:, 1] < 0)
    _piece(
        board,
        params,
        shape,
        rgb,
        0.19,
        0.1 if params["pick"] == 3 else 0.07,
        grain=0.012 if params["pick"] == 3 else 0.05,
        gloss=0.45,
    )
    if params["pick"] != 3:
        _piece(
            board,
            params,
            curve(
                [(-0.1 * cm, -2.6 * cm), (0.1 * cm, -4.4 * cm), (0.4 * cm, -4.4 * cm), (0.15 * cm, -2.6 * cm)],
                16,
                closed=True,
            ),
            (0.3, 0.2, 0.1),
            0.01,
        )
    if rng.random() < 0.4:
        bite = curve(
            np.array([(-1.6, -3.0), (-0.2, -1.4), (1.2, -1.2), (2.4, -2.2), (2.2, -3.4), (0, -3.9)]) * cm,
            40,
            closed=True,
        )
        _piece(board, params, bite, (0.95, 0.9, 0.72), 0.02, 0.05)


def _ice_cream(board: Board, params: Params, rng: np.random.Generator) -> None:
    cm = CM * params["scale"]
    flavours = ((0.97, 0.92, 0.8), (0.42, 0.26, 0.17), (0.95, 0.66, 0.7), (0.75, 0.88, 0.66))
    cone = np.array([(-2.6, 1.2), (2.6, 1.2), (0.5, 12), (-0.5, 12)]) * cm
    points = grip.placed(cone, params["at"], params["angle_deg"])
    part = board.around(points, pad=0.05)
    x, y = grip.local(part, params["at"], params["angle_deg"])
    half = np.interp(y, [1.2 * cm, 12 * cm], [2.6 * cm, 0.5 * cm]).astype(np.float32)
    height, square = grip.cylinder(x, half)
    cell = np.float32(2 * np.pi / (0.75 * cm))
    waffle = np.maximum(np.cos((x + y * 0.55) * cell), np.cos((x - y * 0.55) * cell))
    coverage = part.fill(points)
    part.cast(coverage, 0.03, 0.35)
    part.lay(
        coverage,
        np.asarray((0.83, 0.6, 0.33), np.float32)[:, None, None] * (0.6 + 0.4 * square) * (0.88 + 0.12 * waffle),
        np.asarray(height + waffle * np.float32(0.006), np.float32),
    )
    order = [int(v) for v in rng.integers(0, 4, 3)]
    for k in range(int(rng.integers(1, 3)) + 1):
        ball = ellipse(
            rng.normal(0, 0.3) * cm, (0.6 - 3.0 * k) * cm, (3.0 - 0.35 * k) * cm, (2.6 - 0.3 * k) * cm, count=40
        )
        ball = ball + np.stack([rng.normal(0, 0.1 * cm, 40), (ball[:, 1] > 0.5 * cm) * rng.normal(0, 0.25 * cm, 40)], 1)
        _piece(board, params, curve(ball, 80, closed=True), flavours[order[k]], 0.14, 0.06, grain=0.02, seed=k)


def _banana(board: Board, params: Params, rng: np.random.Generator) -> None:
    cm, side = CM * params["scale"], params["side"]
    spine = curve(
        np.array([(0, -1.5), (0.2 * side, 2), (1.0 * side, 6), (2.8 * side, 10), (4.8 * side, 12.5)]) * cm, 30
    )
    way = np.gradient(spine, axis=0)
    normal = np.stack([-way[:, 1], way[:, 0]], 1) / np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    half = np.interp(np.linspace(0, 1, 30), [0, 0.12, 0.75, 1], [1.3, 1.75, 1.7, 0.6])[:, None] * cm
    _piece(
        board, params, np.vstack([spine + normal * half, (spine - normal * half)[::-1]]), (0.93, 0.77, 0.2), 0.09, 0.05
    )
    flesh = int(30 * 0.28)
    _piece(
        board,
        params,
        np.vstack([(spine + normal * half * 0.88)[:flesh], (spine - normal * half * 0.88)[:flesh][::-1]]),
        (0.97, 0.92, 0.74),
        0.08,
        0.03,
    )
    for k in (-1, 0, 1):
        peel = np.array(
            [
                spine[flesh] + normal[flesh] * half[flesh] * (k * 0.9 - 0.4),
                spine[flesh] + normal[flesh] * half[flesh] * (k * 0.9 + 0.4),
                spine[flesh] + normal[flesh] * half[flesh] * k * 2.3 + way[flesh] / 0.035 * cm * rng.uniform(0.6, 1.1),
            ]
        )
        _piece(board, params, curve(peel, 24, closed=True), (0.95, 0.84, 0.45), 0.02, 0.04, seed=k + 3)


def _biscuit(board: Board, params: Params, rng: np.random.Generator) -> None:
    cm = CM * params["scale"]
    rgb = [(0.78, 0.56, 0.32), (0.6, 0.38, 0.2), (0.83, 0.62, 0.36), (0.9, 0.55, 0.65)][params["pick"]]
    _piece(board, params, ellipse(0, 0, 4.2 * cm, 3.9 * cm), rgb, 0.06, 0.1, grain=0.015)
    if params["pick"] in (1, 3):
        # A ring: icing and sprinkles, a hole.
        _piece(board, params, ellipse(0, 0, 1.3 * cm, 1.2 * cm), (0.35, 0.2, 0.14), 0.01)
    for _ in range(14):
        turn, away = rng.uniform(0, 2 * np.pi), rng.uniform(1.7, 3.4) * cm
        chip = ellipse(
            away * np.cos(turn),
            away * np.sin(turn) * 0.92,
            rng.uniform(0.2, 0.5) * cm,
            0.25 * cm,
            rng.uniform(0, 180),
            count=12,
        )
        _piece(board, params, chip, rng.uniform(0.1, 0.9, 3) if params["pick"] == 3 else (0.22, 0.13, 0.09), 0.01)


_COOKS: Final[dict[str, _Cook]] = {
    "burger": _burger,
    "sandwich": _sandwich,
    "slice": _slice,
    "apple": _apple,
    "ice_cream": _ice_cream,
    "banana": _banana,
    "biscuit": _biscuit,
}


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=1.0, place="held")
