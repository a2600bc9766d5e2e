"""Registry: what ships, plug-ins, plug-ins that are broken, names that clash."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from maskgen.errors import InputError, PluginError
from maskgen.io import registry
from maskgen.io.registry import Registry


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs packages of entry points in a folder of its own: name of the package, module text, entry points."""
    monkeypatch.syspath_prepend(tmp_path)
    registry._all_installed.cache_clear()
    modules: list[str] = []

    def install(package: str, text: str, **points: str) -> None:
        module = package.replace("-", "_")
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(text)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {module}:{attribute}" for name, attribute in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[test.numbers]", *lines, ""]))

    yield install
    registry._all_installed.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


def numbers() -> Registry[float]:
    def wrong(_name: str, found: Any) -> str | None:
        return None if isinstance(found, float) else f"it is a {type(found).__name__}, not a number"

    return Registry("test.numbers", "number", {"tau": "math:tau", "e": "math:e"}, wrong)


def test_a_plug_in_follows_what_ships(install: Any) -> None:
    install("golden-numbers", "PHI = 1.618\nALSO = 2.618\n", phi="PHI", also="ALSO")
    kinds = numbers()
    assert kinds.names == ("tau", "e", "also", "phi")
    assert kinds.load("phi") == 1.618
    assert [str(plugin) for plugin in kinds.plugins] == [
        '"also" of golden-numbers 1.0 (test.numbers)',
        '"phi" of golden-numbers 1.0 (test.numbers)',
    ]
    assert kinds.lost == ()


def test_nothing_is_imported_before_it_is_asked_for(install: Any) -> None:
    install("shy-numbers", "PHI = 1.618\n", phi="PHI")
    kinds = numbers()
    assert "phi" in kinds.names
    assert kinds.load("e") > 2
    assert "shy_numbers" not in sys.modules


@pytest.mark.parametrize(
    ("text", "attribute", "why"),
    [
        ("import no_such_module\n", "PHI", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)\n", "PHI", "SystemExit: 3"),
        ("PHI = 1.618\n", "PSI", "AttributeError: module 'broken_numbers' has no attribute 'PSI'"),
        ("PHI = 'gold'\n", "PHI", "it is a str, not a number"),
        ("raise ValueError('two\\nlines')\n", "PHI", "ValueError: two lines"),
    ],
)
def test_a_broken_plug_in_is_named_in_one_line_and_loses_only_itself(
    install: Any, caplog: pytest.LogCaptureFixture, text: str, attribute: str, why: str
) -> None:
    install("broken-numbers", text, phi=attribute)
    install("good-numbers", "ONE = 1.0\n", one="ONE")
    kinds = numbers()
    for _ in range(2):
        assert list(kinds.load_all()) == ["tau", "e", "one"]
    line = f'plug-in "phi" of broken-numbers 1.0 (test.numbers) is left out: {why}; mend or uninstall it'
    assert [record.getMessage() for record in caplog.records] == [line]
    assert [str(lost) for lost in kinds.lost] == [line]
    assert kinds.names == ("tau", "e", "one")
    with pytest.raises(PluginError) as caught:
        kinds.load("phi")
    assert str(caught.value) == line


def test_what_ships_keeps_its_name(install: Any) -> None:
    install("rude-numbers", "E = 3.0\n", e="E")
    kinds = numbers()
    assert kinds.load("e") != 3.0
    assert [str(lost) for lost in kinds.lost] == [
        'plug-in "e" of rude-numbers 1.0 (test.numbers) is left out: maskgen has a number of that name; rename it'
    ]
    assert kinds.names == ("tau", "e")


def test_two_plug_ins_of_one_name_are_both_refused(install: Any) -> None:
    """Which was installed first must not decide what a seed draws."""
    install("zeta-numbers", "PHI = 1.0\n", phi="PHI")
    install("alpha-numbers", "PHI = 2.0\n", phi="PHI")
    kinds = numbers()
    assert kinds.names == ("tau", "e")
    (lost,) = kinds.lost
    assert "alpha-numbers 1.0" in str(lost)
    assert "zeta-numbers 1.0" in str(lost)
    with pytest.raises(PluginError, match="uninstall one of them"):
        kinds.load("phi")


def test_an_unknown_name_is_answered_with_all_there_are(install: Any) -> None:
    install("golden-numbers", "PHI = 1.618\n", phi="PHI")
    with pytest.raises(InputError, match=r'^no number is called "pi"; choose from tau, e, phi$'):
        numbers().load("pi")


def test_workers_leave_the_line_to_the_first_process(
    install: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("broken-numbers", "raise ValueError\n", phi="PHI")
    monkeypatch.setattr(registry.multiprocessing, "parent_process", lambda: "another")
    assert list(numbers().load_all()) == ["tau", "e"]
    assert caplog.records == []
