"""Detection over many pictures: ordered, in parallel, one row a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect.parallel import OrderedMap
from detect.results import Detections
from detect.sources.pictures import Found, files, read
from maskgen import images
from maskgen.errors import InputError, MaskgenError
from maskgen.types import RGB

if TYPE_CHECKING:
    from detect.detector import Detector


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
    from detect.outputs import draw

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
