# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""A shirt, hoodie or roll neck pulled up over mouth or nose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from maskgen.drawing import cloth
from maskgen.drawing.board import Board, FaceFrame, Params, curve
from maskgen.occluders.base import Occluder
from maskgen.occluders.hands import skinned
from maskgen.occluders.hands.hand import draw_hand_params

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


def draw_params(rng: np.random.Generator) -> Params:
    """A T-shirt pulled up by its collar, or a roll neck; sometimes the hand that pulls."""
    style = str(rng.choice(["tshirt", "tshirt", "hoodie", "rollneck"]))
    weaves = {"tshirt": ("plain", "plain", "coarse"), "hoodie": ("plain", "fleece"), "rollneck": ("ribbed", "knit")}
    printed = {"tshirt": 0.35, "hoodie": 0.1, "rollneck": 0.1}[style]
    prints = ("stripes", "heather", "camouflage", "letters", "logo", "floral", "checks", "tie_dye")
    side = int(rng.choice([-1, 1]))
    params: Params = {
        "style": style,
        "cloth": cloth.draw_cloth(rng, printed, prints, weaves[style]),
        "level": round(float(rng.choice([rng.uniform(0.05, 0.35), rng.uniform(0.3, 0.65)])), 3),
        "side_drop": round(float(rng.uniform(0.0, 0.28)), 3),
        "lift": round(float(rng.uniform(0.0, 0.06)), 3),
        "hem": round(float(rng.uniform(0.05, 0.12)), 3),
        "rib_hem": bool(rng.random() < 0.8),
        "hem_shade": round(float(rng.choice([1.0, 1.0, 0.75, 1.2])), 2),
        "lean": round(float(rng.normal(0, 0.03)), 3),
        "loose": round(float(rng.uniform(0.0, 0.12)), 3),
        "seed": int(rng.integers(2**31)),
        "hand": None,
    }
    if style != "rollneck" and rng.random() < 0.4:
        at = [round(side * float(rng.uniform(0.0, 0.3)), 3), 0.0]
        params["hand"] = draw_hand_params(rng, "lips", side, at=at, anchor="middle", glove=None)
        params["hand"]["curl"] = [[40.0, 62.0, 34.0]] * 4
    return params


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the cloth from its hem down to the shoulders."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-1.4, -0.7, 1.4, 1.8), frame_wh)
    marks = frame.to_face(face.landmarks)
    rng = np.random.default_rng(params["seed"])
    side_level = min(params["level"] + params["side_drop"], 0.95)
    top = cloth.over_face(marks, params["level"], params["lift"], side_level)
    loose, lean = params["loose"], params["lean"]
    top = top + np.stack([np.zeros(len(top)), lean * (top[:, 0] - top[:, 0].mean()) / 0.5], 1)
    left, right = top[0] - (loose, -loose * 0.3), top[-1] + (loose, loose * 0.3)
    top = cloth.ragged(curve(np.vstack([left, top[3:-3:3], right]), 64), rng, 0.01)
    chin = float(marks[8, 1])
    neck = chin + 0.14
    shoulder = 0.75 if params["style"] == "rollneck" else 0.62
    sides = [
        np.array(
            [
                end,
                end + (s * (0.02 + loose * 0.3), (neck - end[1]) * 0.5),
                (s * (0.46 + loose), neck),
                (s * 0.62, neck + 0.16),
                (s * shoulder * 1.25, neck + 0.26),
                (s * 1.5, neck + 0.45),
                (s * 1.6, 2.2),
            ]
        )
        for s, end in ((1, right), (-1, left))
    ]
    outline = np.vstack([top, curve(sides[0], 40)[1:], curve(sides[1], 40)[:0:-1]])
    coverage = board.fill(outline)
    bottom = np.array([(-1.6, 1.9), (1.6, 1.9)])
    _, gap = cloth.between(board, top, bottom)
    middle = float(top[:, 0].mean())
    below = board.y - (1.9 - gap)
    across = board.x - np.float32(middle)
    # A tube round the face, then chest.
    tube = np.sqrt(np.clip(1 - np.square(across / np.float32(0.62)), 0, 1)) * np.float32(0.14)
    tube = tube * np.clip(1.4 - below * 1.3, 0.15, 1)
    strength = params["cloth"]["folds"]
    seed = params["seed"]
    form = tube
    if params["style"] == "rollneck":
        form = form + cloth.folds(board, seed, 0.1, 3, 4, 0.014 * strength)
        turnover = np.float32(0.3)
        form = form + np.float32(0.035) * np.clip((turnover - below) * np.float32(22) + 0.5, 0, 1)
    else:
        # Pulled up from the chest: folds hang from the hem and spread below.
        pull = np.clip(below * 2.2, 0.15, 1)
        form = form + cloth.folds(board, seed, 0.07, 4, 78, 0.02 * strength) * pull * (across < 0)
        form = form + cloth.folds(board, seed + 1, 0.07, 4, 102, 0.02 * strength) * pull * (across >= 0)
        form = form + cloth.folds(board, seed + 2, 0.16, 2.5, 10, 0.012 * strength)
    hem = params["hem"]
    if params["style"] != "rollneck":
        form = form + np.float32(0.008) * np.clip((hem - below) * np.float32(65) + 0.5, 0, 1)
    u, v = np.broadcast_to(across + np.float32(2.7), board.shape), np.asarray(below)
    cloth.drape(board, params["cloth"], coverage, np.asarray(u), v, np.asarray(form, np.float32))
    if params["style"] != "rollneck":
        band = np.clip((hem - below) * board.px + 0.5, 0, 1) * coverage
        ribs = np.cos(across * np.float32(2 * np.pi / 0.016)) * np.float32(0.07 if params["rib_hem"] else 0)
        board.tint(1 + band * (np.float32(params["hem_shade"] - 1) + ribs))
        stitch = np.exp(-np.square((below - hem) / np.float32(0.006))) * coverage
        board.tint(1 - np.float32(0.3) * stitch)
    else:
        edge = np.exp(-np.square((below - np.float32(0.315)) / np.float32(0.016))) * coverage
        board.tint(1 - np.float32(0.35) * edge)
    rim = np.exp(-np.square(below / np.float32(0.018))) * coverage
    board.tint(1 - np.float32(0.14) * rim)
    if params["hand"] is not None:
        hand = dict(params["hand"])
        x = hand["at"][0]
        hand["at"] = [x, float(np.interp(x, top[:, 0], top[:, 1])) + 0.06]
        skinned.draw_hand(board, hand, skin_rgb)
    return board.layer(follows_face=True, shadow=0.7, lift=0.02 * frame.unit)


OCCLUDER: Final = Occluder("confuser", draw_params, layer, weight=0.4, family="scarf")
