"""Registry of occluders: one module a kind, found by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from maskgen.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from maskgen.drawing.board import Params
    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace


class _Kind(Protocol):
    """What the module of one kind holds."""

    def draw_params(self, rng: np.random.Generator) -> Params: ...

    def layer(self, face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer: ...


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of one package.

    Attributes:
        package: the package whose modules they are.
        word: what one of them is called in messages.
        weights: how often each is met, by name.
        elsewhere: modules that lie outside ``package``, by name.
    """

    package: str
    word: str
    weights: dict[str, float]
    elsewhere: dict[str, str] = field(default_factory=dict)

    def draw_params(self, name: str, rng: np.random.Generator) -> Params:
        """All that chance decides about one thing, as plain JSON values.

        Raises:
            InputError: no kind is called ``name``.
        """
        return self._kind(name).draw_params(rng)

    def layer(
        self, name: str, face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike
    ) -> Layer:
        """Draw one thing on a face.

        Args:
            name: one of ``weights``.
            face: in the photo's pixels.
            params: from ``draw_params``, possibly through JSON.
            frame_wh: the photo's width and height; nothing is drawn beyond it.
            skin_rgb: (3,) sRGB in [0, 1], the skin under white light
                (``skin.skin_albedo``).

        Raises:
            InputError: no kind is called ``name``.
        """
        return self._kind(name).layer(face, params, frame_wh, skin_rgb)

    def _kind(self, name: str) -> _Kind:
        if name not in self.weights:
            raise InputError(f'no {self.word} is called "{name}"; choose from {", ".join(self.weights)}')
        return cast("_Kind", importlib.import_module(self.elsewhere.get(name, f"{self.package}.{name}")))
