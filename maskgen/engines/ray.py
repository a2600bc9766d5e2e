"""Photos done by a Ray cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from maskgen.engines.base import Outcome, Task


class RayEngine:
    """To come."""

    def __init__(
        self, factory: str, settings: dict[str, Any], workers: int, timeout_s: float, address: str | None
    ) -> None:
        raise NotImplementedError

    def run(self, tasks: Iterator[Task], stop: threading.Event) -> Iterator[Outcome]:
        raise NotImplementedError
