"""Results: the two keys, the record of one cell on one task, and the atomic store of both.

A record is a folder `leaderboards/<benchmark>/runs/<split>-<part>-<task8>/<method>-<seed>-<key8>/`
with `record.json`, `answer.npz` and one npz per metric that stores columns. It is a draft beside
its place until it is complete, so that it exists whole or not at all.
"""

import logging
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions, entry_points, packages_distributions
from pathlib import Path
from typing import Any, Literal, TypeAlias, final, get_args

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from geobench import drafts, gazetteer
from geobench.components import Plugin
from geobench.config import DrawRule
from geobench.data import Column, smallest_by_hash
from geobench.digests import digest, file_digest
from geobench.errors import StoreError
from geobench.files import read_arrays, read_json, read_stamped
from geobench.geo import Places, Points
from geobench.hookspecs import ENTRY_POINT_GROUP
from geobench.slices import SLICED, populations
from geobench.splits import Part

log = logging.getLogger(__name__)

KEYS = 3
"""What stands in fit keys: raised when the meaning of a key changes, and then all run again."""
LAYOUT = 4
"""Version of the layout of records and of benchmark.json; raised when it changes. Layout 4 shows
fields that keys leave out."""
OLDEST_LAYOUT = 3
"""The oldest layout that is read."""


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
    """The folder in which `leaderboards/` and `.geobench/` lie.

    Both may be links, unless git tracks them; below them nothing is written or deleted through one.

    Args:
        root: the folder.

    Raises:
        LinkError: git tracks one of the two as a link.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hidden = root / ".geobench"
        self.boards = root / "leaderboards"
        for folder in (self.hidden, self.boards):
            drafts.refuse_tracked(folder)
            drafts.protect(folder)
        self.features = self.hidden / "features"
        self.states = self.hidden / "states"
        self.cache = self.hidden / "cache"
        self.checkpoints = self.hidden / "checkpoints"

    def board(self, name: str) -> Path:
        """The folder of a benchmark's leaderboard."""
        return self.boards / name

    @contextmanager
    def lock(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold a lock that other runs on this workspace respect; yields whether it is held."""
        path = drafts.real(self.hidden / "locks" / f"{name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()


def part_arrays(part: Part, train: Part) -> dict[str, NDArray[Any]]:
    """The arrays of part.npz: who the photos are, where they were taken, and how new that is.

    `id` (hashed where the dataset publishes scores only), `truth` (N, 2), `unit`, `group`,
    `nearest` (N, 2) the nearest training place and `novelty` (N,) its distance in km (NaN where
    nothing trains), `neighbours` (N,) how many training photos lie within NEIGHBOURHOOD_KM,
    `slice.continent` and `slice.population` where the places are on the real Earth and the dataset
    does not say them, and each attribute under `attribute.<name>`; `sliced` (K,) the names of those
    that are sliced by, where they are not all.
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
    return arrays | _sliced(part)


def part_names(part: Part) -> set[str]:
    """The names of the arrays of part.npz that this version writes."""
    names = {"id", "truth", "unit", "group", "nearest", "novelty", "neighbours"}
    names |= _of_towns(part) | {f"attribute.{name}" for name in part.attributes}
    return names | set(_sliced(part))


def is_current(arrays: Mapping[str, NDArray[Any]], part: Part) -> bool:
    """Whether the arrays of a part.npz are those that this version writes, sliced alike."""
    alike = all(np.array_equal(arrays.get(n, ()), names) for n, names in _sliced(part).items())
    return alike and set(arrays) == part_names(part)


def _sliced(part: Part) -> dict[str, NDArray[np.str_]]:
    """Which attributes are sliced by; nothing where they all are."""
    sliced = part.dataset.table.sliced
    if sliced is None or len(sliced) == len(part.attributes):
        return {}
    return {SLICED: np.array(sliced, dtype=np.str_)}


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


_ALWAYS = ("geobench-geolocation", "numpy", "scipy")
"""Distributions that every record names."""


def environment(plugin: type[Plugin]) -> dict[str, Any]:
    """What a number was made with: versions of packages, platform, git commit and dirty bit.

    Args:
        plugin: whose distribution, and whose `requires`, are among the packages.
    """
    return _machine() | {
        "packages": _packages((plugin.__module__, *plugin.requires)),
        "git": _git(),
    }


@cache
def _machine() -> dict[str, Any]:
    import platform

    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
    }


@cache
def _packages(modules: tuple[str, ...]) -> dict[str, str]:
    """Distribution -> version, of those that bring these modules and of those always named."""
    bring = _distributions_of_modules()
    tops = {module.partition(".")[0] for module in modules}
    names = {*_ALWAYS, *(name for top in tops for name in bring.get(top, ()))}
    found = {d.name.lower(): d.version for d in distributions() if d.name}
    return {name: found[name] for name in sorted(n.lower() for n in names) if name in found}


@cache
def _distributions_of_modules() -> Mapping[str, list[str]]:
    """Top-level module -> the distributions that bring it, those of plugins by entry point."""
    found: dict[str, list[str]] = {n: list(each) for n, each in packages_distributions().items()}
    for entry in entry_points(group=ENTRY_POINT_GROUP):  # an editable install lists no modules
        if entry.dist is not None:
            found.setdefault(entry.value.partition(".")[0], []).append(entry.dist.name)
    return found


@cache
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

MAP = "map.npz"
"""The file of a record that holds what `geobench map` asked the method for."""

MAP_CELL_ROWS = 49
"""Bands of the EqualAreaGrid on whose 3,058 cells log-densities are kept there."""

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
