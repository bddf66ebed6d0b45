"""The catalogue: every registered plugin class, its entry point loaded on its own."""

import importlib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import Distribution, EntryPoint
from typing import Any, cast, final

import pluggy

from geobench import hookspecs
from geobench.components import Config, Plugin
from geobench.data import Dataset
from geobench.distributions import name_of, plugin_entry_points, version_of
from geobench.encoders import Encoder
from geobench.errors import PluginError
from geobench.methods import Method, describe_stale
from geobench.metrics import Metric
from geobench.names import NAME, did_you_mean
from geobench.splits import Split

KINDS: dict[str, type[Plugin]] = {
    "dataset": Dataset,
    "split": Split,
    "encoder": Encoder,
    "method": Method,
    "metric": Metric,
}


@final
@dataclass(frozen=True, slots=True)
class Source:
    """The entry point that a class came from."""

    entry_point: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.entry_point} ({self.distribution} {self.version})"


@final
@dataclass(frozen=True, slots=True)
class Registered:
    """A plugin class and where it came from."""

    plugin: type[Plugin]
    source: Source


@final
@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin, or one of its classes, that cannot be used, and why."""

    source: Source
    reason: str
    name: str = ""
    """Of the class, as users write it; "" where a whole plugin is broken."""


@final
@dataclass(slots=True)
class Catalogue:
    """All plugins of this installation.

    Args:
        sources: every entry point that loaded.
        registered: kind -> name -> the classes of that name (two or more: a clash).
        broken: what did not load, with the reason.
    """

    sources: list[Source] = field(default_factory=list)
    registered: dict[str, dict[str, list[Registered]]] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Registered]:
        """The usable classes of a kind, by name."""
        names = self.registered.get(kind, {})
        return [names[name][0] for name in sorted(names) if len(names[name]) == 1]

    def clashes(self) -> list[str]:
        """One sentence for each name that two plugins register in one kind."""
        return [
            f"{kind} {name} is registered by {' and by '.join(str(e.source) for e in entries)}"
            for kind, names in self.registered.items()
            for name, entries in sorted(names.items())
            if len(entries) > 1
        ]

    def find(self, kind: str, name: str) -> type[Plugin]:
        """The class registered under `name` (or `kind:name`).

        Raises:
            PluginError: unknown (with the nearest names), registered twice, or of a plugin
                that does not load; or its Config is no model that pydantic can build.
        """
        bare = name.removeprefix(f"{kind}:")
        names = self.registered.get(kind, {})
        entries = names.get(bare, [])
        if len(entries) == 1:
            return _with_its_config(entries[0].plugin, f"plugin {entries[0].source}")
        if len(entries) > 1:
            both = " and by ".join(str(entry.source) for entry in entries)
            raise PluginError(
                f"{kind} {bare!r} is registered by {both}",
                remedy="Uninstall one of them, or ask its author for another name.",
            )
        for broken in self.broken:
            if broken.name == bare:
                raise PluginError(
                    f"{kind} {bare!r} of plugin {broken.source} cannot be used: {broken.reason}",
                    remedy="Mend it, or install a version that fits this geobench.",
                )
        others = [other for other in KINDS if bare in self.registered.get(other, {})]
        hint = "".join(f"There is a {other} {bare}. " for other in others)
        hint += did_you_mean(bare, names) + self._lost()
        raise PluginError(f"there is no {kind} {bare!r}", remedy=hint)

    def locate(self, text: str) -> type[Plugin]:
        """The class that a user means by `name`, `kind:name` or `package.module.Class`.

        Raises:
            PluginError: there is none, several, or it cannot be imported.
        """
        kind, colon, _ = text.partition(":")
        if colon and kind in KINDS:
            return self.find(kind, text)
        if colon:
            remedy = did_you_mean(kind, KINDS)
            raise PluginError(f"there is no kind of plugin {kind!r}", remedy=remedy)
        if "." in text:
            return _imported(text)
        kinds = [kind for kind in KINDS if text in self.registered.get(kind, {})]
        if len(kinds) > 1:
            raise PluginError(
                f"{text} is the name of {' and of '.join(f'one {kind}' for kind in kinds)}",
                remedy=f"Type {' or '.join(f'{kind}:{text}' for kind in kinds)}.",
            )
        if kinds:
            return self.find(kinds[0], text)
        for broken in self.broken:
            if text in (broken.source.entry_point, broken.source.distribution):
                raise PluginError(
                    f"plugin {broken.source} cannot be used: {broken.reason.rstrip('.')}",
                    remedy="Mend it and install it again, or uninstall it.",
                )
        for source in self.sources:
            if text in (source.entry_point, source.distribution):
                brings = [
                    f"{kind}:{each.plugin.name}"
                    for kind in KINDS
                    for each in self.of_kind(kind)
                    if each.source == source
                ]
                raise PluginError(
                    f"{text} is a whole plugin", remedy=f"Name one of {', '.join(brings)}."
                )
        names = [name for named in self.registered.values() for name in named]
        hint = did_you_mean(text, names, otherwise="`geobench list` shows them.") + self._lost()
        problem = f"no dataset, split, encoder, method or metric is named {text!r}"
        raise PluginError(problem, remedy=hint)

    def _lost(self) -> str:
        """Where else a name may be that is not found: a parenthesis, or "" if all is loaded."""
        lost = ", ".join(sorted({str(broken.source) for broken in self.broken}))
        return f" (Plugins that did not load: {lost}; see `geobench list`.)" if lost else ""

    def source_of(self, plugin: type[Plugin]) -> str:
        """The entry point, distribution and version that a class came from, "" if unregistered."""
        entries = self.registered.get(plugin.kind, {}).get(plugin.name, [])
        return next((str(entry.source) for entry in entries if entry.plugin is plugin), "")

    def add(self, plugin: type[Plugin], source: Source) -> None:
        """Register one class, or keep it as broken if it is not what its hook promises."""
        reason = fault_of(plugin)
        if reason:
            named = getattr(plugin, "name", "")
            self.broken.append(Broken(source, reason, named if isinstance(named, str) else ""))
            return
        entries = self.registered.setdefault(plugin.kind, {}).setdefault(plugin.name, [])
        if all(entry.plugin is not plugin for entry in entries):
            entries.append(Registered(plugin, source))


_LONGEST = 80
"""Letters of the name of a plugin, which is a part of the names of files."""


def fault_of(plugin: Any) -> str:
    """Why this is no usable plugin class, or ""."""
    name = getattr(plugin, "__qualname__", repr(plugin))
    if not _is_plugin(plugin):
        kind = "class" if inspect.isclass(plugin) else type(plugin).__name__
        bases = ", ".join(f"geobench.{base.__name__}" for base in KINDS.values())
        return f"{kind} {name} is no plugin: name a class derived from one of {bases}"
    if "name" not in dir(plugin) or not isinstance(plugin.name, str):
        return f"class {name} has no name: give it one, such as name = 'nearest-town'"
    if not NAME.fullmatch(plugin.name):
        return f"class {name} is named {plugin.name!r}: use lower case, words joined by hyphens"
    if len(plugin.name) > _LONGEST:
        return f"class {name}: its name has {len(plugin.name)} letters, and {_LONGEST} are the most"
    if not isinstance(plugin.requires, tuple) or not all(
        isinstance(name, str) and name for name in plugin.requires
    ):
        return f"{plugin.kind} {plugin.name}: requires is no tuple of names, such as ('torch',)"
    if issubclass(plugin, Method) and (stale := describe_stale(plugin)):
        return stale
    if inspect.isabstract(plugin):
        lacking = ", ".join(sorted(plugin.__abstractmethods__))
        return f"{plugin.kind} {plugin.name} lacks {lacking}"
    if not (inspect.isclass(plugin.Config) and issubclass(plugin.Config, Config)):
        return f"{plugin.kind} {plugin.name}: its Config is no geobench.Config"
    return ""


def _with_its_config(plugin: type[Plugin], brought_by: str) -> type[Plugin]:
    """The class, its Config built: this waits until it is asked for (see `components.Config`)."""
    try:
        plugin.Config.model_rebuild()  # does nothing where it is built
    except Exception as error:  # pydantic raises TypeError, too
        raise PluginError(
            f"{plugin.kind} {plugin.name!r} of {brought_by} cannot be used: "
            f"its Config does not build: {type(error).__name__}: {' '.join(str(error).split())}",
            remedy="Mend it, or install a version that fits this geobench.",
        ) from error
    return plugin


def _is_plugin(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, tuple(KINDS.values()))


def _imported(text: str) -> type[Plugin]:
    """The plugin class `package.module.Class`."""
    module, _, name = text.rpartition(".")
    try:
        found = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name
        if absent and f"{module}.".startswith(f"{absent}."):
            remedy = "Check the spelling, or install its package."
        else:
            remedy = f"Mend what `python -c 'import {module}'` shows."
        raise PluginError(
            f"{module} does not import: {type(error).__name__}: {error}", remedy=remedy
        ) from error
    if name not in vars(found):
        brings = [each for each, value in vars(found).items() if not fault_of(value)]
        raise PluginError(
            f"module {module} has no {name}",
            remedy=did_you_mean(name, brings) if brings else "It has no plugin class.",
        )
    reason = fault_of(vars(found)[name])
    if reason:
        raise PluginError(reason, where=text)
    return _with_its_config(cast("type[Plugin]", vars(found)[name]), f"module {module}")


def load(found: Iterable[EntryPoint] | None = None) -> Catalogue:
    """Load every entry point, each on its own: one that fails stops only what asks for it."""
    catalogue = Catalogue()
    seen = set()
    for entry in plugin_entry_points() if found is None else found:
        if (entry.name, entry.value) in seen:
            continue  # one distribution that lies on the path twice
        seen.add((entry.name, entry.value))
        _load_one(catalogue, entry)
    return catalogue


def _source(entry: EntryPoint) -> Source:
    if entry.dist is None:
        return Source(entry.name, "unknown distribution", "")
    return Source(entry.name, *_facts(entry.dist))


@cache
def _facts(distribution: Distribution) -> tuple[str, str]:
    """Name and version, parsed once for all entry points of a distribution."""
    return name_of(distribution), version_of(distribution)


def _load_one(catalogue: Catalogue, entry: EntryPoint) -> None:
    source = _source(entry)
    manager = pluggy.PluginManager("geobench")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(entry.load(), name=entry.name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        reason = " ".join(str(error).split())
        known = ", ".join(f"register_{kind}s" for kind in KINDS)
        catalogue.broken.append(Broken(source, f"{reason}. The hooks are {known}, no arguments"))
        return
    except (Exception, SystemExit) as error:
        reason = f"{entry.value} does not import: {type(error).__name__}: {error}"
        catalogue.broken.append(Broken(source, reason))
        return
    catalogue.sources.append(source)
    count = 0
    for kind, wanted in KINDS.items():
        hook = getattr(manager.hook, f"register_{kind}s")
        try:
            classes = [plugin for answer in hook() for plugin in answer]
        except (Exception, SystemExit) as error:
            reason = f"register_{kind}s raised {type(error).__name__}: {error}"
            catalogue.broken.append(Broken(source, reason))
            count += 1
            continue
        for plugin in classes:
            count += 1
            if inspect.isclass(plugin) and issubclass(plugin, wanted):
                catalogue.add(plugin, source)
            else:
                given = repr(plugin) if inspect.isclass(plugin) else f"a {type(plugin).__name__}"
                reason = (
                    f"register_{kind}s gives {given}, which is no subclass "
                    f"of geobench.{wanted.__name__}"
                )
                catalogue.broken.append(Broken(source, reason))
    if count == 0:
        reason = "registers nothing: mark its hooks with geobench.hookimpl"
        catalogue.broken.append(Broken(source, reason))


@cache
def installed() -> Catalogue:
    """The plugins of this installation, loaded once per process."""
    return load()
