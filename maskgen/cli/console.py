"""What reaches the terminal: any file name, one line for an error, quiet when the reader has gone."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import sys

_USERS_ERRORS = {
    errno.EACCES: "not allowed",
    errno.EPERM: "not allowed",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EMFILE: "too many files are open; raise the limit with ulimit -n",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk or the network share failed",
    errno.ESTALE: "the network share has gone",
    errno.ENOTDIR: "a file stands where a folder is needed",
    errno.EISDIR: "a folder stands where a file is needed",
    errno.ENOENT: "no such file or folder",
    errno.EADDRINUSE: "the port is in use; choose another with --port",
}
"""Errors of the system that a user can mend; others keep their traceback."""


def printable(text: object) -> str:
    r"""One line that any terminal takes: control characters and bytes that are no UTF-8 become escapes.

    >>> printable("a\nb\udcff")
    'a\\nb\\xff'
    >>> printable("Grüße, 顔")
    'Grüße, 顔'
    """
    parts = []
    for character in str(text):
        if "\udc80" <= character <= "\udcff":  # a byte that os.fsdecode could not read
            parts.append(f"\\x{ord(character) - 0xDC00:02x}")
        elif character.isprintable():
            parts.append(character)
        else:
            parts.append(repr(character)[1:-1])
    return "".join(parts)


def tolerate_any_name() -> None:
    """Let stdout and stderr write every string, whatever their encoding lacks.

    A name that is no UTF-8, or an umlaut on a terminal that knows only ASCII, comes out as an escape and never as
    a UnicodeEncodeError.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def in_one_line(error: OSError) -> str | None:
    """What a user can do something about, in one line; None for anything else.

    >>> in_one_line(OSError(errno.ENOSPC, "No space left on device", "out/a.jpg"))
    'no space is left on the disk: out/a.jpg'
    """
    story = _USERS_ERRORS.get(error.errno) if error.errno is not None else None
    if story is None:
        return None
    names = [printable(os.fsdecode(n)) for n in (error.filename, error.filename2) if isinstance(n, (str, bytes))]
    return f"{story}: {', '.join(names)}" if names else story


def say_error(message: object) -> None:
    """Write ``maskgen: message`` to stderr as one line."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"maskgen: {printable(message)}\n")


class _StderrHandler(logging.Handler):
    """Writes to whatever ``sys.stderr`` is at that moment, one line a record."""

    def emit(self, record: logging.LogRecord) -> None:
        say_error(record.getMessage())


def log_to_stderr() -> None:
    """Show what the project's own libraries warn about as lines like ``say_error``'s; others' logs stay as they are."""
    for name in ("maskgen", "trainer", "detect"):
        logger = logging.getLogger(name)
        if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
            logger.addHandler(_StderrHandler(logging.WARNING))


def reader_has_gone() -> None:
    """Point stdout at nothing, so that the interpreter's last flush after ``| head`` stays quiet."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
