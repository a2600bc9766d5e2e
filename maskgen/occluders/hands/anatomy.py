# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""A hand in three dimensions, seen from the front.

A skeleton of tapered capsules is bent joint by joint, turned, and seen
straight on: the nearest surface gives height, the valleys between fingers
give their dark lines. Lengths are centimetres of an adult hand; ``u`` runs
across the palm away from the thumb, ``v`` towards the fingertips, ``w`` out
of the back of the hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maskgen.drawing.board import CM, Board, Field, Params

if TYPE_CHECKING:
    from collections.abc import Sequence

Vector: TypeAlias = NDArray[np.float64]

# Knuckle (u, v, w), the three phalanges' lengths, radii at the four joints.
# After hand anthropometry (length 18.5 cm, breadth 8.5 cm), tuned by eye.
_FINGERS: Final = (
    ((-3.0, 8.4, 0.15), (4.2, 2.6, 2.1), (1.0, 0.9, 0.8, 0.62)),
    ((-0.95, 8.9, 0.4), (4.7, 3.0, 2.2), (1.02, 0.92, 0.82, 0.64)),
    ((1.1, 8.4, 0.3), (4.3, 2.8, 2.2), (0.97, 0.87, 0.77, 0.6)),
    ((2.95, 7.5, -0.05), (3.4, 2.0, 1.9), (0.86, 0.76, 0.67, 0.54)),
)
_THUMB_ROOT: Final = (-2.1, 1.9, -0.7)
_THUMB: Final = ((4.3, 3.3, 2.6), (1.45, 1.15, 1.02, 0.78))
_LOW: Final = -99.0


@dataclass(frozen=True, slots=True)
class Bone:
    """A tapered capsule on the board: ends (3,) in board pixels, z to the viewer."""

    start: Vector
    end: Vector
    start_radius: float
    end_radius: float
    up: Vector
    across: Vector


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The bones of one hand, placed on a board.

    Attributes:
        palm: metacarpals and the ball of the thumb.
        fingers: index to little finger, then the thumb; three bones each.
        arm: the forearm's two bones.
        elbow: (3,) unit vector along the arm away from the hand.
        cm: board pixels in a centimetre of this hand.
        dorsal: whether the back of the hand faces the viewer.
    """

    palm: tuple[Bone, ...]
    fingers: tuple[tuple[Bone, ...], ...]
    arm: tuple[Bone, ...]
    elbow: Vector
    cm: float
    dorsal: bool

    def moved(self, dx: float, dy: float) -> Skeleton:
        """The same bones, shifted on the board."""
        by = np.array([dx, dy, 0.0])

        def shift(bones: tuple[Bone, ...]) -> tuple[Bone, ...]:
            return tuple(Bone(b.start + by, b.end + by, b.start_radius, b.end_radius, b.up, b.across) for b in bones)

        fingers = tuple(shift(finger) for finger in self.fingers)
        return Skeleton(shift(self.palm), fingers, shift(self.arm), self.elbow, self.cm, self.dorsal)


def rotation(axis: int, degrees: float) -> Vector:
    """A right-handed turn about one axis, (3, 3)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[i, i] = turn[j, j] = cos
    turn[i, j], turn[j, i] = -sin, sin
    return turn


def pose(board: Board, params: Params) -> Skeleton:
    """Bend and place a hand.

    Args:
        board: where it will be drawn.
        params: ``side`` (1: its arm comes from the image's right, -1 mirrored),
            ``at`` (where the anchor comes to lie, face widths), ``anchor``,
            ``turn_deg``, ``pitch_deg``, ``roll_deg``, ``scale``, ``spread_deg``,
            ``curl`` (index to little finger: bend at knuckle, middle and end
            joint), ``thumb`` (sideways opening, opposition, bend).
    """
    side = params["side"]
    cm = board.px * CM * params["scale"]
    # From hand (u, v, w) to screen (x right, y down, z near): a left hand seen
    # from its back, whose thumb is on the viewer's right; then mirrored by side.
    base = np.array([[-1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]])
    turn = rotation(2, params["turn_deg"]) @ rotation(0, params["pitch_deg"]) @ rotation(1, params["roll_deg"]) @ base
    mirror = np.diag([side, 1.0, 1.0])

    chains: list[list[Vector]] = []
    axes: list[list[tuple[Vector, Vector]]] = []
    spread = (-1.0, -0.15, 0.55, 1.4)
    for i, (root, lengths, _) in enumerate(_FINGERS):
        fan = rotation(2, -params["spread_deg"] * spread[i])
        bends = np.cumsum(params["curl"][i])
        at = np.array(root)
        joints, frames = [at], []
        for length, bend in zip(lengths, bends, strict=True):
            local = fan @ rotation(0, -bend)
            at = at + local @ np.array([0, length, 0])
            joints.append(at)
            frames.append((local @ np.array([0, 0, 1.0]), local @ np.array([1.0, 0, 0])))
        chains.append(joints)
        axes.append(frames)
    opening, opposition, bend = params["thumb"]
    at = np.array(_THUMB_ROOT)
    joints, frames = [at], []
    for k, length in enumerate(_THUMB[0]):
        # The thumb bends across the palm, and rolls a quarter turn to do so.
        local = rotation(1, opposition * 0.6) @ rotation(2, opening - bend * k * 0.7) @ rotation(0, -bend * k * 0.5)
        local = local @ rotation(1, -35)
        at = at + local @ np.array([0, length, 0])
        joints.append(at)
        frames.append((local @ np.array([0, 0, 1.0]), local @ np.array([1.0, 0, 0])))
    chains.append(joints)
    axes.append(frames)

    anchors = {
        "palm": np.mean([chains[1][0], np.zeros(3)], 0),
        "knuckles": np.mean([chain[0] for chain in chains[:4]], 0),
        "fingers": np.mean([chains[1][1], chains[2][1]], 0),
        "middle": np.mean([chains[1][2], chains[2][2]], 0),
        "tip": chains[1][3],
        "index": chains[0][3],
        "thumb": chains[4][3],
        "pinch": np.mean([chains[0][3], chains[4][3]], 0),
        "arm": np.array([0.0, -9, 0]),
    }
    pivot = anchors[params["anchor"]]
    centre = np.append(board.to_board([params["at"]])[0], params.get("depth", 0.0) * cm)

    def place(point: Vector) -> Vector:
        return np.asarray(mirror @ turn @ ((point - pivot) * cm) + centre)

    def bone(a: Vector, b: Vector, ra: float, rb: float, up: Vector, across: Vector) -> Bone:
        return Bone(place(a), place(b), ra * cm, rb * cm, mirror @ turn @ up, mirror @ turn @ across)

    back, sideways = np.array([0, 0, 1.0]), np.array([1.0, 0, 0])
    palm = []
    for i, chain in enumerate(chains[:4]):
        foot = np.array([(-1.6, 0.6, -0.1), (-0.55, 0.2, 0.1), (0.5, 0.2, 0.05), (1.5, 0.5, -0.2)][i])
        palm.append(bone(foot, chain[0] - (0, 0, 0.15), 1.55, _FINGERS[i][2][0] * 1.12, back, sideways))
    palm.append(bone(np.array([-1.2, 1.6, -0.6]), (chains[4][0] + chains[4][1]) / 2, 1.5, 1.35, back, sideways))
    fingers = []
    for i, chain in enumerate(chains):
        radii = _FINGERS[i][2] if i < 4 else _THUMB[1]
        fat = params.get("fat", 1.0) * 1.06
        fingers.append(
            tuple(
                bone(chain[k], chain[k + 1], radii[k] * fat, radii[k + 1] * fat, *axes[i][k])
                for k in range(len(chain) - 1)
            )
        )
    wrist, elbow = np.array([0.0, 0.8, 0]), np.array([0.0, -24.0, -1.0])
    arm = tuple(
        bone(wrist + (shift, 0, 0), elbow + (shift * 1.6, 0, 0), 1.85, 3.3, back, sideways) for shift in (-1.05, 1.05)
    )
    away = arm[0].end + arm[1].end - arm[0].start - arm[1].start
    return Skeleton(
        tuple(palm),
        tuple(fingers),
        arm,
        away / max(float(np.hypot(away[0], away[1])), 1e-6),
        cm,
        bool((mirror @ turn @ back)[2] > 0),
    )


class Surface:
    """The nearest surface so far: height in board pixels and coverage."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.z: Field = np.full(shape, _LOW * 100, np.float32)
        self.coverage: Field = np.zeros(shape, np.float32)

    def add(self, bone: Bone, blend: float = 0, onto: Surface | None = None) -> None:
        """Lay a capsule in.

        Args:
            bone: the capsule.
            blend: width in pixels over which it melts into what it meets.
            onto: melt into this surface instead of into everything.
        """
        reach = max(bone.start_radius, bone.end_radius) + 2
        low = np.floor(np.minimum(bone.start, bone.end)[:2] - reach).astype(int)
        high = np.ceil(np.maximum(bone.start, bone.end)[:2] + reach).astype(int)
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]), self.z.shape[1]), min(int(high[1]), self.z.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        px = np.arange(x0, x1, dtype=np.float32)[None] + np.float32(0.5 - bone.start[0])
        py = np.arange(y0, y1, dtype=np.float32)[:, None] + np.float32(0.5 - bone.start[1])
        way = (bone.end - bone.start).astype(np.float32)
        flat = float(way[0] ** 2 + way[1] ** 2)
        if flat < 1e-3:
            t = np.full((y1 - y0, x1 - x0), float(way[2] > 0), np.float32)
        else:
            t = np.clip(px * (way[0] / flat) + py * (way[1] / flat), 0, 1)
        radius = bone.start_radius + t * np.float32(bone.end_radius - bone.start_radius)
        away = np.square(px - t * way[0]) + np.square(py - t * way[1])
        z = np.sqrt(np.maximum(np.square(radius) - away, 0)) + t * way[2]
        inside = np.clip(radius - np.sqrt(away) + 0.5, 0, 1)
        if abs(way[2]) > 0.6 * np.sqrt(flat):
            # Seen nearly end on: the near end is a ball before the rest.
            near, size = (way, bone.end_radius) if way[2] > 0 else (np.zeros(3, np.float32), bone.start_radius)
            ball = np.square(px - near[0]) + np.square(py - near[1])
            z = np.where(ball < size**2, np.maximum(z, np.sqrt(np.maximum(size**2 - ball, 0)) + near[2]), z)
            inside = np.maximum(inside, np.clip(size - np.sqrt(ball) + 0.5, 0, 1))
        z = np.where(inside > 0, z + np.float32(bone.start[2]), self.z.dtype.type(_LOW * 100))
        part = (slice(y0, y1), slice(x0, x1))
        if blend:
            other = (onto or self).z[part]
            z = np.maximum(z, other) + np.square(np.maximum(blend - np.abs(z - other), 0)) * np.float32(0.25 / blend)
            if onto is not None:
                z = np.where(inside > 0, z, self.z[part])
        np.maximum(self.z[part], z, out=self.z[part])
        np.maximum(self.coverage[part], inside, out=self.coverage[part])


def hand_surface(shape: tuple[int, int], bones: Skeleton, skip: Sequence[int] = ()) -> tuple[Surface, Surface]:
    """The hand's surface, and the palm's alone; ``skip`` leaves out fingers by number."""
    palm = Surface(shape)
    for bone in bones.palm:
        palm.add(bone, blend=1.0 * bones.cm)
    for bone in bones.arm:
        palm.add(bone, blend=0.9 * bones.cm)
    whole = Surface(shape)
    whole.z, whole.coverage = palm.z.copy(), palm.coverage.copy()
    for number, finger in enumerate(bones.fingers):
        if number in skip:
            continue
        for k, bone in enumerate(finger):
            if k == 0:
                whole.add(bone, blend=0.7 * bones.cm, onto=palm)
            else:
                whole.add(bone)
    return whole, palm
