"""Hard negatives of scenes, easily taken for faces or masks: skin-coloured blobs, hands, cloths, signs, writing."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.types import RGB

_SKINS: Final = ((236, 198, 170), (214, 164, 130), (178, 124, 90), (128, 84, 58), (84, 56, 42))
_MASKS: Final = ((235, 238, 240), (120, 170, 205), (90, 150, 140), (25, 25, 28), (200, 150, 170))
_WORDS: Final = ("EXIT", "STOP", "news", "HEALTH", "2020", "OPEN", "taxi", "Bar", "sale 50%", "BANK", "www", "A12")


def scatter(rng: np.random.Generator, scene: RGB, owner: NDArray[np.int16] | None, count: int) -> None:
    """Lay some things about.

    Args:
        rng: where chance comes from.
        scene: (H, W, 3), painted over.
        owner: who is to be seen at a pixel; what is covered becomes nobody's. None behind all people.
        count: how many things.
    """
    kinds = (_blob, _hand, _cloth, _writing, _sign, _pole)
    for _ in range(count):
        layer = kinds[rng.integers(len(kinds))](rng, scene)
        if owner is not None:
            owner[layer > 0] = 0


def _tone(rng: np.random.Generator, colours: tuple[tuple[int, int, int], ...]) -> tuple[int, int, int]:
    base = np.array(colours[rng.integers(len(colours))]) * rng.uniform(0.65, 1.12) + rng.normal(0, 8, 3)
    red, green, blue = np.clip(base, 0, 255)
    return int(red), int(green), int(blue)


def _at(rng: np.random.Generator, scene: RGB) -> tuple[float, float, float]:
    height, width = scene.shape[:2]
    size = float(np.exp(rng.uniform(np.log(6), np.log(0.2 * max(height, width)))))
    return float(rng.uniform(0, width)), float(rng.uniform(0, height)), size


def _lay(rng: np.random.Generator, scene: RGB, mask: Any, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Paint where the mask says, lit from one side."""
    import cv2

    x, y, wide, tall = cv2.boundingRect(mask)
    if wide < 1 or tall < 1:
        return np.asarray(mask, np.uint8)
    where = slice(y, y + tall), slice(x, x + wide)
    light = np.linspace(1 - rng.uniform(0, 0.35), 1.1, wide, dtype=np.float32)[None, :, None]
    if rng.random() < 0.5:
        light = light[:, ::-1]
    weight = mask[where].astype(np.float32)[..., None] / 255
    shaded = np.array(colour, np.float32) * light * np.ones((tall, 1, 1), np.float32)
    scene[where] = np.clip(scene[where] * (1 - weight) + shaded * weight, 0, 255).astype(np.uint8)
    return np.asarray(mask, np.uint8)


def _empty(scene: RGB) -> Any:
    return np.zeros(scene.shape[:2], np.uint8)


def _blob(rng: np.random.Generator, scene: RGB) -> NDArray[np.uint8]:
    import cv2

    x, y, size = _at(rng, scene)
    mask = _empty(scene)
    axes = (size, size * float(rng.uniform(0.8, 1.5)))
    cv2.ellipse(mask, ((x, y), axes, float(rng.uniform(0, 180))), 255, -1, cv2.LINE_AA)
    return _lay(rng, scene, mask, _tone(rng, _SKINS))


def _hand(rng: np.random.Generator, scene: RGB) -> NDArray[np.uint8]:
    import cv2

    x, y, size = _at(rng, scene)
    mask = _empty(scene)
    turn = float(rng.uniform(0, 2 * np.pi))
    cv2.circle(mask, (int(x), int(y)), max(1, int(size * 0.3)), 255, -1, cv2.LINE_AA)
    for finger in range(5):
        angle = turn + (finger - 2) * float(rng.uniform(0.1, 0.35))
        long = size * (0.75 if finger else 0.5)
        tip = (int(x + long * np.cos(angle)), int(y + long * np.sin(angle)))
        cv2.line(mask, (int(x), int(y)), tip, 255, max(1, int(size * 0.14)), cv2.LINE_AA)
    arm = (int(x - 2 * size * np.cos(turn)), int(y - 2 * size * np.sin(turn)))
    cv2.line(mask, (int(x), int(y)), arm, 255, max(1, int(size * 0.35)), cv2.LINE_AA)
    return _lay(rng, scene, mask, _tone(rng, _SKINS))


def _cloth(rng: np.random.Generator, scene: RGB) -> NDArray[np.uint8]:
    """A mask without a face: a rectangle with pleats."""
    import cv2

    x, y, size = _at(rng, scene)
    mask = _empty(scene)
    box = ((x, y), (size, size * float(rng.uniform(0.4, 0.8))), float(rng.uniform(-30, 30)))
    corners = np.asarray(cv2.boxPoints(box))
    cv2.fillPoly(mask, [corners.astype(np.int32)], 255, cv2.LINE_AA)
    colour = _tone(rng, _MASKS)
    drawn = _lay(rng, scene, mask, colour)
    darker = (int(colour[0] * 0.8), int(colour[1] * 0.8), int(colour[2] * 0.8))
    for share in (0.3, 0.5, 0.7):
        start = corners[0] + (corners[1] - corners[0]) * share
        end = corners[3] + (corners[2] - corners[3]) * share
        cv2.line(scene, start.astype(int).tolist(), end.astype(int).tolist(), darker, 1, cv2.LINE_AA)
    return drawn


def _writing(rng: np.random.Generator, scene: RGB) -> NDArray[np.uint8]:
    import cv2

    x, y, size = _at(rng, scene)
    mask = _empty(scene)
    word = _WORDS[rng.integers(len(_WORDS))]
    thick = max(1, int(size / 14))
    cv2.putText(mask, word, (int(x - size), int(y)), int(rng.integers(0, 5)), size / 40, 255, thick, cv2.LINE_AA)
    return _lay(rng, scene, mask, _tone(rng, ((245, 245, 245), (20, 20, 20), (220, 40, 30), (240, 210, 40))))


def _sign(rng: np.random.Generator, scene: RGB) -> NDArray[np.uint8]:
    """A disc or a board with a border and two dots: a face in no more than name."""
    import cv2

    x, y, size = _at(rng, scene)
    mask = _empty(scene)
    at, radius = (int(x), int(y)), max(2, int(size / 2))
    if rng.random() < 0.5:
        cv2.circle(mask, at, radius, 255, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(mask, (at[0] - radius, at[1] - radius), (at[0] + radius, at[1] + int(1.3 * radius)), 255, -1)
    bright = ((250, 250, 250), (230, 40, 30), (30, 70, 190), (240, 200, 40), (30, 120, 60), (225, 180, 150))
    drawn = _lay(rng, scene, mask, _tone(rng, bright))
    if rng.random() < 0.4:
        for side in (-1, 1):
            spot = (at[0] + int(side * radius * 0.4), at[1] - int(radius * rng.uniform(0, 0.4)))
            cv2.circle(scene, spot, max(1, radius // 7), (25, 25, 25), -1, cv2.LINE_AA)
    else:
        cv2.circle(scene, at, max(1, radius // 2), _tone(rng, bright), max(1, radius // 6), cv2.LINE_AA)
    return drawn


def _pole(rng: np.random.Generator, scene: RGB) -> NDArray[np.uint8]:
    import cv2

    x, _, size = _at(rng, scene)
    mask = _empty(scene)
    lean = float(rng.normal(0, 0.1)) * scene.shape[0]
    start, end = (int(x), 0), (int(x + lean), scene.shape[0])
    cv2.line(mask, start, end, 255, max(1, int(size / 5)), cv2.LINE_AA)
    return _lay(rng, scene, mask, _tone(rng, ((60, 60, 62), (150, 150, 150), (110, 80, 50), (200, 190, 60))))
