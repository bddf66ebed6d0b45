"""What every plugin class is: a named, versioned component with a closed configuration."""

import json
import os
from abc import ABC
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Self, TypeAlias, TypeVar, cast, final

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, model_validator

from geobench.digests import digest, file_digest, known_digest
from geobench.errors import ConfigError


class Config(BaseModel):
    """Base of all configurations: closed (an unknown key is an error) and frozen."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        validate_default=True,
        # A model's validator is built when it is first used: of all the plugins that are
        # installed, a command configures a few. `catalogue.find` says it if one cannot be built.
        defer_build=True,
    )

    added: ClassVar[Mapping[str, Any]] = {}
    """Field -> the value at which keys leave it out, so that a new field does not invalidate what
    is stored: the literal that does what was done before the field existed, not its present
    default (a default that is chosen anew must change the key). Those of base classes hold, too."""

    unkeyed: ClassVar[frozenset[str]] = frozenset()
    """Fields that change no number, and are in no key. Those of base classes hold, too."""

    @model_validator(mode="before")
    @classmethod
    def _as_it_was_stored(cls, value: Any, info: ValidationInfo) -> Any:
        """A stored configuration without a field is of the time before the field was added."""
        if isinstance(value, Mapping) and info.context and info.context.get("stored"):
            return {**added_fields(cls), **value}
        return value

    @classmethod
    def from_stored(cls, data: Mapping[str, Any]) -> Self:
        """The configuration that benchmark.json or a record shows.

        Raises:
            ValidationError: it cannot be made again from its JSON data.
        """
        return cls.model_validate(dict(data), context={"stored": True})


def added_fields(config: type[BaseModel]) -> dict[str, Any]:
    """`added` of a configuration's class and of its bases."""
    maps = (vars(base).get("added", {}) for base in reversed(config.__mro__))
    return {name: value for each in maps for name, value in each.items()}


def unkeyed_fields(config: type[BaseModel]) -> frozenset[str]:
    """`unkeyed` of a configuration's class and of its bases."""
    return frozenset().union(*(vars(base).get("unkeyed", ()) for base in config.__mro__))


def _existing(path: Path, info: ValidationInfo) -> Path:
    folder = info.context["folder"] if info.context else Path()
    with suppress(RuntimeError):  # the home of nobody: a file whose name begins with ~
        path = path.expanduser()
    full = Path(os.path.realpath(folder / path))  # a link to itself leads nowhere, and is no error
    if not full.exists():
        raise ValueError(f"{full} does not exist; paths are relative to the YAML file")
    return full


InputPath = Annotated[Path, AfterValidator(_existing)]
"""A config field that names a file or folder: relative to the YAML file, checked while planning.
Keys hold the SHA-256 of its content, and nothing of where it lies. A dataset's own paths are in no
key: its digest is."""


class Plugin(ABC):
    """Common base of Dataset, Split, Encoder, Method and Metric.

    A class is registered by a hook and configured by an entry of benchmarks.yaml. Its module
    imports only the standard library, numpy, pydantic and geobench; what is heavier it names in
    `requires` and imports where it is used.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    """Unique within its kind: lower case, words joined by hyphens."""
    version: ClassVar[int] = 1
    """Raised whenever its numbers change; part of every key."""
    Config: ClassVar[type[Config]] = Config
    requires: ClassVar[tuple[str, ...]] = ()
    """Importable module names that it needs beyond the base install."""
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Named settings for the reserved key `preset`; explicit keys override them."""

    def __init__(self, config: Any = None) -> None:
        self.config: Any = self.Config() if config is None else config

    @classmethod
    def describe(cls) -> str:
        """The first line of the class's docstring."""
        return (cls.__doc__ or "").strip().split("\n")[0].rstrip(".")

    @classmethod
    def tiny(cls, folder: Path) -> Any:
        """A configuration that makes tests take seconds; may write what it reads into `folder`."""
        return cls.Config()

    def content(self) -> str:
        """A digest of what lies outside the configuration and decides the numbers: weights in a
        package, a checkpoint. It is part of the identity, and so of every key.

        "" if there is nothing of the kind. It is asked for while planning, so it loads nothing
        heavy: `geobench.digests.of_files(*paths)` reads each file once.

        Raises:
            GeobenchError: the weights are not there; says which, from where, and where to put them.
        """
        return ""

    def identity(self, *, keyed: bool = True) -> dict[str, Any]:
        """What goes into a key: kind, name, version, resolved configuration and content, as JSON
        data.

        Args:
            keyed: without the fields that `Config.added` and `Config.unkeyed` leave out of keys;
                else with every field, as records and benchmark.json show it.
        """
        identity = {
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            # A dataset's digest holds what matters of its folders: five million files, say.
            "config": canonical(self.config, folders=self.kind != "dataset", keyed=keyed),
        }
        try:
            content = self.content()
        except Exception:
            # A run says why a method's weights are absent, and only that is recorded under this
            # key. Without those of anything else there is no run.
            if self.kind != "method":
                raise
            content = "absent"
        return identity | ({"content": content} if content else {})


P = TypeVar("P", bound=Plugin)


@final
@dataclass(frozen=True, slots=True)
class _Unresolved:
    """A component by its name: looked up when a configuration is made of it."""

    name: str
    settings: Mapping[str, Any]


Resolver: TypeAlias = Callable[[type[Plugin], str, Mapping[str, Any]], Plugin]
"""(the class that is wanted, a name, configuration and preset) -> the configured plugin."""

_resolvers: list[Resolver] = []


def install_resolver(resolver: Resolver) -> None:
    """Say who looks up components by name: `import geobench` installs the catalogue, which this
    module is below, to be loaded when the first name is looked up."""
    _resolvers[:] = [resolver]


class Component(Config, Generic[P]):
    """A config field that names another component: `Component[Retriever]`.

    In YAML it is a name or a mapping `{name: ..., preset: ..., <its own config>}`. A method
    reads `context.component(config.retriever)` in `fit` and in `restore` and gets it fitted,
    because the harness plans it as a training of its own on the same train, val and seed; a split
    reads `.plugin`.
    """

    plugin: P
    label: str = ""

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Plugin):
            value = {"plugin": value, "label": value.name}
        elif isinstance(value, _Unresolved):
            value = {"plugin": cls._looked_up(value), "label": value.name}
        elif not (isinstance(value, Mapping) and isinstance(value.get("plugin"), Plugin)):
            if not info.context or "resolve" not in info.context:
                raise ValueError("give a configured plugin object, or Component[...].named(...)")
            value = info.context["resolve"](cls.wanted(), value)
        if not isinstance(value["plugin"], cls.wanted()):
            raise ValueError(f"{value['plugin'].name} is no {cls.wanted().__name__}")
        return value

    @classmethod
    def wanted(cls) -> type[Plugin]:
        """The class in the brackets."""
        kind: type[Plugin] = cls.__pydantic_generic_metadata__["args"][0]
        return kind

    @classmethod
    def _looked_up(cls, reference: _Unresolved) -> Plugin:
        return _resolvers[0](cls.wanted(), reference.name, reference.settings)

    @classmethod
    def of(cls, plugin: Plugin, *, label: str = "") -> Self:
        """A reference to a plugin that was configured in Python."""
        return cls.model_validate({"plugin": plugin, "label": label or plugin.name})

    @classmethod
    def named(cls, name: str, **settings: Any) -> Self:
        """A reference by name, for defaults: `Component[Retriever].named("geoclip", top_k=5)`.

        Nothing is looked up before a configuration is made, so that its package need not be there
        when this one is imported.

        Args:
            name: the component's.
            settings: its configuration, and `preset`, as in YAML.

        Raises:
            ConfigError: when a configuration is made: no such component is installed, or it does
                not take these settings.
        """
        return cast("Self", _Unresolved(name, settings))

    def __reduce__(self) -> tuple[Any, ...]:  # the class Component[Dataset] has no name to pickle
        return _component, (self.wanted(), self.plugin, self.label)


def _component(wanted: type[Plugin], plugin: Plugin, label: str) -> Any:
    return Component[wanted].of(plugin, label=label)  # type: ignore[valid-type]  # a class at hand


def canonical(value: Any, *, paths: bool = True, folders: bool = True, keyed: bool = True) -> Any:
    """A configuration as JSON data that is equal if and only if it asks for the same numbers.

    Args:
        value: a Config, or anything that one holds.
        paths: put the SHA-256 of its content in a path's place (False: leave paths out).
        folders: do so for folders, too (False: leave folders out).
        keyed: leave out what `Config.added` and `Config.unkeyed` say (False: show every field).
    """

    def inner(item: Any) -> Any:
        return canonical(item, paths=paths, folders=folders, keyed=keyed)

    if isinstance(value, Path) and not paths:
        return None
    if isinstance(value, Component):
        return value.plugin.identity(keyed=keyed)
    if isinstance(value, BaseModel):
        silent = _left_out(value, inner) if keyed else frozenset()
        pairs = ((n, getattr(value, n)) for n in type(value).model_fields if n not in silent)
        return {name: inner(v) for name, v in pairs if paths or not isinstance(v, Path)}
    if isinstance(value, Mapping):
        return {str(k): inner(v) for k, v in value.items()}
    if isinstance(value, Path):
        if value.is_file():
            return {"sha256": known_digest(value)}
        return {"sha256": _folder_digest(value)} if folders else None
    if isinstance(value, str | bool | int | float | None):
        return value
    if isinstance(value, Iterable):
        items = [inner(v) for v in value]
        return sorted(items, key=json.dumps) if isinstance(value, set | frozenset) else items
    raise ConfigError(
        f"a configuration holds {value!r}, a {type(value).__name__}",
        remedy="Config fields are numbers, strings, booleans, paths, components and lists of them.",
    )


def _left_out(config: BaseModel, inner: Callable[[Any], Any]) -> frozenset[str]:
    """The fields that keys of this configuration leave out.

    Args:
        inner: gives a field's value as JSON data.
    """
    before = {
        name
        for name, literal in added_fields(type(config)).items()
        if _is(literal, getattr(config, name), inner)
    }
    return unkeyed_fields(type(config)) | before


def _is(literal: Any, value: Any, inner: Callable[[Any], Any]) -> bool:
    """Whether a field has the value at which it is left out."""
    if isinstance(literal, _Unresolved):
        literal = type(value).model_validate(literal) if isinstance(value, Component) else None
    if literal is None or value is None:
        return literal is value
    return bool(inner(value) == inner(literal))


Steps: TypeAlias = list[str | int]
"""The way to a place in JSON data: keys of mappings and positions in lists."""


def left_out(shown: Any, keyed: Any) -> list[Steps]:
    """What is in JSON data `shown` and not in `keyed`, which is the same otherwise."""
    if isinstance(shown, dict) and isinstance(keyed, dict):
        absent: list[Steps] = [[name] for name in shown if name not in keyed]
        pairs: Iterable[Any] = ((name, shown[name], keyed[name]) for name in shown if name in keyed)
    elif isinstance(shown, list) and isinstance(keyed, list):
        absent, pairs = [], zip(range(len(shown)), shown, keyed, strict=True)
    else:
        return []
    return [*absent, *([step, *way] for step, a, b in pairs for way in left_out(a, b))]


def without(shown: Any, ways: Iterable[Steps]) -> Any:
    """JSON data without what `left_out` found: what a digest was taken of."""
    found = json.loads(json.dumps(shown))
    for *way, last in ways:
        place = found
        for step in way:
            place = place[step]
        del place[last]
    return found


def _folder_digest(folder: Path) -> str:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest([[path.relative_to(folder).as_posix(), file_digest(path)] for path in paths])
