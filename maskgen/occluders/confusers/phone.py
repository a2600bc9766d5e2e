# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""A telephone at the mouth, before the face, or along the cheek."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.drawing import patterns
from maskgen.drawing.board import CM, Board, FaceFrame, Params, ellipse
from maskgen.occluders.base import Occluder
from maskgen.occluders.hands import grip
from maskgen.occluders.hands.hand import unit_rgb

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace

POSES: Final[dict[str, dict[str, Any]]] = {
    # where its middle lies (for a hand from the image's right), its turn, how likely
    "photo": {"at": ((0.05, 0.12), (0.16, 0.13)), "angle": (0, 8), "weight": 3},
    "wide": {"at": ((0.04, 0.1), (0.12, 0.13)), "angle": (90, 6), "weight": 1.5},
    "voice": {"at": ((0.12, 0.06), (0.3, 0.05)), "angle": (28, 14), "weight": 2},
    "call": {"at": ((0.47, 0.04), (0.02, 0.06)), "angle": (22, 8), "weight": 3},
}


def draw_params(rng: np.random.Generator) -> Params:
    """Where it is held, which side shows, case, cameras, hand."""
    names = list(POSES)
    weights = np.array([POSES[name]["weight"] for name in names])
    pose = str(rng.choice(names, p=weights / weights.sum()))
    about, side = POSES[pose], int(rng.choice([-1, 1]))
    x, y = (float(rng.normal(*pair)) for pair in about["at"])
    angle = float(rng.normal(*about["angle"])) * side
    scale = float(rng.normal(1.08, 0.1))
    across = np.radians(angle)
    at = np.array([side * x, y])
    # The hand comes from outside and holds the lower part.
    shift = np.array([np.cos(across), np.sin(across)]) * 0.06 * side + np.array([-np.sin(across), np.cos(across)]) * 0.2
    if pose == "wide":
        shift = np.array([side * 0.34, 0.0])
    hold = at + shift
    turn = -82 + side * angle * (0.8 if pose != "wide" else 0) + (-14 if pose == "call" else 0)
    if pose == "call":
        turn, hold = -42.0, at + np.array([side * 0.04, 0.2])
    hand = grip.draw_grip(rng, side, (float(hold[0]), float(hold[1])), turn=turn, bend=16)
    return {
        "pose": pose,
        "at": [round(float(v), 4) for v in at],
        "angle_deg": round(angle, 2),
        "scale": round(scale, 3),
        "size": [round(float(rng.uniform(6.8, 7.9)), 2), round(float(rng.uniform(14.2, 16.4)), 2)],
        "round": round(float(rng.uniform(0.5, 1.3)), 2),
        "rgb": unit_rgb(
            rng,
            str(
                rng.choice(
                    [
                        "black",
                        "charcoal",
                        "white",
                        "light_grey",
                        "navy",
                        "pink",
                        "red",
                        "lavender",
                        "mint",
                        "beige",
                        "royal_blue",
                    ]
                )
            ),
        ),
        "case": str(rng.choice(["none", "none", "plain", "printed", "flip"])),
        "pattern": str(rng.choice(["floral", "dots", "stripes", "letters", "logo", "tie_dye", "checks"])),
        "lenses": int(rng.integers(1, 5)),
        "layout": str(rng.choice(["square", "column", "middle"])),
        "logo": bool(rng.random() < 0.5),
        "screen": bool(pose == "voice" and rng.random() < 0.5),
        "glow": [round(float(v), 3) for v in rng.uniform(0.1, 0.95, 3)],
        "side": side,
        "hand": hand,
        "seed": int(rng.integers(2**31)),
    }


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the telephone's back (or its screen), then the hand."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-1.3, -1.0, 1.3, 1.5), frame_wh)
    params = dict(params)
    if params["pose"] == "call":
        # Along the cheek that is there: follows ear and jaw of a turned head.
        marks = frame.to_face(face.landmarks)
        ear = marks[15 if params["side"] > 0 else 1]
        shift = np.array([float(ear[0]) - params["side"] * 0.47, 0.0])
        params["at"] = (np.asarray(params["at"]) + shift).tolist()
        params["hand"] = params["hand"] | {"at": (np.asarray(params["hand"]["at"]) + shift).tolist()}
    _slab(board, params)
    grip.grip(board, params["hand"], skin_rgb, thumb=params["pose"] == "call")
    return board.layer(follows_face=False, shadow=0.7, lift=0.06 * frame.unit, gloss=0.0)


def _slab(board: Board, params: Params) -> None:
    cm = CM * params["scale"]
    half_w, half_h = (v * cm / 2 for v in params["size"])
    at, angle = params["at"], params["angle_deg"]
    corner = params["round"] * cm

    def rounded(w: float, h: float, r: float, x: float = 0.0, y: float = 0.0) -> NDArray[np.float64]:
        """A rounded rectangle round (x, y) of the telephone's own frame."""
        t = np.linspace(0, np.pi / 2, 7)
        quarter = np.stack([np.cos(t), np.sin(t)], 1) * r
        parts = [
            quarter @ turn + (sx * (w - r), sy * (h - r))
            for sx, sy, turn in (
                (1, 1, np.eye(2)),
                (-1, 1, np.array([[0, 1], [-1, 0]])),
                (-1, -1, -np.eye(2)),
                (1, -1, np.array([[0, -1], [1, 0]])),
            )
        ]
        return grip.placed(np.vstack(parts) + (x, y), at, angle)

    outer = rounded(half_w, half_h, corner)
    part = board.around(outer, pad=0.12)
    if part.alpha.size <= 1:
        return
    x, y = grip.local(part, at, angle)
    body = part.fill(outer)
    part.cast(body, 0.05, 0.4, (0.01, 0.03))
    base = np.asarray(params["rgb"], np.float32)
    edge = np.clip(base * 0.55 + 0.22, 0, 1)
    part.lay(body, edge, 0.05)
    inside = part.fill(rounded(half_w - 0.18 * cm, half_h - 0.18 * cm, max(corner - 0.18 * cm, 0.05 * cm)))
    part.lay(inside, _back(part, params, x / half_w, y / half_h, base), 0.055)
    sheen = grip.streak(np.asarray(x + y * np.float32(0.45)), -0.1 * half_w, 0.35 * half_w, 0.1)
    part.lay(inside * sheen, (0.95, 0.97, 1.0))
    if params["screen"]:
        glass = part.fill(rounded(half_w - 0.35 * cm, half_h - 0.4 * cm, 0.5 * cm))
        glow = np.asarray(params["glow"], np.float32)[:, None, None]
        wash = np.clip(glow * (1 - 0.3 * (y / np.float32(half_h))), 0, 1)
        rows = 0.25 * (np.cos(y * np.float32(2 * np.pi / (1.1 * cm))) > 0.5) * (np.abs(x) < 0.7 * half_w)
        part.lay(glass, np.clip(wash + rows, 0, 1))
        return
    if params["case"] != "flip":
        _cameras(part, params, half_w, half_h, cm, rounded)
    if params["logo"]:
        mark = part.fill(grip.placed(ellipse(0, -0.05 * half_h, 0.16 * half_w, 0.2 * half_w, 0, 2.6), at, angle))
        part.lay(mark * np.float32(0.5), np.clip(base + (0.25 if base.mean() < 0.5 else -0.2), 0, 1))


def _back(
    board: Board, params: Params, x: NDArray[np.float32], y: NDArray[np.float32], base: NDArray[np.float32]
) -> Any:
    """Glass, plastic or a printed case, (3, h, w)."""
    import cv2

    if params["case"] == "printed":
        rgb = tuple(int(255 * c) for c in base)
        flat = patterns.render(params["pattern"], params["seed"], (96, 192), (rgb[0], rgb[1], rgb[2]))
        u, v = np.clip((x + 1) * 47.5, 0, 95), np.clip((y + 1) * 95.5, 0, 191)
        return np.stack(cv2.split(cv2.remap(flat, np.ascontiguousarray(u), np.ascontiguousarray(v), cv2.INTER_LINEAR)))
    tone = 1 + 0.06 * board.noise(params["seed"], 0.4) - 0.05 * y
    if params["case"] == "flip":
        tone = tone + 0.04 * board.noise(params["seed"] + 1, 0.012)
    return np.clip(base[:, None, None] * tone, 0, 1)


def _cameras(board: Board, params: Params, half_w: float, half_h: float, cm: float, rounded: Any) -> None:
    """The camera island and its lenses."""
    count, layout = params["lenses"], params["layout"]
    at, angle = params["at"], params["angle_deg"]
    base = np.asarray(params["rgb"], np.float32)
    pitch = 1.55 * cm
    if layout == "square":
        spots = np.array([(0, 0), (0, 1), (1, 0.5), (1, 1)])[: max(count, 1)] * pitch
        centre, size = np.array([-half_w + 2.3 * cm, -half_h + 2.3 * cm]), (1.75 * cm, 1.75 * cm)
        spots = spots - 0.5 * pitch
    elif layout == "column":
        spots = np.array([(0.0, k - (count - 1) / 2) for k in range(count)]) * pitch
        centre = np.array([-half_w + 1.4 * cm, -half_h + (0.9 + 0.8 * count) * cm])
        size = (0.85 * cm, (0.1 + 0.8 * count) * cm)
    else:
        spots = np.array([(k - (count - 1) / 2, 0.0) for k in range(count)]) * pitch
        centre, size = np.array([0.0, -half_h + 1.9 * cm]), ((0.1 + 0.8 * count) * cm, 0.85 * cm)
    island = board.fill(rounded(size[0], size[1], min(size) * 0.5, float(centre[0]), float(centre[1])))
    board.cast(island, 0.012, 0.25)
    board.lay(island, np.clip(base * 0.85 + 0.04, 0, 1), 0.065)
    for spot in spots:
        x, y = grip.placed([centre + spot], at, angle)[0]
        for radius, colour in ((0.66, (0.45, 0.46, 0.48)), (0.57, (0.03, 0.03, 0.04)), (0.3, (0.09, 0.1, 0.16))):
            board.lay(board.fill(ellipse(x, y, radius * cm, radius * cm, count=24)), colour, 0.075)
        board.lay(
            board.fill(ellipse(x - 0.18 * cm, y - 0.2 * cm, 0.13 * cm, 0.1 * cm, count=12)) * 0.8, (0.75, 0.8, 0.95)
        )


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=1.5, place="held")
