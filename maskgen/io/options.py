"""Command-line options from settings dataclasses: signature, JSON record, table for the pages.

A field made with ``option`` says everything once: name, type, default, help and group. ``from_settings`` turns a
record into the options of a command, ``to_json`` and ``from_json`` write and read it, ``table`` prints it.
Imports nothing but the standard library: typer is at hand wherever a command is built.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from maskgen.errors import InputError

RecordT = TypeVar("RecordT")

_KEY: Final = "option"
_TELLING: Final = 4096
"""A bound above it is far from what anybody wants to type; the help leaves it out."""

_METAVARS: Final = {int: "N", float: "X", str: "TEXT"}


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """What the command line knows of a field beyond its name, type and default.

    Attributes:
        help: one line, plain English.
        names: the option's names; ``--field-name`` by default.
        group: the panel of the help it stands in; the first one by default.
        metavar: what stands for the value.
        least: smallest number allowed.
        most: largest number allowed.
        shown: the default in words, where the value does not say it.
        typed: the type that is typed, where it is not the field's.
        read: from what was typed to the field's value.
        show: from the field's value to what would be typed.
    """

    help: str
    names: tuple[str, ...] = ()
    group: str | None = None
    metavar: str | None = None
    least: float | None = None
    most: float | None = None
    shown: str | None = None
    typed: Any = None
    read: Callable[[Any], Any] | None = None
    show: Callable[[Any], Any] | None = None


def option(default: Any, help: str, *names: str, **more: Any) -> Any:
    """A dataclass field that is an option too; ``more`` as in ``Option``."""
    return dataclasses.field(default=default, metadata={_KEY: Option(help, names, **more)})


def options_of(record: Any) -> dict[str, Option]:
    """The options of a settings record, by field."""
    return {
        f.name: dataclasses.replace(known, names=known.names or (f"--{f.name.replace('_', '-')}",))
        for f in dataclasses.fields(record)
        if (known := f.metadata.get(_KEY)) is not None
    }


def name_of(record: Any, field: str) -> str:
    """What an option is called where people type it: ``--wear`` of the field ``wears``."""
    return options_of(record)[field].names[0].partition("/")[0]


def from_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Spread the settings records among a command's parameters into options for typer.

    A parameter annotated with a record, such as ``run: Run``, arrives as one. ``settings: partial[Settings]`` arrives
    as a function that makes it of what is still wanting: ``settings(output=out)``.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    records: dict[str, tuple[Any, bool]] = {}
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        record = get_args(hint)[0] if get_origin(hint) is partial else hint
        if dataclasses.is_dataclass(record):
            records[parameter.name] = record, record is not hint
            parameters += _parameters(record)
        else:
            parameters.append(parameter.replace(annotation=hint))

    def run(**given: Any) -> Any:
        for name, (record, partly) in records.items():
            fields = get_type_hints(record)
            values = {
                field: _read(known, fields[field], given.pop(field)) for field, known in options_of(record).items()
            }
            given[name] = partial(record, **values) if partly else record(**values)
        return command(**given)

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    # Typer wants names without a default first; click takes options in any order.
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    run.__annotations__ = {}
    return run


def _parameters(record: Any) -> Iterator[inspect.Parameter]:
    import typer

    hints = get_type_hints(record)
    defaults = {f.name: f.default for f in dataclasses.fields(record)}
    for name, known in options_of(record).items():
        typed = known.typed or _typed(hints[name])
        default = _shown(known, defaults[name])
        choices = get_args(_bare(typed)) if get_origin(_bare(typed)) is Literal else ()
        names = known.names
        if typed is bool and default is True and "/" not in names[0]:
            names = (f"{names[0]}/--no-{names[0][2:]}",)
        info = typer.Option(
            *names,
            help=known.help,
            rich_help_panel=known.group,
            metavar=known.metavar or "|".join(map(str, choices)) or _metavar(known, typed),
            callback=_bounded(known),
            show_default=known.shown or (default is not False and (bool(default) or default == 0)),
        )
        yield inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[typed, info]
        )


def _bare(hint: Any) -> Any:
    """``int`` of ``int | None``."""
    if get_origin(hint) in (Union, types.UnionType):
        return next(part for part in get_args(hint) if part is not types.NoneType)
    return hint


def _metavar(known: Option, typed: Any) -> str | None:
    if known.least is not None and known.most is not None and known.most <= _TELLING:
        return f"{known.least:g}..{known.most:g}"
    return _METAVARS.get(_bare(typed))


def _bounded(known: Option) -> Callable[[Any], Any] | None:
    """What refuses a typed value that is out of bounds as wrong words, if there are any."""
    if known.least is None and known.most is None:
        return None

    def bounded(value: Any) -> Any:
        import typer

        if trouble := _out_of_bounds(known, value):
            raise typer.BadParameter(trouble)
        return value

    return bounded


def _out_of_bounds(known: Option, value: Any) -> str | None:
    low, high = known.least, known.most
    if value is None or ((low is None or value >= low) and (high is None or value <= high)):
        return None
    return f"takes {f'at least {low:g}' if high is None else f'{low or 0:g} to {high:g}'}, got {value}"


def _typed(hint: Any) -> Any:
    """What is typed for a field: a tuple is words with commas between."""
    return str if get_origin(hint) is tuple else hint


def _shown(known: Option, value: Any) -> Any:
    if known.show is not None:
        return known.show(value)
    return ",".join(map(str, value)) if isinstance(value, tuple) else value


def _read(known: Option, hint: Any, typed: Any) -> Any:
    """A field's value from what was typed."""
    if known.read is not None:
        return None if typed is None else known.read(typed)
    if get_origin(hint) is not tuple:
        return typed
    kind = get_args(hint)[0]
    parts = [part.strip() for part in typed.split(",") if part.strip()]
    if kind not in (int, float):
        return tuple(parts)
    try:
        return tuple(kind(part) for part in parts)
    except ValueError:
        raise InputError(f"{known.names[0]} takes numbers with commas between, got {typed!r}") from None


def check(record: Any) -> None:
    """See that every option of a settings record is one of its choices and within its bounds.

    Raises:
        InputError: one is not; it is named as people type it.
    """
    hints = get_type_hints(type(record))
    for field, known in options_of(record).items():
        value, hint, name = getattr(record, field), _bare(hints[field]), known.names[0].partition("/")[0]
        if get_origin(hint) is Literal and value is not None and value not in get_args(hint):
            raise InputError(f"{name} takes {', '.join(map(str, get_args(hint)))}; got {value!r}")
        if trouble := _out_of_bounds(known, value):
            raise InputError(f"{name} {trouble}")


def to_json(record: Any) -> dict[str, Any]:
    """Plain values of a settings record; ``from_json`` undoes it."""
    return {
        f.name: list(value) if isinstance(value := getattr(record, f.name), tuple) else value
        for f in dataclasses.fields(record)
    }


def from_json(record: type[RecordT], data: Mapping[str, Any]) -> RecordT:
    """The settings record that ``to_json`` wrote; what is wanting takes its default.

    Raises:
        InputError: a name is unknown, or a value is missing, of another type or out of bounds.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"settings that maskgen did not write: {data!r} holds no names")
    hints = get_type_hints(record)
    if unknown := sorted(set(data) - set(hints)):
        raise InputError(f"settings of another version of maskgen, or of another command: {unknown} unknown")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    for name, value in values.items():
        if not _fits(value, hints[name]):
            wanted = inspect.formatannotation(hints[name])
            raise InputError(f"settings that maskgen did not write: {name} takes {wanted}, got {value!r}")
    try:
        return record(**values)
    except TypeError as error:
        raise InputError(f"settings that maskgen did not write: {error}") from error


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value read from JSON is of a field's type."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        each = parts[:1] * len(value) if parts[1:] == (...,) else parts
        return len(each) == len(value) and all(map(_fits, value, each))
    if origin is Literal:
        return True  # the record itself names the choices
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def table(command: Any) -> str:
    """The options of a command as a Markdown table, in the order and groups of its help.

    Args:
        command: the click command that typer built.
    """
    groups: dict[str | None, list[str]] = {}
    for parameter in command.params:
        if parameter.param_type_name != "option":
            continue
        words = [*parameter.opts, *parameter.secondary_opts]
        metavar = "" if parameter.is_flag else f" {parameter.metavar or 'TEXT'}"
        shown = parameter.show_default
        default = None if parameter.is_flag and not parameter.default else parameter.default
        said = shown if isinstance(shown, str) else f"`{default}`" if shown and default not in (None, "") else ""
        name = f"{', '.join(words)}{metavar}".replace("|", r"\|")
        row = f"| `{name}` | {said or ' '} | {parameter.help} |".replace("|   |", "| |")
        groups.setdefault(getattr(parameter, "rich_help_panel", None), []).append(row)
    head = "| option | default | what it does |\n|---|---|---|"
    parts = [
        (f"{name}:\n\n" if name else "") + "\n".join([head, *rows])
        for name, rows in sorted(groups.items(), key=lambda group: group[0] is not None)
    ]
    return "\n\n".join(parts)
