"""Reads mask templates from disk: PNG and JSON, checked."""

from __future__ import annotations

import functools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskgen.assets import assets_dir
from maskgen.errors import TemplateError
from maskgen.templates.crossings import crossings
from maskgen.templates.fields import Fields, read_json
from maskgen.templates.installed import Installed, installed
from maskgen.templates.pictures import read_colour, read_extra, same_size
from maskgen.templates.template import WORKING_WIDTH, MaskTemplate
from maskgen.types import WEARS, Wear

if TYPE_CHECKING:
    from collections.abc import Iterable


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
    return Fields(data, [], readable=False).wears() if isinstance(data, dict) else WEARS


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
    rgba = read_colour(folder / "mask.png", problems)
    size_wh = None if rgba is None else (rgba.shape[1], rgba.shape[0])
    height = read_extra(folder / "height.png", size_wh, grey=True, problems=problems)
    regions = read_extra(folder / "regions.png", size_wh, grey=False, problems=problems)
    data = read_json(folder / "mask.json", problems)
    fields = Fields(data or {}, problems, readable=data is not None)
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
    problems += crossings(template)
    if problems:
        return None, problems
    if max_width is not None:
        template = template.reduced(max_width)
    template = same_size(template)
    for picture in (template.rgba, template.height, template.regions):
        if picture is not None:
            picture.setflags(write=False)  # shared by everybody who asks for this template
    return template, problems
