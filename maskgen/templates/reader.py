"""Reads mask templates from disk: PNG and JSON, checked."""

from __future__ import annotations

import functools
import json
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.assets import assets_dir
from maskgen.drawing.palette import PALETTE
from maskgen.errors import TemplateError
from maskgen.templates.anchors import Anchor, is_number, parse_spot, typical_landmarks
from maskgen.templates.installed import Installed, installed
from maskgen.templates.template import STRAP_ENDS, WORKING_WIDTH, MaskTemplate, Material, Strap, _lies_turned
from maskgen.types import WEARS, Wear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


MIN_SIDE: Final = 64


MAX_SIDE: Final = 4096


_PNG: Final = b"\x89PNG\r\n\x1a\n"


def names(folder: Path | None = None) -> list[str]:
    """The templates in a folder (None: those that ship and those of plug-ins), by name."""
    return sorted(_in(folder))


def installed_masks() -> Installed:
    """The masks of plug-ins: those that can be used and those that cannot."""
    return installed(frozenset(_in(assets_dir("masks"))), check_template)


def _in(folder: Path | None) -> dict[str, Path]:
    """The folders of the masks in a folder; None: of those that ship and those of plug-ins."""
    if folder is None:
        return _in(assets_dir("masks")) | installed_masks().masks
    if not folder.is_dir():
        raise TemplateError(f"no folder of masks at {folder}")
    return {path.parent.name: path.parent for path in sorted(folder.glob("*/mask.json"))}


def read_template(folder: Path, max_width: int | None = None) -> tuple[MaskTemplate | None, list[str]]:
    """One template, or None and everything that is wrong with it."""
    return _read(folder, max_width)


def load_template(folder: Path, max_width: int | None = None) -> MaskTemplate:
    """Read one template.

    Args:
        folder: holds mask.png and mask.json.
        max_width: reduce the pictures to this many pixels; None keeps them.

    Raises:
        TemplateError: something is wrong with it; the message lists everything.
    """
    template, problems = _read(folder, max_width)
    if template is None:
        more = f" (and {len(problems) - 1} more; see maskgen masks check)" if len(problems) > 1 else ""
        raise TemplateError(f'mask "{folder.name}": {problems[0]}{more}')
    return template


def load_wardrobe(
    folder: Path | None = None, names: Iterable[str] | None = None, max_width: int | None = WORKING_WIDTH
) -> dict[str, MaskTemplate]:
    """Read many templates, once per process.

    Args:
        folder: holds one folder a template; None means those that ship and
            those of plug-ins.
        names: which; None means all. Besides names of the folder's masks:
            ``all`` for all of them, and paths (with a / in them) of other
            masks or of other folders of masks.
        max_width: reduce the pictures to this many pixels; None keeps them.

    Returns:
        Templates by name, in order of name.

    Raises:
        TemplateError: the folder holds none, a name is unknown or means two
            masks, or a template is wrong.
    """
    folders = find_masks(folder, names)
    with ThreadPoolExecutor(2) as pool:
        loaded = pool.map(lambda path: _cached(path, _stamp(path), max_width), folders.values())
        return dict(zip(folders, loaded, strict=True))


def find_masks(folder: Path | None = None, names: Iterable[str] | None = None) -> dict[str, Path]:
    """The folders that ``load_wardrobe`` would read, by the masks' names; nothing is read."""
    available = _in(folder)
    if not available:
        raise TemplateError(f"no masks in {folder}; each is a folder with mask.png and mask.json")
    found: dict[str, Path] = {}

    def take(path: Path) -> None:
        if found.setdefault(path.name, path).resolve() != path.resolve():
            raise TemplateError(f'two masks are called "{path.name}": {found[path.name]} and {path}; rename one')

    for name in ("all",) if names is None else names:
        if "/" in name or "\\" in name:
            place = Path(name)
            inside = [place] if (place / "mask.json").exists() else list(_in(place).values())
            if not inside:
                raise TemplateError(f"no masks in {place}; each is a folder with mask.png and mask.json")
            for path in inside:
                take(path)
        elif name == "all" and name not in available:
            for path in available.values():
                take(path)
        elif name in available:
            take(available[name])
        else:
            raise TemplateError(f'no mask is called "{name}"; choose from {", ".join(sorted(available))}')
    if not found:
        raise TemplateError("no masks were chosen")
    return dict(sorted(found.items()))


def wears_of(folder: Path) -> tuple[Wear, ...]:
    """How a mask can be worn, by its ``mask.json`` alone.

    All wears where that file is wrong: reading the mask will say so.
    """
    try:
        data = json.loads((folder / "mask.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return WEARS
    return _Fields(data, [], readable=False).wears() if isinstance(data, dict) else WEARS


def check_template(folder: Path) -> list[str]:
    """Everything wrong with a template, worded for the person who drew it; empty when all is well."""
    return _read(folder, None)[1]


@functools.lru_cache(maxsize=256)
def _cached(folder: Path, stamp: tuple[int, ...], max_width: int | None) -> MaskTemplate:
    del stamp  # part of the key: an edited template is read again
    return load_template(folder, max_width)


def _stamp(folder: Path) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns for path in sorted(folder.glob("*")) if path.suffix in {".json", ".png"})


def _read(folder: Path, max_width: int | None) -> tuple[MaskTemplate | None, list[str]]:
    """The template, or None and why."""
    problems: list[str] = []
    if not folder.is_dir():
        return None, [f"no folder at {folder}"]
    rgba = _read_colour(folder / "mask.png", problems)
    size_wh = None if rgba is None else (rgba.shape[1], rgba.shape[0])
    height = _read_extra(folder / "height.png", size_wh, grey=True, problems=problems)
    regions = _read_extra(folder / "regions.png", size_wh, grey=False, problems=problems)
    data = _read_json(folder / "mask.json", problems)
    fields = _Fields(data or {}, problems, readable=data is not None)
    top, bottom = fields.anchors(size_wh)
    template_fields: dict[str, Any] = {
        "name": folder.name,
        "title": fields.text("title", folder.name),
        "kind": fields.text("kind", "other"),
        "straps": fields.straps(size_wh),
        "colours": fields.colours(),
        "pattern_chance": fields.number("pattern_chance", 0.0, 0, 1),
        "material": fields.material(),
        "wears": fields.wears(),
        "weight": fields.number("weight", 1.0, 0, 1000),
    }
    fields.unknown_keys()
    if rgba is None or problems:
        return None, problems
    template = MaskTemplate(rgba=rgba, height=height, regions=regions, top=top, bottom=bottom, **template_fields)
    problems += _crossings(template)
    if problems:
        return None, problems
    if max_width is not None:
        template = template.reduced(max_width)
    template = _same_size(template)
    for picture in (template.rgba, template.height, template.regions):
        if picture is not None:
            picture.setflags(write=False)  # shared by everybody who asks for this template
    return template, problems


def _png_header(path: Path, problems: list[str]) -> tuple[int, int, int] | None:
    """Width, height and colour type, from the header alone; nothing is decoded."""
    try:
        with path.open("rb") as file:
            start = file.read(26)
    except FileNotFoundError:
        problems.append(f"{path.name} is missing")
        return None
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error.strerror}")
        return None
    if len(start) < 26 or not start.startswith(_PNG):
        problems.append(f"{path.name} is not a PNG file" if start else f"{path.name} is empty")
        return None
    width, height, _, colour_type = struct.unpack(">IIBB", start[16:26])
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        problems.append(
            f"{path.name} is {width} x {height} pixels; each side must have {MIN_SIDE} to {MAX_SIDE}"
            " (1024 wide is a good size)"
        )
        return None
    return width, height, colour_type


def _decode(path: Path, problems: list[str]) -> NDArray[Any] | None:
    import cv2

    try:
        data = path.read_bytes()
        if _lies_turned(data):
            problems.append(f"{path.name} is stored turned, with an EXIF tag that says so; save it upright, without")
            return None
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        problems.append(f"{path.name} is damaged: it cannot be decoded")
    return picture


def _read_colour(path: Path, problems: list[str]) -> NDArray[np.uint8] | None:
    import cv2

    header = _png_header(path, problems)
    if header is None:
        return None
    if header[2] == 3:
        problems.append(f"{path.name} is a palette picture (at most 256 colours); save it as RGBA, 8 bits a channel")
        return None
    if header[2] not in (4, 6):
        problems.append(f"{path.name} has no alpha channel; make everything around the mask transparent")
        return None
    picture = _decode(path, problems)
    if picture is None:
        return None
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim != 3 or picture.shape[2] != 4:
        problems.append(f"{path.name} has no alpha channel; make everything around the mask transparent")
        return None
    small = picture[::8, ::8, 3]
    covered = float((small > 127).mean())
    if covered < 0.05:
        problems.append(f"{path.name} is almost wholly transparent: {covered:.1%} of it is opaque")
        return None
    if covered > 0.999:
        problems.append(f"{path.name} is opaque everywhere; make everything around the mask transparent")
        return None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), np.uint8)


def _read_extra(
    path: Path, size_wh: tuple[int, int] | None, *, grey: bool, problems: list[str]
) -> NDArray[np.float32] | None:
    """height.png or regions.png: as large as mask.png or exactly half as large; None when there is none."""
    import cv2

    if not path.exists():
        return None
    header = _png_header(path, problems)
    if header is None:
        return None
    if size_wh is not None and header[:2] != size_wh and (header[0] * 2, header[1] * 2) != size_wh:
        problems.append(
            f"{path.name} is {header[0]} x {header[1]} pixels and mask.png {size_wh[0]} x {size_wh[1]};"
            " they must be of one size, or this one exactly half"
        )
        return None
    if grey and header[2] not in (0, 4):
        problems.append(f"{path.name} is in colour; save it as grey, 8 or 16 bits")
        return None
    if not grey and header[2] not in (2, 6):
        problems.append(f"{path.name} must be RGB: red takes the tint, green the pattern, blue lets the skin through")
        return None
    picture = _decode(path, problems)
    if picture is None:
        return None
    full = 65535 if picture.dtype == np.uint16 else 255
    if grey:
        picture = picture if picture.ndim == 2 else picture[..., 0]
    else:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return np.multiply(picture, np.float32(1 / full), dtype=np.float32)


def _same_size(template: MaskTemplate) -> MaskTemplate:
    """Half-size extras brought to the picture's size."""
    import cv2

    size = template.size_wh

    def fitted(picture: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        if picture is None or picture.shape[1::-1] == size:
            return picture
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.float32)

    return replace(template, height=fitted(template.height), regions=fitted(template.regions))


def _read_json(path: Path, problems: list[str]) -> dict[str, Any] | None:
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


class _Fields:
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


def _crossings(template: MaskTemplate) -> list[str]:
    """Edges that cross, in the picture and on a typical face."""
    face = typical_landmarks()
    problems = []
    on_picture: Callable[[Anchor], tuple[float, float]] = lambda anchor: anchor.xy  # noqa: E731
    on_face: Callable[[Anchor], tuple[float, float]] = lambda anchor: _xy(anchor.spot.resolve(face))  # noqa: E731
    for where, place in (("in the picture", on_picture), ("on a typical face", on_face)):
        top, bottom = ([place(anchor) for anchor in edge] for edge in (template.top, template.bottom))
        for name, edge in (("top", top), ("bottom", bottom)):
            if edge[0][0] >= edge[-1][0]:
                problems.append(f"mask.json: anchors.{name}: {where} the first anchor lies right of the last")
        if np.mean(top, axis=0)[1] >= np.mean(bottom, axis=0)[1]:
            problems.append(f"mask.json: anchors: {where} the top edge lies below the bottom edge")
            continue
        outline = top + bottom[::-1]
        labels = [f"top[{i}]" for i in range(len(top))] + [f"bottom[{i}]" for i in reversed(range(len(bottom)))]
        for i, j in _crossing_pairs(outline):
            a, b, c, d = labels[i], labels[(i + 1) % len(labels)], labels[j], labels[(j + 1) % len(labels)]
            problems.append(f"mask.json: anchors: {where} the line {a} to {b} crosses the line {c} to {d}")
    return problems


def _xy(point: NDArray[np.float64]) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _crossing_pairs(outline: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """Pairs of sides of a closed polygon that cross, by the index of their first corner."""
    count = len(outline)

    def turn(p: tuple[float, float], q: tuple[float, float], r: tuple[float, float]) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    pairs = []
    for i in range(count):
        a, b = outline[i], outline[(i + 1) % count]
        for j in range(i + 2, count - (i == 0)):
            c, d = outline[j], outline[(j + 1) % count]
            if turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0:
                pairs.append((i, j))
    return pairs
