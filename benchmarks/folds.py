"""Does cloth lie where it belongs? How often a mask is thrown into loops or drawn a second time.

    python benchmarks/folds.py FACES... [--limit 260] [--wear correct nose_out ...] [--keep]

Draws one mask a wear on the first LIMIT photos of each folder, every template
in turn, 300 px large and without straps. ``apart``: images with more than 1 %
of the cloth further than 0.16 face widths from the mesh that it hangs on.
``strayed``: images where some pixel shows a point of the template that belongs
more than 0.1 face widths away (carried to the template and back again), and
``furthest`` the largest of these distances: what is left of them when the warp
has emptied what lies beyond a fold, or all of them with ``--keep``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskgen.errors import ImageError
from maskgen.faces.landmarks import FaceFinder
from maskgen.images import read_rgb
from maskgen.render import sampling
from maskgen.render.params import MaskParams
from maskgen.render.wear import warp
from maskgen.render.wear.edges import face_axes
from maskgen.render.wear.fit import targets
from maskgen.render.wear.mesh import ThinPlate, build_mesh
from maskgen.render.wear.warp import mask_layer
from maskgen.templates.reader import load_wardrobe
from maskgen.templates.template import MaskTemplate
from maskgen.types import WEARS, LandmarkedFace

FACE_PX = 300
TURNED = ((0, 12), (12, 24), (24, 90))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=260, help="photos of each folder")
    parser.add_argument("--wear", nargs="*", choices=WEARS, default=[wear for wear in WEARS if wear != "one_ear"])
    parser.add_argument("--keep", action="store_true", help="empty nothing")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.keep:
        vars(warp).update(STRAYED=(98.0, 99.0))
    faces = [face for folder in arguments.folders for face in find(folder, arguments.limit)]
    if not faces:
        parser.error("no face was found")
    wardrobe = load_wardrobe()
    print(f"{len(faces)} faces\n{'':<12}{'turned by':<12}{'images':>7}{'apart':>9}{'strayed':>9}{'furthest':>10}")
    for wear in arguments.wear:
        masks = [mask for mask in wardrobe.values() if wear in mask.wears]
        rows = []
        for number, face in enumerate(faces):
            mask = masks[number % len(masks)]
            rng = np.random.default_rng([arguments.seed, number])
            params = sampling.draw_mask(rng, {mask.name: mask}, sampling.SamplingSettings(), ((wear, 1.0),))
            # The wobble of the cloth's edge is meant.
            rows.append((abs(face.pose.yaw_deg), *measure(mask, face, replace(params, straps=False, wobble=0.0))))
        table = np.array(rows)
        for low, high in TURNED:
            part = table[(table[:, 0] >= low) & (table[:, 0] < high)]
            if len(part):
                apart, strayed = 100 * (part[:, 1] > 0.01).mean(), 100 * (part[:, 2] > 0.1).mean()
                degrees = f"{low}-{high} deg"
                print(f"{wear:<12}{degrees:<12}{len(part):>7}{apart:>8.1f}%{strayed:>8.1f}%{part[:, 2].max():>10.3f}")


def find(folder: Path, limit: int) -> list[LandmarkedFace]:
    """The main face of each photo, in a frame of its own."""
    finder = FaceFinder()
    faces = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file())[:limit]:
        try:
            found = finder.find(read_rgb(path)).faces[:1]
        except ImageError:
            continue
        for face in found:
            scale = FACE_PX / np.ptp(face.landmarks, axis=0).max()
            marks = (face.landmarks - face.landmarks.min(axis=0)) * scale + FACE_PX
            faces.append(replace(face, landmarks=marks))
    return faces


def measure(mask: MaskTemplate, face: LandmarkedFace, params: MaskParams) -> tuple[float, float]:
    """The share of the cloth that lies apart, and the furthest way that a pixel has strayed, in face widths."""
    layer = mask_layer(mask, face, params, (3 * FACE_PX, 3 * FACE_PX))
    if layer.body is None or not (layer.body > 0.5).any():
        return 0.0, 0.0
    axes = face_axes(face)
    mesh = build_mesh(targets(mask, face, params, axes), axes)
    rows, columns = np.nonzero(layer.body > 0.5)
    some = np.random.default_rng(0).permutation(len(rows))[:1500]
    at = np.stack([columns[some], rows[some]], axis=1).astype(np.float64) + np.add(layer.origin_xy, 0.5)
    from_mesh = np.hypot(*np.moveaxis(at[:, None] - mesh.target, -1, 0)).min(axis=1) / axes.width
    there, back = ThinPlate(mesh.target, mesh.source), ThinPlate(mesh.source, mesh.target)
    strayed = np.hypot(*(back(there(at)) - at).T) / axes.width
    return float((from_mesh > 0.16).mean()), float(strayed.max(initial=0.0))


if __name__ == "__main__":
    main()
