"""Other people's heads and shoulders, seen from behind, between the camera and the face.

What ``accessories.passer_by`` and ``confusers.crowd`` share. Nobody here has
a face: crowds are photographed over the heads of those who stand in front.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing import cloth
from maskgen.drawing import hair as wool
from maskgen.drawing.board import Board, FaceFrame, Field, Params, curve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace, Points

SKINS: Final = ((0.9, 0.74, 0.64), (0.82, 0.62, 0.5), (0.66, 0.47, 0.35), (0.46, 0.31, 0.22), (0.3, 0.2, 0.15))
"""sRGB of necks and bald heads under white light."""

CROWNS: Final = ("short", "short", "long", "long", "bun", "bald", "hat", "hood", "shoulder", "shoulder")
"""What is seen of a person; doubled words are met twice as often."""


def draw_person(rng: np.random.Generator, ways: Sequence[str], reach: tuple[float, float]) -> Params:
    """Chance's part in one person.

    Args:
        rng: where chance comes from.
        ways: where they may come from: ``below``, ``corner``, ``side``.
        reach: least and largest share of the way to the middle of the brows
            (from below) or to the nose (from a side) that they hide.
    """
    dark = rng.random() < 0.5
    return {
        "crown": str(rng.choice(CROWNS)),
        "way": str(rng.choice(list(ways))),
        "side": int(rng.choice([-1, 1])),
        "reach": round(float(rng.uniform(*reach)), 3),
        "slip": round(float(rng.normal(0, 0.2)), 3),
        "size": round(float(np.exp(rng.normal(0.1, 0.25))), 3),
        "tall": round(float(rng.uniform(1.1, 1.45)), 3),
        "lean_deg": round(float(rng.normal(0, 9)), 2),
        "rgb": [0.09, 0.08, 0.075] if dark else wool.draw_hair_rgb(rng),
        "skin_rgb": [
            round(float(c), 3) for c in np.clip(np.asarray(SKINS[int(rng.integers(5))]) * rng.uniform(0.9, 1.1), 0, 1)
        ],
        "cloth": cloth.draw_cloth(rng, 0.2, ("stripes", "checks", "heather", "floral", "camouflage")),
        "shine": round(float(rng.uniform(0, 0.09)), 3),
        "rough": round(float(rng.uniform(0.005, 0.03)), 4),
        "light": round(float(np.exp(rng.normal(-0.1, 0.3))), 3),
        "focus": round(float(max(rng.normal(0.01, 0.022), 0)), 4),
        "seed": int(rng.integers(2**31)),
    }


def person_layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int]) -> Layer:
    """Draw one person in front of the face."""
    frame = FaceFrame.of(face)
    marks = frame.to_face(face.landmarks)
    board = Board(frame, (-1.6, -1.6, 1.6, 2.0), frame_wh)
    {"shoulder": _shoulder}.get(params["crown"], _head)(board, marks, params)
    board.tint(np.full(board.shape, params["light"], np.float32))
    if params["focus"] > 0.004:
        _defocus(board, params["focus"])
    return board.layer(follows_face=False, shadow=0.25, lift=0.1 * frame.unit)


def _top(marks: Points, params: Params, half: float) -> tuple[float, float]:
    """Where the highest point of the person is, in face widths."""
    brow, chin = float(marks[17:27, 1].mean()), float(marks[8, 1])
    middle = float(marks[[27, 8], 0].mean())
    y = chin + 0.02 - params["reach"] * (chin - brow)
    if params["way"] == "below":
        return middle + params["slip"], y
    side = params["side"]
    edge = float(marks[16 if side > 0 else 0, 0])
    if params["way"] == "corner":
        return middle + side * (0.45 * abs(edge - middle) + half * 0.42 + 0.3 * params["slip"]), y
    # Beside the face, as tall as it or taller.
    inner = edge + (middle - edge) * min(params["reach"], 0.5) * 1.1
    return inner + side * half, brow - 0.25 + params["slip"]


def _head(board: Board, marks: Points, params: Params) -> None:
    """A head from behind on its neck and shoulders."""
    rng = np.random.default_rng(params["seed"])
    half = 0.52 * params["size"]
    tall = half * params["tall"]
    x, y = _top(marks, params, half)
    centre = np.array([x, y + tall])
    turn = np.radians(params["lean_deg"])
    across = np.array([np.cos(turn), np.sin(turn)])
    down = np.array([-across[1], across[0]])

    def at(points: Points) -> Points:
        return np.asarray(centre + points[:, :1] * across + points[:, 1:] * down)

    body = params["cloth"]
    slope = [(-2.6, 2.6), (-2.3, 1.95), (-1.3, 1.5), (-0.62, 1.25), (0.62, 1.25), (1.3, 1.5), (2.3, 1.95), (2.6, 2.6)]
    shoulders = curve(at(np.array(slope) * (half, tall)), 48)
    skin = np.asarray(params["skin_rgb"], np.float32)
    neck = board.fill(at(np.array([(-0.55, 0.3), (0.55, 0.3), (0.68, 1.5), (-0.68, 1.5)]) * (half, tall)))
    board.lay(neck, skin, 0.05)
    _cloth(board, body, board.fill(shoulders), rng)
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    outline = np.stack([half * np.cos(angle), tall * np.sin(angle)], 1)
    # The back of a head is broad above and narrows towards the neck.
    outline[:, 0] *= 1 - 0.22 * np.clip(outline[:, 1] / tall, 0, 1) ** 2
    outline *= 1 + rng.normal(0, params["rough"] * 0.7, (28, 1))
    skull = curve(at(outline), 96, closed=True)
    crown = params["crown"]
    if crown in ("short", "bald"):
        for side in (-1, 1):
            ear = at(
                np.array([(0, -0.18), (0.13, -0.12), (0.1, 0.12), (0, 0.2)]) * (side * half, tall)
                + (side * half * 0.97, 0.1 * tall)
            )
            board.lay(board.fill(curve(ear, 20, closed=True)), skin * 0.95, 0.2)
    coverage = board.fill(skull)
    dome = board.puff(coverage, 0.3 * half, 0.9 * half)
    if crown == "bald":
        board.lay(coverage, skin[:, None, None] * (1 + 0.02 * board.noise(params["seed"], 0.06)), dome)
        return
    if crown in ("hat", "hood"):
        if crown == "hood":
            coverage = np.maximum(
                coverage, board.fill(at(np.array([(-1.1, 0), (1.1, 0), (1.3, 1.5), (-1.3, 1.5)]) * (half, tall)))
            )
            dome = board.puff(coverage, 0.3 * half, 0.9 * half)
        _cloth(board, body, coverage, rng, dome)
        return
    if crown == "long":
        wide = 1.15 + rng.uniform(0, 0.25)
        fall = at(
            np.array([(-1, -0.1), (1, -0.1), (wide, 1.0), (wide * 0.95, 2.4), (-wide * 0.95, 2.4), (-wide, 1.0)])
            * (half, tall)
        )
        coverage = np.maximum(coverage, board.fill(curve(fall, 60, closed=True)))
        dome = board.puff(coverage, 0.3 * half, 0.9 * half)
    base = np.asarray(params["rgb"], np.float32)
    sheen = np.clip(1 + 0.12 * board.noise(params["seed"], 0.05, 3, 80), 0.6, 1.5)
    # Dark hair shows its form by its shine, not by its colour.
    shine = np.clip(board.noise(params["seed"] + 1, 0.11, 2, 20), 0, 2.5) * np.float32(params["shine"])
    board.lay(coverage, np.clip(base[:, None, None] * 0.85 * sheen + shine, 0, 1), dome)
    hair, colour = wool.strands(board, _flow(at, half, tall, params, rng), base, rng, 0.007)
    board.lay(hair, np.clip(colour + shine, 0, 1), dome)
    if crown == "bun":
        knot = at(np.array([[rng.normal(0, 0.1) * half, -0.75 * tall]]))[0]
        ring = knot + 0.34 * half * np.stack([np.cos(angle), np.sin(angle)], 1) * (1 + rng.normal(0, 0.05, (28, 1)))
        ball = board.fill(curve(ring, 60, closed=True))
        board.cast(ball, 0.02, 0.4)
        swirl = np.clip(1 + 0.2 * board.noise(params["seed"] + 3, 0.02, 5, 30), 0.5, 1.6)
        board.lay(ball, np.clip(base[:, None, None] * swirl, 0, 1), dome + board.puff(ball, 0.1, 0.2))


def _flow(at: Callable[[Points], Points], half: float, tall: float, params: Params, rng: np.random.Generator) -> Points:
    """Strands from the whorl down the back of the head, (strands, 7, 2); some stand off the outline."""
    count, steps = 420, 7
    angle = rng.uniform(0, 2 * np.pi, count)[:, None]
    t = np.linspace(0, 1, steps)[None]
    whorl = np.array([rng.normal(0, 0.15), -0.6])
    # Out from the whorl over the sphere, then down: what falls, falls.
    out = np.sin(t * np.pi / 2 * rng.uniform(0.5, 1.0, (count, 1)))
    x = whorl[0] * (1 - t) + np.cos(angle) * out * (1 - 0.2 * t * (np.sin(angle) > 0))
    y = whorl[1] * (1 - t) + np.sin(angle) * out * 0.95 + 0.25 * t**2 * (np.sin(angle) > -0.3)
    if params["crown"] == "long":
        y = y + t**2 * rng.uniform(0.4, 1.6, (count, 1)) * (np.sin(angle) > -0.4)
    off = rng.normal(0, 1, (count, 1)) * params["rough"] * 2 * t
    paths = np.stack([(x + off) * half, (y + off) * tall], 2)
    return at(paths.reshape(-1, 2)).reshape(count, steps, 2)


def _shoulder(board: Board, marks: Points, params: Params) -> None:
    """A shoulder or an upper arm in cloth, rounded, from a corner or from below."""
    rng = np.random.default_rng(params["seed"])
    half = 0.75 * params["size"]
    if params["way"] == "side":
        # No shoulder is as tall as a face; it comes up from the corner.
        params = params | {"way": "corner"}
    x, y = _top(marks, params, half * 0.8)
    side = params["side"]
    slope = np.tan(np.radians(params["lean_deg"] + 14))
    t = np.linspace(-1, 1, 9)
    line = np.stack([x + side * t * half * 1.5, y + 0.35 * half * np.abs(t) ** 2.2 - slope * t * half * 0.5], 1)
    line[:, 1] -= line[:, 1].min() - y
    line = curve(line, 48)
    outline = np.vstack([line, [(line[-1, 0] + side * 0.3, 3.0), (line[0, 0] - side * 0.2, 3.0)]])
    _cloth(board, params["cloth"], board.fill(outline), rng)


def _cloth(board: Board, body: Params, coverage: Field, rng: np.random.Generator, dome: Field | None = None) -> None:
    seed = int(rng.integers(2**31))
    form = board.puff(coverage, 0.16, 0.35) if dome is None else dome
    form = form + cloth.folds(board, seed, 0.2, 2.5, 60, 0.012 * body["folds"])
    u = np.asarray(np.broadcast_to(board.x + np.float32(3), board.shape), np.float32)
    v = np.asarray(np.broadcast_to(board.y + np.float32(3), board.shape), np.float32)
    cloth.drape(board, body, coverage, u, v, np.asarray(form, np.float32), hollow=0.4)


def _defocus(board: Board, sigma: float) -> None:
    """Soften the whole drawing: who stands nearer than the face is out of focus."""
    for plane in (*board.rgb, board.alpha, board.height, board.raised):
        plane[:] = board.blur(plane, sigma)
