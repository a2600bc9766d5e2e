"""Writes what a model does on real faces, and for whom, into its model card.

    python benchmarks/model_card.py MODEL REAL SCENES

REAL holds ``with_mask/`` and ``without_mask/`` crops, SCENES photographs with
COCO boxes; neither may have been trained on. Unmasked faces named as UTKFace
names them (age_gender_race_date) are also told apart by age, gender and race.
The section between the two markers of MODEL/README.md is replaced.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BEGIN = "<!-- measured on real faces -->"
END = "<!-- end of measured -->"

UTK = r"utk_(?P<age>\d+)_(?P<gender>\d)_(?P<race>\d)"
GENDERS = ("men", "women")
RACES = ("White", "Black", "Asian", "Indian", "other")
SMALLEST_GROUP = 20
"""Groups with fewer faces are left out: one mistake would be 5 points."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "real", "scenes"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--chosen", default="", help="a sentence: what was chosen by looking at these faces after all")
    args = parser.parse_args()
    plain = _evaluate(args.model, args.real, "--slice", UTK)
    rows = [
        ("cropped faces", plain),
        ("the same, shrunk to 32 px", _evaluate(args.model, args.real, "--face-px", "32")),
        ("the same, shrunk to 20 px", _evaluate(args.model, args.real, "--face-px", "20")),
        ("faces of street scenes, 16 px and more", _evaluate(args.model, args.scenes, "--min-box", "16")),
        ("faces of street scenes, 32 px and more", _evaluate(args.model, args.scenes, "--min-box", "32")),
    ]
    card = args.model / "README.md"
    card.write_text(_replaced(card.read_text(encoding="utf-8"), _section(rows, plain, args.chosen)), encoding="utf-8")


def _evaluate(model: Path, folder: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "maskgen.app", "evaluate", str(model), str(folder), "--json", *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _section(rows: list[tuple[str, dict[str, Any]]], plain: dict[str, Any], chosen: str) -> str:
    labels = list(rows[-1][1]["per_label"])
    lines = [
        BEGIN,
        "",
        "## On real faces",
        "",
        "Real masked and unmasked faces that no training or threshold has seen, with 95 % intervals"
        f" (`benchmarks/model_card.py`); threshold {plain['threshold']:g}.{f' {chosen}' if chosen else ''}",
        "",
        f"| | faces | balanced accuracy | {' | '.join(f'recall {label}' for label in labels)} | AUC |",
        "|---" * (len(labels) + 4) + "|",
    ]
    for name, result in rows:
        value, low, high = (100 * result["balanced_accuracy"][part] for part in ("value", "low", "high"))
        recalls = [_percent(result["per_label"].get(label, {}).get("recall")) for label in labels]
        auc = result["auc"]["value"] if isinstance(result["auc"], dict) else result["auc"]
        lines.append(
            f"| {name} | {result['n']} | {value:.1f} % ({low:.1f} to {high:.1f}) | {' | '.join(recalls)} | {auc:.4f} |"
        )
    lines += ["", "### For whom", "", *_for_whom(plain), "", END]
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "none there" if share is None else f"{100 * share:.1f} %"


def _for_whom(plain: dict[str, Any]) -> list[str]:
    named = [part for part in plain.get("slices", []) if part["value"] != "(none)"]
    groups = [part for part in named if part["n"] >= SMALLEST_GROUP]
    if not groups:
        return ["The faces measured on carry no age, gender or race."]
    worst, best = (chosen(groups, key=lambda part: part["recall"]["without_mask"]["value"]) for chosen in (min, max))
    lines = [
        "Unmasked faces taken for unmasked, by UTKFace's own labels (which are estimates, and coarse);"
        f" groups of {SMALLEST_GROUP} faces and more, 95 % intervals:",
        "",
        "| group | faces | recall without_mask |",
        "|---|---|---|",
    ]
    for part in groups:
        value, low, high = (100 * part["recall"]["without_mask"][bound] for bound in ("value", "low", "high"))
        lines.append(f"| {_group(part)} | {part['n']} | {value:.1f} % ({low:.1f} to {high:.1f}) |")
    wrong = round(worst["n"] * (1 - worst["recall"]["without_mask"]["value"]))
    verdict = (
        f"Worst: {_group(worst)}, {wrong} of {worst['n']} wrong, {_percent(worst['recall']['without_mask']['value'])};"
        f" best: {_group(best)}, {_percent(best['recall']['without_mask']['value'])}."
        if wrong
        else "No face of these groups was wrong."
    )
    return [
        *lines,
        "",
        f"{verdict} Masked faces carry no such labels here, so how recall differs between groups is not known.",
    ]


def _group(part: dict[str, Any]) -> str:
    value = str(part["value"])
    words = {"gender": GENDERS, "race": RACES}.get(part["field"], ())
    if value.isdigit() and int(value) < len(words):
        return words[int(value)]
    return f"{part['field']} {value}"


def _replaced(card: str, section: str) -> str:
    if BEGIN in card and END in card:
        return card[: card.index(BEGIN)] + section + card[card.index(END) + len(END) :]
    at = card.index("## Formats")
    return card[:at] + section + "\n\n" + card[at:]


if __name__ == "__main__":
    main()
