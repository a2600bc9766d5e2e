"""``python run_fake.py IN OUT [WORKERS]``: a run with the fake worker, in a process that a test may kill."""

from __future__ import annotations

import os
import sys

from maskgen import interrupt
from maskgen.dataset.pipeline import Run, generate
from maskgen.dataset.settings import Settings
from maskgen.errors import MaskgenError

if __name__ == "__main__":
    source, output, *rest = sys.argv[1:]
    run = Run(workers=int(rest[0]) if rest else 2, factory="fake_worker:build", timeout_s=30)
    run.engine = os.environ.get("FAKE_ENGINE", "local")
    try:
        summary = generate([source], Settings(output, wardrobe="fake"), run)
    except MaskgenError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    sys.exit(interrupt.exit_code() if summary.interrupted else 0)
