"""Run folder of a training run: settings, staging, resuming, publishing the model folder.

Nothing is deleted or replaced here but what a run of ours wrote.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from maskgen.assets import BUNDLE_NAME
from maskgen.errors import InputError, MaskgenError, TrainError
from maskgen.io.files import write_whole
from trainer.bundle import Bundle
from trainer.loop import checkpoint

SETTINGS: Final = "settings.json"
_FINISHED: Final = "finished"

_OURS: Final = frozenset((SETTINGS, checkpoint.NAME, "best.keras", _FINISHED, "train.npy", "val.npy", "test.npy"))
"""What a run writes into its own folder, but for names that begin with a dot."""


class Settings(Protocol):
    """What a run was told, in a form that survives it."""

    def to_json(self) -> dict[str, Any]: ...

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self: ...


SettingsT = TypeVar("SettingsT", bound=Settings)
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Summary(Generic[ResultT]):
    """What a run made.

    Attributes:
        bundle: the model folder.
        result: the evaluation of the test split, else of the validation split.
        split: which of the two.
        source: where the first weights came from.
        seconds: by phase.
    """

    bundle: Bundle
    result: ResultT
    split: str
    source: str
    seconds: dict[str, float]


def check_room(model: Path, dataset: Path, *, resume: bool, overwrite: bool) -> Path:
    """See that a run may write to a model folder; nothing is changed yet.

    With ``overwrite`` an unfinished run may go, which ``writing`` deletes, and
    a finished model, which stays until ``publish`` replaces it. A folder that
    holds neither is somebody's own.

    Args:
        model: the model folder, which need not be there.
        dataset: what will be learned from; no model may lie inside.
        resume: an unfinished run there is to go on.
        overwrite: what is there may go.

    Returns:
        The run's own folder inside it, perhaps still to be made.

    Raises:
        InputError: something is in the way.
    """
    work = model / checkpoint.FOLDER
    if model.exists() and not model.is_dir():
        raise InputError(f"{model} is a file; a model is a folder")
    if model.resolve() == dataset.resolve() or dataset.resolve() in model.resolve().parents:
        raise InputError(f"the model folder {model} lies inside the dataset {dataset}; choose another place")
    if work.is_dir():
        foreign = sorted(path.name for path in work.iterdir() if not _is_ours(path))
        if foreign:
            raise InputError(f"{work} holds {foreign[0]}, which no training run wrote; choose another model folder")
        if not (resume or overwrite):
            raise InputError(f"{model} holds an unfinished run; go on with --resume, or start anew with --overwrite")
    elif (model / BUNDLE_NAME).exists():
        if not overwrite:
            raise InputError(f"{model} holds a finished model; replace it with --overwrite, or choose another folder")
    elif model.is_dir() and any(model.iterdir()):
        raise InputError(f"{model} is not empty and holds no model; choose another folder")
    return work


def _is_ours(path: Path) -> bool:
    return path.name in _OURS or path.name.startswith(".")


def _clear(work: Path) -> None:
    """Delete a run's own folder, of what is in it only what a run wrote."""
    for path in work.iterdir() if work.is_dir() else ():
        if not _is_ours(path):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    with contextlib.suppress(OSError):  # not there, or not empty
        work.rmdir()


@contextlib.contextmanager
def writing(work: Path, settings: Settings, *, resume: bool) -> Iterator[None]:
    """Keep the settings in the run's own folder, and say in one line when the disk refuses what comes then.

    A run that is refused before it has learned anything leaves nothing: the
    corrected command finds the place as it was.

    Args:
        work: the run's own folder.
        settings: of the run.
        resume: what an earlier run left there is needed; else it is deleted.

    Raises:
        TrainError: a file could not be written; what was written is kept.
    """
    fresh = not work.parent.exists()
    try:
        if not resume:
            _clear(work)
        work.mkdir(parents=True, exist_ok=True)
        write_whole(work / SETTINGS, (json.dumps(settings.to_json(), indent=2) + "\n").encode())
        yield
    except OSError as error:
        raise TrainError(
            f"{error.filename or work.parent} cannot be written: {error.strerror or error}; "
            f"what is in {work} is kept: make room and run the same command with --resume"
        ) from None
    except MaskgenError:
        if not (work / checkpoint.NAME).exists():
            _clear(work)
            if fresh:
                with contextlib.suppress(OSError):
                    work.parent.rmdir()
        raise


def holds_unfinished(model: Path) -> bool:
    """Whether a run that was begun in a model folder can go on."""
    return (Path(model) / checkpoint.FOLDER / SETTINGS).is_file()


def settings_of(model: Path, kind: type[SettingsT]) -> SettingsT | None:
    """The settings of an unfinished run in a model folder, or None.

    Raises:
        TrainError: they are there and cannot be read.
    """
    path = Path(model) / checkpoint.FOLDER / SETTINGS
    if not path.is_file():
        return None
    try:
        return kind.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise TrainError(f"{path} is damaged ({error}); start anew with --overwrite") from None


def save_network(network: Any, path: Path) -> None:
    """Save whole: to a temporary name, then renamed. The optimizer's state is no part of a network."""
    import keras

    bare = keras.Model(network.input, network.output, name=network.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp.keras")
    try:
        bare.save(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def stage(work: Path) -> Path:
    """An empty folder for the finished files, beside the checkpoints: nothing of an earlier attempt is in it."""
    staged = work / _FINISHED
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    return staged


def publish(work: Path, model: Path) -> None:
    """Put the staged files in place and delete the run's own folder.

    ``bundle.json`` comes last: without it the folder is no model.
    """
    (model / BUNDLE_NAME).unlink(missing_ok=True)
    for path in sorted((work / _FINISHED).iterdir(), key=lambda p: p.name == BUNDLE_NAME):
        path.replace(model / path.name)
    _clear(work)


def versions() -> dict[str, str]:
    """The packages that a model is made with, and Keras's backend."""
    import keras

    found = {"keras_backend": keras.backend.backend()}
    for name in ("maskgen", "keras", "tensorflow", "numpy", "albumentations"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            from maskgen import __version__

            if name == "maskgen":  # run from a checkout that nobody installed
                found[name] = __version__
    return found
