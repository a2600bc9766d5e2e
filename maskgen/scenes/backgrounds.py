"""Scene backgrounds: drawn places, pictures without people, and regions of photographs that hold no box."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.dataset.split import split_of
from maskgen.errors import DatasetError, ImageError, InputError
from maskgen.images import Skipped, iter_paths, read_rgb
from maskgen.types import RGB

SAMPLES: Final = (
    "brick.png", "chelsea.png", "chessboard_RGB.png", "clock_motion.png", "coffee.png", "coins.png", "color.png",
    "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png",
    "motorcycle_right.png", "page.png", "retina.jpg", "rocket.jpg", "text.png",
)  # fmt: skip
"""scikit-image's sample pictures that show nobody."""

GROWN: Final = 1.7
"""An annotated face is kept out of a region by its box grown by this: hair and neck would look like half a face."""

WEIGHTS: Final = (0.55, 0.35, 0.05, 0.3)
"""Of photographs' regions, pictures without people, samples and drawn places, where there are such."""


@dataclass(frozen=True, slots=True)
class Place:
    """A picture and what of it must not be used.

    Attributes:
        path: its file.
        taken: (N, 4) xyxy boxes of faces, in pixels; N is 0 where the picture shows nobody.
    """

    path: Path
    taken: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Places:
    """Where backgrounds come from, by kind: photographs of people, pictures of none, samples."""

    regions: tuple[Place, ...] = ()
    pictures: tuple[Place, ...] = ()
    samples: tuple[Place, ...] = ()


def find_places(
    folders: Sequence[Path], cocos: Sequence[Path], split: str, fractions: tuple[float, float, float]
) -> Places:
    """Look for backgrounds; a picture serves one split only.

    Args:
        folders: of pictures that show nobody.
        cocos: annotation files; their pictures lie beside, in ``images`` or in a folder named in them.
        split: which one is asked for.
        fractions: shares of the splits.

    Raises:
        InputError: a folder holds no picture, or a file is missing.
        DatasetError: a file is no COCO.
    """
    pictures: list[Place] = []
    for folder in folders:
        found = [p for p in iter_paths([str(folder)]) if not isinstance(p, Skipped)]
        if not found:
            raise InputError(f"--backgrounds {folder} holds no picture")
        pictures += [Place(Path(p), np.zeros((0, 4), np.float32)) for p in sorted(found)]
    regions = [place for path in cocos for place in _read_coco(path)]
    samples = [Place(path, np.zeros((0, 4), np.float32)) for path in _sample_files()]

    def mine(places: list[Place]) -> tuple[Place, ...]:
        kept = tuple(p for p in places if split_of(p.path.name, fractions) == split)
        return kept or tuple(places) if len(places) < 20 else kept

    return Places(mine(regions), mine(pictures), tuple(samples))


def _sample_files() -> list[Path]:
    from importlib.util import find_spec

    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "data"
    return [folder / name for name in SAMPLES if (folder / name).is_file()]


def _read_coco(path: Path) -> list[Place]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        boxes: dict[int, list[list[float]]] = defaultdict(list)
        for annotation in document["annotations"]:
            x, y, width, height = map(float, annotation["bbox"])
            boxes[int(annotation["image_id"])].append([x, y, x + width, y + height])
        names = {int(image["id"]): str(image["file_name"]) for image in document["images"]}
    except FileNotFoundError as error:
        raise InputError(f"--backgrounds-coco {path} is missing") from error
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} is no COCO file of boxes: {type(error).__name__} {error}") from error
    places = []
    for number, name in names.items():
        file = next((f for f in (path.parent / name, path.parent / "images" / name) if f.is_file()), None)
        if file is None:
            raise DatasetError(f"{path} names {name}, which lies neither beside it nor in images/")
        places.append(Place(file, np.array(boxes[number], np.float32).reshape(-1, 4)))
    return places


def draw(rng: np.random.Generator, size_wh: tuple[int, int], places: Places) -> RGB:
    """A background.

    Args:
        rng: where chance comes from.
        size_wh: its size.
        places: what else there is than drawing.

    Returns:
        (H, W, 3) uint8, a new array.
    """
    kinds = (places.regions, places.pictures, places.samples, ())
    weights = np.array([w if kind else 0.0 for kind, w in zip(kinds, WEIGHTS, strict=True)])
    weights[-1] = WEIGHTS[-1]
    chosen = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
    picture = _cut(rng, size_wh, chosen) if chosen else None
    if picture is None:
        painters = (_leaves, _leaves, _street, _room, _noise)
        picture = painters[rng.integers(len(painters))](rng, *size_wh)
    return picture


def _cut(rng: np.random.Generator, size_wh: tuple[int, int], places: Sequence[Place]) -> RGB | None:
    """A region without a face, stretched by a fifth at most; None where there is none after some tries."""
    import cv2

    for _ in range(4):
        place = places[int(rng.integers(len(places)))]
        try:
            photo = read_rgb(place.path, max_side=700)
        except ImageError as error:
            raise InputError(f"a background cannot be read: {error}") from error
        height, width = photo.shape[:2]
        taken = place.taken
        if len(taken):
            middle, half = (taken[:, :2] + taken[:, 2:]) / 2, (taken[:, 2:] - taken[:, :2]) / 2 * GROWN
            taken = np.hstack([middle - half, middle + half])
        aspect = size_wh[0] / size_wh[1] * float(np.exp(rng.uniform(-0.2, 0.2)))
        for attempt in range(12):
            share = float(rng.uniform(0.3, 1.0)) * (1 - 0.05 * attempt)
            cut_w = min(width, height * aspect) * share
            cut_h = cut_w / aspect
            if cut_w < 90:
                break
            x, y = rng.uniform(0, width - cut_w), rng.uniform(0, height - cut_h)
            hit = (taken[:, 0] < x + cut_w) & (taken[:, 2] > x) & (taken[:, 1] < y + cut_h) & (taken[:, 3] > y)
            if not hit.any():
                part: Any = photo[int(y) : int(y + cut_h), int(x) : int(x + cut_w)]
                if rng.random() < 0.5:
                    part = part[:, ::-1]
                shrinks = part.shape[1] > size_wh[0]
                flag = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
                return np.asarray(cv2.resize(np.ascontiguousarray(part), size_wh, interpolation=flag), np.uint8)
    return None


# ---------------------------------------------------------------- drawn places


def _colour(rng: np.random.Generator, vivid: float = 0.25) -> tuple[int, int, int]:
    """Mostly greyish, as the world is."""
    level = rng.uniform(15, 240)
    red, green, blue = np.clip(level * (1 + rng.normal(0, vivid, 3)), 0, 255)
    return int(red), int(green), int(blue)


def clouds(rng: np.random.Generator, width: int, height: int, roughness: float) -> NDArray[np.float32]:
    """(H, W) noise of all sizes, about zero, deviation about 1 (Perlin's fractal sum)."""
    import cv2

    total: Any = np.zeros((height, width), np.float32)
    cells, weight = 3, 1.0
    while cells < max(width, height):
        grid = rng.standard_normal((max(2, cells * height // width), cells), dtype=np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
        cells, weight = cells * 2, weight * roughness
    return np.asarray(total, np.float32)


def _shaded(rng: np.random.Generator, picture: Any, strength: float) -> RGB:
    height, width = picture.shape[:2]
    noise = clouds(rng, width, height, float(rng.uniform(0.3, 0.8)))
    return np.asarray(np.clip(picture * (1 + strength * noise[..., None]), 0, 255), np.uint8)


def _noise(rng: np.random.Generator, width: int, height: int) -> RGB:
    one, two = np.array(_colour(rng)), np.array(_colour(rng, 0.5))
    mix = 1 / (1 + np.exp(-2 * clouds(rng, width, height, float(rng.uniform(0.35, 0.95)))))
    return np.asarray(np.clip(one + (two - one) * mix[..., None], 0, 255), np.uint8)


def _leaves(rng: np.random.Generator, width: int, height: int) -> RGB:
    """Dead leaves: shapes of all sizes, one on another, have the statistics of photographs.

    Source:
        Lee, Mumford and Huang, "Occlusion Models for Natural Images", IJCV
        2001; Baradad et al., "Learning to See by Looking at Noise", NeurIPS 2021.
    """
    import cv2

    picture = np.full((height, width, 3), _colour(rng), np.uint8)
    vivid = float(rng.uniform(0.05, 0.6))
    straight = rng.random()
    for _ in range(int(rng.integers(40, 220))):
        radius = float(min(0.45 * width, 4 / max(rng.random(), 0.01) ** 0.8))
        x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        colour = _colour(rng, vivid)
        form = rng.random()
        if form < straight:
            wide, tall = radius * rng.uniform(0.3, 1.5), radius * rng.uniform(0.3, 2.5)
            cv2.rectangle(picture, (int(x - wide), int(y - tall)), (int(x + wide), int(y + tall)), colour, -1)
        elif form < straight + 0.5 * (1 - straight):
            axes = (2 * radius, 2 * radius * float(rng.uniform(0.3, 1)))
            cv2.ellipse(picture, ((x, y), axes, float(rng.uniform(0, 180))), colour, -1, cv2.LINE_AA)
        else:
            turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
            shape = np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)
            cv2.fillPoly(picture, [shape.astype(np.int32)], colour, cv2.LINE_AA)
    return _shaded(rng, picture, float(rng.uniform(0.03, 0.15)))


def _gradient(rng: np.random.Generator, width: int, height: int) -> Any:
    one, two = np.array(_colour(rng)), np.array(_colour(rng))
    return (one + (two - one) * np.linspace(0, 1, height)[:, None, None]) * np.ones((1, width, 1))


def _street(rng: np.random.Generator, width: int, height: int) -> RGB:
    """A sky, houses with windows, trees, a road."""
    import cv2

    picture = np.ascontiguousarray(_gradient(rng, width, height).astype(np.uint8))
    horizon = int(height * rng.uniform(0.35, 0.75))
    x = -int(rng.integers(0, 40))
    while x < width:
        wide, top = int(rng.integers(30, 140)), int(rng.uniform(-0.2, 0.9) * horizon)
        wall = _colour(rng, 0.15)
        cv2.rectangle(picture, (x, top), (x + wide, horizon), wall, -1)
        pane, step_x, step_y = _colour(rng, 0.1), int(rng.integers(8, 26)), int(rng.integers(10, 30))
        fill = float(rng.uniform(0.4, 0.8))
        for left in range(x + 4, x + wide - step_x // 2, step_x):
            for upper in range(top + 4, horizon - step_y // 2, step_y):
                corner = (left + int(step_x * fill), upper + int(step_y * fill))
                cv2.rectangle(picture, (left, upper), corner, pane, -1)
        x += wide + int(rng.integers(0, 12))
    cv2.rectangle(picture, (0, horizon), (width, height), _colour(rng, 0.08), -1)
    for _ in range(int(rng.integers(0, 5))):
        at = (int(rng.uniform(0, width)), horizon)
        end = (int(rng.uniform(-0.5, 1.5) * width), height)
        cv2.line(picture, at, end, _colour(rng, 0.1), int(rng.integers(1, 6)), cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 4))):
        _foliage(rng, picture, horizon)
    return _shaded(rng, picture, float(rng.uniform(0.04, 0.12)))


def _foliage(rng: np.random.Generator, picture: RGB, horizon: int) -> None:
    import cv2

    x, radius = rng.uniform(0, picture.shape[1]), rng.uniform(15, 70)
    green = np.array([rng.uniform(20, 90), rng.uniform(50, 130), rng.uniform(10, 60)])
    for _ in range(60):
        at = (int(x + rng.normal(0, radius / 2)), int(horizon - radius * 1.4 + rng.normal(0, radius / 2)))
        colour = tuple(int(v) for v in green * rng.uniform(0.5, 1.4))
        cv2.circle(picture, at, int(rng.uniform(1, 0.15 * radius + 2)), colour, -1, cv2.LINE_AA)


def _room(rng: np.random.Generator, width: int, height: int) -> RGB:
    """Walls, panels, a floor, lamps, shelves."""
    import cv2

    picture = np.ascontiguousarray(_gradient(rng, width, height).astype(np.uint8))
    floor = int(height * rng.uniform(0.55, 1.0))
    cv2.rectangle(picture, (0, floor), (width, height), _colour(rng, 0.12), -1)
    for _ in range(int(rng.integers(2, 14))):
        x, y = int(rng.uniform(-20, width)), int(rng.uniform(-20, floor))
        corner = (x + int(rng.gamma(2, 25)), y + int(rng.gamma(2, 30)))
        cv2.rectangle(
            picture, (x, y), corner, _colour(rng, 0.25), -1 if rng.random() < 0.7 else int(rng.integers(1, 5))
        )
    if rng.random() < 0.5:  # shelves of things
        for y in range(int(rng.integers(0, 40)), floor, int(rng.integers(25, 60))):
            for x in range(0, width, int(rng.integers(6, 22))):
                cv2.rectangle(picture, (x, y), (x + int(rng.integers(4, 16)), y + 18), _colour(rng, 0.5), -1)
    for _ in range(int(rng.integers(0, 6))):
        light = (255, int(rng.uniform(220, 255)), int(rng.uniform(180, 255)))
        at = (int(rng.uniform(0, width)), int(rng.uniform(0, 0.5 * height)))
        cv2.ellipse(picture, (at, (rng.uniform(4, 40), rng.uniform(3, 14)), 0.0), light, -1, cv2.LINE_AA)
    for step in range(0, width, int(rng.integers(20, 120))):
        if rng.random() < 0.5:
            cv2.line(picture, (step, 0), (step, floor), _colour(rng, 0.1), 1)
    return _shaded(rng, picture, float(rng.uniform(0.02, 0.1)))
