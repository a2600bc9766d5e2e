"""Tries each stage once: a mask drawn, a face classified by every packaged model, a video written and read back.

With maskgen's own commands, in processes of their own, as a user would: a library that cannot be loaded, or whose
newest version has changed, shows here and in no list of versions. The portrait comes with matplotlib; nothing is kept.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

TIMEOUT_S: Final = 120

FRAMES: Final = 10
"""One second of video."""

_NO_FACE: Final = "no face was found in a portrait of 512 x 600 px"


class TrialError(Exception):
    """What went wrong, in one line."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to try.

    Attributes:
        name: what it is.
        stage: what cannot run where it fails.
        remedy: what to do then.
        try_it: does it in a folder with the portrait and says what came out; raises ``TrialError``.
        needs: the module without which there is nothing to try.
    """

    name: str
    stage: Literal["generate", "detect"]
    remedy: str
    try_it: Callable[[Path, Path], str]
    needs: str = "cv2"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial came to.

    Attributes:
        trial: which one.
        worked: None where it could not be tried.
        detail: what came out, or why nothing did.
    """

    trial: Trial
    worked: bool | None
    detail: str


def run(trials: tuple[Trial, ...]) -> list[Outcome]:
    """Try them, two at a time; each takes a second or two."""
    portrait = _portrait()
    if portrait is None:
        return [
            Outcome(trial, None, "not tried: matplotlib, which brings a portrait, is not installed") for trial in trials
        ]
    temporary = tempfile.TemporaryDirectory(prefix="maskgen-doctor-", ignore_cleanup_errors=True)
    with temporary as folder, ThreadPoolExecutor(2) as pool:
        return list(pool.map(partial(_outcome, portrait, Path(folder)), trials))


def _outcome(portrait: Path, folder: Path, trial: Trial) -> Outcome:
    if importlib.util.find_spec(trial.needs) is None:
        return Outcome(trial, None, f"not tried: {trial.needs} is not installed")
    own = folder / trial.name.replace(" ", "-")
    try:
        own.mkdir()
        return Outcome(trial, True, trial.try_it(portrait, own))
    except (TrialError, OSError) as error:
        return Outcome(trial, False, str(error))


def _portrait() -> Path | None:
    """Grace Hopper, United States Navy, public domain; matplotlib's folder is read, never imported."""
    spec = importlib.util.find_spec("matplotlib")
    path = Path(spec.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg" if spec and spec.origin else None
    return path if path is not None and path.is_file() else None


def _draw_mask(portrait: Path, folder: Path) -> str:
    _maskgen("generate", str(portrait), str(folder / "out"), "--workers", "1", "--masks", "surgical", "--seed", "1")
    drawn = list((folder / "out").glob("*/with_mask/*"))
    if not drawn:
        raise TrialError(_NO_FACE)
    return "drawn on a portrait"


def _classify(words: tuple[str, ...], portrait: Path, folder: Path) -> str:
    lines = _json_lines(_maskgen("detect", "image", str(portrait), "--json", *words))
    faces = lines[0]["faces"] if lines else []
    if not faces:
        raise TrialError(_NO_FACE)
    label, score = faces[0]["label"], faces[0]["score"]
    if label != "without_mask":
        raise TrialError(f"took a bare face for {label} (score {score:.2f})")
    return f"a bare face is {label}, score {score:.2f}, found by {lines[0].get('found_by', 'the detector')}"


def _video(portrait: Path, folder: Path) -> str:
    clip, written = folder / "clip.y4m", folder / "written.mp4"
    clip.write_bytes(_grey_clip(portrait))
    _maskgen("detect", "video", str(clip), "--output", str(written), "--json")
    read = len(_json_lines(_maskgen("detect", "video", str(written), "--json")))
    if read != FRAMES:
        raise TrialError(f"{FRAMES} frames were written, {read} read back")
    return f"{FRAMES} frames written and read back"


def _grey_clip(portrait: Path) -> bytes:
    """One second of the portrait as YUV4MPEG2, which needs no encoder."""
    from PIL import Image

    with Image.open(portrait) as picture:
        grey = picture.convert("L")
    head = f"YUV4MPEG2 W{grey.width} H{grey.height} F{FRAMES}:1 Ip A1:1 Cmono\n"
    return head.encode() + (b"FRAME\n" + grey.tobytes()) * FRAMES


def _maskgen(*words: str) -> str:
    """What a command prints.

    Raises:
        TrialError: it failed; the last line that it said.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "maskgen.app", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    except subprocess.TimeoutExpired:
        raise TrialError(f"maskgen {words[0]} {words[1]} did not end within {TIMEOUT_S} s") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"ended with {done.returncode}"]
        raise TrialError(lines[-1].removeprefix("maskgen: "))
    return done.stdout.decode(errors="replace")


def _json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


_AGAIN: Final = "install the versions that are tested: pip install --no-deps -r requirements/run.txt"

TRIALS: Final = (
    Trial("mask drawn", "generate", _AGAIN, _draw_mask, needs="dlib"),
    Trial("classifier", "detect", _AGAIN, partial(_classify, ("--model", "classifier"))),
    Trial("classifier3", "detect", _AGAIN, partial(_classify, ("--model", "classifier3"))),
    Trial("detector", "detect", _AGAIN, partial(_classify, ("--faces", "onestage", "--labels", "detector"))),
    Trial("video", "detect", _AGAIN, _video, needs="av"),
)
