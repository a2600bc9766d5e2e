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
class _Job:
    """One input: where its bytes are and where its copy goes."""

    file: str
    path: Path | None
    target: Path | None = None
    error: str | None = None


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

    def work(job: _Job) -> PictureRow:
        return _one(detector, job, blur=blur, overwrite=overwrite)

    with OrderedMap(work, _jobs(inputs, output), detector.threads, waiting=4) as results:
        for _, row in results:
            yield row


def _one(detector: Detector, job: _Job, *, blur: bool, overwrite: bool) -> PictureRow:
    if job.error is not None:
        return PictureRow(job.file, None, job.error)
    try:
        data = _stdin_bytes() if job.path is None else images.read_bytes(job.path)
        picture = images.decode_rgb(data)
        found = detector.detect(picture)
    except MaskgenError as error:
        return PictureRow(job.file, None, str(error))
    if job.target is None:
        return PictureRow(job.file, found)
    try:
        _write_copy(picture, found, job, blur=blur, overwrite=overwrite)
    except MaskgenError as error:
        return PictureRow(job.file, found, str(error))
    return PictureRow(job.file, found, written=job.target)


def _write_copy(picture: RGB, found: Detections, job: _Job, *, blur: bool, overwrite: bool) -> None:
    from detect import draw

    assert job.target is not None
    if job.path is not None and job.target.exists() and job.target.samefile(job.path):
        raise InputError(f"the copy would replace its own source {images.show(job.path)}; choose another --output")
    if job.target.exists() and not overwrite:
        raise InputError(f"{images.show(job.target)} exists; pass --overwrite or choose another --output")
    shown = draw.hide(picture, [face.box for face in found]) if blur else picture
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {images.show(job.target.parent)}: {error.strerror or error}") from None
    images.write(job.target, draw.draw(shown, found.faces), quality=92)


def _jobs(inputs: Iterable[str], output: Path | None) -> Iterator[_Job]:
    taken: set[Path] = set()

    def target(relative: Path) -> Path | None:
        if output is None:
            return None
        suffix = relative.suffix if relative.suffix.lower() in images.SUFFIXES else ".jpg"
        wanted = output / relative.with_suffix(suffix)
        number = 2
        while wanted in taken:
            wanted = output / relative.with_name(f"{relative.stem}-{number}{suffix}")
            number += 1
        taken.add(wanted)
        return wanted

    for item in inputs:
        if item == STDIN:
            yield _Job(STDIN, None, target(Path("stdin.jpg")))
            continue
        for given in _expanded(item):
            root = Path(given)
            for found in images.iter_paths([given], exclude=[] if output is None else [output]):
                if isinstance(found, images.Skipped):
                    yield _Job(os.fspath(found.path), found.path, error=found.message)
                    continue
                relative = found.relative_to(root) if found != root else Path(found.name)
                yield _Job(os.fspath(found), found, target(relative))


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
