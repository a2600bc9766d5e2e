"""Registry of occluders, by name: those that ship, one module each, and plug-ins (``maskgen.occluders``)."""

from __future__ import annotations

import functools
import json
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from maskgen.errors import PluginError
from maskgen.io.registry import Registry
from maskgen.occluders.base import Kind, Occluder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from maskgen.drawing.board import Params
    from maskgen.drawing.layer import Layer
    from maskgen.types import LandmarkedFace

FIRST: Final = (
    ("hand", "scarf", "shirt", "collar", "bandana", "beard", "phone", "cup", "microphone", "food", "crowd", "paper"),
    ("glasses", "sunglasses", "cap", "hard_hat", "surgical_cap", "balaclava", "hood", "hair", "headscarf"),
    ("face_shield", "passer_by"),
)
"""The order in which chance goes through the oldest; newer ones follow by name and need no line here. Another order
would draw another thing from the same seed."""


def _shipped() -> dict[str, str]:
    """Where each that ships is, by name: every module of the two folders; none is imported."""
    found = {
        module.name: f"{__package__}.{folder}.{module.name}:OCCLUDER"
        for folder in ("confusers", "accessories")
        for module in pkgutil.iter_modules([str(Path(__file__).parent / folder)])
    }
    old = [name for names in FIRST for name in names if name in found]
    return {name: found[name] for name in (*old, *sorted(set(found).difference(old)))}


def _wrong(name: str, found: Any) -> str | None:
    """What is wrong with a plug-in; it is drawn once on a typical face."""
    import numpy as np

    from maskgen.drawing.layer import Layer
    from maskgen.faces.pose import head_pose
    from maskgen.templates.anchors import typical_landmarks
    from maskgen.types import Box, Face, LandmarkedFace

    if not isinstance(found, Occluder):
        return f"it is a {type(found).__name__}, not a maskgen.occluders.base.Occluder"
    marks = typical_landmarks(60.0, (64.0, 50.0))
    face = LandmarkedFace(Face(Box(30, 30, 98, 110), 1.0, "typical"), marks, head_pose(marks))
    params = found.draw_params(np.random.default_rng(0))
    if json.loads(json.dumps(params, allow_nan=False)) != params:
        return "its params change on the way through JSON; draw plain numbers, words and lists"
    layer = found.layer(face, params, (128, 128), np.array([0.8, 0.6, 0.5], np.float32))
    return None if isinstance(layer, Layer) else f"it draws a {type(layer).__name__}, not a Layer"


OCCLUDERS: Final[Registry[Occluder]] = Registry("maskgen.occluders", "confuser or accessory", _shipped(), _wrong)


@functools.cache
def of_kind(kind: Kind) -> dict[str, Occluder]:
    """All occluders of a kind, by name."""
    return {name: occluder for name, occluder in OCCLUDERS.load_all().items() if occluder.kind == kind}


@functools.cache
def weights(kind: Kind) -> tuple[tuple[str, float], ...]:
    """(name, weight) of all of a kind, for whoever samples."""
    return tuple((name, occluder.weight) for name, occluder in of_kind(kind).items())


def draw_params(name: str, rng: np.random.Generator) -> Params:
    """All that chance decides about one thing, as plain JSON values.

    Raises:
        InputError: none is called ``name``.
        PluginError: it is a plug-in, and fails.
    """
    occluder = OCCLUDERS.load(name)
    try:
        return occluder.draw_params(rng)
    except Exception as error:
        raise _blamed(name, error) from error


def layer(name: str, face: LandmarkedFace, params: Params, frame_wh: tuple[int, int], skin_rgb: ArrayLike) -> Layer:
    """Draw one thing on a face.

    Args:
        name: of the occluder.
        face: in the photo's pixels.
        params: from ``draw_params``, possibly through JSON.
        frame_wh: the photo's width and height; nothing is drawn beyond it.
        skin_rgb: (3,) sRGB in [0, 1], the skin under white light
            (``skin.skin_albedo``).

    Raises:
        InputError: none is called ``name``.
        PluginError: it is a plug-in, and fails.
    """
    occluder = OCCLUDERS.load(name)
    try:
        return occluder.layer(face, params, frame_wh, skin_rgb)
    except Exception as error:
        raise _blamed(name, error) from error


def _blamed(name: str, error: Exception) -> Exception:
    """The error itself, or, for a plug-in, one line that names it."""
    plugin = next((plugin for plugin in OCCLUDERS.plugins if plugin.name == name), None)
    if plugin is None:
        return error
    return PluginError(f"plug-in {plugin} failed: {type(error).__name__}: {error}; mend or uninstall it")
