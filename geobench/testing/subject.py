"""A subject: one plugin, configured to be tiny, in the situation that its checks need."""

import shutil
import tempfile
import weakref
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from geobench.components import Plugin
from geobench.errors import PluginError
from geobench.testing.once import Once

P = TypeVar("P", bound=Plugin)


class Subject(Generic[P]):
    """A plugin class under its tiny configuration, with a folder of its own.

    Args:
        plugin: the class.
        config: its configuration; that of `plugin.tiny` by default.
    """

    def __init__(self, plugin: type[P], *, config: Any = None) -> None:
        self.plugin = plugin
        self.once = Once()
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
