"""Contact sheets: what the renderer makes, to be looked at.

    python benchmarks/contact_sheets.py                       docs/images/*.jpg from the two public-domain portraits
    python benchmarks/contact_sheets.py --faces FOLDER OUT.jpg [-n 100] [--label with_mask] [--camera street]

The first writes templates.jpg, wears.jpg, confusers.jpg, accessories.jpg,
light.jpg and cameras.jpg. The second draws N random samples of a folder.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from maskgen.faces.landmarks import FaceFinder
from maskgen.images import decode_rgb, write
from maskgen.render import sampling
from maskgen.render.face import gate, render
from maskgen.render.params import CropParams, Extra, ImageParams, LightParams, MaskParams
from maskgen.templates.reader import load_wardrobe
from maskgen.types import RGB, WEARS, LandmarkedFace

IMAGES = Path(__file__).parent.parent / "docs" / "images"
SIZE = 224
CROP = CropParams(size=SIZE, margin=1.35)

Subject = tuple[str, RGB, LandmarkedFace]


def portraits() -> list[Subject]:
    """Eileen Collins (NASA) and Grace Hopper (US Navy): public domain, in installed packages."""
    from matplotlib import cbook
    from skimage import data

    with cbook.get_sample_data("grace_hopper.jpg") as file:
        hopper = decode_rgb(file.read())
    finder = FaceFinder()
    found = []
    for name, photo in (("collins", np.ascontiguousarray(data.astronaut())), ("hopper", hopper)):
        faces = finder.find(photo).faces
        found.append((name, photo, max(faces, key=lambda face: face.face.box.area)))
    return found


def sheet(pictures: list[RGB], columns: int, words: list[str] | None = None) -> RGB:
    """Pictures in rows, each with a word in its corner."""
    import cv2

    cells = []
    for index, picture in enumerate(pictures):
        cell = picture.copy()
        if words is not None:
            cv2.rectangle(cell, (0, cell.shape[0] - 17), (8 * len(words[index]) + 6, cell.shape[0]), (0, 0, 0), -1)
            spot = (4, cell.shape[0] - 5)
            cv2.putText(cell, words[index], spot, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
        cells.append(cell)
    while len(cells) % columns:
        cells.append(np.full_like(cells[0], 255))
    return np.vstack([np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)])


def documents() -> None:
    """The pictures of the README, all from the two portraits."""
    from maskgen.occluders.registry import draw_params, of_kind
    from maskgen.render import camera

    subjects = portraits()
    wardrobe = load_wardrobe()
    IMAGES.mkdir(parents=True, exist_ok=True)
    light = LightParams(direction_xy=(0.0, -0.1), ambient=0.4)

    def draw(number: int, label: str, **parts: Any) -> RGB:
        _, photo, face = subjects[number % 2]
        params = ImageParams(label, crop=CROP, light=parts.pop("light", light), **parts)  # type: ignore[arg-type]
        return render(photo, face, params, wardrobe).image

    def mask(name: str, seed: int, **changes: Any) -> MaskParams:
        drawn = sampling.draw_mask(
            np.random.default_rng(seed),
            wardrobe,
            sampling.SamplingSettings(templates=((name, 1.0),)),
            (("correct", 1.0),),
        )
        return replace(drawn, **{"straps": True, **changes})

    pictures, words = [], []
    for number, name in enumerate(sorted(wardrobe)):
        for turn in range(2):
            pictures.append(draw(number + turn, "with_mask", mask=mask(name, 10 * number + turn)))
            words.append(name)
    write(IMAGES / "templates.jpg", sheet(pictures, 8, words), 88)

    pictures, words = [], []
    for wear in WEARS:
        for number, name in enumerate(("surgical", "kn95", "cloth_contour", "sponge")):
            if wear in wardrobe[name].wears:
                worn = mask(name, 40 + number, wear=wear, wear_amount=(0.3, 0.8)[number % 2])
                pictures.append(draw(number, "incorrect_mask", mask=worn))
                words.append(wear)
    write(IMAGES / "wears.jpg", sheet(pictures, 4, words), 88)

    pictures = []
    for number in range(16):
        drawn = sampling.draw(np.random.default_rng(number), "with_mask", wardrobe)
        pictures.append(draw(number, "with_mask", light=drawn.light, mask=mask("surgical", 7, tint=(0.62, 0.78, 0.88))))
    write(IMAGES / "light.jpg", sheet(pictures, 8), 88)

    pictures = []
    for number in range(16):
        shot = camera.draw(np.random.default_rng(number), "street")
        worn = mask("surgical", 7) if number % 4 < 2 else None
        label = "with_mask" if worn else "without_mask"
        pictures.append(draw(number, label, mask=worn, camera=shot))
    write(IMAGES / "cameras.jpg", sheet(pictures, 8), 88)

    for kind, names in (
        ("confusers", of_kind("confuser")),
        ("accessories", of_kind("accessory")),
    ):
        pictures, words = [], []
        for number, name in enumerate(names):
            for turn in range(2):
                extra = Extra(name, draw_params(name, np.random.default_rng(100 * number + turn)))
                if kind == "confusers":
                    pictures.append(draw(turn, "without_mask", confuser=extra))
                elif turn:
                    pictures.append(draw(turn, "with_mask", accessories=(extra,), mask=mask("surgical", number)))
                else:
                    pictures.append(draw(turn, "without_mask", accessories=(extra,)))
                words.append(name)
        write(IMAGES / f"{kind}.jpg", sheet(pictures, 8, words), 88)


def samples(folder: Path, out: Path, count: int, settings: sampling.SamplingSettings, label: str, columns: int) -> None:
    """Random samples of a folder of photos, as generate would draw them."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    random.Random(0).shuffle(paths)
    finder, wardrobe, pictures, words = FaceFinder(), load_wardrobe(), [], []
    for path in paths:
        if len(pictures) >= count:
            break
        photo = decode_rgb(path.read_bytes())
        for index, face in enumerate(finder.find(photo).faces[:1]):
            rng = sampling.image_rng(0, path.name, index, 0, label)  # type: ignore[arg-type]
            params = sampling.draw(rng, label, wardrobe, settings)  # type: ignore[arg-type]
            rendered = render(photo, face, params, wardrobe)
            pictures.append(rendered.image)
            words.append(str(len(words)) + (" " + (gate(rendered, params) or "")).rstrip())
    write(out, sheet(pictures, columns, words), 90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", nargs=2, type=Path, metavar=("FOLDER", "OUT"))
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--label", default="with_mask")
    parser.add_argument("--camera", default="street")
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--columns", type=int, default=10)
    options = parser.parse_args()
    if options.faces is None:
        documents()
    else:
        settings = sampling.SamplingSettings(camera=options.camera, size=options.size)
        samples(*options.faces, options.n, settings, options.label, options.columns)


if __name__ == "__main__":
    main()
