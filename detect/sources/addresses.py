"""Hides what is secret in the address of a camera, by whitelist.

Passwords stand before the host, in the query (``?user=&pwd=``) and in the path
(``/user=admin_password=x_channel=1``), and often break an address's own rules.
So nothing is shown but what is known to be harmless: the scheme, a host that is
a host, a port, and in path and query the words and small numbers that cameras
use. Everything else becomes ``...``.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "..."

_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]+):/+")
_PARTS: Final = re.compile(r"([^/\\?#]*)([^?#]*)(?:\?([^#]*))?", re.DOTALL)
_HOST: Final = re.compile(r"(?:\w[\w.-]*|\[[0-9A-Fa-f:.]+\]|\.\.\.)(?::\d{1,5})?")
_SECRET: Final = re.compile(r"[:=].*@|\?.*=", re.DOTALL)
"""What makes a text without a scheme look like an address that carries a password."""

_WORDS: Final = (
    "av", "axis", "bin", "cam", "camera", "cgi", "ch", "channel", "channels", "feed", "h", "hevc", "high",
    "hls", "image", "img", "index", "jpeg", "jpg", "live", "low", "main", "media", "mjpeg", "mjpg", "mp",
    "mpeg", "mpg", "onvif", "preview", "profile", "realmonitor", "rtsp", "sdp", "snapshot", "stream",
    "streaming", "sub", "track", "ts", "unicast", "video", "videostream",
)  # fmt: skip
_PIECE: Final = rf"(?:(?:{'|'.join(_WORDS)})\d{{0,3}}|\d{{1,3}})"
_HARMLESS: Final = re.compile(rf"{_PIECE}(?:[._-]{_PIECE}){{0,3}}", re.IGNORECASE)
_SETTING: Final = re.compile(
    rf"(?:channel|subtype|stream|camera|cam|profile|resolution|fps|quality)=(?:{_PIECE}|\d{{2,4}}x\d{{2,4}})",
    re.IGNORECASE,
)


def shown(address: str) -> str:
    """An address as it may be printed, logged and put on a page; a file's path and a camera's number as they are.

    >>> shown("rtsp://admin:secret@10.0.0.7:554/Streaming/Channels/101")
    'rtsp://...@10.0.0.7:554/Streaming/Channels/101'
    >>> shown("http://10.0.0.7/cam/realmonitor?channel=1&user=admin&pwd=secret")
    'http://10.0.0.7/cam/realmonitor?channel=1&...'
    >>> shown("rtsp://admin:p/w@10.0.0.7/1")
    'rtsp://...'
    >>> shown("clips/street.mp4")
    'clips/street.mp4'
    """
    scheme = _SCHEME.match(address)
    if scheme:
        return f"{scheme[1].lower()}://{_place(address[scheme.end() :])}"
    return _place(address) if _SECRET.search(address) else address


def _place(rest: str) -> str:
    """What may be shown of an address after its scheme."""
    parts = _PARTS.match(rest)
    assert parts is not None  # it matches everything
    authority, path, query = parts[1], parts[2], parts[3]
    _, at, host = authority.rpartition("@")
    # An @ further on may end a password with a slash or a question mark in it: nobody knows where the host is then.
    if "@" in rest[len(authority) :] or not _HOST.fullmatch(host):
        return HIDDEN
    segments = [one if not one or _HARMLESS.fullmatch(one) else HIDDEN for one in path.split("/")]
    return (HIDDEN + at if at else "") + host + "/".join(segments) + _settings(query)


def _settings(query: str | None) -> str:
    if not query:
        return ""
    given = re.split("[&;]", query)
    kept = [one for one in given if _SETTING.fullmatch(one)]
    return "?" + "&".join(kept if len(kept) == len(given) else [*kept, HIDDEN])
