"""Where configuration is written: a YAML file, a command line, a stored board, or Python."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from collections.abc import Mapping as Lookup
from collections.abc import Sequence as Words
from pathlib import Path
from typing import Any, TypeAlias, final

from geobench.catalogue import Catalogue
from geobench.config.yaml_lines import Mapping
from geobench.errors import ConfigError, storable, words_of

_SHOWN = 200  # characters of a word in a message

RESERVED = ("name", "label", "preset")
"""Keys of a component that are not its own configuration."""

Way: TypeAlias = tuple[str | int, ...]
"""The way to a value in an entry: keys of mappings and positions in lists."""


class Origin(ABC):
    """Where entries are written: what errors point at, and what paths are relative to.

    Args:
        catalogue: where plugins come from.
        folder: paths are relative to it.
        stored: an entry without a field is of the time before the field was added.
        at_once: what is configured is used at once, so that the packages it needs must be there;
            a run says of each method by itself what it lacks.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        folder: Path = Path(),
        stored: bool = False,
        at_once: bool = False,
    ) -> None:
        self.catalogue = catalogue
        self.folder = folder
        self.stored = stored
        self.at_once = at_once

    @property
    def paths(self) -> frozenset[str] | None:
        """The only paths that a configuration may name; None where it may name any."""
        return None

    def may_name(self, value: Any, written: Any) -> bool:
        """Whether a field may hold this value, made of what is written, for all its paths."""
        return self.paths is None or not _holds_path(value) or set(_paths(written)) <= self.paths

    @abstractmethod
    def where(self, entry: Lookup[str, Any], way: Way) -> str:
        """The place of a value, for errors.

        Args:
            entry: a component's, or what holds components.
            way: to the value; () for the whole entry, from which a value is missing.

        Returns:
            "" where nobody knows but who holds the entry: it says in which of its values it is.
        """

    def own(self, entry: Lookup[str, Any]) -> dict[str, Any]:
        """The component's own configuration that an entry holds."""
        return {key: value for key, value in entry.items() if key not in RESERVED}


@final
class YamlFile(Origin):
    """A YAML file: errors name the line.

    Args:
        path: the file's, which paths in it are relative to.
        catalogue: where plugins come from.
    """

    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        super().__init__(catalogue, folder=path.parent)
        self.path = path

    def line(self, entry: Mapping, way: Way) -> int:
        """The line of a value: of its key, or of its place in a list."""
        line: int = entry.line
        value: Any = entry
        for step in way:
            line, value = value.lines[step], value[step]
        return line

    def where(self, entry: Lookup[str, Any], way: Way) -> str:
        # A bare name is an entry, too, and only the list or the mapping that holds it has lines.
        return f"{self.path}:{self.line(entry, way)}" if isinstance(entry, Mapping) else ""


@final
class CommandLine(Origin):
    """One option that takes KEY=VALUE words: errors name the option.

    Args:
        name: the component's, which is said by another option or argument.
        words: such as `root=photos`. A list or a mapping is JSON; of any other text each field
            makes its type.
        option: such as "--config".
        catalogue: where plugins come from.

    Raises:
        ConfigError: a word is no KEY=VALUE, or its value no JSON.
    """

    def __init__(self, name: str, words: Words[str], *, option: str, catalogue: Catalogue) -> None:
        super().__init__(catalogue, at_once=True)
        self.option = option
        self.entry: dict[str, Any] = {**settings_of(words, option=option), "name": name}

    def where(self, entry: Lookup[str, Any], way: Way) -> str:
        return self.option if entry is self.entry and way != ("name",) else ""


@final
class Stored(Origin):
    """An entry of benchmark.json: errors name the file, or the option that adds keys.

    Args:
        name: the component's.
        config: its configuration, as `Plugin.identity` has it.
        path: benchmark.json's.
        catalogue: where plugins come from.
        told: configuration that an option of a command adds or changes.
        option: which option that is; "" if none can.
    """

    def __init__(
        self,
        name: str,
        config: Lookup[str, Any],
        *,
        path: Path,
        catalogue: Catalogue,
        told: Lookup[str, Any] | None = None,
        option: str = "",
    ) -> None:
        super().__init__(catalogue, stored=True)
        self.path = path
        self.told = told or {}
        self.option = option
        self.entry = {"name": name, "config": {**config, **self.told}}

    def where(self, entry: Lookup[str, Any], way: Way) -> str:
        if entry is not self.entry:
            return ""
        told = way[0] in self.told if way else self.option
        return self.option if told else str(self.path)

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(_paths(self.told))

    def own(self, entry: Lookup[str, Any]) -> dict[str, Any]:
        # What an option names in its JSON is written as in YAML.
        return dict(entry["config"]) if "config" in entry else super().own(entry)


@final
class Default(Origin):
    """A default in a configuration's class: who is configured by it knows where that is."""

    def where(self, entry: Lookup[str, Any], way: Way) -> str:
        return ""


def _paths(written: Any) -> Iterator[str]:
    """Every string in JSON data, as the path that it may mean."""
    if isinstance(written, str):
        yield str(Path(written))
    elif isinstance(written, Lookup):
        yield from (path for each in written.values() for path in _paths(each))
    elif isinstance(written, list | tuple):
        yield from (path for each in written for path in _paths(each))


def _holds_path(value: Any) -> bool:
    if isinstance(value, Lookup):
        return any(map(_holds_path, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_path, value))
    return isinstance(value, Path)


def settings_of(words: Words[str], *, option: str) -> dict[str, Any]:
    """KEY=VALUE words as a configuration: a list or a mapping is JSON, all else is text.

    Args:
        words: what was typed.
        option: after which option, for errors.

    Raises:
        ConfigError: a word is no KEY=VALUE, or its value no JSON.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals):
            problem = f"{option} {word!r} is no KEY=VALUE"
            raise ConfigError(problem, remedy=f"Write a key and its value: {option} root=photos.")
        found[key] = value
        if value.startswith(("[", "{")):
            try:
                found[key] = json.loads(value)
            except (ValueError, RecursionError) as error:
                problem = f"{storable(word, _SHOWN)} is no JSON ({words_of(error, _SHOWN)})"
                remedy = 'Write test=["blue-marble"].'
                raise ConfigError(problem, where=option, remedy=remedy) from None
    return found
