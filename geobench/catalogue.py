"""The catalogue: every registered plugin class, its entry point loaded on its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import Distribution, EntryPoint
from typing import final

from geobench.components import Plugin
from geobench.distributions import is_own, name_of, plugin_entry_points, version_of
from geobench.errors import PluginError, said_by, storable
from geobench.importing import imported, under_guard, with_its_config
from geobench.loading import KINDS, bring, look_at
from geobench.names import did_you_mean
from geobench.probes import Suspect, outcomes, suspect
from geobench.readable import in_a_line


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
    name: str
    about: str
    """What it is, in a line."""


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
        refused: the distributions that the probe found to harm a process.
    """

    sources: list[Source] = field(default_factory=list)
    registered: dict[str, dict[str, list[Registered]]] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    refused: list[Suspect] = field(default_factory=list)

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
            return with_its_config(entries[0].plugin, f"plugin {entries[0].source}")
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
            return imported(text)
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
                    f"{kind}:{each.name}"
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
        looks = look_at(plugin)
        if looks.fault:
            self.broken.append(Broken(source, looks.fault, looks.name))
            return
        entries = self.registered.setdefault(looks.kind, {}).setdefault(looks.name, [])
        if all(entry.plugin is not plugin for entry in entries):
            entries.append(Registered(plugin, source, looks.name, looks.about))


def load(found: Iterable[EntryPoint] | None = None) -> Catalogue:
    """Load every entry point, each on its own: one that fails stops only what asks for it.

    Those of others are tried in another process before, once, and are loaded under guard.
    """
    catalogue = Catalogue()
    known = dict[tuple[str, str, str], EntryPoint]()
    for entry in plugin_entry_points() if found is None else found:
        # One distribution may lie on the path twice.
        known.setdefault((_source(entry).distribution, entry.name, entry.value), entry)
    others = dict[str, list[EntryPoint]]()
    for entry in known.values():
        if is_own(entry):
            _load_one(catalogue, entry)
        else:
            others.setdefault(f"{id(entry.dist)}", []).append(entry)
    _load_others(catalogue, [suspect(each[0].dist, each) for each in others.values()])
    return catalogue


def try_again(catalogue: Catalogue) -> bool:
    """Probe again what was refused, and load what is refused no more; whether anything was."""
    refused, catalogue.refused = catalogue.refused, []
    entries = {_source(entry) for each in refused for entry in each.entries}
    catalogue.broken = [each for each in catalogue.broken if each.source not in entries]
    now = [suspect(each.entries[0].dist, each.entries) for each in refused]
    _load_others(catalogue, now, anew=True)
    return bool(refused)


def _load_others(catalogue: Catalogue, suspects: list[Suspect], *, anew: bool = False) -> None:
    for each, reason in zip(suspects, outcomes(suspects, anew=anew), strict=True):
        if reason:
            catalogue.refused.append(each)
        for entry in each.entries:
            source = _source(entry)
            if reason:
                remedy = f"`geobench check {source.entry_point}` tries it again"
                said = f"{reason}, as a process of its own has shown; it is not loaded here. "
                catalogue.broken.append(Broken(source, f"{said}{remedy}"))
                continue
            try:
                under_guard(partial(_load_one, catalogue, entry), f"plugin {source}")
            except Exception as error:
                catalogue.broken.append(Broken(source, f"cannot be loaded: {said_by(error)}"))


def _load_one(catalogue: Catalogue, entry: EntryPoint) -> None:
    brought, source = bring(entry), _source(entry)
    if brought.classes or not brought.faults:
        catalogue.sources.append(source)
    for plugin in brought.classes:
        catalogue.add(plugin, source)
    catalogue.broken += [Broken(source, reason) for reason in brought.faults]


def _source(entry: EntryPoint) -> Source:
    name = _shown(entry.name)
    if entry.dist is None:
        return Source(name, "unknown distribution", "")
    return Source(name, *_facts(entry.dist))


@cache
def _facts(distribution: Distribution) -> tuple[str, str]:
    """Name and version, parsed once for all entry points of a distribution."""
    return _shown(name_of(distribution)), _shown(version_of(distribution))


def _shown(text: str) -> str:
    """What somebody else calls something, as a terminal and a record take it."""
    return in_a_line(storable(text, 200), 200)


@cache
def installed() -> Catalogue:
    """The plugins of this installation, loaded once per process."""
    return load()
