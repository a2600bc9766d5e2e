"""A balloon before the mouth: a confuser in thirty lines."""

import numpy as np

from maskgen.drawing.board import Board, FaceFrame, ellipse
from maskgen.occluders.base import Occluder


def draw_params(rng):
    """Everything by chance, as plain JSON values."""
    return {
        "rgb": [round(float(value), 3) for value in rng.uniform(0.1, 0.9, 3)],
        "wide": round(float(rng.uniform(0.3, 0.42)), 3),
        "slip": round(float(rng.normal(0, 0.05)), 3),
    }


def layer(face, params, frame_wh, skin_rgb):
    """Flat colour, and the form as height; light comes later. Unit: a face width; origin: between mouth and nose."""
    frame = FaceFrame.of(face)
    board = Board(frame, (-0.8, -0.6, 0.8, 1.6), frame_wh)
    x, y, wide = params["slip"], 0.25, params["wide"]
    string = np.array([(x, y + 1.1 * wide), (x + 0.05, y + 0.7), (x, 1.6)])
    board.lay(board.lines([string], 0.012), (0.8, 0.8, 0.8))
    ball = board.fill(ellipse(x, y, wide, 1.1 * wide))
    board.cast(ball, 0.03, 0.3)
    board.lay(ball, params["rgb"], board.puff(ball, wide, wide))
    shine = board.blur(board.fill(ellipse(x - 0.4 * wide, y - 0.45 * wide, 0.07, 0.1)), 0.02)
    board.lay(shine * np.float32(0.6), (1.0, 1.0, 1.0))
    return board.layer(follows_face=False, shadow=0.5, lift=0.1 * frame.unit, gloss=0.4)


BALLOON = Occluder("confuser", draw_params, layer, weight=3.0, place="held")
