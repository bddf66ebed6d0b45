"""Records: the two keys, and what is stored of one training on one task.

A record is a folder `leaderboards/<benchmark>/runs/<split>-<part>-<task8>/<method>-<seed>-<key8>/`
with `record.json`, `answer.npz` and one npz per metric that stores columns. It is a draft beside
its place until it is complete, so that it exists whole or not at all.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench.digests import digest
from geobench.errors import StoreError
from geobench.geo import Points
from geobench.names import file_name
from geobench.partitions import EqualAreaGrid
from geobench.records.beside import Beside
from geobench.records.documents import refuse_newer
from geobench.records.files import ANEW, read_arrays, read_stamped, sha256_of
from geobench.records.record import DrawRule, Record, Status
from geobench.records.shapes import Shape, fit, refuse_off_the_sphere

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
    def read(cls, folder: Path, *, photos: int | None = None) -> "StoredRecord | None":
        """The record in a folder, None if there is none; a damaged one is none, with a warning.

        Args:
            folder: where it lies.
            photos: how many the part has, where that is known: one of others is damaged, too.

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
                answer_arrays(folder, photos=photos)
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
        return answer_arrays(self.folder)

    def beside(self) -> Beside:
        """What is kept beside the answers: which are none, and what was said along with them."""
        return Beside.of(self.arrays())

    def files(self) -> dict[str, str]:
        """SHA-256 of every file of the record, by name."""
        return digests_in(self.folder)


def answer_arrays(folder: Path, *, photos: int | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of a record's answer.npz, of the kinds and shapes that they promise.

    Args:
        folder: of the record.
        photos: how many the part has, where that is known.

    Raises:
        StoreError: they cannot be read, or are others.
    """
    path = folder / "answer.npz"
    arrays = read_arrays(path)
    fit(arrays, _ANSWERS, where=path, N=photos)
    refuse_off_the_sphere(arrays, ("answer", "sample"), where=path)
    Beside.check(arrays, where=path)
    return arrays


_ANSWERS = {"answer": Shape("f", ("N", 2)), "sample": Shape("f", ("N", 2))}


def map_arrays(folder: Path, *, photos: int) -> dict[str, NDArray[Any]]:
    """The arrays of a record's map.npz, of K photos of the part's.

    Raises:
        StoreError: they cannot be read, or are others.
    """
    path = folder / MAP
    arrays = read_arrays(path)
    fit(arrays, _MAP, where=path, cells=len(EqualAreaGrid(MAP_CELL_ROWS)))
    refuse_off_the_sphere(arrays, ("answer", "samples"), where=path)
    rows = arrays["rows"]
    if ((rows < 0) | (rows >= photos)).any() or len(np.unique(rows)) < len(rows):
        raise StoreError("shows photos that its part has not", where=str(path), remedy=ANEW)
    return arrays


_MAP = {
    "rows": Shape("iu", ("K",)),
    "id": Shape("U", ("K",)),
    "answer": Shape("f", ("K", 2)),
    "samples": Shape("f", ("K", "S", 2)),
    "log_density": Shape("f", ("K", "cells"), needed=False),
    "trajectories": Shape("f", ("K", "P", "T", 2), needed=False),
    "picture": Shape("u", ("K", "H", "W", 3), needed=False),
}


def digests_in(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a record's folder, by name; none where there is no folder.

    Raises:
        StoreError: something lies there that is no file of a record: a folder, a link, a pipe.
    """
    if not folder.is_dir():
        return {}
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return {path.name: sha256_of(path) for path in paths}
