"""The worked example of docs/masks.md works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from maskgen.drawing.palette import PALETTE
from maskgen.templates.reader import check_template, load_template

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "masks.md").read_text("utf-8")


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_worked_example_makes_a_sound_mask(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", _block("python")], cwd=tmp_path, check=True)
    (tmp_path / "tartan" / "mask.json").write_text(_block("json"), "utf-8")
    assert check_template(tmp_path / "tartan") == []
    template = load_template(tmp_path / "tartan")
    assert template.pattern_chance == 0.7
    assert len(template.straps) == 4


def test_the_page_names_the_whole_palette() -> None:
    listed = re.search(r"The palette: (.*?)\. Every", PAGE, re.DOTALL)
    assert listed is not None
    assert re.split(r",\s+", listed.group(1)) == list(PALETTE)
