"""Prints on cloth: generated, tiling-free, one function a pattern.

Every pattern is a picture of the flat cloth, drawn from a seed and a base
colour. What is printed follows what people wear: checks, stripes, dots,
flowers, camouflage, letters, logos, grins and snouts.
"""

from __future__ import annotations

import colorsys
import itertools
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maskgen.drawing.palette import PALETTE, RGBTriple
from maskgen.errors import InputError

Cloth: TypeAlias = NDArray[np.float32]
"""(H, W, 3) float32 sRGB in [0, 1]."""

_Colour: TypeAlias = NDArray[Any]
_Field: TypeAlias = NDArray[Any]
_Painter: TypeAlias = Callable[[np.random.Generator, int, int, _Colour], _Field]


def render(name: str, seed: int, size_wh: tuple[int, int], base_rgb: RGBTriple) -> Cloth:
    """Print a pattern on cloth.

    Args:
        name: one of ``NAMES``.
        seed: decides everything that the pattern leaves open.
        size_wh: width and height in pixels, both at least 1.
        base_rgb: the cloth's own colour, sRGB 0 to 255.

    Returns:
        (H, W, 3) float32 sRGB in [0, 1].

    Raises:
        InputError: no pattern is called ``name``.
    """
    if name not in _PAINTERS:
        raise InputError(f'no pattern is called "{name}"; choose from {", ".join(NAMES)}')
    rng = np.random.default_rng(seed)
    width, height = size_wh
    base = np.asarray(base_rgb, np.float32) / 255
    return np.clip(_PAINTERS[name](rng, width, height, base), 0, 1).astype(np.float32, copy=False)


def _partner(rng: np.random.Generator, base: _Field) -> _Field:
    """A second colour that somebody would print on the first."""
    if rng.random() < 0.45:
        names = list(PALETTE)
        return np.asarray(PALETTE[names[rng.integers(len(names))]], np.float32) / 255
    hue, saturation, value = colorsys.rgb_to_hsv(*map(float, base))
    hue = (hue + rng.choice([0.0, 0.08, 0.5]) + rng.normal(0, 0.03)) % 1
    saturation = float(np.clip(saturation + rng.uniform(-0.3, 0.4), 0, 1))
    value = float(np.clip(1 - value + rng.uniform(-0.2, 0.2), 0.05, 1))
    return np.asarray(colorsys.hsv_to_rgb(hue, saturation, value), np.float32)


def _grid(width: int, height: int, angle_rad: float) -> tuple[_Field, _Field]:
    """Turned coordinates in units of the cloth's width."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / width
    cos, sin = np.float32(np.cos(angle_rad)), np.float32(np.sin(angle_rad))
    return x * cos + y * sin, y * cos - x * sin


def _wave(phase: _Field, duty: float, sharpness: float = 12) -> _Field:
    """A soft-edged square wave in [0, 1] of period 1."""
    threshold = np.float32(np.cos(np.pi * duty))
    return np.asarray(
        np.clip((np.cos(2 * np.pi * phase) - threshold) * np.float32(sharpness / 4) + 0.5, 0, 1).astype(np.float32)
    )


def _mix(base: _Field, other: _Field, weight: _Field) -> _Field:
    return np.asarray(base + (other - base) * weight[..., None], np.float32)


def _noise(rng: np.random.Generator, width: int, height: int, cells: float) -> _Field:
    """Smooth noise in about [-1, 1] with ``cells`` lumps across the width."""
    import cv2

    grid_w = max(2, round(cells))
    grid_h = max(2, round(cells * height / width))
    coarse = rng.uniform(-1, 1, (grid_h, grid_w)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _plain(width: int, height: int, base: _Field) -> _Field:
    return np.broadcast_to(base, (height, width, 3)).astype(np.float32)


def _stripes(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    u, _ = _grid(width, height, float(rng.choice([0, np.pi / 2, np.pi / 4]) + rng.normal(0, 0.03)))
    band = _wave(u * rng.uniform(5, 22), rng.uniform(0.2, 0.6))
    cloth = _mix(_plain(width, height, base), _partner(rng, base), band)
    if rng.random() < 0.4:
        cloth = _mix(cloth, _partner(rng, base), _wave(u * rng.uniform(3, 9), 0.12))
    return cloth


def _checks(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    u, v = _grid(width, height, float(rng.choice([0, np.pi / 4]) + rng.normal(0, 0.03)))
    count, duty = rng.uniform(6, 20), rng.uniform(0.35, 0.6)
    partner = _partner(rng, base)
    across, down = _wave(u * count, duty), _wave(v * count, duty)
    # Gingham: two half-strength layers, full colour where they cross.
    return _mix(_mix(_plain(width, height, base), partner, across * 0.5), partner, down * 0.5)


def _tartan(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    u, v = _grid(width, height, float(rng.normal(0, 0.05)))
    cloth = _plain(width, height, base)
    for _ in range(int(rng.integers(3, 6))):
        colour, count, duty, shift = _partner(rng, base), rng.uniform(3, 9), rng.uniform(0.05, 0.35), rng.random()
        cloth = _mix(cloth, colour, _wave(u * count + shift, duty) * 0.5)
        cloth = _mix(cloth, colour, _wave(v * count + shift, duty) * 0.5)
    return cloth


def _dots(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    u, v = _grid(width, height, float(rng.uniform(0, np.pi / 2)))
    count, radius = rng.uniform(7, 24), rng.uniform(0.15, 0.36)
    row = np.floor(v * count)
    du = np.mod(u * count + 0.5 * np.mod(row, 2), 1) - 0.5
    dv = np.mod(v * count, 1) - 0.5
    inside = np.clip((radius - np.hypot(du, dv)) * width / count + 0.5, 0, 1).astype(np.float32)
    return _mix(_plain(width, height, base), _partner(rng, base), inside)


def _camouflage(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    families = (
        ("olive", "forest", "brown", "black"),
        ("beige", "brown", "mustard", "olive"),
        ("grey", "charcoal", "light_grey", "black"),
        ("navy", "denim", "light_grey", "black"),
    )
    cloth = _plain(width, height, base)
    for name in families[rng.integers(len(families))]:
        colour = np.asarray(PALETTE[name], np.float32) / 255
        field = _noise(rng, width, height, rng.uniform(4, 9)) + 0.4 * _noise(rng, width, height, rng.uniform(12, 22))
        cloth = _mix(cloth, colour, np.clip((field - 0.15) * 14, 0, 1))
    return cloth


def _floral(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    import cv2

    cloth = _plain(width, height, base).copy()
    leaf = np.asarray(PALETTE[("forest", "olive", "teal")[rng.integers(3)]], np.float32) / 255
    petals = [_partner(rng, base) for _ in range(int(rng.integers(1, 4)))]
    centre = np.asarray(PALETTE[("yellow", "white", "brown", "mustard")[rng.integers(4)]], np.float32) / 255
    size = width * rng.uniform(0.02, 0.075)
    for _ in range(int(np.clip(0.16 * width * height / size**2 / 2.2, 8, 220))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        radius, turn = size * rng.uniform(0.6, 1.4), rng.uniform(0, 360)
        if rng.random() < 0.35:
            _ellipse(cv2, cloth, x, y, radius * 1.3, radius * 0.4, turn, leaf)
            continue
        petal, count = petals[rng.integers(len(petals))], int(rng.integers(4, 8))
        for step in range(count):
            angle = turn + 360 * step / count
            dx, dy = np.cos(np.radians(angle)) * radius * 0.6, np.sin(np.radians(angle)) * radius * 0.6
            _ellipse(cv2, cloth, x + dx, y + dy, radius * 0.6, radius * 0.38, angle, petal)
        _ellipse(cv2, cloth, x, y, radius * 0.28, radius * 0.28, 0, centre)
    return cloth


def _ellipse(cv2: object, cloth: _Field, x: float, y: float, a: float, b: float, angle: float, colour: _Field) -> None:
    """A filled ellipse, placed to a sixteenth of a pixel."""
    axes = (max(1, round(a * 16)), max(1, round(b * 16)))
    cv2.ellipse(  # type: ignore[attr-defined]
        cloth, (round(x * 16), round(y * 16)), axes, angle, 0, 360, tuple(map(float, colour)), -1, 16, 4
    )


def _letters(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    import cv2

    cloth = _plain(width, height, base).copy()
    alphabet = "ABCDEFGHIJKLMNOPRSTUVWXYZ0123456789"
    length = int(rng.integers(3, 9))
    word = "".join(alphabet[i] for i in rng.integers(0, len(alphabet), length))
    fonts = (cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX)
    font = fonts[rng.integers(len(fonts))]
    thickness = max(1, round(width * rng.uniform(0.004, 0.02)))
    (text_w, text_h), _ = cv2.getTextSize(word, font, 1, thickness)
    scale = width * rng.uniform(0.25, 0.7) / text_w
    x = width * rng.uniform(0.15, 0.4)
    y = height * rng.uniform(0.35, 0.75) + text_h * scale / 2
    colour = tuple(map(float, _partner(rng, base)))
    for line in range(int(rng.choice([1, 1, 1, 2, 4]))):
        at = (round(x), round(y + line * text_h * scale * 1.5))
        cv2.putText(cloth, word, at, font, scale, colour, thickness, cv2.LINE_AA)
    return cloth


def _logo(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    import cv2

    cloth = _plain(width, height, base).copy()
    colour = tuple(map(float, _partner(rng, base)))
    x = round(width * rng.choice([0.5, 0.25, 0.75]) + width * rng.normal(0, 0.03))
    y, radius = round(height * rng.uniform(0.4, 0.7)), max(2, round(width * rng.uniform(0.03, 0.12)))
    corners = int(rng.integers(3, 9))
    angles = rng.uniform(0, 2 * np.pi) + np.arange(2 * corners) * np.pi / corners
    radii = np.where(np.arange(2 * corners) % 2, rng.uniform(0.4, 1.0), 1.0) * radius
    star = np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], 1).round().astype(np.int32)
    cv2.fillPoly(cloth, [star], colour, cv2.LINE_AA)
    if rng.random() < 0.5:
        cv2.circle(cloth, (x, y), round(radius * 1.35), colour, max(1, radius // 8), cv2.LINE_AA)
    return cloth


def _grin(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    """A mouth, a snout or a skull's teeth, as joke masks have them."""
    import cv2

    cloth = _plain(width, height, base).copy()
    x, y = width / 2 + width * rng.normal(0, 0.01), height * rng.uniform(0.55, 0.7)
    mouth_w, mouth_h = width * rng.uniform(0.1, 0.22), height * rng.uniform(0.04, 0.16)
    kind = int(rng.integers(4))
    dark = np.asarray((0.08, 0.05, 0.06), np.float32)
    if kind == 0:  # lips with teeth
        _ellipse(cv2, cloth, x, y, mouth_w, mouth_h * 1.3, 0, np.asarray(PALETTE["red"], np.float32) / 255)
        _ellipse(cv2, cloth, x, y, mouth_w * 0.8, mouth_h * 0.7, 0, np.asarray((0.95, 0.94, 0.9), np.float32))
    elif kind == 1:  # animal snout with whiskers
        muzzle = np.clip(base + 0.35, 0, 1)
        _ellipse(cv2, cloth, x, y, mouth_w * 1.2, mouth_h * 2.2, 0, muzzle)
        _ellipse(cv2, cloth, x, y - mouth_h, mouth_w * 0.35, mouth_h * 0.6, 0, dark)
        for side in (-1, 1):
            for slope in (-0.25, 0.0, 0.25):
                start = (round(x + side * mouth_w * 0.7), round(y))
                end = (round(x + side * mouth_w * 2), round(y + slope * mouth_w))
                cv2.line(cloth, start, end, tuple(map(float, dark)), max(1, width // 200), cv2.LINE_AA)
    else:  # a row of teeth, human or shark
        teeth = int(rng.integers(6, 14))
        _ellipse(cv2, cloth, x, y, mouth_w * 1.5, mouth_h * 1.3, 0, dark)
        edges = np.linspace(x - mouth_w * 1.3, x + mouth_w * 1.3, teeth + 1)
        for left, right in itertools.pairwise(edges):
            reach = mouth_h * 1.1 * np.sqrt(max(0.0, 1 - ((left + right) / 2 - x) ** 2 / (mouth_w * 1.5) ** 2))
            for sign in (-1, 1):
                tip = (left + right) / 2 if kind == 3 else right
                corners = [(left + 1, y + sign * reach), (right - 1, y + sign * reach), (tip, y + sign * 2)]
                if kind == 2:
                    corners.append((left + 1, y + sign * 2))
                cv2.fillPoly(cloth, [np.asarray(corners).round().astype(np.int32)], (0.94, 0.93, 0.88), cv2.LINE_AA)
    return cloth


def _gradient(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    u, _ = _grid(width, height, float(rng.uniform(0, 2 * np.pi)))
    ramp = (u - u.min()) / max(float(np.ptp(u)), 1e-6)
    return _mix(_plain(width, height, base), _partner(rng, base), ramp.astype(np.float32))


def _tie_dye(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    cloth = _plain(width, height, base)
    for _ in range(int(rng.integers(2, 5))):
        cloth = _mix(cloth, _partner(rng, base), np.clip(_noise(rng, width, height, rng.uniform(3, 8)) + 0.2, 0, 1))
    return cloth


def _paisley(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    import cv2

    cloth = _plain(width, height, base).copy()
    ink, second = _partner(rng, base), _partner(rng, base)
    size = width * rng.uniform(0.035, 0.08)
    for row, y in enumerate(np.arange(0, height + size, size * 1.7)):
        for x in np.arange((row % 2) * size, width + size, size * 2):
            turn = float(rng.choice([20, 200])) + rng.normal(0, 12)
            _ellipse(cv2, cloth, x, y, size * 0.8, size * 0.5, turn, ink)
            tail = np.radians(turn)
            _ellipse(cv2, cloth, x + size * 0.7 * np.cos(tail), y + size * 0.7 * np.sin(tail), size * 0.3, size * 0.2,
                     turn + 50, ink)  # fmt: skip
            _ellipse(cv2, cloth, x, y, size * 0.5, size * 0.3, turn, base)
            _ellipse(cv2, cloth, x, y, size * 0.22, size * 0.16, turn, second)
    return cloth


def _heather(rng: np.random.Generator, width: int, height: int, base: _Field) -> _Field:
    """Melange jersey: two yarns that never mix evenly."""
    fibre = rng.normal(0, 1, (height, max(1, width // 6))).astype(np.float32)
    import cv2

    threads = np.asarray(cv2.resize(fibre, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(_plain(width, height, base) + threads[..., None] * np.float32(rng.uniform(0.02, 0.07)))


_PAINTERS: Final[dict[str, _Painter]] = {
    "stripes": _stripes,
    "checks": _checks,
    "tartan": _tartan,
    "dots": _dots,
    "floral": _floral,
    "paisley": _paisley,
    "camouflage": _camouflage,
    "letters": _letters,
    "logo": _logo,
    "grin": _grin,
    "gradient": _gradient,
    "tie_dye": _tie_dye,
    "heather": _heather,
}

NAMES: Final[tuple[str, ...]] = tuple(_PAINTERS)
