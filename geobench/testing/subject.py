"""A subject: one plugin, configured to be tiny, in the situation that its checks need."""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, final

from pydantic import BaseModel

from geobench.components import Component, Plugin, added_fields, unkeyed_fields
from geobench.errors import PluginError
from geobench.testing.check import ensure
from geobench.testing.memo import Memo

P = TypeVar("P", bound=Plugin)


@final
class Imported(NamedTuple):
    """What importing a plugin's module in a new process took: seconds of the CPU, and all packages
    that are in memory afterwards."""

    seconds: float
    packages: frozenset[str]


class Subject(Generic[P]):
    """A plugin class under its tiny configuration, with a folder of its own.

    Args:
        plugin: the class.
        config: its configuration; that of `plugin.tiny` by default.
    """

    def __init__(self, plugin: type[P], *, config: Any = None) -> None:
        self.plugin = plugin
        self.memo = Memo()
        self.imported: Imported | None = None  # once another process has imported its module
        self._config = config
        self._folders = 0

    @cached_property
    def root(self) -> Path:
        """Where all its folders lie, removed with the subject."""
        root = Path(tempfile.mkdtemp(prefix="geobench-check-")).resolve()
        weakref.finalize(self, shutil.rmtree, root, ignore_errors=True)
        return root

    def folder(self) -> Path:
        """A new empty folder, removed with the subject."""
        self._folders += 1
        place = self.root / str(self._folders)
        place.mkdir()
        return place

    @cached_property
    def tiny_folder(self) -> Path:
        """The folder that `tiny` may write into."""
        return self.folder()

    @cached_property
    def config(self) -> Any:
        """The configuration that is checked.

        Raises:
            PluginError: `tiny` gives none.
        """
        if self._config is not None:
            return self._config
        try:
            return self.plugin.tiny(self.tiny_folder)
        except Exception as error:
            raise PluginError(
                f"{self.plugin.kind} {self.plugin.name} cannot be checked, because tiny(folder) "
                f"raises {type(error).__name__}: {' '.join(str(error).split())}",
                remedy="Define a classmethod `tiny` that gives a small valid configuration.",
            ) from error

    def make(self) -> P:
        """A new instance."""
        return self.plugin(self.config)

    def ensure_configured(self) -> None:
        """`tiny` gives a configuration of the class's Config, and what that leaves out of keys are
        fields of it."""
        ensure(
            isinstance(self.config, self.plugin.Config),
            f"tiny gives a {type(self.config).__name__}, not a {self.plugin.Config.__name__}",
        )
        for kind in {type(config) for config in _configurations(self.config)}:
            _ensure_fields(kind)


def _configurations(value: Any) -> Iterator[BaseModel]:
    """A configuration and those inside it; a component is checked as a plugin of its own."""
    if isinstance(value, BaseModel) and not isinstance(value, Component):
        yield value
        for name in type(value).model_fields:
            yield from _configurations(getattr(value, name))
    elif isinstance(value, Mapping):
        yield from _configurations(list(value.values()))
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for each in value:
            yield from _configurations(each)


def _ensure_fields(kind: type[BaseModel]) -> None:
    for what, names in (("added", added_fields(kind)), ("unkeyed", unkeyed_fields(kind))):
        ensure(
            what not in kind.model_fields,
            f"{kind.__name__}.{what} is a field, and leaves nothing out of keys",
            f"Write `{what} = ...` without a type.",
        )
        unknown = sorted(set(names) - set(kind.model_fields))
        ensure(
            not unknown,
            f"{kind.__name__}.{what} names {', '.join(unknown)}, and there is no such field",
            "A name that is misspelt here leaves nothing out of keys. Its fields: "
            f"{', '.join(kind.model_fields) or 'none'}.",
        )
