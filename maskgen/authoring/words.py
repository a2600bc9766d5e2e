"""``mask.json`` of a new mask: anchors guessed on its outline, or read from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maskgen.errors import InputError, TemplateError
from maskgen.images import show

if TYPE_CHECKING:
    from maskgen.types import RGBA

Words = dict[str, Any]
"""``mask.json`` as JSON holds it."""

SPOTS: Final[dict[str, Words]] = {
    "top_left": {"jaw": 1.8},
    "top_mid_left": {"landmarks": {"36": 0.5, "31": 0.5}},
    "nose": {"bridge": 28.2},
    "top_mid_right": {"landmarks": {"45": 0.5, "35": 0.5}},
    "top_right": {"jaw": 14.2},
    "bottom_left": {"jaw": 4.2},
    "bottom_mid_left": {"jaw": 6.3},
    "chin": {"chin": 0.03},
    "bottom_mid_right": {"jaw": 9.7},
    "bottom_right": {"jaw": 11.8},
}
"""Where each corner and point between goes on a face unless somebody says otherwise."""

TOP: Final = ("top_left", "top_mid_left", "nose", "top_mid_right", "top_right")
BOTTOM: Final = ("bottom_left", "bottom_mid_left", "chin", "bottom_mid_right", "bottom_right")


def begin(rgba: RGBA, name: str) -> Words:
    """``mask.json`` before anybody has said anything."""
    anchors = guess_anchors(rgba)
    return {
        "title": name.replace("-", " ").replace("_", " ").strip().capitalize() or name,
        "kind": "cloth",
        "anchors": anchors,
        "straps": ear_loops(anchors),
        "colours": {"white": 1},
        "pattern_chance": 0,
        "material": {"translucency": 0.03, "gloss": 0.05, "relief": 0.05},
    }


def completed(given: Words, rgba: RGBA, name: str) -> Words:
    """What a file says, and what it leaves out; loops begin at the corners that it gives."""
    words = {**begin(rgba, name), **given}
    if "straps" not in given:
        try:
            words["straps"] = ear_loops(words["anchors"])
        except (KeyError, IndexError, TypeError, ValueError):
            words["straps"] = []  # the anchors are wrong; check_template says how
    return words


def guess_anchors(rgba: RGBA) -> Words:
    """Anchors on the outline of a mask's picture, to begin with.

    Returns:
        As ``mask.json`` has them: five on each edge.
    """
    solid = rgba[..., 3] > 127
    rows, columns = np.nonzero(solid)
    left, right, top, bottom = columns.min(), columns.max(), rows.min(), rows.max()
    width, height = max(right - left, 1), max(bottom - top, 1)
    u, v = (columns - left) / width, (rows - top) / height

    def extreme(across: float, down: float) -> tuple[float, float]:
        index = int((across * u + down * v).argmin())
        return float(columns[index]), float(rows[index])

    corners = {
        "top_left": extreme(1, 0.35),
        "top_right": extreme(-1, 0.35),
        "bottom_left": extreme(1, -0.35),
        "bottom_right": extreme(-1, -0.35),
    }
    for side in ("left", "right"):
        (ax, ay), (bx, by) = corners[f"top_{side}"], corners[f"bottom_{side}"]
        if by - ay < 0.12 * height:  # one tip, as of a mask that is folded flat
            middle = (ay + by) / 2
            corners[f"top_{side}"] = ax, max(middle - 0.07 * height, 0)
            corners[f"bottom_{side}"] = bx, min(middle + 0.07 * height, rgba.shape[0])

    def on_edge(x: float, upper: bool) -> tuple[float, float]:
        column = min(max(round(x), 0), solid.shape[1] - 1)
        hits = np.flatnonzero(solid[:, column])
        if not len(hits):
            return x, float(top if upper else bottom)
        return x, float(hits[0] if upper else hits[-1])

    centre = (left + right) / 2
    found = {**corners, "nose": on_edge(centre, True), "chin": on_edge(centre, False)}
    for side in ("left", "right"):
        for edge, centre_role in (("top", "nose"), ("bottom", "chin")):
            x = (found[f"{edge}_{side}"][0] + found[centre_role][0]) / 2
            found[f"{edge}_mid_{side}"] = on_edge(x, edge == "top")

    def anchor(role: str) -> Words:
        x, y = found[role]
        return {"xy": [round(x, 1), round(y, 1)], "at": SPOTS[role]}

    return {"top": [anchor(role) for role in TOP], "bottom": [anchor(role) for role in BOTTOM]}


def ear_loops(anchors: Words) -> list[Words]:
    """Four elastic loops that begin just inside the corners."""
    straps = []
    for edge, to, inside in (("top", "ear_top", 0.06), ("bottom", "ear_bottom", -0.06)):
        for end in (0, -1):
            (x, y), (other_x, other_y) = anchors[edge][end]["xy"], anchors[edge][-1 - end]["xy"]
            below = anchors["bottom"][end]["xy"][1] - anchors["top"][end]["xy"][1]
            at = [round(x + 0.02 * (other_x - x), 1), round(y + 0.02 * (other_y - y) + inside * below, 1)]
            straps.append({"from": at, "to": to, "width": 0.012, "colour": "elastic"})
    return straps


def read_anchors(path: Path) -> Words:
    """What a file of anchors says: a whole ``mask.json``, or only ``top`` and ``bottom``.

    Raises:
        TemplateError: it is neither.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{show(path)} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TemplateError(f"{show(path)} is not JSON: {error}") from error
    if isinstance(data, dict) and "anchors" in data:
        return data
    if isinstance(data, dict) and {"top", "bottom"} <= data.keys():
        return {"anchors": {"top": data["top"], "bottom": data["bottom"]}}
    raise TemplateError(f'{show(path)} holds no anchors: {{"top": [...], "bottom": [...]}} or a mask.json is expected')
