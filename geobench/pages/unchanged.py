"""Whether a leaderboard is what this code has made of its records: a run then leaves it as it is.

That is kept in the workspace and not in benchmark.json: it is about the code of this machine, and a
published board would change with every commit. `report` and `verify` never ask; they compute all.
"""

import sys
from pathlib import Path
from typing import final

from geobench.catalogue import Catalogue
from geobench.components import Plugin
from geobench.digests import digest, written_digest
from geobench.errors import StoreError
from geobench.figures.kept import as_written, intact
from geobench.loading import KINDS
from geobench.metrics import Metric
from geobench.records import Manifest, files
from geobench.records.verdicts import code_digest
from geobench.records.workspace import Workspace


@final
class LastMade:
    """Of what, and by which code, a leaderboard was last made, as the workspace keeps it.

    It is asked for before the work begins: code that changes meanwhile is neither all old nor all
    new, and what it makes is made again by the next run.

    Args:
        folder: the leaderboard's.
        workspace: in which it lies.
        catalogue: all plugins.
    """

    def __init__(self, folder: Path, workspace: Workspace, catalogue: Catalogue) -> None:
        self._folder = folder
        self._path = workspace.hidden / "made" / f"{folder.name}.json"
        self._catalogue = catalogue
        self._code = code(catalogue)

    def holds(self, *, pictures: bool) -> bool:
        """Whether making tables, page and (where wanted) pictures again would change no file.

        They were made without a problem, by this very code, of this very benchmark.json, which the
        caller has just compared with the records; and all files but these are as it names them.
        """
        try:
            kept = files.read_stamped(self._path)
        except StoreError:  # never made here, or damaged
            return False
        if kept["made"] != self._state() or (pictures and not kept["pictures"]):
            return False
        manifest = Manifest.read(self._folder / "benchmark.json")
        tables = manifest.tables or {}
        whole = all(as_written(self._folder / name, sha) for name, sha in tables.items())
        return whole and all(intact(self._folder, entry) for entry in manifest.pictures)

    def keep(self, *, pictures: bool) -> None:
        """Note that everything was made just now, without a problem."""
        if code(self._catalogue) == self._code:
            files.write_stamped(self._path, {"made": self._state(), "pictures": pictures})

    def _state(self) -> str:
        return digest([written_digest(self._folder / "benchmark.json"), self._code])


def code(catalogue: Catalogue) -> str:
    """SHA-256 of all that tables, page and pictures depend on beside records: sources, versions.

    A version that somebody has to raise is forgotten one day, and then stale tables pass for fresh
    ones. The sources are those of geobench and of every package that registers a plugin, so that
    another commit of an editable checkout counts; of numpy, matplotlib and all else that is
    installed the folders `<name>-<version>.dist-info` tell.
    """
    plugins: list[type[Plugin]] = [Metric]  # it stands for geobench itself
    plugins += [each.plugin for kind in KINDS for each in catalogue.of_kind(kind)]
    packages = {plugin.__module__.partition(".")[0]: plugin for plugin in plugins}
    sources = {name: code_digest(plugin) for name, plugin in packages.items()}
    installed = {path.name for place in sys.path for path in Path(place).glob("*.dist-info")}
    return digest([sys.version, sources, sorted(installed)])
