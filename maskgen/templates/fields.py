"""The fields of mask.json, checked one by one, in words for the person who wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from maskgen.drawing.palette import PALETTE
from maskgen.errors import TemplateError
from maskgen.templates.anchors import Anchor, is_number, parse_spot
from maskgen.templates.template import STRAP_ENDS, Material, Strap
from maskgen.types import WEARS, Wear


def read_json(path: Path, problems: list[str]) -> dict[str, Any] | None:
    """The object in the file, or None when there is none."""
    try:
        data = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        problems.append("mask.json is missing")
        return None
    except UnicodeDecodeError:
        problems.append("mask.json is not UTF-8 text")
        return None
    except json.JSONDecodeError as error:
        problems.append(f"mask.json, line {error.lineno}, column {error.colno}: {error.msg}")
        return None
    except (ValueError, RecursionError) as error:
        # Numbers of thousands of digits, lists in lists in lists.
        problems.append(f"mask.json cannot be read: {error}")
        return None
    except OSError as error:
        problems.append(f"mask.json cannot be read: {error.strerror}")
        return None
    if not isinstance(data, dict):
        problems.append(f"mask.json holds {type(data).__name__}, not an object")
        return None
    return data


class Fields:
    """Takes mask.json apart; what is wrong goes to ``problems`` with its place."""

    KNOWN: Final = frozenset(
        {"title", "kind", "anchors", "straps", "colours", "pattern_chance", "material", "wears", "weight"}
        | {"source", "licence", "notes"}
    )

    def __init__(self, data: dict[str, Any], problems: list[str], *, readable: bool) -> None:
        self.data = data
        self.problems = problems
        self.readable = readable

    def wrong(self, place: str, what: str) -> None:
        self.problems.append(f"mask.json: {place}: {what}")

    def unknown_keys(self) -> None:
        for key in self.data:
            if key not in self.KNOWN:
                self.wrong(key, f"unknown field; known are {', '.join(sorted(self.KNOWN))}")

    def text(self, key: str, default: str) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or not value.strip():
            self.wrong(key, f"a text is expected, got {value!r}")
            return default
        return value

    def number(self, key: str, default: float, low: float, high: float, inside: str = "") -> float:
        holder = self.data.get(inside, {}) if inside else self.data
        value = holder.get(key, default)
        if not is_number(value) or not low <= value <= high:
            self.wrong(f"{inside}.{key}" if inside else key, f"a number from {low:g} to {high:g}, got {value!r}")
            return default
        return float(value)

    def material(self) -> Material:
        value = self.data.get("material", {})
        if not isinstance(value, dict):
            self.wrong("material", f"an object is expected, got {value!r}")
            return Material()
        for key in value.keys() - {"translucency", "gloss", "relief", "rigid"}:
            self.wrong(f"material.{key}", "unknown field; known are gloss, relief, rigid, translucency")
        rigid = value.get("rigid", False)
        if not isinstance(rigid, bool):
            self.wrong("material.rigid", f"true or false, got {rigid!r}")
        return Material(
            translucency=self.number("translucency", 0.0, 0, 1, "material"),
            gloss=self.number("gloss", 0.05, 0, 1, "material"),
            relief=self.number("relief", 0.05, 0, 1, "material"),
            rigid=rigid is True,
        )

    def colours(self) -> tuple[tuple[str, float], ...]:
        value = self.data.get("colours", {"white": 1.0})
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            value = dict.fromkeys(value, 1.0)
        if not isinstance(value, dict) or not value:
            self.wrong("colours", f'names with weights such as {{"white": 3, "black": 1}}, got {value!r}')
            return ()
        for name, weight in value.items():
            if name not in PALETTE:
                self.wrong(f"colours.{name}", f"unknown colour; the palette has {', '.join(PALETTE)}")
            if not is_number(weight) or weight < 0:
                self.wrong(f"colours.{name}", f"a weight of 0 or more is expected, got {weight!r}")
                return ()
        if sum(value.values()) <= 0:
            self.wrong("colours", "all weights are 0")
        return tuple((name, float(weight)) for name, weight in value.items())

    def wears(self) -> tuple[Wear, ...]:
        value = self.data.get("wears", list(WEARS))
        if not isinstance(value, list) or not value:
            self.wrong("wears", f"a list of {', '.join(WEARS)} is expected, got {value!r}")
            return WEARS
        for wear in value:
            if wear not in WEARS:
                self.wrong("wears", f"unknown wear {wear!r}; known are {', '.join(WEARS)}")
        if "correct" not in value:
            self.wrong("wears", '"correct" must be among them')
        return tuple(value)

    def straps(self, size_wh: tuple[int, int] | None) -> tuple[Strap, ...]:
        value = self.data.get("straps", [])
        if not isinstance(value, list):
            self.wrong("straps", f"a list is expected, got {value!r}")
            return ()
        straps = []
        for index, item in enumerate(value):
            place = f"straps[{index}]"
            if not isinstance(item, dict):
                self.wrong(place, f"an object is expected, got {item!r}")
                continue
            xy = self.point(item.get("from"), f"{place}.from", size_wh)
            end, width, colour = item.get("to"), item.get("width", 0.012), item.get("colour", "elastic")
            if end not in STRAP_ENDS:
                self.wrong(f"{place}.to", f"unknown end {end!r}; known are {', '.join(STRAP_ENDS)}")
            if not is_number(width) or not 0 < width <= 0.3:
                self.wrong(f"{place}.width", f"face widths, above 0 and at most 0.3, got {width!r}")
                continue
            rgb = _hex(colour)
            if rgb is None and colour not in ("tint", "elastic"):
                self.wrong(f"{place}.colour", f'"tint", "elastic" or "#rrggbb" is expected, got {colour!r}')
            if xy is not None and isinstance(end, str):
                straps.append(Strap(xy, end, float(width), rgb, own=colour == "tint"))
        return tuple(straps)

    def anchors(self, size_wh: tuple[int, int] | None) -> tuple[tuple[Anchor, ...], tuple[Anchor, ...]]:
        value = self.data.get("anchors")
        if not isinstance(value, dict):
            if self.readable:
                self.wrong("anchors", "missing; an object with the lists top and bottom is expected")
            return (), ()
        for key in value.keys() - {"top", "bottom"}:
            self.wrong(f"anchors.{key}", "unknown field; known are bottom, top")
        return self.edge(value, "top", size_wh), self.edge(value, "bottom", size_wh)

    def edge(self, anchors: dict[str, Any], name: str, size_wh: tuple[int, int] | None) -> tuple[Anchor, ...]:
        place, value = f"anchors.{name}", anchors.get(name)
        if not isinstance(value, list) or len(value) < 3:
            count = len(value) if isinstance(value, list) else "none"
            self.wrong(place, f"at least 3 anchors from left to right are needed, got {count}")
            return ()
        edge: list[Anchor] = []
        for index, item in enumerate(value):
            here = f"{place}[{index}]"
            if not isinstance(item, dict):
                self.wrong(here, f'an object with "xy" and "at" is expected, got {item!r}')
                continue
            xy = self.point(item.get("xy"), f"{here}.xy", size_wh)
            try:
                spot = parse_spot(item.get("at"))
            except TemplateError as error:
                self.wrong(f"{here}.at", str(error))
                continue
            if xy is None:
                continue
            if edge and xy[0] <= edge[-1].xy[0]:
                self.wrong(here, f"anchors go from left to right, but x {xy[0]:g} follows x {edge[-1].xy[0]:g}")
            edge.append(Anchor(xy, spot))
        return tuple(edge)

    def point(self, value: Any, place: str, size_wh: tuple[int, int] | None) -> tuple[float, float] | None:
        if not isinstance(value, list) or len(value) != 2 or not all(map(is_number, value)):
            self.wrong(place, f"two numbers, [x, y], are expected, got {value!r}")
            return None
        x, y = map(float, value)
        if size_wh is not None and not (0 <= x <= size_wh[0] and 0 <= y <= size_wh[1]):
            self.wrong(place, f"[{x:g}, {y:g}] lies outside the picture of {size_wh[0]} x {size_wh[1]} pixels")
            return None
        return x, y


def _hex(value: Any) -> tuple[int, int, int] | None:
    if not isinstance(value, str) or len(value) != 7 or value[0] != "#":
        return None
    try:
        red, green, blue = bytes.fromhex(value[1:])
    except ValueError:
        return None
    return red, green, blue
