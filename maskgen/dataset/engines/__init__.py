"""Engines: where photos are done; plug-ins register theirs under ``maskgen.engines``."""

from __future__ import annotations

from typing import Final

from maskgen.dataset.engines.base import OpenEngine
from maskgen.io.registry import Registry

ENGINES: Final[Registry[OpenEngine]] = Registry(
    "maskgen.engines",
    "engine",
    {
        "local": "maskgen.dataset.engines.local:LocalEngine.open",
        "ray": "maskgen.dataset.engines.ray:RayEngine.open",
        "inline": "maskgen.dataset.engines.local:InlineEngine.open",
    },
    lambda _name, found: None if callable(found) else f"it is a {type(found).__name__}, not a function of a Job",
)
"""What opens each engine, by name."""
