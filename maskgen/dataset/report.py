"""Dataset report: ``report.html``, what a run wrote and what it could not, without a network."""

from __future__ import annotations

import base64
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from maskgen.dataset.contact_sheet import pick
from maskgen.dataset.inputs import read_input
from maskgen.dataset.reader import read_dataset, read_run, read_skipped
from maskgen.dataset.record import RUN, Record, Skip
from maskgen.errors import ImageError
from maskgen.images import decode_rgb, encode, read_rgb, shrink, write_bytes
from maskgen.types import RGB

THUMB: Final = 112
SHOWN: Final = 6
"""Examples of a template, or of a reason."""

REASONS: Final = {
    "no_face": "no face was found",
    "too_small": "every face is smaller than --min-face",
    "landmarks_doubtful": "the face's points contradict each other (profiles, mostly)",
    "cut_off": "the photo's edge cuts the face off",
    "unreadable": "the file cannot be opened",
    "empty": "the file has 0 bytes",
    "not_an_image": "the file is no picture",
    "no_decoder": "a package that reads such pictures is missing; the detail says which",
    "truncated": "the picture is cut off or damaged",
    "too_large": "the picture is too large to decode",
    "duplicate": "the same bytes as a photo before it",
    "timeout": "the photo took longer than --timeout",
    "worker_died": "the photo took its process down, twice",
    "memory": "there was not enough memory for it",
    "failed": "something unforeseen; the detail says what",
    "cloth_too_low": "a scarf that counts as a mask would have left the nose bare",
    "mask_hidden": "the mask would have been hidden",
    "mask_outside": "the mask would have lain outside the picture",
    "mask_unseen": "the mask could not have been told from the face",
    "link_circle": "a link that leads to itself",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a chart."""

    name: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Counts of one property."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(slots=True)
class _Tally:
    """What one pass over the lines counts."""

    images: int = 0
    faces: int = 0
    charts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_template: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))

    def add(self, record: Record) -> None:
        self.images += 1
        self.charts["Label"][record.label] += 1
        self.charts["Split"][record.split] += 1
        for face in record.faces:
            self.faces += 1
            box = face.source_face.box_xyxy if face.source_face else face.box_xyxy
            self.charts["Yaw of the head"][_between(face.pose_deg[0], (-45, -30, -15, 15, 30, 45), "°")] += 1
            self.charts["Size of the face in its photo"][
                _between(max(box[2] - box[0], box[3] - box[1]), (32, 64, 128, 256, 512), " px")
            ] += 1
            if face.template is not None:
                self.charts["Mask"][face.template] += 1
                self.charts["Wear"][face.wear or "correct"] += 1
                self.charts["Colour"][face.colour or "none"] += 1
                self.charts["Pattern"][face.pattern or "plain"] += 1
                examples = self.by_template[face.template]
                if len(examples) < SHOWN and (not examples or examples[-1].source_id != record.source_id):
                    examples.append(record)
            confuser = face.params.get("confuser")
            if confuser:
                self.charts["What covers a face and is no mask"][str(confuser["name"])] += 1
            for accessory in face.params.get("accessories") or ():
                self.charts["Accessory"][str(accessory["name"])] += 1


_ORDER: Final = (
    "Label",
    "Split",
    "Mask",
    "Wear",
    "Colour",
    "Pattern",
    "Yaw of the head",
    "Size of the face in its photo",
    "What covers a face and is no mask",
    "Accessory",
)
_BY_SIZE: Final = {"Yaw of the head", "Size of the face in its photo"}


_UNKNOWN_RUN: Final[dict[str, Any]] = {"version": "?", "finished": True, "seconds": 0.0, "counts": {}}
"""Stands for a ``run.json`` that was moved away."""


def write_report(dataset: Path) -> Path:
    """Write ``report.html`` into a dataset folder; it needs no other file.

    Raises:
        DatasetError: the folder breaks its contract.
    """
    import jinja2

    run = read_run(dataset) if (dataset / RUN).is_file() else _UNKNOWN_RUN
    gone: list[str] = []
    tally = _Tally()
    for record in read_dataset(dataset, gone=gone):
        tally.add(record)
    reasons: Counter[str] = Counter()
    examples: dict[str, list[Skip]] = defaultdict(list)
    for skip in read_skipped(dataset):
        reasons[skip.reason] += 1
        if len(examples[skip.reason]) < SHOWN:
            examples[skip.reason].append(skip)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("maskgen", "pages"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("report.html").render(
        name=dataset.resolve().name,
        run=run,
        settings=_told(run.get("settings") or {}),
        images=tally.images,
        faces=tally.faces,
        charts=[_chart(title, tally.charts[title]) for title in _ORDER if tally.charts.get(title)],
        sample=[
            {"picture": _image(dataset, record), "label": record.label}
            for record in pick(read_dataset(dataset, gone=[]), 12)
        ],
        templates=[
            {"name": name, "pictures": [_image(dataset, record) for record in records]}
            for name, records in sorted(tally.by_template.items())
        ],
        skipped=sum(reasons.values()),
        reasons=[
            {
                "name": reason,
                "count": count,
                "words": REASONS.get(reason, ""),
                "examples": [
                    {
                        "source": skip.source,
                        "detail": skip.detail,
                        "picture": _photo(skip),
                    }
                    for skip in examples[reason]
                ],
            }
            for reason, count in reasons.most_common()
        ],
        rejected=[(r, n, REASONS.get(r, "")) for r, n in (run.get("counts") or {}).get("rejected_faces", {}).items()],
    )
    path = dataset / "report.html"
    write_bytes(path, page.encode("utf-8", "backslashreplace"))
    return path


def _photo(skip: Skip) -> str | None:
    """The skipped photo, small, as a data address; None where it cannot be shown."""
    if skip.reason in ("timeout", "worker_died"):
        return None
    try:
        return _thumb(decode_rgb(read_input(skip.source_path()), max_side=4 * THUMB))
    except ImageError:
        return None


def _image(dataset: Path, record: Record) -> str | None:
    """A written image, small, as a data address; None where it is missing."""
    try:
        return _thumb(read_rgb(dataset / record.file_name))
    except ImageError:
        return None


def _thumb(image: RGB) -> str:
    data = encode(shrink(image, 2 * THUMB), ".jpg", 80)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def _chart(title: str, counts: Counter[str]) -> Chart:
    names: Iterable[str] = sorted(counts, key=_first_number if title in _BY_SIZE else lambda n: (-counts[n], n))
    most, total = max(counts.values()), sum(counts.values())
    bars = [Bar(name, counts[name], counts[name] / most) for name in names]
    if len(bars) > 24:
        rest = bars[23:]
        count = sum(bar.count for bar in rest)
        bars = [*bars[:23], Bar(f"{len(rest)} others", count, min(1.0, count / most))]
    return Chart(f"{title}, {total} in all" if total else title, tuple(bars))


def _between(value: float, edges: tuple[int, ...], unit: str) -> str:
    """The bin that a value falls into.

    >>> _between(70, (32, 64, 128), " px"), _between(5, (32, 64), " px"), _between(99, (32, 64), " px")
    ('64 to 128 px', 'below 32 px', '64 px and more')
    """
    if value < edges[0]:
        return f"below {edges[0]}{unit}"
    for low, high in itertools.pairwise(edges):
        if value < high:
            return f"{low} to {high}{unit}"
    return f"{edges[-1]}{unit} and more"


def _first_number(name: str) -> tuple[float, int]:
    word = name.removeprefix("below ").split(" ")[0].rstrip("°")
    return float(word), not name.startswith("below")


def _told(settings: dict[str, object]) -> list[tuple[str, str]]:
    """The settings as a reader wants them."""
    told = []
    for name, value in settings.items():
        if value in (None, "", [], ()):
            continue
        parts = value if isinstance(value, list) else [value]
        text = ", ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts)
        told.append((name.replace("_", " "), text))
    return told
