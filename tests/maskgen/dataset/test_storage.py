"""Photos and images on a disk, in memory, and in a real S3 server."""

from __future__ import annotations

import json
import os
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fake_worker import photo

from maskgen.dataset.lines import parse_record
from maskgen.dataset.pipeline import Run, generate
from maskgen.dataset.reader import read_skipped
from maskgen.dataset.settings import Settings
from maskgen.dataset.storage import LocalStore, RemoteStore, Store, absolute, open_store, spelt_once
from maskgen.errors import InputError


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """``s3://...`` on a moto server of our own, reached through s3fs by this process and by its workers."""
    import fsspec
    import requests
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{port}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "FSSPEC_S3_ENDPOINT_URL": address,
        "NO_PROXY": "*",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": address})
    s3fs.S3FileSystem.clear_instance_cache()
    requests.put(f"{address}/bucket", timeout=10).raise_for_status()
    yield "s3://bucket"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_a_store_keeps_whole_files(kind: str, tmp_path: Path) -> None:
    store: Store = open_store(str(tmp_path / "out") if kind == "disk" else f"memory://{uuid.uuid4().hex}")
    assert isinstance(store, LocalStore if kind == "disk" else RemoteStore)
    store.prepare(["a/b"])
    store.write("a/b/c.txt", b"1")
    store.write("a/b/c.txt", b"22")
    assert store.read("a/b/c.txt") == b"22"
    assert list(store.names("a")) == ["a/b/c.txt"]
    assert list(store.names("nowhere")) == []
    store.delete("a/b/c.txt")
    store.delete("a/b/c.txt")
    assert not store.exists("a/b/c.txt")


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "folder.jpg").mkdir()
    with pytest.raises(OSError, match="directory"):
        store.write("a/folder.jpg", b"1")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["folder.jpg"]


def test_a_dataset_is_written_to_memory_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    place = f"memory://run-{uuid.uuid4().hex}"
    fs = fsspec.filesystem("memory")
    for number in range(4):
        fs.pipe_file(f"{place}/in/{number}.jpg", photo(f"person {number}"))
    run = Run(engine="inline", factory="fake_worker:build")
    generate([f"{place}/in"], Settings(f"{place}/out", wardrobe="fake"), run)
    first = fs.cat_file(f"{place}/out/metadata.jsonl")
    assert len(first.splitlines()) == 8
    for line in first.splitlines():
        assert fs.isfile(f"{place}/out/{parse_record(line).file_name}")
    # Another machine: nothing of the first run is in its cache.
    monkeypatch.setenv("MASKGEN_CACHE", str(tmp_path / "another"))
    fs.pipe_file(f"{place}/in/9.jpg", photo("person 9"))
    summary = generate([f"{place}/in"], Settings(f"{place}/out", wardrobe="fake"), run)
    assert summary.counts["already"] == 4
    assert fs.cat_file(f"{place}/out/metadata.jsonl").startswith(first)
    assert json.loads(fs.cat_file(f"{place}/out/run.json"))["counts"]["images"] == 10
    with pytest.raises(InputError, match="--seed 0, not 1"):
        generate([f"{place}/in"], Settings(f"{place}/out", wardrobe="fake", seed=1), run)


def test_an_address_keeps_its_slashes_in_skipped_jsonl(tmp_path: Path) -> None:
    place = f"memory://nowhere-{uuid.uuid4().hex}"
    (tmp_path / "a.jpg").write_bytes(photo("somebody"))
    run = Run(engine="inline", factory="fake_worker:build")
    generate([place, str(tmp_path / "a.jpg")], Settings(str(tmp_path / "out"), wardrobe="fake"), run)
    assert [skip.source for skip in read_skipped(tmp_path / "out")] == [place]


def test_a_store_sees_what_others_wrote_after_a_listing() -> None:
    """As a bucket does whose listings are remembered: what they do not hold would not be there."""
    import fsspec

    class Remembering(fsspec.implementations.memory.MemoryFileSystem):
        protocol = "remembering"
        store: ClassVar[dict[str, Any]] = {}
        pseudo_dirs: ClassVar[list[str]] = [""]

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return str(super()._strip_protocol(path.replace("remembering://", "memory://")))

        def ls(self, path: str, detail: bool = True, **more: Any) -> Any:
            listed = self._ls_from_cache(path)
            if listed is None:
                listed = self.dircache[path] = super().ls(path, detail=True)
            return listed if detail else [entry["name"] for entry in listed]

        def isfile(self, path: str) -> bool:
            try:
                listed = self.ls(self._parent(self._strip_protocol(path)))
            except FileNotFoundError:
                return False
            return any((one["name"], one["type"]) == (self._strip_protocol(path), "file") for one in listed)

    fsspec.register_implementation("remembering", Remembering, clobber=True)
    store, other = open_store("remembering://bucket/out"), open_store("remembering://bucket/out")
    store.prepare(["train"])
    store.write("train/a.jpg", b"1")
    assert list(store.names("train")) == ["train/a.jpg"]
    other.write("train/b.jpg", b"2")
    assert store.exists("train/b.jpg")
    store.delete("train/b.jpg")
    assert not Remembering.store.get("/bucket/out/train/b.jpg")


def test_a_store_knows_where_its_lines_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKGEN_CACHE", str(tmp_path / "cache"))
    disk, bucket = LocalStore(str(tmp_path)), RemoteStore(f"memory://desk-{uuid.uuid4().hex}/")
    assert (disk.desk, disk.publishes, bucket.publishes) == (tmp_path, False, True)
    assert bucket.desk.parent == tmp_path / "cache" / "maskgen-spool"
    assert (disk.reachable(), LocalStore(str(tmp_path / "none")).reachable(), bucket.reachable()) == (True, False, True)
    bucket.write("run.json", b"{}")
    bucket.fetch(["run.json", "none.json"])
    assert [path.name for path in bucket.desk.iterdir()] == ["run.json"]
    (bucket.desk / "run.json").write_bytes(b"[]")
    bucket.publish(["run.json"])
    assert bucket.read("run.json") == b"[]"
    disk.publish(["none.json"])


def test_a_store_says_why_no_dataset_can_begin(tmp_path: Path) -> None:
    assert LocalStore(str(tmp_path / "new")).occupied() is None
    (tmp_path / ".DS_Store").touch()
    assert LocalStore(str(tmp_path)).occupied() is None
    (tmp_path / "thesis.txt").touch()
    assert "holds files" in (LocalStore(str(tmp_path)).occupied() or "")
    assert "is a file" in (LocalStore(str(tmp_path / "thesis.txt")).occupied() or "")


def test_places_for_other_working_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = str(Path.cwd())
    assert absolute("a/../b") == os.path.join(here, "a/../b")  # noqa: PTH118 not to be resolved: a may be a link
    assert spelt_once("a/../b") == spelt_once(f"{here}/./b") == os.path.join(here, "b")  # noqa: PTH118
    assert absolute("s3://bucket/a") == spelt_once("s3://bucket/a") == "s3://bucket/a"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_dataset_on_a_real_s3_server(bucket: str, tmp_path: Path) -> None:
    import fsspec

    source = tmp_path / "in"
    source.mkdir()
    for number in range(5):
        (source / f"{number}.jpg").write_bytes(photo(f"person {number}"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fs = fsspec.filesystem("s3")
        fs.put(f"{source}/", f"{bucket}/in/", recursive=True)
        run = Run(workers=2, factory="fake_worker:build", timeout_s=60)
        summary = generate([f"{bucket}/in"], Settings(f"{bucket}/out", wardrobe="fake"), run)
        assert summary.totals["images"] == 10
        here = generate(
            [str(source)],
            Settings(str(tmp_path / "out"), wardrobe="fake"),
            Run(engine="inline", factory="fake_worker:build"),
        )
        assert here.totals["images"] == 10
        for path in (tmp_path / "out").glob("*/*/*.jpg"):
            assert fs.cat_file(f"{bucket}/out/{path.relative_to(tmp_path / 'out')}") == path.read_bytes()
        assert len(fs.cat_file(f"{bucket}/out/metadata.jsonl").splitlines()) == 10
        again = generate([f"{bucket}/in"], Settings(f"{bucket}/out", wardrobe="fake"), run)
        assert again.counts["already"] == 5
        store = open_store(f"{bucket}/out")
        assert len(list(store.names("train"))) == len(list((tmp_path / "out" / "train").glob("*/*.jpg")))
        fs.pipe_file(f"{bucket}/out/train/late.jpg", b"written by another after the listing")
        store.delete("train/late.jpg")
        fs.invalidate_cache()
        assert not fs.exists(f"{bucket}/out/train/late.jpg"), "a stale listing kept it"
        fewer = generate(
            [f"{bucket}/in"], Settings(f"{bucket}/out", wardrobe="fake", seed=1), replace(run, overwrite=True)
        )
        assert fewer.counts["photos"] == 5
    assert os.environ["FSSPEC_S3_ENDPOINT_URL"]
