"""An albumentations transform: masks on faces; boxes, keypoints and segmentation masks stay where they are."""

from __future__ import annotations

import os
from typing import Any

from maskgen.adapters import need
from maskgen.transform import MaskTransform
from maskgen.types import LABELS


def __getattr__(name: str) -> Any:
    """``MaskPeople``, made when it is first asked for: the library takes a second to load."""
    if name != "MaskPeople":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = made = _mask_people()
    return made


def _mask_people() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it calls home when it is imported
    library = need("albumentations")

    class MaskPeople(library.DualTransform):  # type: ignore[name-defined, misc]
        """Puts a mask on the face of an image.

        Args:
            masks, wears, confusers, accessories, camera: as ``MaskTransform`` has them.
            label: what an image shows after it.
            fill_mask: what segmentation masks hold where the mask is seen; None leaves them as they are.
            p: share of images it is applied to.

        Targets:
            image, mask, bboxes, keypoints. ``face`` (landmarks or box) is read where it is passed, and where
            ``mask_label`` is, it becomes the index in ``LABELS`` of what the image shows; without a face it stays.
        """

        _targets = (
            library.core.type_definitions.Targets.IMAGE,
            library.core.type_definitions.Targets.MASK,
            library.core.type_definitions.Targets.BBOXES,
            library.core.type_definitions.Targets.KEYPOINTS,
        )

        class InitSchema(library.core.transforms_interface.BaseTransformInitSchema):  # type: ignore[name-defined, misc]
            masks: Any
            wears: Any
            confusers: float
            accessories: float
            camera: str | None
            label: str
            fill_mask: int | None

        def __init__(
            self,
            masks: Any = None,
            wears: Any = None,
            confusers: float = 0.0,
            accessories: float = 0.0,
            camera: Any = None,
            label: Any = "with_mask",
            fill_mask: int | None = None,
            p: float = 1.0,
        ) -> None:
            super().__init__(p=p)
            self.masks, self.wears, self.confusers, self.accessories = masks, wears, confusers, accessories
            self.camera, self.label, self.fill_mask = camera, label, fill_mask
            self._transform = MaskTransform(masks, wears, confusers, accessories, camera)

        @property
        def targets(self) -> dict[str, Any]:
            return {**super().targets, "mask_label": self.apply_to_label}

        def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
            face = data.get("face")
            return {"masked": self._transform(data["image"], face, self.label, self.random_generator)}

        def apply(self, img: Any, masked: Any, **params: Any) -> Any:
            return img if masked is None else masked.image

        def apply_to_mask(self, mask: Any, masked: Any, **params: Any) -> Any:
            if masked is None or self.fill_mask is None:
                return mask
            filled = mask.copy()
            filled[masked.alpha > 0.5] = self.fill_mask
            return filled

        def apply_to_label(self, label: Any, masked: Any, **params: Any) -> Any:
            return label if masked is None else LABELS.index(masked.label)

        def apply_to_bboxes(self, bboxes: Any, *args: Any, **params: Any) -> Any:
            return bboxes

        def apply_to_keypoints(self, keypoints: Any, *args: Any, **params: Any) -> Any:
            return keypoints

    MaskPeople.__qualname__ = "MaskPeople"
    return MaskPeople
