# ruff: noqa: RUF005 - points are shifted by pairs, not joined to them
"""Skin, nails, rings, sleeves and gloves over a hand's surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskgen.drawing.board import Board, Field, Params, ellipse
from maskgen.occluders.hands.anatomy import Bone, Skeleton, Surface, hand_surface, pose

if TYPE_CHECKING:
    from collections.abc import Sequence

# How skin darkens in its own shadow: light that comes through it is red.
_CREASE = (0.66, 1.0, 1.06)


def draw_hand(board: Board, params: Params, skin_rgb: ArrayLike, skip: Sequence[int] = ()) -> None:
    """Paint one hand over a board.

    Args:
        board: what it is painted on; what lies there is shadowed by it.
        params: see ``hand.draw_hand_params``.
        skin_rgb: (3,) sRGB in [0, 1], the face's skin.
        skip: fingers left out because an object hides them, 0 index to 4 thumb.
    """
    bones = pose(board, params)
    every = [bone for group in (bones.palm, bones.arm, *bones.fingers) for bone in group]
    low = np.min([np.minimum(b.start, b.end) - max(b.start_radius, b.end_radius) for b in every], axis=0)
    high = np.max([np.maximum(b.start, b.end) + max(b.start_radius, b.end_radius) for b in every], axis=0)
    pad = 1.5 * bones.cm
    if high[0] < 0 or high[1] < 0 or low[0] >= board.shape[1] or low[1] >= board.shape[0]:
        return
    whole, board = board, board.window(low[0] - pad, low[1] - pad, high[0] + pad, high[1] + pad)
    bones = bones.moved(whole.left - board.left, whole.top - board.top)
    surface, _ = hand_surface(board.shape, bones, skip)
    inside = surface.coverage
    if not inside.any():
        return
    cm, seed = bones.cm, params["seed"]
    floor = float(surface.z.min(where=inside > 0.5, initial=1e6))
    if floor > 1e5:
        return
    z = np.maximum(surface.z, np.float32(floor - cm))
    skin = np.asarray(skin_rgb, np.float32) * np.asarray(params["tone"], np.float32)
    glove = params.get("glove")
    board.cast(inside, 0.7 * cm / board.px, 0.35, (0, 0.5 * cm / board.px))
    # Valleys take less light: the difference from the softened surface.
    valley = np.clip(board.blur(z, 0.45 * cm / board.px) - z, 0, 1.5 * cm) * np.float32(0.4 / cm)
    fine = np.clip(board.blur(z, 0.14 * cm / board.px) - z, 0, 0.5 * cm) * np.float32(1.5 / cm)
    dark = np.asarray(1 / (1 + valley + fine + np.square(valley + fine) * np.float32(0.5)), np.float32)
    height = z * np.float32(1 / board.px)
    if glove is not None:
        folds = board.noise(seed + 3, 0.05)
        height += folds * np.float32(0.05 * cm / board.px)
        sheen = dark * (1 + 0.05 * folds)
        rgb = np.asarray(glove, np.float32)[:, None, None] * sheen
    else:
        rgb = _skin(board, bones, z, skin, seed, dark)
        if bones.dorsal:
            height += _tendons(board, bones, params)
    board.lay(inside, np.clip(rgb, 0, 1, out=rgb), height)
    if glove is None:
        _creases(board, bones, surface, params, skip)
        _nails(board, bones, surface, skin, params, skip)
        _ring(board, bones, surface, params, skip)
    if params.get("watch") is not None:
        _watch(board, bones, params["watch"])
    if params.get("sleeve") is not None:
        _sleeve(board, bones, params["sleeve"], seed)


def _skin(
    board: Board, bones: Skeleton, z: Field, skin: NDArray[np.float32], seed: int, dark: Field
) -> NDArray[np.float32]:
    """Skin's colour all over, (3, h, w): mottled, redder at knuckles and tips, pale on the palm's side."""
    cm = bones.cm
    base = skin
    if not bones.dorsal:
        pale = np.asarray((0.86, 0.68, 0.61), np.float32) * max(float(skin.max()), 0.35)
        base = skin * 0.7 + pale * 0.32
    mottled = board.noise(seed, 0.9 * cm / board.px)
    light = 1 + np.float32(0.018) * mottled + np.float32(0.012) * board.noise(seed + 1, 0.16 * cm / board.px)
    spots = np.zeros(board.shape, np.float32)
    for finger in bones.fingers:
        spots_at = [finger[-1].end, finger[0].start, finger[0].end, finger[1].end]
        for at, radius, weight in zip(spots_at, (0.75, 1.0, 0.7, 0.5), (0.9, 0.6, 0.7, 0.4), strict=True):
            _dab(spots, at, radius * cm, weight, z)
    flush = np.float32(0.055) * np.minimum(spots, 1) + np.float32(0.012) * mottled
    rgb = np.empty((3, *board.shape), np.float32)
    for plane, colour, crease, red in zip(rgb, base, _CREASE, (0.15, -1.0, -0.85), strict=True):
        shaded = (1 + (dark - 1) * np.float32(crease)) * light
        np.multiply(shaded, colour * (1 + flush * np.float32(red)), out=plane)
    return rgb


def _dab(field: Field, at: NDArray[np.float64], radius: float, weight: float, z: Field) -> None:
    """Add a soft round spot where the joint is not hidden."""
    reach = 2.2 * radius
    x0, y0 = max(int(at[0] - reach), 0), max(int(at[1] - reach), 0)
    x1, y1 = min(int(at[0] + reach) + 1, field.shape[1]), min(int(at[1] + reach) + 1, field.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    dx = np.arange(x0, x1, dtype=np.float32)[None] - np.float32(at[0])
    dy = np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(at[1])
    bump = np.exp(-(dx**2 + dy**2) * np.float32(1 / radius**2))
    seen = np.abs(z[y0:y1, x0:x1] - np.float32(at[2])) < 2 * radius
    field[y0:y1, x0:x1] += bump * seen * np.float32(weight)


def _hidden(surface: Surface, at: NDArray[np.float64], slack: float) -> bool:
    """Whether something lies more than ``slack`` pixels before a point, or it is off the board."""
    x, y = int(at[0]), int(at[1])
    if not (0 <= x < surface.z.shape[1] and 0 <= y < surface.z.shape[0]):
        return True
    return bool(surface.z[y, x] > at[2] + slack)


def _tendons(board: Board, bones: Skeleton, params: Params) -> Field:
    """Tendons and veins on the back of the hand, in face widths of height."""
    cm = bones.cm
    veins = []
    rng = np.random.default_rng(params["seed"] + 11)
    paths = [_ends(board, bone.start * 0.35 + bone.end * 0.65, bone.end) for bone in bones.palm[:4]]
    for a, b in zip(bones.palm[:3], bones.palm[1:4], strict=True):
        start, end = (a.start + b.start) / 2, (a.end + b.end) / 2
        t = np.linspace(0.1, 0.9, 5)[:, None]
        wave = start[:2] + (end - start)[:2] * t + rng.normal(0, 0.3 * cm, (5, 2))
        veins.append(_off(board, wave))
    bumps: Any = board.lines(paths, 0.3 * cm / board.px) * 0.1 + board.lines(veins, 0.2 * cm / board.px) * 0.06
    return board.blur(bumps.astype(np.float32), 0.16 * cm / board.px) * np.float32(
        params.get("bony", 1.0) * cm / board.px
    )


def _off(board: Board, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Board pixels back to face widths."""
    return np.asarray((pixels + (board.left, board.top)) / board.px)


def _ends(board: Board, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return _off(board, np.stack([a[:2], b[:2]]))


def _creases(board: Board, bones: Skeleton, surface: Surface, params: Params, skip: Sequence[int]) -> None:
    """Wrinkles over the joints."""
    cm = bones.cm
    rng = np.random.default_rng(params["seed"] + 5)
    paths: list[ArrayLike] = []
    for number, finger in enumerate(bones.fingers):
        for k, bone in enumerate(finger[:-1]):
            offsets = rng.normal(0, 0.06, 4)
            if number in skip or _hidden(surface, bone.end, bone.end_radius + 0.4 * cm):
                continue
            toward = np.sign(bone.up[2]) or 1.0
            rows = (-0.34, -0.12, 0.12, 0.34) if toward > 0 and k == 0 + (number == 4) else (-0.1, 0.1)
            for row, wobble in zip(rows, offsets, strict=False):
                t = np.linspace(-0.62, 0.62, 7)[:, None]
                way = (bone.end - bone.start) / max(float(np.linalg.norm(bone.end - bone.start)), 1e-6)
                bow = (1 - (t / 0.62) ** 2) * row * 0.35
                arc = (
                    bone.end
                    + bone.across * t * bone.end_radius
                    + bone.up * toward * bone.end_radius * np.sqrt(1 - t**2)
                    + way * ((row + wobble) * 0.9 * cm + bow * cm)
                )
                paths.append(_off(board, arc[:, :2]))
    if not paths:
        return
    lines = board.blur(board.lines(paths, 0.075 * cm / board.px), 0.05 * cm / board.px) * surface.coverage
    board.tint(1 - lines * np.float32(params.get("wrinkles", 0.3)), _CREASE)


def _nails(
    board: Board, bones: Skeleton, surface: Surface, skin: NDArray[np.float32], params: Params, skip: Sequence[int]
) -> None:
    """Nails that face the viewer, bare or painted."""
    cm, polish = bones.cm, params.get("nails")
    length = params.get("nail_length", 1.0)
    for number, finger in enumerate(bones.fingers):
        bone = finger[-1]
        if number in skip or bone.up[2] < 0.2:
            continue
        way = bone.end - bone.start
        way = way / max(float(np.linalg.norm(way)), 1e-6)
        wide = bone.end_radius * 0.86
        long = 0.62 * cm * (1.15 if number == 4 else 1.0)
        middle = bone.end - way * long * 0.35 + bone.up * bone.end_radius * 0.85
        if _hidden(surface, middle, 0.35 * cm):
            continue

        def outline(
            grow: float,
            reach: float,
            bone: Bone = bone,
            way: NDArray[np.float64] = way,
            middle: NDArray[np.float64] = middle,
            wide: float = wide,
            long: float = long,
        ) -> NDArray[np.float64]:
            shape = ellipse(0, 0, wide * grow, long * grow, power=2.7, count=28)
            shape[:, 1] = np.where(shape[:, 1] > 0, shape[:, 1] * reach, shape[:, 1])
            sink = bone.end_radius * 0.45 * (shape[:, :1] / max(wide, 1e-6)) ** 2
            flat = middle + shape[:, :1] * bone.across + shape[:, 1:] * way - sink * bone.up
            return _off(board, flat[:, :2])

        tip = 1.0 + 0.45 * (length - 1)
        small = board.around(outline(1.3, tip))
        rim = small.fill(outline(1.16, tip))
        small.tint(1 - 0.22 * rim * small.cut(surface.coverage, board), _CREASE)
        plate = small.fill(outline(1.0, tip))
        if polish is None:
            bed = skin * np.asarray((1.06, 0.98, 0.99), np.float32) + 0.045
            small.lay(plate, np.clip(bed, 0, 1))
            edge = plate - small.fill(outline(0.99, tip * 0.72))
            small.lay(np.clip(edge, 0, 1) * 0.6, np.clip(skin * 0.5 + 0.45, 0, 1))
        else:
            small.lay(plate, np.asarray(polish, np.float32))
        shine = middle - bone.across * wide * 0.3
        streak = small.lines([_ends(board, shine - way * long * 0.5, shine + way * long * 0.5)], 0.1 * cm / board.px)
        streak = small.blur(streak, 0.05 * cm / board.px) * plate
        small.lay(streak * np.float32(0.55 if polish is not None else 0.3), (1.0, 0.99, 0.98))


def _ring(board: Board, bones: Skeleton, surface: Surface, params: Params, skip: Sequence[int]) -> None:
    """A ring on one finger's first bone."""
    ring = params.get("ring")
    if ring is None or ring["finger"] in skip:
        return
    bone = bones.fingers[ring["finger"]][0]
    at = bone.start * 0.48 + bone.end * 0.52
    if bone.up[2] < 0.2 or _hidden(surface, at, bone.end_radius + 0.45 * bones.cm):
        return
    t = np.linspace(-1, 1, 9)[:, None]
    radius = (bone.start_radius + bone.end_radius) / 2 * 1.04
    arc = at + bone.across * t * radius + bone.up * radius * np.sqrt(1 - t**2)
    path = _off(board, arc[:, :2])
    small = board.around(path, pad=0.06)
    band = small.lines([path], ring["width"] * bones.cm / board.px)
    small.cast(band, 0.05 * bones.cm / board.px, 0.4)
    gleam = 0.75 + 0.35 * np.cos(small.x * np.float32(board.px * 2.5 / bones.cm) + small.y * 20)
    small.lay(band, np.clip(np.asarray(ring["rgb"], np.float32)[:, None, None] * gleam, 0, 1))


def _watch(board: Board, bones: Skeleton, watch: Params) -> None:
    """A strap round the wrist, with a dial when the back of the hand shows."""
    cm = bones.cm
    left, right = bones.arm
    at = [(bone.start * 0.9 + bone.end * 0.1) for bone in (left, right)]
    across = at[1] - at[0]
    across = across / max(float(np.hypot(across[0], across[1])), 1e-6)
    reach = left.start_radius * 1.12
    ends = np.stack([at[0] - across * reach, (at[0] + at[1]) / 2, at[1] + across * reach])[:, :2]
    ends[1] += bones.elbow[:2] * 0.35 * cm
    strap = board.lines([_off(board, ends)], watch["strap"] * cm / board.px)
    strap *= board.alpha
    board.cast(strap, 0.2 * cm / board.px, 0.35)
    board.lay(strap, watch["rgb"], board.height + np.float32(0.2 * cm / board.px))
    if bones.dorsal:
        centre = _off(board, ((at[0] + at[1]) / 2 + bones.elbow * 0.1 * cm)[None, :2])[0]
        radius = watch["dial"] * cm / board.px
        for grow, colour in ((1.0, watch["case"]), (0.84, watch["face"])):
            disc = board.fill(ellipse(centre[0], centre[1], radius * grow, radius * grow, power=watch["power"]))
            board.lay(disc, colour, board.height)


def _sleeve(board: Board, bones: Skeleton, sleeve: Params, seed: int) -> None:
    """Cloth over the forearm from ``start`` centimetres behind the wrist."""
    cm, px = bones.cm, board.px
    middle = (bones.arm[0].start + bones.arm[1].start) / 2 + bones.elbow * sleeve["start"] * cm
    side = np.array([-bones.elbow[1], bones.elbow[0]]) * (bones.arm[0].end_radius + (sleeve["wide"] * 2 + 2) * cm)
    far = middle[:2] + bones.elbow[:2] * 30 * cm
    near = middle[:2] - bones.elbow[:2] * 2 * cm
    reach = [near - side, near + side, far - side, far + side]
    low, high = np.min(reach, axis=0), np.max(reach, axis=0)
    whole, board = board, board.window(*low, *high)
    middle = middle - np.array([board.left - whole.left, board.top - whole.top, 0])
    x = board.x * px - board.left - np.float32(middle[0])
    y = board.y * px - board.top - np.float32(middle[1])
    behind = x * np.float32(bones.elbow[0]) + y * np.float32(bones.elbow[1])
    off = y * np.float32(bones.elbow[0]) - x * np.float32(bones.elbow[1])
    ball_px = float(bones.arm[0].start_radius + sleeve["wide"] * cm)
    behind = behind + np.square(off) * np.float32(0.16 / ball_px)
    half = np.float32(ball_px + 1.05 * cm) + np.clip(behind, 0, None) * np.float32(1.5 / 24)
    tube = np.clip(half - np.abs(off) + 0.5, 0, 1) * np.clip(behind + 0.5, 0, 1)
    round_z = np.sqrt(np.clip(1 - np.square(off / half), 0, 1)) * half * np.float32(0.75)
    angle = float(np.degrees(np.arctan2(bones.elbow[1], bones.elbow[0]))) + 75
    folds = board.noise(seed + 21, 1.1 * cm / px, 2.6, angle) * np.float32(0.22 * cm * sleeve["folds"])
    cuff = np.clip(1 - behind / np.float32(sleeve["cuff"] * cm), 0, 1)
    if sleeve["ribbed"]:
        folds = np.where(cuff > 0, 0.1 * cm * np.cos(off * np.float32(2 * np.pi / (0.35 * cm))), folds).astype(
            np.float32
        )
    board.cast(tube, 0.4 * cm / px, 0.4)
    weave = 1 + 0.035 * board.noise(seed + 22, 0.012, 1.6, angle + 15)
    seam = np.exp(-np.square((behind - sleeve["cuff"] * cm) / np.float32(0.09 * cm)))
    shade = np.clip(board.blur(folds, 0.5 * cm / px) - folds, -0.5 * cm, cm) * np.float32(0.7 / cm)
    rgb = np.asarray(sleeve["rgb"], np.float32)[:, None, None] * (weave * (1 - 0.3 * seam) * (1 - shade))
    lip = np.float32(0.25 * cm) * (cuff > 0)
    board.lay(tube, np.clip(rgb, 0, 1), (round_z + folds + lip + np.float32(middle[2])) / px)
