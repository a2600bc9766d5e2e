"""Registry of named kinds: those that ship, and plug-ins that other packages register by entry points.

    [project.entry-points."maskgen.occluders"]
    balloon = "party_masks.balloon:BALLOON"

What ships is listed by module path, so that nothing is imported before it is asked for. A plug-in that cannot be used
is left out and named in one line; the others stay. ``docs/plugins.md`` lists the groups.
"""

from __future__ import annotations

import functools
import importlib
import logging
import multiprocessing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, Final, Generic, TypeVar

from maskgen.errors import InputError, PluginError

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugin:
    """What an installed package registers.

    Attributes:
        group: of its entry point, ``maskgen.occluders``.
        name: what users call it.
        package: the distribution and its version, ``party-masks 1.0``.
        target: where it is, ``party_masks.balloon:BALLOON``.
    """

    group: str
    name: str
    package: str
    target: str

    def __str__(self) -> str:
        return f'"{self.name}" of {self.package} ({self.group})'


@dataclass(frozen=True, slots=True)
class Lost:
    """A plug-in that is left out, and why."""

    plugin: Plugin
    why: str

    def __str__(self) -> str:
        return f"plug-in {self.plugin} is left out: {self.why}"


class Registry(Generic[T]):
    """Named kinds of one group.

    Args:
        group: of entry points, ``maskgen.occluders``.
        word: what one of the kinds is called in messages.
        builtin: ``module:attribute`` of those that ship, by name, in order.
        check: what is wrong with an object that a plug-in gave, in a few words; None for nothing.
    """

    def __init__(
        self,
        group: str,
        word: str,
        builtin: Mapping[str, str],
        check: Callable[[str, Any], str | None] = lambda _name, _found: None,
    ) -> None:
        self.group: Final = group
        self.word: Final = word
        self.builtin: Final = dict(builtin)
        self._check = check
        self._loaded: dict[str, T] = {}
        self._lost: dict[str, Lost] = {}
        self._plugins: dict[str, Plugin] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What ships, in its order, then plug-ins by name; one that turned out to be broken is not among them."""
        return (*self.builtin, *(name for name in self._others() if name not in self._lost))

    def __contains__(self, name: str) -> bool:
        """Whether there is one of that name, be it broken."""
        return name in self.builtin or name in self._others()

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Plug-ins that can be used, by name; loads them, and nothing that ships."""
        self._load_plugins()
        return tuple(plugin for name, plugin in self._others().items() if name not in self._lost)

    @property
    def lost(self) -> tuple[Lost, ...]:
        """Plug-ins that cannot be used; loads them all to find out."""
        self._load_plugins()
        return tuple(self._lost[name] for name in sorted(self._lost))

    def load(self, name: str) -> T:
        """The kind called ``name``.

        Raises:
            InputError: there is none.
            PluginError: it is a plug-in that cannot be used.
        """
        if name not in self._loaded:
            if name in self.builtin:
                self._loaded[name] = _at(self.builtin[name])
            elif name not in self._others():
                raise InputError(f'no {self.word} is called "{name}"; choose from {", ".join(self.names)}')
            elif name not in self._lost:
                self._load_plugin(self._others()[name])
        if name not in self._loaded:
            raise PluginError(str(self._lost[name]))
        return self._loaded[name]

    def load_all(self) -> dict[str, T]:
        """Every kind by name, in the order of ``names``; what is broken is left out, with a line to the log."""
        self._load_plugins()
        return {name: self.load(name) for name in self.names}

    def _load_plugins(self) -> None:
        for name, plugin in self._others().items():
            if name not in self._loaded and name not in self._lost:
                self._load_plugin(plugin)

    def _others(self) -> dict[str, Plugin]:
        """Plug-ins by name, in order of name; two of one name are both refused: no order of installation decides."""
        if self._plugins is None:
            self._plugins = {}
            for point in sorted(installed(self.group), key=lambda point: (point.name, point.value)):
                plugin = Plugin(self.group, point.name, _package(point), point.value)
                if point.name in self.builtin:
                    self._lose(plugin, f"maskgen has a {self.word} of that name; rename it")
                elif point.name in self._plugins:
                    twin = self._plugins[point.name]
                    self._lose(plugin, f"{twin.package} has a {self.word} of that name too; uninstall one of them")
                self._plugins.setdefault(point.name, plugin)
        return {name: plugin for name, plugin in self._plugins.items() if name not in self.builtin}

    def _load_plugin(self, plugin: Plugin) -> None:
        try:
            found = _at(plugin.target)
            wrong = self._check(plugin.name, found)
        except (Exception, SystemExit) as error:  # whatever somebody else's module does
            wrong = f"{type(error).__name__}: {error}"
        if wrong is None:
            self._loaded[plugin.name] = found
        else:
            self._lose(plugin, f"{' '.join(wrong.split())}; mend or uninstall it")

    def _lose(self, plugin: Plugin, why: str) -> None:
        self._lost[plugin.name] = Lost(plugin, why)
        if multiprocessing.parent_process() is None:  # workers would say it again
            logger.warning("%s", self._lost[plugin.name])


def installed(group: str) -> EntryPoints:
    """The entry points of a group, of every installed package."""
    found: EntryPoints = _all_installed().select(group=group)
    return found


@functools.cache
def _all_installed() -> Any:
    # One walk through the installed packages for all groups: it takes milliseconds.
    return entry_points()


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.module


def _at(target: str) -> Any:
    """What ``module:attribute`` names; a module where there is no attribute.

    >>> _at("math:pi")
    3.141592653589793
    """
    module, _, attribute = target.partition(":")
    found = importlib.import_module(module)
    return functools.reduce(getattr, attribute.split("."), found) if attribute else found
