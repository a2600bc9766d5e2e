"""Photos and images on a disk, in memory, and in a real S3 server."""

from __future__ import annotations

import json
import os
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_worker import photo

from maskgen.errors import InputError
from maskgen.metadata import parse_record
from maskgen.pipeline import Run, generate
from maskgen.settings import Settings
from maskgen.storage import LocalStore, RemoteStore, Store, Unusable, iter_inputs, open_store


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


def test_inputs_are_streamed_in_order(tmp_path: Path) -> None:
    import fsspec

    place = f"faces-{uuid.uuid4().hex}"
    fs = fsspec.filesystem("memory")
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", "out/train/x.jpg"):
        fs.pipe_file(f"/{place}/{name}", b"x")
    found = list(iter_inputs([f"memory://{place}"], f"memory://{place}/out"))
    assert found == [f"memory://{place}/{name}" for name in ("a.jpg", "b/1.jpg", "b/2.jpg")]
    (missing,) = iter_inputs(["memory://nowhere-at-all"], "out")
    assert missing == Unusable("memory://nowhere-at-all", "unreadable", "memory://nowhere-at-all does not exist")
    with pytest.raises(InputError, match="cannot open"):
        list(iter_inputs(["nosuchprotocol://x"], "out"))


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
    assert os.environ["FSSPEC_S3_ENDPOINT_URL"]
