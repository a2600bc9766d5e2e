"""Every model file the project can use: where it comes from, what it must be, how it may be used.

A file is looked for, in this order,

1. in the folder that ``MASKGEN_WEIGHTS`` names,
2. in maskgen itself,
3. in an installed package that carries it (whose folder is read, never imported),
4. in the user's cache (``MASKGEN_CACHE``, else the system's usual place),
5. and, by ``find`` only, at its address, unless ``MASKGEN_OFFLINE`` is set.

``locate`` never touches the network, so that a detector chosen by ``auto`` never does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from maskgen.assets import assets_dir
from maskgen.errors import MaskgenError, WeightsError

logger = logging.getLogger(__name__)

Origin = Literal["MASKGEN_WEIGHTS", "maskgen", "package", "cache"]
"""Which of the places a file was found in."""

TIMEOUT_S: Final = 30
"""Longest silence of a server before a download is given up."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model file: an entry of the register.

    Attributes:
        name: what the code calls it.
        purpose: what it does, for people.
        licence: its licence or terms of use, for people.
        file_names: the names it goes by; the first is the one it is saved under.
        digests: ``sha256:hex`` or ``sha1:hex`` of every edition that is known to be good. None given means that no
            sum is published, or that any file of the kind will do.
        size: bytes to be downloaded, for people.
        urls: addresses that serve the first edition, tried in turn.
        package: the installed package that carries it, as imported.
        package_folder: where in that package.
        requirement: what to install for that package.
        asset: the folder of ``assets_dir`` that carries it, when maskgen itself does.
        own_allowed: a file of this name in ``MASKGEN_WEIGHTS`` is taken whatever its sum: the user's own model.
        folder: it is a folder, recognised by the ``bundle.json`` inside.
    """

    name: str
    purpose: str
    licence: str
    file_names: tuple[str, ...]
    digests: tuple[str, ...] = ()
    size: int | None = None
    urls: tuple[str, ...] = ()
    package: str | None = None
    package_folder: str = ""
    requirement: str = ""
    asset: str | None = None
    own_allowed: bool = False
    folder: bool = False

    def __post_init__(self) -> None:
        if not self.file_names:
            raise WeightsError(f"{self.name} has no file name")
        for digest in self.digests:
            kind, _, digits = digest.partition(":")
            if len(digits) != {"sha256": 64, "sha1": 40}.get(kind):
                raise WeightsError(f"{self.name} has the sum {digest!r}; sha256:HEX or sha1:HEX expected")


@dataclass(frozen=True, slots=True)
class Located:
    """Where a model file lies, and which of the places that is."""

    path: Path
    origin: Origin


_IBUG = (
    "CC0-1.0 as published, but trained on iBUG 300-W, whose terms exclude commercial use: for commercial work put a "
    "model of your own, under the same name, into the MASKGEN_WEIGHTS folder"
)

FILES: Final[dict[str, ModelFile]] = {
    file.name: file
    for file in (
        ModelFile(
            name="classifier",
            purpose="tells masked from unmasked faces",
            licence="Apache-2.0; trained on pictures for research use, see its model card",
            file_names=("classifier",),
            asset="models",
            own_allowed=True,
            folder=True,
        ),
        ModelFile(
            name="classifier3",
            purpose="tells badly masked faces too; what detect uses where no model is named",
            licence="Apache-2.0; trained on pictures for research use, see its model card",
            file_names=("classifier3",),
            asset="models",
            own_allowed=True,
            folder=True,
        ),
        ModelFile(
            name="detector",
            purpose="finds faces, masked ones too, and says what they wear",
            licence="Apache-2.0; trained on pictures for research use, see its model card",
            file_names=("detector",),
            asset="models",
            own_allowed=True,
            folder=True,
        ),
        ModelFile(
            name="landmarks68",
            purpose="dlib's 68 landmarks, on which masks are laid",
            licence=_IBUG,
            file_names=("shape_predictor_68_face_landmarks.dat",),
            digests=("sha256:fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",),
            size=99_693_937,
            package="face_recognition_models",
            package_folder="models",
            requirement="face_recognition_models",
            own_allowed=True,
        ),
        ModelFile(
            name="landmarks5",
            purpose="dlib's 5 landmarks",
            licence="CC0-1.0",
            file_names=("shape_predictor_5_face_landmarks.dat",),
            size=9_150_489,
            package="face_recognition_models",
            package_folder="models",
            requirement="face_recognition_models",
            own_allowed=True,
        ),
        ModelFile(
            name="dlib_cnn",
            purpose="dlib's CNN face detector",
            licence="CC0-1.0",
            file_names=("mmod_human_face_detector.dat",),
            digests=("sha256:4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",),
            size=729_940,
            package="face_recognition_models",
            package_folder="models",
            requirement="face_recognition_models",
        ),
        ModelFile(
            name="haar",
            purpose="OpenCV's Haar cascade of frontal faces",
            licence="Intel License Agreement for Open Source Computer Vision (BSD-like)",
            file_names=("haarcascade_frontalface_default.xml",),
            package="cv2",
            package_folder="data",
            requirement="opencv-python<5",
        ),
        ModelFile(
            name="yunet",
            purpose="the YuNet face detector: maskgen generate uses it, maskgen detect beside its own",
            licence="MIT (OpenCV Zoo); BSD-3-Clause (libfacedetection.train)",
            file_names=("face_detection_yunet_2023mar.onnx", "face_detection_yunet_n_320.onnx"),
            # The same network twice: as OpenCV Zoo publishes it, and as its training repository does.
            digests=(
                "sha256:8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
                "sha256:81dbde155e982455488235acb8ec2dec5d647edf7cf7080d33e4abb69b93a0d2",
            ),
            size=232_589,
            # Git LFS: the plain address serves a pointer in some mirrors, so the media address comes first.
            urls=(
                "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
                "https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
            ),
        ),
        ModelFile(
            name="ssd_caffemodel",
            purpose="OpenCV's res10 SSD face detector: the weights",
            licence="BSD-3-Clause (OpenCV)",
            file_names=("res10_300x300_ssd_iter_140000.caffemodel",),
            digests=("sha1:15aa726b4d46d9f023526d85537db81cbc8dd566",),
            size=10_666_211,
            urls=(
                "https://raw.githubusercontent.com/opencv/opencv_3rdparty/dnn_samples_face_detector_20170830/res10_300x300_ssd_iter_140000.caffemodel",
            ),
        ),
        ModelFile(
            name="ssd_prototxt",
            purpose="OpenCV's res10 SSD face detector: the network's description",
            licence="BSD-3-Clause (OpenCV)",
            file_names=("deploy.prototxt", "res10_300x300_ssd_deploy.prototxt"),
            urls=("https://raw.githubusercontent.com/opencv/opencv/4.10.0/samples/dnn/face_detector/deploy.prototxt",),
        ),
    )
}


def cache_dir() -> Path:
    """Where downloads are kept: ``MASKGEN_CACHE``, else the system's usual place. It may not exist yet."""
    chosen = os.environ.get("MASKGEN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("maskgen")


def offline() -> bool:
    """Whether ``MASKGEN_OFFLINE`` forbids downloads."""
    return os.environ.get("MASKGEN_OFFLINE", "").strip().lower() not in ("", "0", "false", "no")


def register(name: str) -> ModelFile:
    """The entry called ``name``.

    Raises:
        WeightsError: there is none.
    """
    try:
        return FILES[name]
    except KeyError:
        raise WeightsError(f"no model file is called {name!r}; there are {', '.join(sorted(FILES))}") from None


def locate(name: str) -> Path | None:
    """The model file, or None where it is not on this machine. Never downloads.

    A file that is there but is not what it should be counts as missing; the reason is logged.

    Raises:
        WeightsError: no model file has that name.
    """
    found, problems = _look(register(name))
    for problem in problems:
        logger.warning("%s", problem)
    return found.path if found else None


def where(name: str) -> Located | None:
    """Like ``locate``, and says which place the file was found in."""
    return _look(register(name))[0]


def problems(name: str) -> tuple[str, ...]:
    """What is wrong with the files of that name that are there and cannot be used."""
    return _look(register(name))[1]


def find(name: str) -> Path:
    """The model file, downloaded into the user's cache where it is on no other place.

    Raises:
        WeightsError: it is nowhere and cannot be downloaded; the message says how to get it.
    """
    file = register(name)
    found, wrong = _look(file)
    if found:
        return found.path
    if not file.urls or offline():
        reason = "" if not file.urls else "MASKGEN_OFFLINE is set; "
        raise WeightsError("; ".join((*wrong, f"{reason}{_missing(file)}")))
    return download(name)


def download(name: str) -> Path:
    """Fetch the model file into the user's cache and check its sum, whether or not it is elsewhere.

    Raises:
        WeightsError: it has no address, downloads are forbidden, no address answered, or what came is not the file.
    """
    file = register(name)
    if not file.urls:
        raise WeightsError(_missing(file))
    if offline():
        raise WeightsError(f"MASKGEN_OFFLINE is set, so {name} is not downloaded; {remedy(name)}")
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)  # it writes to stderr by a handler of its own
    reasons = []
    for url in file.urls:
        host = urlsplit(url).hostname
        # What uses the network says so, asked or not.
        logger.warning("downloading %s from %s", name, url)
        try:
            saved = pooch.retrieve(
                url,
                known_hash=file.digests[0] if file.digests else None,
                fname=file.file_names[0],
                path=cache_dir(),
                downloader=pooch.HTTPDownloader(timeout=TIMEOUT_S),
            )
        except ValueError:  # pooch: the sum differs; it has removed the file
            reasons.append(f"{host} serves another file than the known one")
        except OSError as error:  # requests' exceptions are OSErrors too
            if error.filename:  # the disk's, not the network's
                raise WeightsError(
                    f"cannot write {cache_dir()} ({error.strerror}); set MASKGEN_CACHE to a folder that can be written"
                ) from error
            reasons.append(f"{host}: {_short(error)}")
        else:
            _checked.cache_clear()
            return Path(saved)
    raise WeightsError(f"{name} was not downloaded ({'; '.join(reasons)}); {remedy(name)}")


def remedy(name: str) -> str:
    """How to get the file, in one line.

    >>> remedy("haar").split(", or ")[0]
    'pip install "opencv-python<5"'
    """
    file = register(name)
    own = f"set MASKGEN_WEIGHTS to a folder that holds {' or '.join(file.file_names)}"
    if file.urls:
        return (
            f'run "maskgen doctor --download {name}" where there is a network, or save {file.urls[-1]} '
            f"as {cache_dir() / file.file_names[0]}, or {own}"
        )
    if file.requirement:
        requirement = f'"{file.requirement}"' if "<" in file.requirement else file.requirement
        return f"pip install {requirement}, or {own}"
    return f"install maskgen again, or {own}"


def _missing(file: ModelFile) -> str:
    return f"no {file.file_names[0]} ({file.purpose}) on this machine: {remedy(file.name)}"


def _short(error: BaseException) -> str:
    """The end of a chain of causes: requests wraps urllib3 wraps the socket's own words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _look(file: ModelFile) -> tuple[Located | None, tuple[str, ...]]:
    """Go through the places; the first good file, and a line for each bad one met before it."""
    wrong: list[str] = []
    for origin, folder in _places(file, wrong):
        for name in file.file_names:
            path = folder / name
            if file.folder:
                if (path / "bundle.json").is_file():
                    return Located(path, origin), tuple(wrong)
                continue
            if not path.is_file():
                continue
            # What pip installed, pip has checked; and the user's own model has a sum of its own.
            trusted = origin == "package" or (origin == "MASKGEN_WEIGHTS" and file.own_allowed)
            problem = _problem(path, () if trusted else file.digests)
            if problem is None:
                return Located(path, origin), tuple(wrong)
            wrong.append(problem)
    return None, tuple(wrong)


def _places(file: ModelFile, wrong: list[str]) -> list[tuple[Origin, Path]]:
    places: list[tuple[Origin, Path]] = []
    chosen = os.environ.get("MASKGEN_WEIGHTS")
    if chosen:
        folder = Path(chosen).expanduser()
        if folder.is_dir():
            places.append(("MASKGEN_WEIGHTS", folder))
        else:
            wrong.append(f"MASKGEN_WEIGHTS names {chosen}, which is no folder")
    if file.asset:
        try:
            places.append(("maskgen", assets_dir(file.asset)))
        except MaskgenError:
            logger.debug("no packaged folder %s", file.asset)
    if file.package:
        installed = _package_dir(file.package)
        if installed:
            places.append(("package", installed / file.package_folder))
    places.append(("cache", cache_dir()))
    return places


@lru_cache(maxsize=8)
def _package_dir(package: str) -> Path | None:
    """The folder of an installed package, which is not imported: face_recognition_models cannot be."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _problem(path: Path, digests: tuple[str, ...]) -> str | None:
    """What is wrong with the file, in one line, or None."""
    try:
        stat = path.stat()
        if stat.st_size == 0:
            return f"{path} is empty"
        if digests:
            return _checked(path, stat.st_size, stat.st_mtime_ns, digests)
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    return None


@lru_cache(maxsize=64)
def _checked(path: Path, size: int, mtime_ns: int, digests: tuple[str, ...]) -> str | None:
    """Sum the file up once for every state of it; size and time are there for the cache."""
    with path.open("rb") as stream:
        if stream.read(23) == b"version https://git-lfs":
            return f"{path} is a Git LFS pointer of {size} bytes, not the model: fetch it with git lfs pull"
        for kind in {digest.partition(":")[0] for digest in digests}:
            stream.seek(0)
            if f"{kind}:{hashlib.file_digest(stream, kind).hexdigest()}" in digests:
                return None
    return f"{path} is not the file it is named after: its sum is not among the known ones"
