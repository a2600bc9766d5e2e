"""What an occluder is: something drawn over a face besides the mask, and what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args

from maskgen.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from maskgen.drawing.board import Params
    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace

Kind = Literal["confuser", "accessory"]
Place = Literal["worn", "held", "in_front"]
Family = Literal["", "glasses", "headgear", "scarf"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
PLACES: Final[tuple[Place, ...]] = get_args(Place)
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)


class DrawParams(Protocol):
    """Chance's part: everything that differs from picture to picture, as plain JSON values."""

    def __call__(self, rng: np.random.Generator, /) -> Params: ...


class DrawLayer(Protocol):
    """The drawing itself, without chance: the same params give the same bytes."""

    def __call__(
        self, face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike, /
    ) -> Layer: ...


@dataclass(frozen=True, slots=True)
class Occluder:
    """Something that lies or stands before a face and is no mask.

    Attributes:
        kind: ``confuser``: covers the face, drawn under the label ``without_mask`` alone; ``accessory``: both classes
            wear it alike.
        draw_params: chance's part.
        layer: the drawing.
        weight: how often it is met, relative to the others of its kind; 0 only where it is asked for.
        place: ``worn``: lies on the face, beneath glasses, hats and hair; ``held``: before the face, over them;
            ``in_front``: somebody else, before everything, and does not turn with the head.
        family: what goes with others of it: ``glasses`` may lie under ``headgear``; a ``scarf`` is cloth over nose
            and mouth, which counts as a mask where the user says so (``--scarf-label``).

    Raises:
        InputError: a word or the weight is none of these.
    """

    kind: Kind
    draw_params: DrawParams
    layer: DrawLayer
    weight: float = 1.0
    place: Place = "worn"
    family: Family = ""

    def __post_init__(self) -> None:
        for name, value, words in (
            ("kind", self.kind, KINDS),
            ("place", self.place, PLACES),
            ("family", self.family, FAMILIES),
        ):
            if value not in words:
                raise InputError(f"an occluder's {name} is one of {', '.join(map(repr, words))}; got {value!r}")
        if not self.weight >= 0:
            raise InputError(f"an occluder's weight is 0 or more; got {self.weight!r}")
