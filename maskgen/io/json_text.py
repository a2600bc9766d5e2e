"""JSON as every reader takes it: valid UTF-8, no lone surrogates, no NaN."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def json_text(value: Any) -> str:
    r"""A value in one line of ASCII.

    A byte of a file's name that is no UTF-8 becomes an escape, as in the
    lines for people; a number that is none becomes null.

    >>> json_text({"file": "caf\udce9.jpg", "score": float("nan")})
    '{"file": "caf\\\\xe9.jpg", "score": null}'
    """
    return json.dumps(_clean(value), allow_nan=False)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub(_escape, value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_clean(key) if isinstance(key, str) else key: _clean(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(one) for one in value]
    return value


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    # os.fsdecode puts a byte that it cannot read at U+DC80 to U+DCFF.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
