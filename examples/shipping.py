"""What the scripts that train the networks in ``assets/models`` share: maskgen's commands, and a model's way there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from PIL import Image


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 a script talks


def maskgen(*words: object) -> None:
    """Run a command of maskgen and say it; one that fails has said why, and ends the script."""
    command = [sys.executable, "-m", "maskgen.app", *(str(word) for word in words)]
    say("+ maskgen", *command[3:])
    done = subprocess.run(command)
    if done.returncode:
        sys.exit(done.returncode)


def install(
    model: Path, target: Path, report: str, plots: Sequence[str], sources: str, without: Collection[str] = ()
) -> None:
    """Copy what the package needs; pictures of training faces stay behind.

    Args:
        model: the model folder.
        target: a folder under ``assets/models``.
        report: name of its report as text.
        plots: names of its plots.
        sources: where the photographs came from, for the model card.
        without: names of networks to leave behind; the target's ``bundle.json`` does not list them.
    """
    target.mkdir(parents=True, exist_ok=True)
    bundle = json.loads((model / "bundle.json").read_text(encoding="utf-8"))
    bundle["sha256"] = {name: digest for name, digest in bundle["sha256"].items() if name not in without}
    for name in (*bundle["sha256"], "metrics.json", report, "history.csv"):
        shutil.copyfile(model / name, target / name)
    title = "## What it was trained on\n\n"
    card = (model / "README.md").read_text(encoding="utf-8")
    (target / "README.md").write_text(card.replace(title, f"{title}{sources}\n"), encoding="utf-8")
    for name in plots:
        # Plots have few colours, and the package is downloaded whole.
        Image.open(model / name).convert("RGB").quantize(48).save(target / name, optimize=True)
    (target / "bundle.json").write_text(json.dumps(bundle, indent=2) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in target.iterdir())
    say(f"{target}: {size / 1e6:.1f} MB")
