"""The whole way on two portraits: faces, masks, a dataset, training, a test, detection, and a page that shows it.

The two portraits are in the public domain and come with packages that are installed anyway, so nothing is
downloaded. Everything after the portraits is done by maskgen's own commands, in processes of their own: what the page
prints can be typed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from maskgen import __version__
from maskgen.errors import InputError, MaskgenError

logger = logging.getLogger(__name__)

MARKER: Final = ".maskgen-demo"
"""What shows that a folder was written by this module and may be written again."""

TIMEOUT_S: Final = 900

PLOTS: Final = {
    "curves.png": "Loss and accuracy, epoch by epoch",
    "confusion_matrix.png": "Validation, on pictures of the same person that were held back",
}
"""Pictures of the model folder that the page shows."""

PER_FACE: Final = 40
"""Images of each class for training: enough to see a curve, few enough to train in seconds."""

PER_FACE_TEST: Final = 25


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photo that everybody may use.

    Attributes:
        file: its name.
        person: who it is.
        credit: whose picture it is.
        carrier: the package it comes with.
    """

    file: str
    person: str
    credit: str
    carrier: str


COLLINS: Final = Portrait("collins.png", "Eileen Collins", "NASA, public domain", "scikit-image")
HOPPER: Final = Portrait("hopper.jpg", "Grace Hopper", "United States Navy, public domain", "matplotlib")


@dataclass(frozen=True, slots=True)
class Step:
    """One command that was run.

    Attributes:
        words: the command line, as one would type it in the demo's folder.
        elapsed_s: wall time, the start of the process included.
        stdout: what it printed.
    """

    words: tuple[str, ...]
    elapsed_s: float
    stdout: str

    @property
    def typed(self) -> str:
        return shlex.join(self.words)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo gave.

    Attributes:
        page: the ``index.html``.
        evaluation: what ``maskgen evaluate --json`` said.
        elapsed_s: wall time of everything.
    """

    page: Path
    evaluation: dict[str, Any]
    elapsed_s: float


def run(
    folder: Path, *, overwrite: bool = False, weights: str = "packaged", say: Callable[[str], None] = logger.info
) -> Demo:
    """Do it all.

    Args:
        folder: is made; must be new, empty, or of an earlier demo.
        overwrite: replace an earlier demo.
        weights: what training starts from, as ``maskgen train --weights`` takes it.
        say: told what is being done, one line a step.

    Raises:
        InputError: the folder holds something else.
        MaskgenError: a step failed; the message is the failed command's own.
    """
    began = time.perf_counter()
    _claim(folder, overwrite)
    runner = _Runner(folder)

    say("two portraits")
    write_portraits(folder / "portraits")

    say("masks on them: every template, wear, light, camera")
    started = time.perf_counter()
    rows, detector = _draw_gallery(folder)
    gallery_s = time.perf_counter() - started

    say("two datasets: one face to learn from, another to be tested on")
    common = ("--split", "100/0/0", "--seed", "1", "--workers", "1")
    for portrait, name, count in ((COLLINS, "learn", PER_FACE), (HOPPER, "test", PER_FACE_TEST)):
        runner("generate", f"portraits/{portrait.file}", name, "--per-face", str(count), *common)

    say("a short training run from the packaged weights")
    settings = ("--weights", weights, "--fine-tune", "none", "--head-epochs", "8", "--seed", "1")
    runner("train", "learn", "model", *settings)

    say("a test on the face it has not seen")
    evaluation = json.loads(runner("evaluate", "model", "test", "--json").stdout)

    say("detection on both, without and with masks")
    scene = ("--crop", "scene", "--camera", "none", "--confusers", "0", "--accessories", "0", "--masks", "surgical")
    runner("generate", "portraits", "masked", *scene, *common)
    _collect_masked(folder)
    found = runner("detect", "image", "pictures", "--model", "model", "--output", "detections", "--json")
    detections = [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]

    page = _write_page(
        folder,
        runner.steps,
        rows=rows,
        gallery_s=gallery_s,
        detector=detector,
        evaluation=evaluation,
        detections=_shown(folder, detections),
        elapsed_s=time.perf_counter() - began,
    )
    return Demo(page, evaluation, time.perf_counter() - began)


def write_portraits(folder: Path) -> tuple[Path, Path]:
    """Write the two portraits, Collins and Hopper."""
    from matplotlib import cbook
    from skimage import data

    from maskgen import images

    folder.mkdir(parents=True, exist_ok=True)
    collins, hopper = folder / COLLINS.file, folder / HOPPER.file
    images.write(collins, data.astronaut())
    shutil.copyfile(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)), hopper)
    return collins, hopper


class _Runner:
    """Runs maskgen's commands in the demo's folder and remembers them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[Step] = []

    def __call__(self, *words: str) -> Step:
        began = time.perf_counter()
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "maskgen.app", *words],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
                env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
        except subprocess.TimeoutExpired as late:
            raise MaskgenError(f"maskgen {shlex.join(words)} did not end within {TIMEOUT_S} s") from late
        step = Step(("maskgen", *words), time.perf_counter() - began, done.stdout.decode(errors="replace"))
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
            reason = lines[-1].removeprefix("maskgen: ")
            raise MaskgenError(f"{step.typed} ended with {done.returncode}: {reason}")
        self.steps.append(step)
        return step


def _claim(folder: Path, overwrite: bool) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise InputError(f"{folder} holds other files; name a new or empty folder for the demo")
        if not overwrite:
            raise InputError(f"{folder} holds an earlier demo; say --overwrite to replace it")
        shutil.rmtree(folder)
    elif folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the demo")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()


def _draw_gallery(folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Write the gallery's pictures; the rows as the page's template takes them, and which detector found the faces."""
    from maskgen import images
    from maskgen.cli import gallery
    from maskgen.faces.landmarks import FaceFinder
    from maskgen.templates.reader import load_wardrobe

    finder = FaceFinder()
    subjects = []
    for portrait in (COLLINS, HOPPER):
        photo = images.read_rgb(folder / "portraits" / portrait.file)
        found = finder.find(photo)
        if not found.faces:
            raise MaskgenError(f'no face found in the portrait of {portrait.person}; run "maskgen doctor"')
        subjects.append((photo, found.faces[0]))
    (folder / "gallery").mkdir()
    rows = []
    for row in gallery.rows(subjects, load_wardrobe()):
        pictures = []
        for number, picture in enumerate(row.pictures):
            path = f"gallery/{row.name}-{number:02}.jpg"
            images.write(folder / path, picture.image, quality=88)
            pictures.append({"path": path, "caption": picture.caption})
        rows.append({"title": row.title, "pictures": pictures})
    return rows, subjects[0][1].face.detector


def _collect_masked(folder: Path) -> None:
    """Lay the portraits and their masked scenes side by side, for detect to look at."""
    pictures = folder / "pictures"
    pictures.mkdir()
    with (folder / "masked" / "metadata.jsonl").open(encoding="utf-8") as lines:
        scenes = [json.loads(line) for line in lines]
    for portrait in (COLLINS, HOPPER):
        stem = Path(portrait.file).stem
        shutil.copyfile(folder / "portraits" / portrait.file, pictures / f"{stem}_bare{Path(portrait.file).suffix}")
        for scene in scenes:
            if scene["label"] == "with_mask" and portrait.file in str(scene["source"]):
                file = folder / "masked" / scene["file_name"]
                shutil.copyfile(file, pictures / f"{stem}_masked{file.suffix}")
                break


def _sample(folder: Path, dataset: str, count: int = 8) -> list[dict[str, str]]:
    """Some images of a dataset, both labels in turn."""
    chosen = []
    for label in ("with_mask", "without_mask"):
        files = sorted((folder / dataset).glob(f"*/{label}/*"))[: count // 2]
        chosen += [{"path": file.relative_to(folder).as_posix(), "caption": label} for file in files]
    return chosen


def _shown(folder: Path, detections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of ``detect image --json``, each with the annotated picture that belongs to it."""
    shown = []
    for line in detections:
        name = Path(line["file"]).name
        annotated = folder / "detections" / name
        path = f"detections/{name}" if annotated.is_file() else f"pictures/{name}"
        shown.append({"path": path, "masked": Path(name).stem.endswith("_masked"), "faces": line["faces"]})
    return shown


def _write_page(folder: Path, steps: list[Step], **shown: Any) -> Path:
    """Fill in ``pages/demo.html``; every picture is referred to by its path below ``folder``."""
    import jinja2

    by_name = {step.words[1] + (":" + step.words[3] if step.words[1] == "generate" else ""): step for step in steps}
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("maskgen", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("demo.html").render(
        version=__version__,
        portraits=[
            {"path": f"portraits/{p.file}", "person": p.person, "credit": p.credit, "carrier": p.carrier}
            for p in (COLLINS, HOPPER)
        ],
        steps=by_name,
        learn=_sample(folder, "learn"),
        test=_sample(folder, "test"),
        plots=[
            {"path": f"model/{name}", "caption": caption}
            for name, caption in PLOTS.items()
            if (folder / "model" / name).is_file()
        ],
        **shown,
    )
    page = folder / "index.html"
    # One line of white space for many: what the template's blocks leave behind.
    page.write_text(re.sub(r"\n\s*\n+", "\n", text), encoding="utf-8")
    return page
