"""People without masks in, people with masks out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgen.transform import Masked, MaskTransform

__version__ = "0.1.0"

__all__ = ["MaskTransform", "Masked", "__version__"]


def __getattr__(name: str) -> Any:
    """The Python API, loaded when it is first asked for: ``import maskgen`` loads nothing."""
    if name in ("MaskTransform", "Masked"):
        from maskgen import transform

        return getattr(transform, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
