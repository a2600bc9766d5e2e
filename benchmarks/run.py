"""Make the figures again, one script after another.

    python benchmarks/run.py                                  those that need nothing but the package
    python benchmarks/run.py --material FOLDER                all of them, on a folder laid out as below
    python benchmarks/run.py --material FOLDER render         only those whose names are given

FOLDER holds ``data/faces`` (a folder of unmasked photos a source), ``data/real_dev`` (``with_mask/`` and
``without_mask/`` crops) and ``data/scenes_dev`` (``images/`` and a COCO ``annotations.json``). Every script says at its
top what it measures and runs on its own as well. Figures are only as good as the machine was idle.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent

PLANS: dict[str, list[str]] = {
    "render": [],
    "generate": ["speed", "{material}/data/faces/portraits"],
    "find_faces": ["{material}/data/faces/portraits", "{material}/data/faces/celebrities"],
    "sim2real": ["{material}/data/faces", "{material}/data/real_dev", "{material}/data/scenes_dev"],
    "tutorial": ["{material}/data/faces/portraits"],
    "badly_worn": ["{material}/data"],
    "formats": ["packaged", "{material}/data/real_dev", "--faces", "{material}/data/faces/celebrities"],
    "detect": ["{material}/data/faces/portraits"],
    "scenes": ["{material}/data/scenes_dev"],
    "model_card": ["{models}/classifier", "{material}/data/real_dev", "{material}/data/scenes_dev"],
}
"""Script and arguments, in the order they run."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(PLANS)}; all by default")
    parser.add_argument("--material", type=Path, help="the folder described above")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(PLANS))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(PLANS)}")

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    failed = []
    for name in arguments.names or PLANS:
        words = PLANS[name]
        if words and arguments.material is None:
            print(f"\n== {name}: needs --material", flush=True)
            continue
        words = [word.format(material=arguments.material, models=HERE.parent / "assets" / "models") for word in words]
        print(f"\n== {name} {' '.join(words)}", flush=True)
        began = time.perf_counter()
        if subprocess.run([sys.executable, str(HERE / f"{name}.py"), *words], check=False).returncode:
            failed.append(name)
        print(f"== {time.perf_counter() - began:.0f} s", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
