"""The tables of options on the pages, drawn anew from the commands: ``python docs/option_tables.py``.

A page marks where a command's table stands; ``tests/test_docs.py`` sees that it is the one that belongs there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer.main

from maskgen.app import app
from maskgen.io.options import table

_MARKED = re.compile(r"(<!-- options of ([\w -]+) -->\n).*?(\n<!-- end of options -->)", re.DOTALL)


def command_of(words: str) -> Any:
    """The click command of such words as ``detect image``."""
    command: Any = typer.main.get_command(app)
    for word in words.split():
        command = command.commands[word]
    return command


def filled(page: str) -> str:
    """The text of a page with the tables that belong there."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{table(command_of(found[2]))}\n{found[3]}", page)


def commands_in(page: str) -> list[str]:
    """The commands whose options a page lists."""
    return [found[2] for found in _MARKED.finditer(page)]


if __name__ == "__main__":
    for path in sorted(Path(__file__).parent.glob("*.md")):
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
