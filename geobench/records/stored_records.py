"""Records: the two keys, and what is stored of one training on one task.

A record is a folder `leaderboards/<benchmark>/runs/<split>-<part>-<task8>/<method>-<seed>-<key8>/`
with `record.json`, `answer.npz` and one npz per metric that stores columns. It is a draft beside
its place until it is complete, so that it exists whole or not at all.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from numpy.typing import NDArray

from geobench.digests import digest, written_digest
from geobench.errors import StoreError
from geobench.geo import Points
from geobench.names import file_name
from geobench.records.beside import Beside
from geobench.records.documents import refuse_newer
from geobench.records.files import read_arrays, read_stamped
from geobench.records.record import DrawRule, Record, Status

log = logging.getLogger(__name__)

KEYS = 3
"""What stands in fit keys: raised when the meaning of a key changes, and then all run again."""


MAP = "map.npz"
"""The file of a record that holds what `geobench map` asked the method for."""

MAP_CELL_ROWS = 49
"""Bands of the EqualAreaGrid on whose 3,058 cells log-densities are kept there."""

SAME_ANSWER_KM = 0.01
"""Answers of a restored method may differ by this from the recorded ones."""


@final
@dataclass(frozen=True, slots=True)
class Task:
    """One (train, val, part) triple: what rows of one table have in common.

    Args:
        split: the split's name, as in folder names.
        part: the test part's name.
        train, val, test: the digests of the three parts.
        dataset: the digest of the test part's dataset, whose pictures and attributes count, too.
    """

    split: str
    part: str
    train: str
    val: str
    test: str
    dataset: str

    @property
    def digest(self) -> str:
        """SHA-256 of the four digests."""
        return digest([self.train, self.val, self.test, self.dataset])

    @property
    def folder(self) -> str:
        return f"{file_name(f'{self.split}-{self.part}')}-{self.digest[:8]}"


def record_key(fit_key: str, task: str, draws: DrawRule) -> str:
    """The record key: SHA-256 over the fit key, the task and what decides the draws.

    Args:
        fit_key: of the training.
        task: the task's digest.
        draws: the benchmark's rule, as it stands in record.json.
    """
    return digest({"fit": fit_key, "task": task, **draws.data})


@final
@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record on disk.

    Args:
        folder: where it lies.
        content: what its record.json says.
    """

    folder: Path
    content: Record

    @classmethod
    def read(cls, folder: Path) -> "StoredRecord | None":
        """The record in a folder, None if there is none; a damaged one is none, with a warning.

        Raises:
            StoreError: it was made by a newer geobench.
        """
        path = folder / "record.json"
        if not path.exists():
            return None
        refuse_newer(path)  # before its stamp is looked at, which may be another there
        try:
            content = Record.of(read_stamped(path), path)
            if content.status == "ok":
                read_arrays(folder / "answer.npz")
        except StoreError as error:
            log.warning("record %s %s: it will be made again", folder, error)
            return None
        return cls(folder, content)

    @property
    def status(self) -> Status:
        return self.content.status

    def answers(self) -> Points:
        """The stored answer of every photo, (N, 2)."""
        return self.arrays()["answer"]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of answer.npz: answers, first draws, and what `records.beside` reads."""
        return read_arrays(self.folder / "answer.npz")

    def beside(self) -> Beside:
        """What is kept beside the answers: which are none, and what was said along with them."""
        return Beside.of(self.arrays())

    def files(self) -> dict[str, str]:
        """SHA-256 of every file of the record, by name."""
        return digests_in(self.folder)


def digests_in(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a record's folder, by name; none where there is no folder."""
    if not folder.is_dir():
        return {}
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return {path.name: written_digest(path) for path in paths}
