"""Forty images of two public portraits from seeds: every wear, confuser and accessory, all classes, turned heads.

Run as a script it draws the reference of ``test_digest.py`` again; do so when a change of the drawing is meant:

    python tests/maskgen/forty_images.py

With the word ``digest`` it prints the sha256 of the forty and writes nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maskgen.faces.pose import head_pose
from maskgen.occluders.registry import draw_params, of_kind
from maskgen.render.choices import SamplingSettings
from maskgen.render.face import render
from maskgen.render.params import Extra, ImageParams
from maskgen.render.sampling import draw, image_rng
from maskgen.templates.reader import load_wardrobe
from maskgen.types import LABELS, RGB, WEARS, Box, Face, LandmarkedFace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgen.templates.template import MaskTemplate

FACES = Path(__file__).with_suffix(".json")
REFERENCE = Path(__file__).with_suffix(".png")
"""The forty side by side, eight in a row, each averaged down to 8 x 8 pixels."""

COUNT, SIDE, SMALL, ACROSS = 40, 96, 8, 8


def faces() -> dict[str, LandmarkedFace]:
    """The face of each portrait, as dlib found it once: the test needs no model."""
    found = {}
    for name, one in json.loads(FACES.read_text(encoding="utf-8")).items():
        landmarks = np.array(one["landmarks"], np.float64)
        found[name] = LandmarkedFace(Face(Box(*one["box"]), 1.0, "hog"), landmarks, head_pose(landmarks))
    return found


def params(index: int, wardrobe: Mapping[str, MaskTemplate]) -> ImageParams:
    """What chance decides about one of the forty."""
    settings = SamplingSettings(size=SIDE, accessory_chance=0.3, confuser_chance=0.4, turn_chance=0.4)
    label = LABELS[index % len(LABELS)]
    drawn = draw(image_rng(3, "portraits", index % 2, index, label), label, wardrobe, settings)
    rng = np.random.default_rng(index)
    names = list(of_kind("confuser")), list(of_kind("accessory"))
    if label == "incorrect_mask" and drawn.mask is not None:
        wear = [wear for wear in WEARS if wear != "correct"][index // 3 % (len(WEARS) - 1)]
        return replace(drawn, mask=replace(drawn.mask, wear=wear))
    if label == "without_mask":
        name = names[0][index // 3 % len(names[0])]
        return replace(drawn, mask=None, confuser=Extra(name, draw_params(name, rng)))
    name = names[1][index // 3 % len(names[1])]
    return replace(drawn, accessories=(Extra(name, draw_params(name, rng)),))


def images(portraits: Mapping[str, RGB]) -> Iterator[RGB]:
    """The forty, (SIDE, SIDE, 3) uint8 each."""
    wardrobe, subjects, names = load_wardrobe(), faces(), sorted(portraits)
    for index in range(COUNT):
        name = names[index % len(names)]
        yield render(portraits[name], subjects[name], params(index, wardrobe), wardrobe).image


def thumbnails(pictures: Iterator[RGB]) -> RGB:
    """Eight in a row, averaged down."""
    import cv2

    small = [cv2.resize(picture, (SMALL, SMALL), interpolation=cv2.INTER_AREA) for picture in pictures]
    rows = [np.hstack(small[at : at + ACROSS]) for at in range(0, len(small), ACROSS)]
    return np.asarray(np.vstack(rows), np.uint8)


def digest(pictures: Iterator[RGB]) -> str:
    """Sha256 of all their bytes."""
    total = hashlib.sha256()
    for picture in pictures:
        total.update(picture.tobytes())
    return total.hexdigest()


def main() -> None:
    from matplotlib import cbook
    from PIL import Image
    from skimage import data

    with Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)) as hopper:
        portraits = {"astronaut": data.astronaut(), "hopper": np.asarray(hopper.convert("RGB"), np.uint8)}
    if sys.argv[1:] == ["digest"]:
        sys.stdout.write(digest(images(portraits)))
    else:
        Image.fromarray(thumbnails(images(portraits))).save(REFERENCE)


if __name__ == "__main__":
    main()
