"""What every plugin class is: a named, versioned component with a closed configuration."""

import json
from abc import ABC
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, model_validator

from geobench.digests import digest, file_digest
from geobench.errors import ConfigError


class Config(BaseModel):
    """Base of all configurations: closed (an unknown key is an error) and frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, validate_default=True
    )


def _existing(path: Path, info: ValidationInfo) -> Path:
    folder = info.context["folder"] if info.context else Path()
    full = (folder / path.expanduser()).resolve()
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

    def identity(self) -> dict[str, Any]:
        """What goes into a key: kind, name, version and resolved configuration, as JSON data."""
        return {
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            # A dataset's digest holds what matters of its folders: five million files, say.
            "config": canonical(self.config, folders=self.kind != "dataset"),
        }


T = TypeVar("T")


class Component(Config, Generic[T]):
    """A config field that names another component: `Component[Retriever]`.

    In YAML it is a name or a mapping `{name: ..., preset: ..., <its own config>}`. A method
    reads `context.component(config.retriever)` and gets it fitted, because the harness plans it
    as a cell of its own on the same train, val and seed; a split reads `.plugin`.
    """

    plugin: Any
    label: str = ""

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Plugin):
            value = {"plugin": value, "label": value.name}
        elif not (isinstance(value, Mapping) and isinstance(value.get("plugin"), Plugin)):
            if not info.context or "resolve" not in info.context:
                raise ValueError("give a configured plugin object")
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
    def of(cls, plugin: Plugin, *, label: str = "") -> Self:
        """A reference to a plugin that was configured in Python."""
        return cls.model_validate({"plugin": plugin, "label": label or plugin.name})

    def __reduce__(self) -> tuple[Any, ...]:  # the class Component[Dataset] has no name to pickle
        return _component, (self.wanted(), self.plugin, self.label)


def _component(wanted: type[Plugin], plugin: Plugin, label: str) -> Any:
    return Component[wanted].of(plugin, label=label)  # type: ignore[valid-type]


def canonical(value: Any, *, paths: bool = True, folders: bool = True) -> Any:
    """A configuration as JSON data that is equal if and only if it asks for the same numbers.

    Args:
        value: a Config, or anything that one holds.
        paths: put the SHA-256 of its content in a path's place (False: leave paths out).
        folders: do so for folders, too (False: leave folders out).
    """
    if isinstance(value, Path) and not paths:
        return None
    if isinstance(value, Component):
        return value.plugin.identity()
    if isinstance(value, BaseModel):
        pairs = ((name, getattr(value, name)) for name in type(value).model_fields)
        return {
            k: canonical(v, paths=paths, folders=folders)
            for k, v in pairs
            if paths or not isinstance(v, Path)
        }
    if isinstance(value, Mapping):
        return {str(k): canonical(v, paths=paths, folders=folders) for k, v in value.items()}
    if isinstance(value, Path):
        if value.is_file():
            return {"sha256": file_digest(value)}
        return {"sha256": _folder_digest(value)} if folders else None
    if isinstance(value, str | bool | int | float | None):
        return value
    if isinstance(value, Iterable):
        items = [canonical(v, paths=paths, folders=folders) for v in value]
        return sorted(items, key=json.dumps) if isinstance(value, set | frozenset) else items
    raise ConfigError(
        f"a configuration holds {value!r}, a {type(value).__name__}",
        remedy="Config fields are numbers, strings, booleans, paths, components and lists of them.",
    )


def _folder_digest(folder: Path) -> str:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest([[path.relative_to(folder).as_posix(), file_digest(path)] for path in paths])
