"""Whether work that is killed at any moment is gone on with, and nothing that was recorded as done is lost.

    python benchmarks/kills.py PHOTOS [--what generate,import,compose,train,video] [--kills 20] [--json FILE]

Runs each command once undisturbed, then again and again: started, killed (SIGKILL) at a random moment, once to three
times in a row, and run to its end. What a killed run had recorded as done must be there, whole, as the undisturbed run
has it; the same command must finish with the bytes of the undisturbed run (a training run with ``--resume`` and all its
epochs, a film with ``--overwrite`` and all its frames). Prints a line a trial; exits 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# benchmarks/detect.py has the package's name and would be found in its place.
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

PHOTOS: Final = 24
"""Photos of a run: enough to be killed among them, few enough for many kills."""

NOT_THE_WORK: Final = ("seconds", "command", "engine")
"""What ``run.json`` says of how it was run."""

Contents = dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """A command that may be killed.

    Attributes:
        name: for people.
        words: the command, without ``maskgen``, from the place it writes to.
        contents: what it wrote, comparable.
        recorded: what a killed run says is done.
        again: words added when it is run again.
    """

    name: str
    words: Callable[[Path], list[str]]
    contents: Callable[[Path], Contents]
    recorded: Callable[[Path], Contents]
    again: tuple[str, ...] = ()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--what", default="generate,import,compose,train,video")
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    rng, rows = random.Random(words.seed), []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        cases = prepare(place, words.photos, words.what.split(","))
        for case in cases:
            rows += trials(case, place / "trial", rng, words.kills)
    broken = sum(len(row["problems"]) for row in rows)
    for case in cases:
        mine = [row for row in rows if row["what"] == case.name]
        kills, ended = sum(row["kills"] for row in mine), sum(row["problems"] == [] for row in mine)
        print(f"{case.name}: {kills} kills in {len(mine)} runs, {ended} of them finished as promised")
    if words.json:
        words.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(broken > 0)


# ---------------------------------------------------------------- the trials


def trials(case: Case, output: Path, rng: random.Random, kills: int) -> list[dict[str, Any]]:
    """Runs of a command until it was killed so many times."""
    began = time.monotonic()
    finish(case, output)
    whole_s, want = time.monotonic() - began, case.contents(output)
    rows: list[dict[str, Any]] = []
    while sum(row["kills"] for row in rows) < kills:
        clear(output)
        problems: list[str] = []
        killed = 0
        for _ in range(rng.randint(1, 3)):
            killed += kill(case, output, rng.uniform(0, whole_s), first=killed == 0, group=rng.random() < 0.5)
            problems += differences(case.recorded(output), want, "was recorded as done")
        finish(case, output, first=False)
        got = case.contents(output)
        problems += differences(got, want, "was written")
        problems += [f"{name} is missing at the end" for name in sorted(want.keys() - got.keys())]
        rows.append({"what": case.name, "kills": killed, "problems": problems})
        print(f"{case.name}: {killed} kills, {problems or 'as promised'}", flush=True)
        if not killed and len(rows) > 2 * kills:
            break
    clear(output)
    return rows


def differences(have: Contents, want: Contents, words: str) -> list[str]:
    """What is there and should not be so."""
    return [f"{name} {words} and differs" for name, digest in sorted(have.items()) if want.get(name) != digest]


def command(case: Case, output: Path, *, first: bool) -> list[str]:
    return [sys.executable, "-m", "maskgen.app", *case.words(output), *(() if first else case.again)]


def kill(case: Case, output: Path, after_s: float, *, first: bool, group: bool) -> int:
    """Start the command and kill it, with or without its workers.

    Returns:
        1, or 0 when it had ended before.
    """
    process = subprocess.Popen(
        command(case, output, first=first),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        time.sleep(0.5)  # workers notice that their parent is gone
        return 1
    return 0


def finish(case: Case, output: Path, *, first: bool = True) -> None:
    done = subprocess.run(command(case, output, first=first), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(case.words(output))} ended with {done.returncode}: {done.stderr[-2000:]}")


def clear(output: Path) -> None:
    if output.is_dir():
        shutil.rmtree(output)
    output.unlink(missing_ok=True)


# ---------------------------------------------------------------- the commands


def prepare(place: Path, photos: Path, wanted: Iterable[str]) -> list[Case]:
    """The commands, with what they read."""
    wanted = list(wanted)
    faces = place / "faces"
    faces.mkdir()
    pictures = sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for path in pictures[:PHOTOS]:
        shutil.copy(path, faces / path.name)
    pieces, scenes = place / "pieces", place / "scenes"
    if {"import", "compose", "train"} & set(wanted):
        run("generate", faces, pieces, "--crop", "scene", "--classes", "3", "--camera", "none", "--split", "80/20")
    if "import" in wanted:
        run("compose", pieces, scenes, "--scenes", "60", "--size", "320", "--split", "100/0/0", "--workers", "1")
    cases = {
        "generate": Case(
            "generate",
            lambda out: ["generate", str(faces), str(out), "--per-face", "3", "--workers", "2"],
            files,
            generated,
        ),
        "import": Case("import", lambda out: ["import", str(scenes / "train.json"), str(out)], files, imported),
        "compose": Case(
            "compose",
            lambda out: ["compose", str(pieces), str(out), *["--scenes", "130", "--size", "256", "--workers", "2"]],
            files,
            composed,
        ),
        "train": Case("train", lambda out: training(place, faces, out), trained, nothing, ("--resume",)),
        "video": Case("video", lambda out: filming(place, faces, out), filmed, nothing, ("--overwrite",)),
    }
    return [cases[name] for name in wanted]


def run(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "maskgen.app", *map(str, words)], check=True, capture_output=True)


def files(output: Path) -> Contents:
    """Every file by its digest; of ``run.json`` what does not say how it was run. The journal is not the work."""
    found = {}
    for path in sorted(output.rglob("*")):
        if path.is_file() and ".maskgen" not in path.parts and path.name != "report.html":
            found[path.relative_to(output).as_posix()] = digest(path)
    return found


def digest(path: Path) -> str:
    data = path.read_bytes()
    if path.name == "run.json":
        run = json.loads(data)
        data = json.dumps({word: run[word] for word in sorted(run) if word not in NOT_THE_WORK}).encode()
    return hashlib.sha256(data).hexdigest()


def nothing(output: Path) -> Contents:
    return {}


def generated(output: Path) -> Contents:
    """The images on the lines that the journal vouches for."""
    journal = output / ".maskgen" / "journal.sqlite"
    if not journal.is_file():
        return {}
    with sqlite3.connect(journal) as database:
        try:
            (row,) = database.execute("SELECT value FROM state WHERE name = 'metadata.jsonl'").fetchall()
        except (sqlite3.OperationalError, ValueError):
            return {}
    database.close()
    lines = (output / "metadata.jsonl").read_bytes()[: int(row[0])].splitlines()
    return {name: digest(output / name) for name in (json.loads(line)["file_name"] for line in lines)}


def imported(output: Path) -> Contents:
    """Everything, once ``run.json`` is there."""
    return files(output) if (output / "run.json").is_file() else {}


def composed(output: Path) -> Contents:
    """The pictures of the blocks that have their record."""
    names = [
        line["file_name"]
        for record in (output / ".maskgen" / "blocks").glob("*.json")
        for line in json.loads(record.read_bytes())
    ]
    return {name: digest(output / name) for name in names}


def training(place: Path, faces: Path, output: Path) -> list[str]:
    dataset = place / "dataset"
    if not dataset.exists():
        run("generate", faces, dataset, "--split", "80/20")
    return [
        "train",
        str(dataset),
        str(output),
        *["--epochs", "2", "--size", "96", "--weights", "none", "--fine-tune", "all"],
    ]


def trained(output: Path) -> Contents:
    """A model folder with every epoch. Its weights may differ: a killed epoch is begun anew."""
    history = (output / "history.csv").read_text().splitlines()
    return {"model.tflite": str((output / "model.tflite").is_file()), "history.csv": str(len(history))}


def filming(place: Path, faces: Path, output: Path) -> list[str]:
    film = place / "film.mp4"
    if not film.exists():
        write_film(film, sorted(faces.iterdir())[0])
    output.mkdir(exist_ok=True)
    return ["detect", "video", str(film), "--output", str(output / "film.mp4")]


def write_film(path: Path, photo: Path) -> None:
    """Two hundred frames of a face that moves."""
    import numpy as np

    from detect.sources import pyav
    from maskgen.images import read_rgb, shrink

    face = shrink(read_rgb(photo), 300)
    av = pyav.load()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for number in range(200):
            picture = np.full((360, 480, 3), 90, np.uint8)
            left = number % (480 - face.shape[1])
            picture[20 : 20 + face.shape[0], left : left + face.shape[1]] = face[:340]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def filmed(output: Path) -> Contents:
    from detect.sources import pyav

    with pyav.load().open(str(output / "film.mp4")) as container:
        return {"film.mp4": str(sum(1 for _ in container.decode(video=0)))}


if __name__ == "__main__":
    sys.exit(main())
