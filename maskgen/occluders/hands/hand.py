"""Hands before a face: the most common thing that is taken for a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.drawing.board import Board, FaceFrame, Params
from maskgen.drawing.palette import PALETTE, jitter
from maskgen.occluders.hands import skinned

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace

# Per pose: weight, then what a hand needs. Written for a hand whose arm comes
# from the image's right; ``side`` mirrors. ``at`` is in face widths, numbers
# in pairs are (mean, deviation). ``curl`` is one bend a joint, for all fingers.
POSES: Final[dict[str, dict[str, Any]]] = {
    "cover": {
        "weight": 5,
        "anchor": "fingers",
        "at": ((0.02, 0.05), (0.08, 0.05)),
        "turn": (-62, 16),
        "roll": (8, 14),
        "pitch": (-8, 10),
        "curl": ((14, 8), (14, 8), (8, 5)),
        "spread": (1.5, 2),
        "thumb": ((26, 10), (10, 8), (8, 6)),
    },
    "flat": {
        "weight": 3,
        "anchor": "fingers",
        "at": ((0.0, 0.05), (0.05, 0.05)),
        "turn": (-88, 10),
        "roll": (0, 10),
        "pitch": (0, 8),
        "curl": ((5, 5), (8, 5), (5, 4)),
        "spread": (0.5, 1.2),
        "thumb": ((22, 12), (5, 8), (5, 5)),
    },
    "below": {
        "weight": 3,
        "anchor": "fingers",
        "at": ((0.05, 0.08), (0.22, 0.06)),
        "turn": (-18, 14),
        "roll": (6, 14),
        "pitch": (-10, 10),
        "curl": ((12, 7), (14, 8), (8, 5)),
        "spread": (1.5, 2.2),
        "thumb": ((26, 12), (8, 8), (8, 6)),
    },
    "cheek": {
        "weight": 2,
        "anchor": "palm",
        "at": ((0.34, 0.06), (0.3, 0.08)),
        "turn": (-6, 12),
        "roll": (24, 14),
        "pitch": (-6, 8),
        "curl": ((10, 8), (16, 9), (10, 6)),
        "spread": (1, 2),
        "thumb": ((30, 10), (10, 8), (8, 6)),
    },
    "fist": {
        "weight": 3,
        "anchor": "knuckles",
        "at": ((0.0, 0.05), (0.12, 0.06)),
        "turn": (-48, 18),
        "roll": (28, 16),
        "pitch": (22, 12),
        "curl": ((78, 8), (92, 6), (48, 8)),
        "spread": (0, 1),
        "thumb": ((8, 6), (48, 10), (34, 8)),
    },
    "cough": {
        "weight": 3,
        "anchor": "knuckles",
        "at": ((0.03, 0.05), (0.1, 0.05)),
        "turn": (-68, 14),
        "roll": (-52, 14),
        "pitch": (8, 10),
        "curl": ((72, 8), (88, 6), (45, 8)),
        "spread": (0, 1),
        "thumb": ((6, 6), (40, 10), (30, 8)),
    },
    "chin": {
        "weight": 3,
        "anchor": "knuckles",
        "at": ((0.03, 0.07), (0.44, 0.05)),
        "turn": (-22, 14),
        "roll": (10, 16),
        "pitch": (16, 10),
        "curl": ((62, 12), (78, 10), (40, 8)),
        "spread": (1, 1),
        "thumb": ((14, 8), (30, 10), (20, 8)),
    },
    "think": {
        "weight": 2,
        "anchor": "knuckles",
        "at": ((0.1, 0.05), (0.36, 0.05)),
        "turn": (-24, 10),
        "roll": (26, 12),
        "pitch": (4, 8),
        "curl": ((62, 10), (80, 8), (42, 8)),
        "spread": (2, 1),
        "thumb": ((24, 9), (6, 8), (4, 5)),
        "free": {0: (14, 20, 12)},
    },
    "hush": {
        "weight": 2,
        "anchor": "index",
        "at": ((0.0, 0.03), (-0.02, 0.05)),
        "turn": (-14, 12),
        "roll": (22, 16),
        "pitch": (0, 6),
        "curl": ((74, 8), (90, 6), (48, 8)),
        "spread": (0, 1),
        "thumb": ((8, 6), (44, 10), (30, 8)),
        "free": {0: (4, 6, 4)},
    },
    "lips": {
        "weight": 2,
        "anchor": "tip",
        "at": ((0.04, 0.05), (0.03, 0.05)),
        "turn": (-36, 16),
        "roll": (4, 14),
        "pitch": (6, 8),
        "curl": ((28, 10), (30, 10), (16, 8)),
        "spread": (1, 2),
        "thumb": ((30, 10), (14, 8), (10, 8)),
    },
    "pinch": {
        "weight": 1,
        "anchor": "pinch",
        "at": ((0.0, 0.03), (-0.06, 0.04)),
        "turn": (-32, 12),
        "roll": (34, 12),
        "pitch": (6, 8),
        "curl": ((60, 10), (76, 8), (40, 8)),
        "spread": (1, 1),
        "thumb": ((22, 6), (22, 8), (8, 5)),
        "free": {0: (34, 40, 18)},
    },
    "stop": {
        "weight": 1,
        "anchor": "palm",
        "at": ((0.02, 0.15), (0.12, 0.15)),
        "turn": (0, 24),
        "roll": (180, 12),
        "pitch": (0, 10),
        "curl": ((6, 6), (8, 6), (6, 4)),
        "spread": (8, 4),
        "thumb": ((46, 10), (-6, 8), (4, 5)),
        "scale": (1.18, 0.18),
    },
    "both": {
        "weight": 3,
        "anchor": "fingers",
        "at": ((0.13, 0.04), (0.1, 0.05)),
        "turn": (-34, 14),
        "roll": (10, 12),
        "pitch": (-6, 8),
        "curl": ((10, 6), (14, 7), (8, 5)),
        "spread": (0.5, 1.5),
        "thumb": ((26, 10), (8, 8), (6, 5)),
    },
    "prayer": {
        "weight": 1,
        "anchor": "middle",
        "at": ((0.06, 0.015), (-0.02, 0.06)),
        "turn": (-10, 6),
        "roll": (-52, 12),
        "pitch": (-4, 6),
        "curl": ((5, 4), (6, 4), (5, 4)),
        "spread": (1, 1),
        "thumb": ((14, 6), (6, 6), (5, 5)),
    },
}
PAIRS: Final = ("both", "prayer")


def draw_hand_params(rng: np.random.Generator, pose: str, side: int, **fixed: Any) -> Params:
    """One hand's params in a pose, everything jittered.

    Args:
        rng: where chance comes from.
        pose: a key of ``POSES``.
        side: 1 when the arm comes from the image's right, -1 from the left.
        **fixed: values that replace drawn ones.
    """
    about = POSES[pose]

    def near(pair: tuple[float, float]) -> float:
        return round(float(rng.normal(*pair)), 4)

    bends = [near(pair) for pair in about["curl"]]
    curl = []
    for finger in range(4):
        own = about.get("free", {}).get(finger, bends)
        # Towards the little finger hands close a little more.
        curl.append([round(float(b + finger * 2 * (b > 3) + rng.normal(0, 3)), 2) for b in own])
    x, y = near(about["at"][0]), near(about["at"][1])
    params: Params = {
        "side": side,
        "anchor": about["anchor"],
        "at": [side * x, y],
        "turn_deg": near(about["turn"]),
        "roll_deg": near(about["roll"]),
        "pitch_deg": near(about["pitch"]),
        "curl": curl,
        "spread_deg": near(about["spread"]),
        "thumb": [near(pair) for pair in about["thumb"]],
        "scale": round(float(np.clip(rng.normal(*about.get("scale", (1.0, 0.09))), 0.75, 1.9)), 3),
        "fat": round(float(np.clip(rng.normal(1.0, 0.07), 0.85, 1.18)), 3),
        "bony": round(float(rng.uniform(0.2, 1.4)), 2),
        "wrinkles": round(float(rng.uniform(0.12, 0.45)), 2),
        **draw_looks(rng),
        "seed": int(rng.integers(2**31)),
    }
    return params | fixed


def draw_looks(rng: np.random.Generator) -> Params:
    """What does not hang on the pose: tone, nails, jewellery, sleeve, glove."""
    level = float(np.exp(rng.normal(0.0, 0.07)))
    tone = [round(level * float(np.exp(rng.normal(0, 0.015))), 4) for _ in range(3)]
    looks: Params = {"tone": tone, "nails": None, "nail_length": 1.0, "ring": None, "watch": None, "glove": None}
    if rng.random() < 0.22:
        names = ("red", "burgundy", "hot_pink", "pink", "rose", "black", "white", "navy", "cream", "purple")
        looks["nails"] = unit_rgb(rng, str(rng.choice(names)))
        looks["nail_length"] = round(float(rng.uniform(1.0, 2.4)), 2)
    if rng.random() < 0.2:
        gold, silver = (0.83, 0.68, 0.36), (0.76, 0.77, 0.79)
        looks["ring"] = {
            "finger": int(rng.choice([0, 1, 2, 2, 2, 3])),
            "width": round(float(rng.uniform(0.18, 0.5)), 2),
            "rgb": list(gold if rng.random() < 0.5 else silver),
        }
    if rng.random() < 0.15:
        looks["watch"] = {
            "strap": round(float(rng.uniform(1.2, 2.2)), 2),
            "dial": round(float(rng.uniform(1.2, 1.9)), 2),
            "power": float(rng.choice([2, 2, 4])),
            "rgb": unit_rgb(rng, str(rng.choice(["black", "brown", "grey", "navy"]))),
            "case": unit_rgb(rng, str(rng.choice(["light_grey", "charcoal", "mustard"]))),
            "face": unit_rgb(rng, str(rng.choice(["black", "white", "navy"]))),
        }
    looks["sleeve"] = draw_sleeve(rng) if rng.random() < 0.6 else None
    if rng.random() < 0.06:
        looks["glove"] = [
            round(v, 3) for v in ((0.42, 0.6, 0.82), (0.12, 0.12, 0.14), (0.9, 0.91, 0.88))[rng.integers(3)]
        ]
    return looks


def draw_sleeve(rng: np.random.Generator) -> Params:
    """A sleeve: colour, where it begins behind the wrist (cm), how wide."""
    return {
        "rgb": unit_rgb(rng),
        "start": round(float(rng.choice([rng.uniform(0.5, 3), rng.uniform(3, 11)])), 2),
        "wide": round(float(rng.uniform(0.35, 1.3)), 2),
        "folds": round(float(rng.uniform(0.5, 1.6)), 2),
        "cuff": round(float(rng.uniform(0.8, 5)), 2),
        "ribbed": bool(rng.random() < 0.3),
    }


def unit_rgb(rng: np.random.Generator, name: str | None = None) -> list[float]:
    """A jittered palette colour, sRGB in [0, 1]; a random one without a name."""
    name = name or str(rng.choice(list(PALETTE)))
    return [round(channel / 255, 4) for channel in jitter(rng, PALETTE[name])]


def draw_params(rng: np.random.Generator) -> Params:
    """One or two hands in a pose."""
    names = list(POSES)
    weights = np.array([POSES[name]["weight"] for name in names], float)
    pose = str(rng.choice(names, p=weights / weights.sum()))
    side = int(rng.choice([-1, 1]))
    first = draw_hand_params(rng, pose, side)
    hands = [first]
    if pose in PAIRS:
        looks = {key: first[key] for key in ("tone", "nails", "nail_length", "sleeve", "glove", "fat", "bony", "scale")}
        hands.append(draw_hand_params(rng, pose, -side, **looks))
    return {"pose": pose, "hands": hands}


def layer(face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw the hands of ``draw_params``."""
    board = Board(FaceFrame.of(face), (-1.3, -1.1, 1.3, 1.6), frame_wh)
    for hand in params["hands"]:
        skinned.draw_hand(board, hand, skin_rgb)
    return board.layer(gloss=0.12, follows_face=False, shadow=0.6, lift=0.03 * board.frame.unit)
