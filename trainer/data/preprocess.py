"""Preprocessing of pictures for a network: cut, resize, shrink."""

from __future__ import annotations

import numpy as np

from maskgen.faces.rois import Margin, check_image, cut, cut_rois, fit
from maskgen.types import RGB

__all__ = ["Margin", "cut", "cut_rois", "fit", "shrink_to"]


def shrink_to(image: RGB, longer_px: int) -> RGB:
    """Shrink a face until its longer side has ``longer_px`` pixels; a smaller one stays as it is."""
    import cv2

    check_image(image)
    height, width = image.shape[:2]
    factor = longer_px / max(height, width)
    if factor >= 1:
        return image.copy()
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
