"""Distributions that are installed: a damaged one, whoever's it is, stops nothing and is named."""

import logging
import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from importlib.metadata import Distribution, EntryPoint
from importlib.util import find_spec
from pathlib import Path

from geobench.hookspecs import ENTRY_POINT_GROUP

log = logging.getLogger(__name__)

OWN = "geobench-geolocation"
"""The distribution that geobench itself is."""
_HOME = Path(__file__).parents[1]

_said: set[str] = set()
"""Which were named: once in a process is enough."""


def plugin_entry_points() -> list[EntryPoint]:
    """The entry points of plugins, of all distributions whose entry points can be read."""
    try:
        return list(metadata.entry_points(group=ENTRY_POINT_GROUP))
    except Exception:  # of one distribution, and we are not told of which
        # pydantic looks for plugins of its own among all entry points, and stops at these.
        os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
        return [e for each in _every() for e in _entries(each) if e.group == ENTRY_POINT_GROUP]


def _entries(distribution: Distribution) -> list[EntryPoint]:
    try:
        return list(distribution.entry_points)
    except Exception as error:
        _say(distribution, error)
        return []


def is_own(entry: EntryPoint) -> bool:
    """Whether an entry point is of geobench's own distribution, and leads to its own folders.

    Another distribution may have the name, or name the module.
    """
    if entry.dist is None or name_of(entry.dist).lower().replace("_", "-") != OWN:
        return False
    try:
        spec = find_spec(entry.value.partition(":")[0].partition(".")[0])
    except (ImportError, ValueError):
        return False
    return bool(spec and spec.origin and Path(spec.origin).is_relative_to(_HOME))


def name_of(distribution: Distribution) -> str:
    """Its name; of one that has lost its metadata, that of its folder."""
    return _fact(distribution, "Name") or place_of(distribution).name.partition("-")[0]


def version_of(distribution: Distribution) -> str:
    """Its version; "" where it has lost its metadata."""
    return _fact(distribution, "Version")


def _fact(distribution: Distribution, key: str) -> str:
    try:
        known = distribution.metadata[key]
    except Exception as error:  # Pythons differ in what they raise
        _say(distribution, error)
        return ""
    if known is None:
        _say(distribution, LookupError(f"its METADATA has no {key}"))
    return known or ""


def versions() -> dict[str, str]:
    """The name in lower case -> the version, of every distribution that has both."""
    found = {name_of(each).lower(): version_of(each) for each in _every()}
    return {name: version for name, version in found.items() if version}


def names_of_modules() -> Mapping[str, list[str]]:
    """Top-level module -> the names of the distributions that bring it."""
    try:
        return metadata.packages_distributions()
    except Exception:  # of one distribution, and we are not told of which
        found: dict[str, list[str]] = {}
        for each in _every():
            for module in sorted(_modules(each)):
                found.setdefault(module, []).append(name_of(each))
        return found


def _modules(distribution: Distribution) -> set[str]:
    try:
        files = distribution.files or ()
    except Exception as error:
        _say(distribution, error)
        return set()
    tops = {path.parts[0] for path in files if path.suffix == ".py"}
    return {top.removesuffix(".py") for top in tops}


def _every() -> Iterator[Distribution]:
    """Each distribution once: of two of a name, the first on the path is imported."""
    known = set()
    for each in metadata.distributions():
        name = place_of(each).name.partition("-")[0].lower()
        if name not in known:
            known.add(name)
            yield each


def place_of(distribution: Distribution) -> Path:
    """The folder of its metadata."""
    return Path(str(getattr(distribution, "_path", distribution.locate_file("unknown"))))


def _say(distribution: Distribution, error: Exception) -> None:
    place = str(place_of(distribution))
    if place not in _said:
        _said.add(place)
        log.warning(
            "the distribution in %s is damaged (%s: %s) and is left out where that matters. "
            "Install it again, or remove that folder",
            place,
            type(error).__name__,
            " ".join(str(error).split()),
        )
