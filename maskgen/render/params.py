"""Everything drawn by chance for one image, as plain values that survive JSON.

``sampling.draw`` makes an ``ImageParams``, ``face.render`` obeys it and
draws nothing itself: the same params give the same bytes.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from maskgen.errors import InputError
from maskgen.types import Label, Wear

if TYPE_CHECKING:
    from maskgen.render.camera import CameraParams

T = TypeVar("T")
Triple = tuple[float, float, float]
CropMode = Literal["face", "scene"]


@dataclass(frozen=True, slots=True)
class MaskParams:
    """One mask and how it is worn.

    Attributes:
        template: the template's name.
        wear: how it is worn.
        colour: the palette's name for the tint, for the record.
        tint: sRGB 0 to 1 that the tintable regions are multiplied by.
        pattern: a pattern's name, or None for plain.
        pattern_seed: what the pattern is drawn from.
        strap_rgb: sRGB 0 to 1 of straps whose template colour is ``tint``.
        straps: whether straps are drawn at all.
        strap_width: factor on the template's strap width.
        raise_top: how far the top edge moves up (+) or down, in face heights.
        raise_bottom: how far the bottom edge moves down (+) or up, in face
            heights.
        widen: how far the side edges reach out (+) or in, as a fraction of the
            half width.
        loose: 0 hugs the jaw, 1 stands off it.
        bulge: how far the middle bows towards the viewer, in face widths.
        tilt_deg: turn about the mask's own centre.
        shift_x: sideways slip in face widths.
        asymmetry: left edge higher (+) than the right, in face heights.
        wear_amount: 0 to 1, how far an incorrect wear is pulled.
        slide: how far the left and the right end of a badly worn mask's upper
            edge slide down the jaw, in landmarks.
        taut: 0 keeps the template's own upper edge, 1 draws it tight.
        boxy: 0 keeps the template's outline, 1 hangs it as a box before the
            face.
        gape: how far from the jaw towards the middle a box's sides end, 0 to
            1; how far a mask on the chin stands off.
        drop: how far the lower edge follows the upper one down, 0 to 1.
        thick: height of a mask on the chin or the forehead, in face heights.
        side: -1 or 1, the ear that ``one_ear`` hangs from (image left, right).
        wrinkle: height of random folds, factor on the template's relief.
        wrinkle_seed: what the folds and the wobble of the edge are drawn from.
        wobble: irregularity of the outline, in face widths.
        grime: strength of uneven shade and wear in the cloth.
        texture: strength of the weave.
    """

    template: str
    wear: Wear = "correct"
    colour: str = "white"
    tint: Triple = (1.0, 1.0, 1.0)
    pattern: str | None = None
    pattern_seed: int = 0
    strap_rgb: Triple = (0.95, 0.95, 0.95)
    straps: bool = True
    strap_width: float = 1.0
    raise_top: float = 0.0
    raise_bottom: float = 0.0
    widen: float = 0.0
    loose: float = 0.3
    bulge: float = 0.0
    tilt_deg: float = 0.0
    shift_x: float = 0.0
    asymmetry: float = 0.0
    wear_amount: float = 0.5
    slide: tuple[float, float] = (0.9, 0.9)
    taut: float = 0.55
    boxy: float = 0.0
    gape: float = 0.0
    drop: float = 0.3
    thick: float = 0.26
    side: int = 1
    wrinkle: float = 0.0
    wrinkle_seed: int = 0
    wobble: float = 0.0
    grime: float = 0.0
    texture: float = 0.0


@dataclass(frozen=True, slots=True)
class LightParams:
    """How what is drawn takes the face's light.

    Attributes:
        gain: factor on the estimated level, linear light.
        gamma: power on the lit value (contrast), about 1.
        tint: linear RGB factors on the estimated colour of the light.
        white_balance: 0 takes no colour from the photo, 1 all of it.
        direction_xy: added to the estimated direction (x right, y down).
        ambient: share of the light that comes from everywhere.
        field: how far the face's own shading map falls over the mask, 0 to 1.
        relief: factor on the relief's slopes.
        occlusion: strength of the dark in the pleats.
        specular: factor on the material's gloss.
        translucency: factor on the material's translucency.
        shadow: factor on the cast shadow.
        shadow_soft: factor on its softness.
        edge_blur: extra softness of the outline, pixels at 224.
        sharpness: 0 leaves what is drawn crisp, 1 as soft as the photo.
        grain: factor on noise matched to the photo's.
        seed: what the grain is drawn from.
    """

    gain: float = 1.0
    gamma: float = 1.0
    tint: Triple = (1.0, 1.0, 1.0)
    white_balance: float = 0.7
    direction_xy: tuple[float, float] = (0.0, 0.0)
    ambient: float = 0.45
    field: float = 0.7
    relief: float = 1.0
    occlusion: float = 0.5
    specular: float = 1.0
    translucency: float = 1.0
    shadow: float = 1.0
    shadow_soft: float = 1.0
    edge_blur: float = 0.0
    sharpness: float = 1.0
    grain: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class CropParams:
    """What part of the photo is written.

    Attributes:
        mode: ``face``: a square about the face; ``scene``: the whole photo.
        size: side in pixels of the written face; ignored for a scene.
        margin: factor on the face box.
        shift_xy: centre of the region off the box's centre, in box sides.
        aspect: width of the region over its height, times the box's own.
    """

    mode: CropMode = "face"
    size: int = 224
    margin: float = 1.15
    shift_xy: tuple[float, float] = (0.0, 0.0)
    aspect: float = 1.0


@dataclass(frozen=True, slots=True)
class TurnParams:
    """How much further than photographed the head is turned.

    Attributes:
        yaw_deg: added to the head's own yaw; positive to the image's right. A
            head that looks to one side already goes on to that side.
        pitch_deg: added to its own pitch; positive up.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Extra:
    """A confuser or an accessory: its name and what its module drew for it."""

    name: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageParams:
    """All that chance decided about one image.

    Attributes:
        label: the class the image is written under.
        crop: what part of the photo.
        light: how drawn things are lit.
        camera: what the camera does to the picture, or None for nothing.
        mask: the mask, or None.
        confuser: what covers the face and is no mask, or None.
        accessories: drawn over mask and face alike, in this order.
        turn: the drawn head turned on, or None; scenes leave it out.
    """

    label: Label
    crop: CropParams = CropParams()
    light: LightParams = LightParams()
    camera: CameraParams | None = None
    mask: MaskParams | None = None
    confuser: Extra | None = None
    accessories: tuple[Extra, ...] = ()
    turn: TurnParams | None = None

    @property
    def bare(self) -> bool:
        """Nothing is drawn on the face."""
        return self.mask is None and self.confuser is None and not self.accessories

    def to_json(self) -> dict[str, Any]:
        """Nested dicts and lists of plain values; ``from_json`` undoes it exactly."""
        plain: dict[str, Any] = _plain(self)
        return plain

    @staticmethod
    def from_json(data: dict[str, Any]) -> ImageParams:
        """The params that ``to_json`` wrote.

        Raises:
            InputError: a field is unknown or missing.
        """
        return _build(ImageParams, data)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    names = _field_names(kind)
    if names:
        parts = {name: getattr(value, name) for name in names}
        # A call for every number would take longer than all the rest.
        return {name: part if type(part) in _PLAIN else _plain(part) for name, part in parts.items()}
    if isinstance(value, dict):
        return {str(key): part if type(part) in _PLAIN else _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [part if type(part) in _PLAIN else _plain(part) for part in value]
    if hasattr(value, "item") and hasattr(value, "dtype"):
        return value.item() if value.ndim == 0 else value.tolist()
    return value


_PLAIN = frozenset({float, int, str, bool, type(None)})

_FIELD_NAMES: dict[type, tuple[str, ...]] = {}


def _field_names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass, nothing for another type."""
    if kind not in _FIELD_NAMES:
        _FIELD_NAMES[kind] = tuple(f.name for f in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()
    return _FIELD_NAMES[kind]


def _build(cls: type[T], data: dict[str, Any]) -> T:
    hints = _hints(cls)
    unknown = set(data) - set(hints)
    if unknown:
        raise InputError(f"{cls.__name__} has no {sorted(unknown)}; the line was written by another version of maskgen")
    try:
        return cls(**{name: _coerce(hints[name], value) for name, value in data.items()})
    except TypeError as error:
        raise InputError(f"{cls.__name__} cannot be made from {sorted(data)}: {error}") from error


def _coerce(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        return _coerce(options[0], value) if len(options) == 1 else value
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value)
    if origin is tuple:
        inner = typing.get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_coerce(inner[0], part) for part in value)
        return tuple(_coerce(kind, part) for kind, part in zip(inner, value, strict=True))
    return value


_HINTS: dict[type, dict[str, Any]] = {}


def _hints(cls: type) -> dict[str, Any]:
    if cls not in _HINTS:
        names: dict[str, Any] = {}
        if cls is ImageParams:
            from maskgen.render.camera import CameraParams

            names["CameraParams"] = CameraParams
        _HINTS[cls] = typing.get_type_hints(cls, localns=names)
    return _HINTS[cls]
