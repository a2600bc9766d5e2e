"""A torchvision v2 transform: masks on faces of image tensors, PIL pictures and (image, target) pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgen.adapters import need
from maskgen.transform import MaskTransform
from maskgen.types import Label


def __getattr__(name: str) -> Any:
    """``MaskPeople``, made when it is first asked for: torch takes seconds to load."""
    if name != "MaskPeople":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = made = _mask_people()
    return made


def _mask_people() -> Any:
    torch = need("torch")
    v2 = need("torchvision.transforms.v2", "torchvision")

    class MaskPeople(torch.nn.Module):  # type: ignore[name-defined, misc]
        """Puts a mask on the face of an image; all else in a sample passes through.

        Args:
            transform: what draws; without ``size``, so that boxes and points of a target stay right.
            label: what an image shows after it.
        """

        def __init__(self, transform: MaskTransform, label: Label = "with_mask") -> None:
            super().__init__()
            self.transform, self.label = transform, label

        def forward(self, image: Any, *target: Any) -> Any:
            """The image masked, of the type it came in, alone or before its target.

            ``target["face"]`` is read where there is one: landmarks or a box.
            """
            face = target[0].get("face") if target and isinstance(target[0], dict) else None
            pixels = np.ascontiguousarray(v2.functional.to_image(image).permute(1, 2, 0).numpy())
            # Torch's own chance: DataLoader seeds it for every worker.
            rng = np.random.default_rng(int(torch.randint(2**62, ()).item()))
            masked = self.transform(pixels, None if face is None else np.asarray(face), self.label, rng)
            drawn = image if masked is None else self._like(image, masked.image)
            return (drawn, *target) if target else drawn

        @staticmethod
        def _like(image: Any, pixels: Any) -> Any:
            tensor = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
            if not isinstance(image, torch.Tensor):
                return v2.functional.to_pil_image(tensor)
            return need("torchvision.tv_tensors", "torchvision").wrap(tensor, like=image)

    MaskPeople.__qualname__ = "MaskPeople"
    return MaskPeople
