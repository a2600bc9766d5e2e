"""The Ray engine on a real cluster of two nodes, one of which is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_worker import photo

from maskgen.dataset.pipeline import Run, generate
from maskgen.dataset.settings import Settings

HERE = Path(__file__).parents[2]


@pytest.mark.slow
def test_two_nodes_one_killed_give_the_same_bytes(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("ray.cluster_utils needs POSIX")
    (tmp_path / "in").mkdir()
    for number in range(36):
        (tmp_path / "in" / f"{number:02}.jpg").write_bytes(photo("skip no_face" if number == 5 else f"person {number}"))
    process = subprocess.run(
        [sys.executable, str(HERE / "run_ray.py"), "in", "out"],
        cwd=tmp_path,
        env=os.environ | {"FAKE_PAUSE_S": "0.15"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    assert "killed after [" in process.stdout
    assert "70 images" in process.stdout
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        generate(["in"], Settings("plain", wardrobe="fake"), Run(engine="inline", factory="fake_worker:build"))
    finally:
        os.chdir(here)
    for name in ("metadata.jsonl", "skipped.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    for path in (tmp_path / "plain").glob("*/*/*.jpg"):
        assert (tmp_path / "out" / path.relative_to(tmp_path / "plain")).read_bytes() == path.read_bytes()
