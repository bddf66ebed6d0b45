"""Results: the two keys, the record of one cell on one task, and the atomic store of both.

A record is a folder `leaderboards/<benchmark>/runs/<split>-<part>-<task8>/<method>-<seed>-<key8>/`
with `record.json`, `answer.npz` and one npz per metric that stores columns. It is written
elsewhere and renamed into place, so that it exists whole or not at all.
"""

import logging
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Literal, TypeAlias, final, get_args

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from geobench import gazetteer
from geobench.components import digest, file_digest
from geobench.config import DrawRule
from geobench.data import Column, smallest_by_hash
from geobench.errors import StoreError
from geobench.files import drafts, read_arrays, read_stamped
from geobench.geo import Places, Points
from geobench.slices import populations
from geobench.splits import Part

log = logging.getLogger(__name__)

SCHEMA = 3
"""Version of the layout of records and of benchmark.json; raised when it changes."""

_DRAFTS_LAST = 7 * 24 * 3600.0  # seconds; a cell's scratch folder lies among the drafts

Status: TypeAlias = Literal["ok", "failed", "deadline", "not-answered"]


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


def record_key(fit_key: str, task: str, draws: DrawRule) -> str:
    """The record key: SHA-256 over the fit key, the task and what decides the draws.

    Args:
        fit_key: of the training.
        task: the task's digest.
        draws: the benchmark's rule, as it stands in record.json.
    """
    return digest({"fit": fit_key, "task": task, **draws})


@final
class Workspace:
    """The folder in which `leaderboards/` and `.geobench/` lie."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hidden = root / ".geobench"
        self.features = self.hidden / "features"
        self.states = self.hidden / "states"
        self.cache = self.hidden / "cache"

    def board(self, name: str) -> Path:
        """The folder of a benchmark's leaderboard."""
        return self.root / "leaderboards" / name

    @contextmanager
    def lock(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold a lock that other runs on this workspace respect; yields whether it is held."""
        folder = self.hidden / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock", timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    @contextmanager
    def draft(self, final_place: Path) -> Iterator[Path]:
        """An empty folder that replaces `final_place` when the block ends without an error."""
        drafts = self.hidden / "drafts"
        place = drafts / uuid.uuid4().hex
        place.mkdir(parents=True)
        try:
            yield place
            final_place.parent.mkdir(parents=True, exist_ok=True)
            if final_place.exists():
                final_place.rename(drafts / f"{place.name}-old")
            place.rename(final_place)
        finally:
            shutil.rmtree(place, ignore_errors=True)
            shutil.rmtree(drafts / f"{place.name}-old", ignore_errors=True)

    def sweep(self) -> None:
        """Remove drafts that a killed run left behind (untouched for a week)."""
        found = [*(self.hidden / "drafts").glob("*"), *drafts(self.root / "leaderboards")]
        for place in found:
            with suppress(FileNotFoundError):  # another run just finished it
                if time.time() - place.stat().st_mtime <= _DRAFTS_LAST:
                    continue
                if place.is_dir():
                    shutil.rmtree(place, ignore_errors=True)
                else:
                    place.unlink()


def part_arrays(part: Part, train: Part) -> dict[str, NDArray[Any]]:
    """The arrays of part.npz: who the photos are, where they were taken, and how new that is.

    `id` (hashed where the dataset publishes scores only), `truth` (N, 2), `unit`, `group`,
    `nearest` (N, 2) the nearest training place and `novelty` (N,) its distance in km (NaN where
    nothing trains), `neighbours` (N,) how many training photos lie within NEIGHBOURHOOD_KM,
    `slice.continent` and `slice.population` where the places are on the real Earth and the dataset
    does not say them, and each attribute under `attribute.<name>`.
    """
    nearest, novelty = np.full((len(part), 2), np.nan), np.full(len(part), np.nan)
    around = np.zeros(len(part), np.intp)
    if len(train):
        found = Places(train.points).nearest(part.points)
        nearest, novelty = train.points[found.index], found.distance_km
        around = Places(train.points).count_within(part.points, NEIGHBOURHOOD_KM)
    hidden = part.dataset.publishes == "scores"
    arrays: dict[str, NDArray[Any]] = {
        "id": np.array([digest(i)[:16] for i in part.ids.tolist()]) if hidden else part.ids,
        "truth": part.points,
        "unit": part.units,
        "group": part.groups,
        "nearest": nearest,
        "novelty": novelty,
        "neighbours": around,
    }
    if "slice.continent" in _of_towns(part):
        arrays["slice.continent"] = gazetteer.nearest(part.points).continent
    if "slice.population" in _of_towns(part):
        arrays["slice.population"] = populations(part.points)
    for name, column in part.attributes.items():
        arrays[f"attribute.{name}"] = column
    return arrays


def part_names(part: Part) -> set[str]:
    """The names of the arrays of part.npz that this version writes."""
    names = {"id", "truth", "unit", "group", "nearest", "novelty", "neighbours"}
    return names | _of_towns(part) | {f"attribute.{name}" for name in part.attributes}


def _of_towns(part: Part) -> set[str]:
    """The arrays that towns give: what the dataset does not say of its places on the real Earth."""
    if not part.dataset.on_earth:
        return set()
    return {f"slice.{name}" for name in ("continent", "population") if name not in part.attributes}


def attributes_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Column]:
    """The attributes among the arrays of part.npz."""
    prefix = "attribute."
    return {n.removeprefix(prefix): c for n, c in arrays.items() if n.startswith(prefix)}


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
        """The record in a folder, None if there is none; a damaged one is none, with a warning."""
        if not (folder / "record.json").exists():
            return None
        try:
            data = read_stamped(folder / "record.json")
            if data.get("schema") != SCHEMA:
                raise StoreError(f"is of schema {data.get('schema')}, not {SCHEMA}")
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


_PACKAGES = (
    "geobench-geolocation",
    "numpy",
    "scipy",
    "pillow",
    "scikit-image",
    "scikit-learn",
    "torch",
    "faiss-gpu",
    "faiss-cpu",
)


@cache
def environment() -> dict[str, Any]:
    """What a number was made with: versions of packages, platform, git commit and dirty bit."""
    import platform

    versions = {dist.name.lower(): dist.version for dist in distributions() if dist.name}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "packages": {name: versions[name] for name in _PACKAGES if name in versions},
        "git": _git(),
    }


def _git() -> dict[str, Any]:
    folder = Path(__file__).parent

    def ask(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = ask("rev-parse", "HEAD")
        inside = ask("ls-files", "--error-unmatch", "__init__.py")
    except OSError:  # no git on this machine
        return {}
    if not commit or not inside:
        return {}
    return {"commit": commit, "dirty": bool(ask("status", "--porcelain", "-uno"))}


NEIGHBOURHOOD_KM = 200.0
"""How far training photos count as near, for the slices `training`."""

MAP_ROWS = 20_000
"""The most photos of one role, or of one part, that a map shows."""


def split_map(parts: Mapping[str, tuple[Points, NDArray[np.str_]]]) -> dict[str, NDArray[Any]]:
    """The arrays of `runs/<split>-<digest8>.npz`, for the map of a split: `points` and `role`.

    Args:
        parts: role (train, val, buffer, set-aside, a part's name) -> points and ids; of each at
            most MAP_ROWS are kept, those with the smallest hash of id.
    """
    points, roles = [np.empty((0, 2))], [np.empty(0, "U1")]
    for role, (places, ids) in parts.items():
        kept = smallest_by_hash(ids, MAP_ROWS)
        points.append(places[kept])
        roles.append(np.full(len(kept), role))
    return {"points": np.concatenate(points), "role": np.concatenate(roles)}
