"""Augmentation policies for training images, by name.

albumentations stays behind this module; ``street`` is the generator's own
camera, so that what a face meets in training is what it met when it was drawn.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import InputError
from maskgen.types import RGB
from trainer.config.classifier import Policy

POLICIES: Final[tuple[str, ...]] = get_args(Policy)

_CAMERA: Final[dict[str, float]] = {"mild": 0.5, "street": 0.85}
"""Share of images that are photographed again; the others stay as they were drawn."""


class Augmenter:
    """Changes images by chance; the same seed and number always give the same image.

    Can be called from several threads at once.
    """

    def __init__(self, policy: Policy, seed: int = 0) -> None:
        """Choose a policy.

        Args:
            policy: ``none``; ``classic``: shift 20 %, rotation 20 degrees,
                zoom 15 %, shear 0.15, flip, as face-mask tutorials have it;
                ``street``: flip, a little geometry, the generator's camera on
                85 %; ``mild``: the same with the camera's mild settings on
                50 %, for images that were written with a camera already.
            seed: of everything.

        Raises:
            InputError: there is no such policy.
        """
        if policy not in POLICIES:
            raise InputError(f"no augmentation is called {policy!r}; choose from {', '.join(POLICIES)}")
        self.policy = policy
        self.seed = seed
        self._local = threading.local()

    def __call__(self, image: RGB, *number: int) -> RGB:
        """One changed image.

        Args:
            image: (H, W, 3) uint8.
            *number: says which draw this is, for example epoch and place.
        """
        if self.policy == "none":
            return image
        rng = np.random.default_rng((self.seed, *number))
        compose = getattr(self._local, "compose", None)
        if compose is None:
            compose = self._local.compose = _compose(self.policy)
        compose.set_random_seed(int(rng.integers(2**31)))
        changed: RGB = compose(image=image)["image"]
        if self.policy in ("mild", "street") and rng.random() < _CAMERA[self.policy]:
            from maskgen.render import camera

            # The face fills the crop but for its margin.
            face_px = max(changed.shape[:2]) / 1.15
            changed = camera.apply(changed, camera.draw(rng, self.policy), face_px)
        return changed

    def batch(self, images: Sequence[RGB] | NDArray[np.uint8], numbers: Sequence[tuple[int, ...]]) -> NDArray[np.uint8]:
        """Changed images, stacked."""
        return np.stack([self(image, *number) for image, number in zip(images, numbers, strict=True)])


def _compose(policy: Policy) -> Any:
    # It looks for a newer version of itself on the network otherwise.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations as A
    import cv2

    border = cv2.BORDER_REPLICATE
    if policy == "classic":
        steps = [
            A.HorizontalFlip(p=0.5),
            A.Affine(
                scale=(0.85, 1.15),
                translate_percent=(-0.2, 0.2),
                rotate=(-20, 20),
                shear=(-8.6, 8.6),  # 0.15 rad
                border_mode=border,
                p=1.0,
            ),
        ]
    else:
        steps = [
            A.HorizontalFlip(p=0.5),
            A.Affine(
                scale={"x": (0.88, 1.12), "y": (0.88, 1.12)},
                keep_ratio=False,
                translate_percent=(-0.06, 0.06),
                rotate=(-12, 12),
                shear=(-5, 5),
                border_mode=border,
                p=0.7,
            ),
        ]
    return A.Compose(steps, strict=True)
