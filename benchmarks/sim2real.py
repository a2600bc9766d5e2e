"""How well do features trained on drawn masks know real ones?

    python benchmarks/sim2real.py FACES REAL SCENES [--leave-out] [--out TABLE.md]

The network is not trained at all: frozen ImageNet MobileNetV2 features and a
logistic regression on them (standardised), so that the figures speak of the
pictures and of nothing else. How strongly it is regularised is chosen by
cross-validation on the drawn pictures themselves, with all pictures of a photo
in one fold. Nothing is tuned on REAL or SCENES.
With no network, point KERAS_HOME at a folder that holds the ImageNet weights.

FACES holds one folder of unmasked photographs a source (``portraits``, ...),
REAL ``with_mask/`` and ``without_mask/`` crops, SCENES ``images/`` and a COCO
``annotations.json``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

from maskgen.render import sampling
from maskgen.render.sampling import SamplingSettings

SIDE = 224
BATCH = 64
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03)
"""Inverse strengths of regularisation (scikit-learn's C) that cross-validation chooses from."""

COVERED = ("native", "32 px", "20 px", "scenes >= 16 px", "scenes >= 32 px")
PEERS = (
    ("PyImageSearch's masks, portraits only", "96.8", "89.2", "71.0", "81.5", "92.2"),
    ("MaskTheFace's masks, portraits only", "98.9", "95.6", "83.5", "82.6", "91.2"),
    ("1,153 real masks", "99.8", "97.5", "89.0", "89.7", "95.2"),
)
"""Measured once on the same sets with the same features (the project's facts)."""


@dataclass(frozen=True)
class Recipe:
    """One row: which faces, drawn how."""

    name: str
    settings: SamplingSettings
    sources: tuple[str, ...]
    copies: int = 1


@dataclass(frozen=True)
class Drawn:
    """What a recipe gave.

    Attributes:
        features: (N, 1280) float32.
        labels: (N,) int64, 1 with a mask.
        photos: (N,) int64, the photo that each was made from.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    photos: NDArray[np.int64]


def main() -> None:
    args = _arguments()
    sources = tuple(sorted(folder.name for folder in args.faces.iterdir() if folder.is_dir()))
    tests = _Tests(args.real, args.scenes)
    recipes = _recipes(sources, args)
    lines = [
        f"| trained on | {' | '.join(COVERED)} |",
        "|---" * (len(COVERED) + 1) + "|",
        *(f"| {' | '.join(peer)} |" for peer in PEERS),
    ]
    print("\n".join(lines), flush=True)
    with multiprocessing.get_context("spawn").Pool(args.workers, _open_worker, (args.detector,)) as pool:
        for recipe in recipes:
            start = time.perf_counter()
            drawn = _draw(pool, args, recipe)
            row, strength = tests.score(drawn, STRENGTHS if args.strength is None else (args.strength,))
            line = f"| {recipe.name} ({len(drawn.labels)}) | {' | '.join(row)} |"
            print(line, f"<!-- C = {strength:g}, {time.perf_counter() - start:.0f} s -->", flush=True)
            lines.append(line)
    if args.out:
        args.out.write_text("\n".join(lines) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("faces", "real", "scenes"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--leave-out", action="store_true", help="also leave each part out of everything")
    parser.add_argument("--limit", type=int, default=0, help="photos of each source; 0 for all")
    parser.add_argument("--copies", type=int, default=3, help="images of each class and face")
    parser.add_argument("--portrait-copies", type=int, default=6, help="the same in the portraits' own row")
    parser.add_argument("--strength", type=float, help="regularise with this C, without asking cross-validation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--only", help="rows whose name holds this")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _recipes(sources: tuple[str, ...], args: argparse.Namespace) -> list[Recipe]:
    full = SamplingSettings(size=SIDE)
    recipes = [Recipe("maskgen, all sources", full, sources, args.copies)]
    if "portraits" in sources:
        recipes.append(Recipe("maskgen, portraits only", full, ("portraits",), args.portrait_copies))
    if args.leave_out:
        recipes += [
            Recipe(f"without {part}", replace(full, without=(part,)), sources, args.copies) for part in sampling.WITHOUT
        ]
        recipes += [
            Recipe("without camera", replace(full, camera="none"), sources, args.copies),
            Recipe("without confusers", replace(full, confuser_chance=0.0), sources, args.copies),
            Recipe("without accessories", replace(full, accessory_chance=0.0), sources, args.copies),
            Recipe("with turned heads", replace(full, turn_chance=0.2), sources, args.copies),
            Recipe("without people in front", _nobody_in_front(full), sources, args.copies),
            Recipe("without paper", replace(full, confusers=_without_paper()), sources, args.copies),
            Recipe(
                "with badly worn masks as none",
                replace(full, unmasked_wear_chance=0.15),
                sources,
                args.copies,
            ),
        ]
        recipes += [
            Recipe(f"without {source}", full, tuple(name for name in sources if name != source), args.copies)
            for source in sources
        ]
    return [recipe for recipe in recipes if not args.only or args.only in recipe.name]


def _without_paper() -> tuple[tuple[str, float], ...]:
    from maskgen.occluders.registry import weights

    return tuple((name, weight) for name, weight in weights("confuser") if name != "paper")


def _nobody_in_front(settings: SamplingSettings) -> SamplingSettings:
    """Everything else as often as before."""
    from maskgen.occluders.base import KINDS
    from maskgen.occluders.registry import of_kind

    parts = {}
    for kind in KINDS:
        all_of = of_kind(kind)
        kept = tuple((name, one.weight) for name, one in all_of.items() if one.place != "in_front")
        parts[kind] = kept, sum(weight for _, weight in kept) / sum(one.weight for one in all_of.values())
    return replace(
        settings,
        confusers=parts["confuser"][0],
        confuser_chance=settings.confuser_chance * parts["confuser"][1],
        accessories=parts["accessory"][0],
        accessory_chance=settings.accessory_chance * parts["accessory"][1],
    )


# Drawing


_worker: dict[str, Any] = {}


def _open_worker(detector: str) -> None:
    import cv2

    from maskgen.faces.landmarks import FaceFinder
    from maskgen.templates.reader import load_wardrobe

    cv2.setNumThreads(1)
    _worker.update(finder=FaceFinder(detector), wardrobe=load_wardrobe(), found={})


def _draw_photo(task: tuple[Path, SamplingSettings, int, int]) -> list[tuple[int, NDArray[np.uint8]]]:
    from maskgen.images import read_rgb, source_id
    from maskgen.render.face import gate, render

    path, settings, copies, seed = task
    photo = read_rgb(path)
    finder, wardrobe, found = _worker["finder"], _worker["wardrobe"], _worker["found"]
    if path not in found:
        found[path] = finder.find(photo).faces[:1]
    identity = source_id(path.read_bytes())
    drawn = []
    for face in found[path]:
        for copy in range(copies):
            for label in ("with_mask", "without_mask"):
                for attempt in range(4):
                    rng = sampling.image_rng(seed, identity, 0, copy, label, attempt)
                    params = sampling.draw(rng, label, wardrobe, settings)
                    rendered = render(photo, face, params, wardrobe)
                    if gate(rendered, params) is None:
                        drawn.append((int(label == "with_mask"), rendered.image))
                        break
    return drawn


def _draw(pool: Any, args: argparse.Namespace, recipe: Recipe) -> Drawn:
    paths: list[Path] = []
    for source in recipe.sources:
        found = sorted(path for path in (args.faces / source).rglob("*") if path.is_file())
        if args.limit:
            found = found[:: max(1, len(found) // args.limit)][: args.limit]
        paths += found
    tasks = [(path, recipe.settings, recipe.copies, args.seed) for path in paths]
    parts: list[NDArray[np.float32]] = []
    labels: list[int] = []
    photos: list[int] = []
    waiting: list[NDArray[np.uint8]] = []
    for photo, pairs in enumerate(pool.imap(_draw_photo, tasks, chunksize=16)):
        labels += [label for label, _ in pairs]
        photos += [photo] * len(pairs)
        waiting += [image for _, image in pairs]
        while len(waiting) >= BATCH:
            parts.append(features(np.stack(waiting[:BATCH])))
            del waiting[:BATCH]
    if waiting:
        parts.append(features(np.stack(waiting)))
    return Drawn(np.concatenate(parts), np.array(labels), np.array(photos))


# Measuring


_network: Any = None


def features(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 1280): ImageNet MobileNetV2's last feature map, averaged.

    Args:
        images: (N, 224, 224, 3) uint8 RGB.
    """
    global _network
    if _network is None:
        import keras

        _network = keras.applications.MobileNetV2(
            input_shape=(SIDE, SIDE, 3), include_top=False, weights="imagenet", pooling="avg"
        )
    parts = []
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH].astype(np.float32) / 127.5 - 1
        padded = np.zeros((BATCH, SIDE, SIDE, 3), np.float32)
        padded[: len(batch)] = batch
        parts.append(np.asarray(_network.predict_on_batch(padded))[: len(batch)])
    return np.concatenate(parts)


class _Tests:
    """The real faces, as features, once."""

    def __init__(self, real: Path, scenes: Path) -> None:
        self.sets: dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]] = {}
        crops = list(folder_faces(real))
        for name, face_px in (("native", None), ("32 px", 32), ("20 px", 20)):
            self._add(name, crops, face_px)
        for least in (16, 32):
            self._add(f"scenes >= {least} px", list(scene_faces(scenes, least)), None)

    def _add(self, name: str, faces: list[tuple[NDArray[np.uint8], int]], face_px: int | None) -> None:
        from trainer.data.preprocess import fit, shrink_to

        images = [fit(image if face_px is None else shrink_to(image, face_px), (SIDE, SIDE)) for image, _ in faces]
        self.sets[name] = features(np.stack(images)), np.array([label for _, label in faces])

    def score(self, drawn: Drawn, strengths: tuple[float, ...]) -> tuple[list[str], float]:
        """Balanced accuracy in per cent with a 95 % bootstrap interval, one a set; and the strength chosen."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, GroupKFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        choices = {"logisticregression__C": strengths}
        model = GridSearchCV(classifier, choices, scoring="neg_log_loss", cv=GroupKFold(5))
        model.fit(drawn.features, drawn.labels, groups=drawn.photos)
        row = []
        for name in COVERED:
            tested, truth = self.sets[name]
            value, low, high = balanced(model.predict(tested), truth)
            row.append(f"{value:.1f} ({low:.1f} to {high:.1f})")
        return row, model.best_params_["logisticregression__C"]


def balanced(predicted: NDArray[np.int64], truth: NDArray[np.int64]) -> tuple[float, float, float]:
    rng = np.random.default_rng(0)
    right = [(predicted == truth)[truth == label] for label in (0, 1)]
    draws = [50 * sum(part[rng.integers(0, len(part), len(part))].mean() for part in right) for _ in range(1000)]
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(50 * sum(part.mean() for part in right)), float(low), float(high)


def folder_faces(folder: Path) -> Iterator[tuple[NDArray[np.uint8], int]]:
    from maskgen.images import read_rgb

    for label, name in enumerate(("without_mask", "with_mask")):
        for path in sorted((folder / name).iterdir()):
            yield read_rgb(path), label


def scene_faces(folder: Path, least_px: int) -> Iterator[tuple[NDArray[np.uint8], int]]:
    from maskgen.images import read_rgb
    from trainer.data.preprocess import cut

    coco = json.loads((folder / "annotations.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    files = {image["id"]: image["file_name"] for image in coco["images"]}
    by_image: dict[int, list[Any]] = {}
    for annotation in coco["annotations"]:
        by_image.setdefault(annotation["image_id"], []).append(annotation)
    for image_id, boxes in sorted(by_image.items()):
        image = read_rgb(folder / "images" / files[image_id])
        for annotation in boxes:
            x, y, width, height = annotation["bbox"]
            name = names[annotation["category_id"]]
            if min(width, height) >= least_px and name in ("with_mask", "without_mask"):
                yield cut(image, (x, y, x + width, y + height), 1.15), int(name == "with_mask")


if __name__ == "__main__":
    main()
