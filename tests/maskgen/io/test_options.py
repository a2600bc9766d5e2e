from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from maskgen.errors import InputError
from maskgen.io import options
from maskgen.io.options import from_settings, option


@dataclass(frozen=True, slots=True)
class Paint:
    """A record with a field of every kind."""

    canvas: str
    colour: Literal["red", "blue"] = option("red", "Of the paint.")
    coats: int = option(2, "How many.", "--coats", "-c", least=1, most=9)
    share: float = option(0.5, "Of the wall.", group="More")
    names: tuple[str, ...] = option((), "Of walls.", group="More", shown="all")
    sizes: tuple[int, ...] = option((3, 4), "Of brushes.", group="More")
    dry: bool = option(True, "Wait.", group="More")
    wet: bool = option(False, "Do not wait.", group="More")
    tin: str | None = option(None, "Where the paint is.", group="More", typed=int | None, read=str)

    def __post_init__(self) -> None:
        options.check(self)


@dataclass(slots=True)
class Told:
    speed: float | None = option(None, "Of the work.")


def _run(*words: str) -> tuple[Any, list[Any]]:
    app, got = typer.Typer(), []

    @app.command()
    @from_settings
    def paint(
        wall: str, make: partial[Paint], told: Told, loud: Annotated[bool, typer.Option("--loud")] = False
    ) -> None:
        """Paint a wall."""
        got.extend([make(canvas=wall), told, loud])

    return CliRunner().invoke(app, [*words]), got


def test_a_command_without_options_has_the_defaults() -> None:
    result, got = _run("north")
    assert result.exit_code == 0, result.output
    assert got == [Paint("north"), Told(), False]


def test_what_is_typed_arrives() -> None:
    words = ["north", "--colour", "blue", "-c", "9", "--share", "1", "--names", "a, b", "--sizes", "5", "--no-dry"]
    result, got = _run(*words, "--wet", "--tin", "7", "--speed", "2", "--loud")
    assert result.exit_code == 0, result.output
    assert got == [Paint("north", "blue", 9, 1.0, ("a", "b"), (5,), False, True, "7"), Told(2.0), True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--colour", "green"], "'red', 'blue'"),
        (["--coats", "0"], "takes 1 to 9, got 0"),
        (["--coats", "x"], "--coats"),
        (["--nope"], "No such option"),
    ],
)
def test_wrong_words_are_exit_2(words: list[str], said: str) -> None:
    result, got = _run("north", *words)
    assert (result.exit_code, got) == (2, [])
    assert said in " ".join(result.output.replace("│", " ").split())


def test_numbers_with_commas_are_numbers() -> None:
    result, _ = _run("north", "--sizes", "3,big")
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == "--sizes takes numbers with commas between, got '3,big'"


def test_the_help_shows_groups_defaults_and_choices() -> None:
    result, _ = _run("--help")
    text = result.output
    assert text.index("--loud") < text.index("More") < text.index("--share")
    for words in ("red|blue", "1..9", "[default: 3,4]", "[default: (all)]", "[default: 0.5]", "Paint a wall."):
        assert words in text


paints = st.builds(
    Paint,
    canvas=st.text(),
    colour=st.sampled_from(["red", "blue"]),
    coats=st.integers(1, 9),
    share=st.floats(allow_nan=False),
    names=st.lists(st.text()).map(tuple),
    sizes=st.lists(st.integers()).map(tuple),
    dry=st.booleans(),
    wet=st.booleans(),
    tin=st.none() | st.text(),
)


@given(paints)
def test_reading_back_gives_the_same_record(paint: Paint) -> None:
    import json

    assert options.from_json(Paint, json.loads(json.dumps(options.to_json(paint)))) == paint


def test_what_is_wanting_takes_its_default() -> None:
    assert options.from_json(Paint, {"canvas": "north"}) == Paint("north")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"canvas": "n", "flavour": 1, "age": 2}, r"\['age', 'flavour'\] unknown"),
        ({}, "canvas"),
        ({"canvas": 3}, "canvas takes str, got 3"),
        ({"canvas": "n", "coats": "2"}, "coats takes int, got '2'"),
        ({"canvas": "n", "coats": True}, "coats takes int, got True"),
        ({"canvas": "n", "sizes": [1, "x"]}, "sizes takes tuple"),
        ({"canvas": "n", "sizes": 3}, "sizes takes tuple"),
        ({"canvas": "n", "tin": 1}, "tin takes str | None"),
        ({"canvas": "n", "colour": "green"}, "--colour takes red, blue; got 'green'"),
        ({"canvas": "n", "coats": 10}, "--coats takes 1 to 9, got 10"),
        ([], "holds no names"),
    ],
)
def test_what_was_not_written_so_is_refused_by_name(data: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        options.from_json(Paint, data)


def test_no_number_is_within_no_bounds() -> None:
    @dataclass(frozen=True)
    class Share:
        share: float = option(0.5, "x", least=0, most=1)

    with pytest.raises(InputError, match="--share takes 0 to 1, got nan"):
        options.check(Share(float("nan")))


def test_an_option_is_named_as_it_is_typed() -> None:
    assert options.name_of(Paint, "coats") == "--coats"
    assert options.name_of(Paint("n"), "names") == "--names"


def test_the_table_says_what_the_help_says() -> None:
    app = typer.Typer(add_completion=False)

    @app.command()
    @from_settings
    def paint(make: partial[Paint]) -> None: ...

    assert options.table(typer.main.get_command(app)).splitlines()[:10] == [
        "| option | default | what it does |",
        "|---|---|---|",
        r"| `--colour red\|blue` | `red` | Of the paint. |",
        "| `--coats, -c 1..9` | `2` | How many. |",
        "",
        "More:",
        "",
        "| option | default | what it does |",
        "|---|---|---|",
        "| `--share X` | `0.5` | Of the wall. |",
    ]
