"""What this machine has of all that maskgen can use, and what that allows.

Versions come from the packages' own records; only the three native modules that every stage stands on are imported,
in another process, because a library of the system that is missing (libGL in a bare container) shows only then.
A stage that nothing is missing for is tried as well (``maskgen.cli.trials``).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from maskgen import display, weights
from maskgen.assets import assets_dir
from maskgen.cli import trials
from maskgen.errors import MaskgenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maskgen.io.registry import Registry

Stage = Literal["generate", "train", "detect"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)

Status = Literal["ok", "missing", "broken", "absent"]
"""``absent`` is something optional that is not there."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table.

    Attributes:
        group: ``machine``, ``packages``, ``model files``, ``masks``, ``registered`` or ``tried``.
        name: what was looked at.
        status: how it is.
        detail: version, place or reason.
        remedy: what to do about it; empty when nothing needs doing.
        licence: a model file's terms; empty for everything else.
        needed_for: the stages that cannot run without it.
    """

    group: str
    name: str
    status: Status
    detail: str
    remedy: str = ""
    licence: str = ""
    needed_for: tuple[Stage, ...] = ()

    @property
    def blocks(self) -> tuple[Stage, ...]:
        """The stages that cannot run because of this."""
        return self.needed_for if self.status in ("missing", "broken") else ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was looked at."""

    checks: tuple[Check, ...]

    def ready(self, stage: Stage) -> bool:
        return not any(stage in check.blocks for check in self.checks)

    def to_json(self) -> dict[str, object]:
        return {
            "ready": {stage: self.ready(stage) for stage in STAGES},
            "checks": [{**asdict(check), "needed_for": list(check.needed_for)} for check in self.checks],
        }


# Distribution names, the first installed one counts; the module, where it is worth trying; who needs it.
_PACKAGES: Final[tuple[tuple[tuple[str, ...], str | None, tuple[Stage, ...]], ...]] = (
    (("numpy",), None, STAGES),
    (("opencv-python", "opencv-contrib-python", "opencv-python-headless"), "cv2", STAGES),
    (("pillow",), None, STAGES),
    (("dlib-bin", "dlib"), "dlib", ("generate",)),
    (("ai-edge-litert",), "ai_edge_litert.interpreter", ("detect",)),
    (("tensorflow",), None, ("train",)),
    (("keras",), None, ("train",)),
    (("albumentations",), None, ("train",)),
    (("matplotlib",), None, ("train",)),
    (("supervision",), None, ()),
    (("trackers",), None, ()),
    (("av",), None, ()),
    (("ray",), None, ()),
    (("s3fs",), None, ()),
    (("webdataset",), None, ()),
    (("pyarrow",), None, ()),
    (("onnx",), None, ()),
    (("mtcnn",), None, ()),
    (("pillow-heif",), None, ()),
)
_EXTRAS: Final = {
    "ray": "ray",
    "s3fs": "s3",
    "webdataset": "webdataset",
    "pyarrow": "parquet",
    "onnx": "onnx",
    "mtcnn": "mtcnn",
    "pillow-heif": "heif",
}

_NEEDED_FILES: Final[dict[str, tuple[Stage, ...]]] = {"landmarks68": ("generate",), "classifier3": ("detect",)}

REGISTRIES: Final = (
    "maskgen.occluders.registry:OCCLUDERS",
    "maskgen.templates.installed:FOLDERS",
    "maskgen.faces:DETECTORS",
    "maskgen.dataset.formats:FORMATS",
    "maskgen.dataset.engines:ENGINES",
    "detect.sources:SOURCES",
    "detect.outputs.registry:OUTPUTS",
)
"""Every registry. By name, since maskgen imports nothing of detect; a test holds the list to the code."""

_PYTHONS: Final = (3, 11), (3, 14)
"""The oldest and the newest that everything is tested on."""

_LAST_WITH_TENSORFLOW: Final = (3, 13)


def diagnose(stages: Sequence[Stage] = STAGES) -> Diagnosis:
    """Look at everything and try what can be tried; takes some seconds and never touches the network.

    Args:
        stages: those to try.
    """
    seen = Diagnosis((*_machine(), *_packages(), *_model_files(), *_masks(), *_registered()))
    return Diagnosis((*seen.checks, *_tried(seen, stages)))


def _machine() -> Iterator[Check]:
    version = platform.python_version()
    good = _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]
    yield Check(
        "machine",
        "Python",
        "ok" if good else "broken",
        f"{version}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "" if good else "use Python 3.11 to 3.13, or 3.14 where nothing is trained",
        needed_for=STAGES,
    )
    window = display.probe()
    yield Check(
        "machine",
        "window",
        "ok" if window.available else "absent",
        f"OpenCV {window.opencv}, {window.framework}" if window.available else window.reason,
        "" if window.available else "webcam shows a page instead",
    )


def _packages() -> Iterator[Check]:
    for names, module, needed_for in _PACKAGES:
        name = names[0]
        versions = [
            version if installed == name else f"{version} ({installed})"
            for installed in names
            if (version := _version(installed))
        ]
        if not versions:
            status: Status = "missing" if needed_for else "absent"
            yield Check("packages", name, status, "not installed", _install_remedy(name), needed_for=needed_for)
            continue
        problem = _import_problem(module) if module else None
        remedy = _import_remedy(problem, name) if problem else ""
        detail = problem or " and ".join(versions)
        yield Check("packages", name, "broken" if problem else "ok", detail, remedy, needed_for=needed_for)


def what_to_install(error: ModuleNotFoundError) -> str | None:
    """What to tell somebody whose command stopped for want of a package; None where it is none of those listed here."""
    modules = {name.replace("-", "_"): names[0] for names, _, _ in _PACKAGES for name in names}
    package = modules.get((error.name or "").partition(".")[0])
    if package is None:
        return None
    return f"{package} is not installed ({_install_remedy(package)}); maskgen doctor lists what else is missing"


def _install_remedy(name: str) -> str:
    if name == "tensorflow" and sys.version_info[:2] > _LAST_WITH_TENSORFLOW:
        return (
            f"there is none for Python {sys.version_info[0]}.{sys.version_info[1]} yet: train with Python 3.11 to 3.13"
        )
    extra = _EXTRAS.get(name)
    return f'pip install "maskgen[{extra}]"' if extra else f"pip install {name}"


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _import_problem(module: str) -> str | None:
    """The last line of what importing the module says, in a process of its own; None when it works."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", f"import {module}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"importing {module} failed: {type(error).__name__}"
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"importing {module} ended with {done.returncode}"


def _import_remedy(problem: str, name: str) -> str:
    if "libGL" in problem or "libEGL" in problem:
        return "apt-get install libgl1 libegl1"
    if "libgthread" in problem or "libglib" in problem:
        return "apt-get install libglib2.0-0"
    return f"pip install --force-reinstall {name}"


def _model_files() -> Iterator[Check]:
    for name, file in weights.FILES.items():
        needed_for = _NEEDED_FILES.get(name, ())
        found, wrong = weights.where(name), weights.problems(name)
        if found:
            yield Check("model files", name, "ok", f"{found.path} ({found.origin})", "", file.licence, needed_for)
            continue
        status: Status = "broken" if wrong else "missing" if needed_for else "absent"
        detail = "; ".join(wrong) or f"not here: {file.purpose}"
        yield Check("model files", name, status, detail, weights.remedy(name), file.licence, needed_for)


def _masks() -> Iterator[Check]:
    try:
        folder = assets_dir("masks")
    except MaskgenError as error:
        yield Check("masks", "templates", "missing", str(error), "install maskgen again", "", ("generate",))
        return
    names = sorted(path.parent.name for path in folder.glob("*/mask.json"))
    yield Check(
        "masks",
        "templates",
        "ok" if names else "missing",
        f"{len(names)} in {folder}: {', '.join(names)}" if names else f"none in {folder}",
        "" if names else "install maskgen again",
        needed_for=("generate",),
    )


def _registered() -> Iterator[Check]:
    """What there is to choose from, plug-ins with their packages; and plug-ins that cannot be used."""
    from maskgen.templates.installed import FOLDERS
    from maskgen.templates.reader import installed_masks

    masks = installed_masks()
    for where in REGISTRIES:
        module, _, attribute = where.partition(":")
        kinds: Registry[Any] = getattr(importlib.import_module(module), attribute)
        owners = {plugin.name: plugin.package for plugin in kinds.plugins}
        names = [f"{name} ({owners[name]})" if name in owners else name for name in kinds.names]
        if kinds is FOLDERS:
            names = [f"{name} ({masks.owners[name]})" for name in masks.masks]
        yield Check("registered", kinds.group, "ok", ", ".join(names) or "no plug-ins")
        for lost in kinds.lost:
            package = lost.plugin.package.partition(" ")[0]
            detail, remedy = f"{lost.plugin.package}: {lost.why}", f"pip uninstall {package}"
            yield Check("registered", lost.plugin.name, "broken", detail, remedy)
    for line in masks.lost:
        yield Check("registered", "mask", "broken", line)


def _tried(seen: Diagnosis, stages: Sequence[Stage]) -> Iterator[Check]:
    """What came out of trying the stages that nothing is missing for."""
    possible = [stage for stage in stages if seen.ready(stage)]
    for outcome in trials.run(tuple(trial for trial in trials.TRIALS if trial.stage in possible)):
        trial = outcome.trial
        status: Status = "absent" if outcome.worked is None else "ok" if outcome.worked else "broken"
        remedy = "" if outcome.worked else trial.remedy
        yield Check("tried", trial.name, status, outcome.detail, remedy, needed_for=(trial.stage,))
