"""Records: the two keys, and what is stored of one training on one task.

A record is a folder `leaderboards/<benchmark>/runs/<split>-<part>-<task8>/<method>-<seed>-<key8>/`
with `record.json`, `answer.npz` and one npz per metric that stores columns. It is a draft beside
its place until it is complete, so that it exists whole or not at all.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, final, get_args

from geobench.digests import digest, file_digest
from geobench.errors import StoreError
from geobench.geo import Points
from geobench.records.files import read_arrays, read_json, read_stamped

log = logging.getLogger(__name__)

KEYS = 3
"""What stands in fit keys: raised when the meaning of a key changes, and then all run again."""
LAYOUT = 4
"""Version of the layout of records and of benchmark.json; raised when it changes. Layout 4 shows
fields that keys leave out."""
OLDEST_LAYOUT = 3
"""The oldest layout that is read."""


MAP = "map.npz"
"""The file of a record that holds what `geobench map` asked the method for."""

MAP_CELL_ROWS = 49
"""Bands of the EqualAreaGrid on whose 3,058 cells log-densities are kept there."""

SAME_ANSWER_KM = 0.01
"""Answers of a restored method may differ by this from the recorded ones."""


def check_layout(data: Mapping[str, Any], where: Path) -> None:
    """Raise StoreError if a record or benchmark.json is of a layout that is not read here."""
    found = data.get("schema")
    if not isinstance(found, int) or found < OLDEST_LAYOUT:
        raise StoreError(
            f"is of layout {found}, and {OLDEST_LAYOUT} is the oldest that is read",
            where=str(where),
            remedy="Run it again.",
        )
    if found > LAYOUT:
        raise StoreError(
            f"is of layout {found}, and {LAYOUT} is the newest that is read here",
            where=str(where),
            remedy="It was made by a newer geobench: install that.",
        )


def refuse_newer(path: Path) -> None:
    """Raise StoreError if a record.json or benchmark.json was made by a newer geobench.

    Such a file is not damaged, and no run may write over it. One that cannot be read at all may.
    """
    try:
        found = read_json(path).get("schema") if path.exists() else None
    except StoreError:
        return
    if isinstance(found, int) and found > LAYOUT:
        check_layout({"schema": found}, path)


Status: TypeAlias = Literal["ok", "failed", "deadline", "not-answered", "absent"]
"""`absent`: a package or weights that the method needs are not on the machine that ran."""


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
        return f"{self.split}-{self.part}-{self.digest[:8]}"


@final
class DrawRule(TypedDict):
    """What decides draws, and how many photos and draws are scored, as record.json says it."""

    chunk: int
    photos: int | str
    samples: int
    density_photos: NotRequired[int | str]
    density_samples: NotRequired[int]


def record_key(fit_key: str, task: str, draws: DrawRule) -> str:
    """The record key: SHA-256 over the fit key, the task and what decides the draws.

    Args:
        fit_key: of the training.
        task: the task's digest.
        draws: the benchmark's rule, as it stands in record.json.
    """
    return digest({"fit": fit_key, "task": task, **draws})


@final
@dataclass(frozen=True, slots=True)
class Record:
    """A record on disk.

    Args:
        folder: where it lies.
        data: the content of record.json.
    """

    folder: Path
    data: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Record | None":
        """The record in a folder, None if there is none; a damaged one is none, with a warning.

        Raises:
            StoreError: it was made by a newer geobench.
        """
        path = folder / "record.json"
        if not path.exists():
            return None
        refuse_newer(path)  # before its stamp is looked at, which may be another there
        try:
            data = read_stamped(path)
            check_layout(data, path)
            if data.get("status") not in get_args(Status):
                raise StoreError(f"has the status {data.get('status')!r}")
            if data["status"] == "ok":
                read_arrays(folder / "answer.npz")
        except StoreError as error:
            log.warning("record %s %s: it will be made again", folder, error)
            return None
        return cls(folder, data)

    @property
    def status(self) -> Status:
        return self.data["status"]  # type: ignore[no-any-return]  # `read` has checked it

    def answers(self) -> Points:
        """The stored answer of every photo, (N, 2)."""
        return read_arrays(self.folder / "answer.npz")["answer"]

    def files(self) -> dict[str, str]:
        """SHA-256 of every file of the record, by name."""
        paths = sorted(path for path in self.folder.iterdir() if not path.name.startswith("."))
        return {path.name: file_digest(path) for path in paths}
