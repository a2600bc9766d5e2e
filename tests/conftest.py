"""What every test shares: a quiet, offline, single-threaded process and two portraits.

The environment is set before anything heavy is imported. Model files come from the package and from installed
packages only, so that a test does not depend on what its machine once downloaded: a test that wants YuNet asks for
``yunet_weights``.
"""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from maskgen.types import RGB

_STATE = tempfile.TemporaryDirectory(prefix="maskgen-tests-", ignore_cleanup_errors=True)

os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3",
    TF_ENABLE_ONEDNN_OPTS="0",  # the same sums on every processor
    CUDA_VISIBLE_DEVICES="",
    KERAS_BACKEND="tensorflow",
    KERAS_HOME=str(Path(_STATE.name) / "keras"),
    NO_ALBUMENTATIONS_UPDATE="1",
    MPLBACKEND="Agg",
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    OPENCV_FOR_THREADS_NUM="1",
    OPENCV_LOG_LEVEL="ERROR",
    RAY_USAGE_STATS_ENABLED="0",
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    HF_HOME=str(Path(_STATE.name) / "huggingface"),
    MASKGEN_OFFLINE="1",
    MASKGEN_CACHE=str(Path(_STATE.name) / "maskgen"),
)
os.environ.pop("MASKGEN_WEIGHTS", None)
# What a command prints must not depend on the terminal the tests were started from.
os.environ.update(COLUMNS="120", TERM="dumb", NO_COLOR="1")
for _name in ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS"):
    os.environ.pop(_name, None)


# A shell starts what it runs in the background (``nohup make test &``) with Ctrl-C ignored, and children inherit that:
# the tests that press it would wait for ever.
for _signal in (signal.SIGINT, signal.SIGTERM):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.default_int_handler if _signal == signal.SIGINT else signal.SIG_DFL)


def pytest_configure(config: pytest.Config) -> None:
    from hypothesis import settings

    # Two busy cores make a deadline fail by chance; the same examples every time.
    settings.register_profile("maskgen", deadline=None, derandomize=True, max_examples=50)
    settings.load_profile("maskgen")


@pytest.fixture(scope="session")
def astronaut_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eileen Collins, NASA, public domain: 512 x 512, one face of about 100 px, as a PNG file."""
    from PIL import Image
    from skimage import data

    path = tmp_path_factory.mktemp("astronaut") / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture(scope="session")
def hopper_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grace Hopper, US Navy, public domain: 512 x 600, one face of about 200 px, as the JPEG file it came as."""
    from matplotlib import cbook

    path = tmp_path_factory.mktemp("hopper") / "hopper.jpg"
    path.write_bytes(Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)).read_bytes())
    return path


def _read(path: Path) -> RGB:
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.uint8).copy()


@pytest.fixture
def astronaut(astronaut_path: Path) -> RGB:
    """(512, 512, 3) uint8 RGB; a copy of its own for every test."""
    return _read(astronaut_path)


@pytest.fixture
def hopper(hopper_path: Path) -> RGB:
    """(600, 512, 3) uint8 RGB; a copy of its own for every test."""
    return _read(hopper_path)


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory, astronaut_path: Path, hopper_path: Path) -> Path:
    """A folder with both portraits and nothing else; read only, by agreement."""
    folder = tmp_path_factory.mktemp("portraits")
    for path in (astronaut_path, hopper_path):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measuring material beside a developer's checkout; skips where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("needs ../shared, which is not beside this checkout")
    return folder


@pytest.fixture
def yunet_weights(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``MASKGEN_WEIGHTS`` set to a folder that holds YuNet; skips where there is none."""
    folder = shared / "weights"
    monkeypatch.setenv("MASKGEN_WEIGHTS", str(folder))
    return folder
