"""Draws who imports whom, folder by folder, and prints the sizes of files and functions.

    python benchmarks/house.py docs/images/house.png

Each package is a column and each of its floors (``FLOORS`` in tests/test_repository.py) a row. An arrow leads from a
folder to one that it imports; all of them lead upwards, or the drawing shows them in red.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
from collections import Counter
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.test_repository import FLOORS, _arrows, _modules  # noqa: E402

LONG_FUNCTION = 60
MANY_ARGUMENTS = 7
LARGE_FILE = 300
WIDTH, HEIGHT, GAP = 1.0, 0.62, 0.16
PAPER, INK, FAINT, WRONG = "#ffffff", "#22303c", "#7d93a6", "#d1242f"
TINTS = {"maskgen": "#dbeafe", "trainer": "#dcfce7", "detect": "#fef3c7"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", nargs="?", type=Path, help="where to draw it, .png or .svg")
    arguments = parser.parse_args()
    figures()
    if arguments.picture is not None:
        draw(arguments.picture)
    return 0


def figures() -> None:
    """Print files per folder, the sizes of files, long functions, and public functions with many arguments."""
    sources = {path: path.read_text(encoding="utf-8") for _, path in _modules()}
    lines = {path: text.count("\n") for path, text in sources.items()}
    folders = Counter(path.parent.relative_to(ROOT).as_posix() for path in sources)
    print("files per folder: " + ", ".join(f"{name} {count}" for name, count in sorted(folders.items())))
    print(f"{len(lines)} files, {sum(lines.values())} lines, median {statistics.median(lines.values()):.0f}")
    large = sorted(((n, path) for path, n in lines.items() if n > LARGE_FILE), reverse=True)
    print(f"over {LARGE_FILE} lines: " + (", ".join(f"{p.relative_to(ROOT)} {n}" for n, p in large) or "none"))
    long, many = [], []
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = node.end_lineno - node.lineno + 1 if node.end_lineno else 0
                if node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
                    size -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
                count = len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs])
                place = f"{path.relative_to(ROOT)}:{node.name}"
                if size > LONG_FUNCTION:
                    long.append(f"{place} {size}")
                if count > MANY_ARGUMENTS + 1 and not node.name.startswith("_"):  # self counts
                    many.append(f"{place} {count}")
    print(f"functions over {LONG_FUNCTION} lines without their docstring: " + (", ".join(long) or "none"))
    print(f"public functions with more than {MANY_ARGUMENTS} arguments: " + (", ".join(many) or "none"))


def draw(picture: Path) -> None:
    """One picture of the three packages, their floors and their imports."""
    lines: Counter[tuple[str, str]] = Counter()
    for module, path in _modules():
        lines[_room(module)] += path.read_text(encoding="utf-8").count("\n")
    places: dict[tuple[str, str], tuple[float, float]] = {}
    left = 0.0
    heads = []
    for stage, floors in FLOORS.items():
        widest = max(len(names) for names in floors)
        for level, names in enumerate(floors):
            known = [name for name in names if (stage, name) in lines]
            shift = (widest - len(known)) / 2
            for column, name in enumerate(known):
                places[stage, name] = left + (column + shift) * (WIDTH + GAP), -level * 1.35
        heads.append((left + widest * (WIDTH + GAP) / 2 - GAP / 2, stage))
        left += widest * (WIDTH + GAP) + 0.9
    depth = max(len(floors) for floors in FLOORS.values()) * 1.35
    figure, axes = plt.subplots(figsize=(left * 0.78, depth * 0.78 + 0.6), facecolor=PAPER)
    for (stage, name), (x, y) in places.items():
        shape = "round,pad=0.02,rounding_size=0.08"
        box = FancyBboxPatch((x, y), WIDTH, HEIGHT, boxstyle=shape, fc=TINTS[stage], ec=INK, lw=0.8, zorder=3)
        axes.add_patch(box)
        axes.text(
            x + WIDTH / 2,
            y + 0.38,
            name,
            ha="center",
            va="center",
            fontsize=8.5 - 0.35 * max(0, len(name) - 7),
            color=INK,
            zorder=4,
        )
        words = f"{lines[stage, name]:,} lines"
        axes.text(x + WIDTH / 2, y + 0.16, words, ha="center", va="center", fontsize=6.5, color=FAINT, zorder=4)
    for start, end in sorted(_ways()):
        if start in places and end in places:
            _arrow(axes, places[start], places[end], same=start[0] == end[0])
    for x, stage in heads:
        axes.text(x, 1.1, stage, ha="center", fontsize=13, color=INK, weight="bold")
    axes.text(-0.1, -depth + 1.0, "An arrow leads from a folder to one that it imports.", fontsize=8, color=FAINT)
    axes.set_xlim(-0.2, left - 0.7)
    axes.set_ylim(-depth + 0.8, 1.6)
    axes.axis("off")
    figure.savefig(picture, dpi=100, bbox_inches="tight", facecolor=PAPER, pil_kwargs={"optimize": True})
    plt.close(figure)


def _room(module: str) -> tuple[str, str]:
    parts = module.split(".")
    return parts[0], parts[1] if len(parts) > 1 else ""


def _ways() -> set[tuple[tuple[str, str], tuple[str, str]]]:
    return {
        (_room(module), _room(name))
        for module, names in _arrows().items()
        for name in names
        if _room(module) != _room(name) and module != "maskgen.app"
    }


def _arrow(axes: plt.Axes, start: tuple[float, float], end: tuple[float, float], *, same: bool) -> None:
    up = end[1] >= start[1] or not same
    level = end[1] == start[1]
    bow = min(0.35, 0.6 / max(abs(end[0] - start[0]), 0.1)) if level else 0.06
    axes.add_patch(
        FancyArrowPatch(
            (start[0] + WIDTH / 2, start[1] + HEIGHT + 0.02),
            (end[0] + WIDTH / 2, end[1] + (HEIGHT + 0.02 if level else -0.02)),
            connectionstyle=f"arc3,rad={bow}",
            arrowstyle="-|>",
            mutation_scale=7,
            lw=0.6 if same else 0.35,
            color=WRONG if not up else FAINT,
            alpha=0.75 if same else 0.3,
            zorder=2 if same else 1,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
