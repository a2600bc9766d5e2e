"""Many picture files through a detector: one row each, annotated copies on request."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from detect.parallel import OrderedMap
from detect.results import Detections
from maskgen import images
from maskgen.addresses import shown
from maskgen.errors import ImageError, InputError, MaskgenError
from maskgen.types import RGB

if TYPE_CHECKING:
    from detect.pipeline import Detector

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class PictureRow:
    """What became of one input.

    Attributes:
        file: the path as given or found; ``-`` for stdin.
        detections: None when the file could not be used.
        error: why it, or its annotated copy, failed; None when all is well.
        written: where the annotated copy lies.
    """

    file: str
    detections: Detections | None
    error: str | None = None
    written: Path | None = None

    def to_json(self) -> dict[str, Any]:
        found = self.detections
        line: dict[str, Any] = {"file": self.file}
        line |= {"width": None, "height": None, "faces": []} if found is None else found.to_json()
        line["error"] = self.error
        return line


@dataclass(frozen=True, slots=True)
class Found:
    """One input.

    Attributes:
        file: its name, for people and programs.
        path: where its bytes are; None for stdin.
        relative: where its copy goes, within the output folder.
        problem: why it cannot be a picture, if that is known already.
    """

    file: str
    path: Path | None
    relative: Path
    problem: str | None = None


def look_at(
    detector: Detector,
    inputs: Sequence[str],
    output: Path | None = None,
    *,
    blur: bool = False,
    overwrite: bool = False,
) -> Iterator[PictureRow]:
    """Detect on files, folders, patterns and stdin, in order, ``detector.threads`` at once.

    Args:
        inputs: paths of files or folders, glob patterns, or ``-`` for a
            picture on stdin.
        output: folder for annotated copies, created when needed. It is not
            searched for pictures when it lies inside an input.
        blur: hide every face in the copies.
        overwrite: replace copies that exist.

    Yields:
        One row for every file found, errors included.

    Raises:
        InputError: ``output`` cannot be a folder.
    """
    if output is not None:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write to {images.show(output)}: {error.strerror or error}") from None

    def work(job: tuple[Found, Path | None]) -> PictureRow:
        found, target = job
        return _one(detector, found, target, blur=blur, overwrite=overwrite)

    with OrderedMap(work, _targets(inputs, output), detector.threads, waiting=4) as results:
        for _, row in results:
            yield row


def files(inputs: Iterable[str], exclude: Iterable[Path] = ()) -> Iterator[Found]:
    """Every file that the inputs name, in order, folders one at a time."""
    for item in inputs:
        if item == STDIN:
            yield Found(STDIN, None, Path("stdin.jpg"))
            continue
        name = shown(item)
        if (name != item or "://" in item) and not os.path.lexists(item):
            yield Found(name, None, Path("address"), f"there is no file {name}; detect video and webcam take addresses")
            continue
        for given in _expanded(item):
            root = Path(given)
            for entry in images.iter_paths([given], exclude=exclude):
                if isinstance(entry, images.Skipped):
                    yield Found(os.fspath(entry.path), entry.path, Path(entry.path.name), entry.message)
                else:
                    relative = entry.relative_to(root) if entry != root else Path(entry.name)
                    yield Found(os.fspath(entry), entry, relative)


def read(path: Path | None) -> RGB:
    """The picture in a file, or on stdin where ``path`` is None.

    Raises:
        ImageError: there is none.
    """
    return images.decode_rgb(_stdin_bytes()) if path is None else images.read_rgb(path)


def _one(detector: Detector, found: Found, target: Path | None, *, blur: bool, overwrite: bool) -> PictureRow:
    if found.problem is not None:
        return PictureRow(found.file, None, found.problem)
    try:
        picture = read(found.path)
        detections = detector.detect(picture)
    except MaskgenError as error:
        return PictureRow(found.file, None, str(error))
    if target is None:
        return PictureRow(found.file, detections)
    try:
        _write_copy(picture, detections, found.path, target, blur=blur, overwrite=overwrite)
    except MaskgenError as error:
        return PictureRow(found.file, detections, str(error))
    return PictureRow(found.file, detections, written=target)


def _write_copy(
    picture: RGB, detections: Detections, source: Path | None, target: Path, *, blur: bool, overwrite: bool
) -> None:
    from detect import draw

    if target.exists():
        if source is not None and target.samefile(source):
            raise InputError(f"the copy would replace its own source {images.show(source)}; choose another --output")
        if not overwrite:
            raise InputError(f"{images.show(target)} exists; pass --overwrite or choose another --output")
    shown = draw.hide(picture, [*(face.box for face in detections), *detections.doubtful]) if blur else picture
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {images.show(target.parent)}: {error.strerror or error}") from None
    images.write(target, draw.draw(shown, detections.faces), quality=92)


def _targets(inputs: Iterable[str], output: Path | None) -> Iterator[tuple[Found, Path | None]]:
    """Every input with where its copy goes; two of one name are numbered."""
    taken: set[Path] = set()
    for found in files(inputs, exclude=[] if output is None else [output]):
        if output is None or found.problem is not None:
            yield found, None
            continue
        suffix = found.relative.suffix
        wanted = output / found.relative.with_suffix(suffix if suffix.lower() in images.SUFFIXES else ".jpg")
        number = 2
        while wanted in taken:
            wanted = output / found.relative.with_name(f"{found.relative.stem}-{number}{wanted.suffix}")
            number += 1
        taken.add(wanted)
        yield found, wanted


def _expanded(item: str) -> list[str]:
    """A pattern's matches; a name that exists, or matches nothing, as it stands."""
    if os.path.lexists(item) or not glob.has_magic(item):
        return [item]
    return sorted(glob.glob(item, recursive=True)) or [item]  # noqa: PTH207  # patterns may be absolute


def _stdin_bytes() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise ImageError("unreadable", "nothing on stdin; pipe a picture in, or name a file")
    data = sys.stdin.buffer.read(images.MAX_BYTES + 1)
    if len(data) > images.MAX_BYTES:
        raise ImageError("too_large", f"stdin holds more than {images.MAX_BYTES} bytes")
    return data
