"""A picture of a mask -> a template's folder: alpha checked, anchors guessed, files written at once or not at all."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from maskgen.errors import ImageError, InputError, TemplateError
from maskgen.images import decode_rgba, read_bytes, show
from maskgen.templates.pictures import MAX_SIDE, MIN_SIDE
from maskgen.templates.reader import check_template

if TYPE_CHECKING:
    from maskgen.types import RGB, RGBA

Words = dict[str, Any]
"""``mask.json`` as JSON holds it."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
EXTRAS: Final = ("height.png", "regions.png")

GOOD_SIDE: Final = 2048
"""Larger pictures are reduced to it; ``generate`` works at 512 pixels."""

_MOST_PIXELS: Final = 120_000_000
_CUT_SIDE: Final = 640
"""GrabCut takes a second at this size."""

_NO_ALPHA: Final = (
    "has no transparent background: save it as a PNG in which everything around the mask is transparent,"
    " or let --cut-out remove an even background"
)

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


def valid_name(text: str) -> str:
    """A folder's name made from any text, such as a file's stem.

    >>> valid_name("My mask (2)"), valid_name("")
    ('My-mask-2', 'mask')
    """
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-._")[:64].strip("-._")
    return plain or "mask"


def read_picture(path: Path, *, cut_out: bool = False) -> RGBA:
    """A mask's picture with its alpha.

    Args:
        path: a PNG or any other picture with transparency; a palette and 16
            bits are turned into 8-bit RGBA, very large pictures are reduced.
        cut_out: where there is no transparency, remove the background.

    Returns:
        (H, W, 4) uint8, straight alpha.

    Raises:
        ImageError: it cannot be read as a picture.
        TemplateError: it has no transparency, or is too small.
    """
    import cv2

    bgra = _decode(path)
    height, width = bgra.shape[:2]
    if min(width, height) < MIN_SIDE:
        raise TemplateError(
            f"{show(path)} is {width} x {height} pixels; each side must have at least {MIN_SIDE}"
            " (1024 wide is a good size)"
        )
    if max(width, height) > MAX_SIDE:
        bgra = _shrunk(bgra, GOOD_SIDE)
    if bgra.shape[2] == 3 or bgra[..., 3].min() > 250:
        if not cut_out:
            raise TemplateError(f"{show(path)} {_NO_ALPHA}")
        small = _shrunk(np.ascontiguousarray(bgra[..., :3]), GOOD_SIDE)
        return cut_background(np.ascontiguousarray(small[..., ::-1]))
    if float((bgra[::4, ::4, 3] > 127).mean()) < 0.05:
        raise TemplateError(f"{show(path)} is almost wholly transparent; the mask should fill most of the picture")
    return np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), np.uint8)


def _decode(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3 or 4) BGR(A), upright."""
    import cv2

    try:
        pixels: Any = decode_rgba(read_bytes(path), _MOST_PIXELS)
    except ImageError as error:
        words = str(error)
        raise ImageError(error.reason, words if show(path) in words else f"{show(path)}: {words}") from error
    code = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def _shrunk(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    import cv2

    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    if picture.shape[2] == 3:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    weighted = picture.astype(np.float32)
    weighted[..., :3] *= weighted[..., 3:] / 255
    small: Any = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
    return np.asarray(np.clip(small + 0.5, 0, 255), np.uint8)


def cut_background(photo: RGB) -> RGBA:
    """A mask photographed on an even ground, cut out.

    Args:
        photo: (H, W, 3) uint8; the mask lies in the middle and touches no edge.

    Returns:
        (h, w, 4) uint8, trimmed to the mask and a small border.

    Raises:
        TemplateError: nothing could be told from the ground.

    Source:
        Rother et al., "GrabCut", SIGGRAPH 2004, as OpenCV has it.
    """
    import cv2

    height, width = photo.shape[:2]
    small = _shrunk(photo, _CUT_SIDE)
    h, w = small.shape[:2]
    inset = max(2, round(0.02 * max(h, w)))
    marks = np.full((h, w), cv2.GC_PR_FGD, np.uint8)
    marks[:inset], marks[-inset:], marks[:, :inset], marks[:, -inset:] = (cv2.GC_BGD,) * 4
    # What differs little from the border's colour is ground, to begin with.
    border = np.concatenate([small[:inset].reshape(-1, 3), small[-inset:].reshape(-1, 3)]).astype(np.float32)
    far = np.abs(small.astype(np.float32) - np.median(border, axis=0)).max(axis=2)
    marks[(far < 12) & (marks == cv2.GC_PR_FGD)] = cv2.GC_PR_BGD
    models: Any = np.zeros((2, 1, 65))
    try:
        cv2.setRNGSeed(0)
        cv2.grabCut(small[..., ::-1].copy(), marks, (0, 0, 1, 1), models[0], models[1], 4, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        marks[:] = cv2.GC_BGD
    solid = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else 0
    if best == 0 or not 0.05 * h * w < stats[best, cv2.CC_STAT_AREA] < 0.98 * h * w:
        raise TemplateError(
            "the mask cannot be told from its background; photograph it flat on an even ground of another colour,"
            " or cut it out in a painting program"
        )
    body = cv2.morphologyEx((labels == best).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outline, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    body = cv2.drawContours(np.zeros_like(body), outline, -1, 1, -1)  # no holes
    full: Any = cv2.resize(body.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    soft = max(width, height) / _CUT_SIDE
    full = cv2.GaussianBlur(full, (0, 0), max(1.2 * soft, 0.8))
    alpha = np.clip((full - 0.55) * 3 + 0.5, 0, 1)  # a little inside, so that no ground shows
    rows, columns = np.flatnonzero(alpha.max(axis=1) > 0.02), np.flatnonzero(alpha.max(axis=0) > 0.02)
    pad = round(0.01 * max(width, height)) + 2
    top, bottom = max(rows[0] - pad, 0), min(rows[-1] + 1 + pad, height)
    left, right = max(columns[0] - pad, 0), min(columns[-1] + 1 + pad, width)
    rgba = np.dstack([photo, np.asarray(alpha * 255 + 0.5, np.uint8)])
    return np.ascontiguousarray(rgba[top:bottom, left:right])


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


def encode_png(rgba: RGBA) -> bytes:
    """The picture as a PNG file's bytes."""
    import cv2

    done, data = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    if not done:
        raise ImageError("unreadable", "the picture cannot be written as PNG")
    return data.tobytes()


def write_files(folder: Path, png: bytes, words: Words, extras: dict[str, bytes] | None = None) -> list[str]:
    """Write a template's files into a folder that exists, and say what is wrong with them."""
    (folder / "mask.png").write_bytes(png)
    for name, data in (extras or {}).items():
        (folder / name).write_bytes(data)
    write_words(folder, words)
    return check_template(folder)


def write_words(folder: Path, words: Words) -> None:
    """Write ``mask.json``."""
    text = json.dumps(words, indent=2, ensure_ascii=False)
    # Short lists on one line, as people write them.
    text = re.sub(r"\[\s+([-\d.eE]+),\s+([-\d.eE]+)\s+\]", r"[\1, \2]", text)
    (folder / "mask.json").write_text(text + "\n", "utf-8")


def save(
    to: Path, name: str, png: bytes, words: Words, extras: dict[str, bytes] | None = None, *, overwrite: bool = False
) -> tuple[Path, list[str]]:
    """Put a new mask beside the others; nothing is left where anything is wrong.

    Args:
        to: the folder of masks; made when missing.
        name: the mask's folder.
        png: ``mask.png``.
        words: ``mask.json``.
        extras: ``height.png`` and ``regions.png``, where there are any.
        overwrite: replace a mask of this name.

    Returns:
        Its folder, and what is wrong with it: then it was not written.

    Raises:
        InputError: the name cannot be a folder's, is taken, or the disk refuses.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be a mask's name; use letters, digits, - and _")
    folder = to / name
    if folder.exists() and not overwrite:
        raise InputError(
            f"there is a mask called {name} in {show(to)} already; choose another name, or pass --overwrite"
        )
    try:
        to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=to) as scratch:
            new = Path(scratch) / name
            new.mkdir()
            problems = write_files(new, png, words, extras)
            if problems:
                return folder, problems
            if folder.exists():
                folder.rename(Path(scratch) / "old")
            new.rename(folder)
    except OSError as error:
        raise InputError(f"{show(folder)} cannot be written: {error.strerror or error}") from error
    return folder, []


def extras_beside(path: Path) -> dict[str, bytes]:
    """``height.png`` and ``regions.png`` that lie beside a picture called ``mask.png``."""
    if path.name != "mask.png":
        return {}
    return {name: (path.parent / name).read_bytes() for name in EXTRAS if (path.parent / name).is_file()}
