"""``run.json``: version, settings, counts and seconds of a dataset."""

from __future__ import annotations

import platform
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from maskgen import __version__
from maskgen.dataset.counts import under
from maskgen.dataset.reader import read_run
from maskgen.dataset.settings import Settings
from maskgen.errors import DatasetError


def run_record(folder: Path, settings: Settings, totals: Counter[str], elapsed_s: float) -> dict[str, Any]:
    """What ``run.json`` says; seconds and runs add up over interruptions.

    Args:
        folder: where the one before lies.
        settings: of the run.
        totals: of all runs on the folder.
        elapsed_s: of this run.
    """
    before: dict[str, Any] = {}
    with suppress(DatasetError):
        before = read_run(folder)
    spent = before.get("seconds")
    plain = settings.to_json()
    del plain["output"]
    return {
        "version": __version__,
        "command": before.get("command", []),
        "seed": settings.seed,
        "labels": list(settings.labels),
        "settings": plain,
        "digest": settings.digest(),
        "finished": False,
        "counts": {
            "photos": totals["photos"],
            "images": totals["images"],
            "faces": totals["faces"],
            "skipped": totals["skipped"],
            "by_label": under(totals, "label:"),
            "by_split": under(totals, "split:"),
            "by_reason": under(totals, "skipped:"),
            "rejected_faces": under(totals, "rejected:"),
        },
        "seconds": round((spent if isinstance(spent, int | float) else 0.0) + elapsed_s, 3),
        "engine": "",
        "machine": {"python": platform.python_version(), "system": platform.system(), "packages": _versions()},
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    from maskgen.occluders.registry import OCCLUDERS
    from maskgen.templates.installed import FOLDERS

    found = {}
    for name in ("numpy", "opencv-python", "dlib-bin", "dlib", "pillow"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    for plugin in (*OCCLUDERS.plugins, *FOLDERS.plugins):
        name, _, number = plugin.package.partition(" ")
        found[name] = number
    return found
