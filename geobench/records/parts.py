"""part.npz and the map of a split: who the photos of a part are, and how new their places are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import gazetteer
from geobench.assignments import Part
from geobench.data import smallest_by_hash
from geobench.digests import digest
from geobench.geo import Points, known_places
from geobench.records import attributes
from geobench.records.files import read_arrays
from geobench.records.shapes import Shape, fit, refuse_off_the_sphere

WITHHELD, WITHHELD_PHOTOS = "withheld", "withheld.photos"
"""The arrays of part.npz with the names of the attributes that are not declared, of which rare
values are left out, and of how many photos they are; absent where all are declared."""

SLICED = "sliced"
"""The array of part.npz with the names of the attributes that slice; absent where all do."""


def part_arrays(part: Part, train: Part) -> dict[str, NDArray[Any]]:
    """The arrays of part.npz: who the photos are, where they were taken, and how new that is.

    `id` (hashed where the dataset publishes scores only), `truth` (N, 2), `unit`, `region` (what
    the split drew), `group`, `nearest` (N, 2) the nearest training place and `novelty` (N,) its
    distance in km (NaN where nothing trains), `neighbours` (N,) how many training photos lie within
    NEIGHBOURHOOD_KM, `slice.continent` and `slice.population` where the places are on the real
    Earth and the dataset does not say them, and each attribute under `attribute.<name>`; `sliced`
    (K,) the names of those that are sliced by, where they are not all. Of attributes that are not
    declared rare values are left out, and `withheld` (K,) names them.
    """
    nearest, novelty = np.full((len(part), 2), np.nan), np.full(len(part), np.nan)
    around = np.zeros(len(part), np.intp)
    if len(train):
        known = known_places(train.points)
        found = known.nearest(part.points)
        nearest, novelty = known.points[found.index], found.distance_km
        around = known.count_within(part.points, NEIGHBOURHOOD_KM)
    hidden = part.dataset.publishes == "scores"
    arrays: dict[str, NDArray[Any]] = {
        "id": np.array([hashed_id(i) for i in part.ids.tolist()]) if hidden else part.ids,
        "truth": part.points,
        **_grouped(part),
        "nearest": nearest,
        "novelty": novelty,
        "neighbours": around,
    }
    if "slice.continent" in _of_towns(part):
        arrays["slice.continent"] = gazetteer.continents(part.points)
    if "slice.population" in _of_towns(part):
        arrays["slice.population"] = gazetteer.populations(part.points)
    undeclared, lost = _undeclared(part), dict[str, int]()
    for name, column in part.attributes.items():
        if name in undeclared:
            everywhere = part.dataset.table.attributes[name]
            column, lost[name] = attributes.published(column, everywhere)
        arrays[f"attribute.{name}"] = column
    if undeclared:
        arrays[WITHHELD] = np.array(undeclared, dtype=np.str_)
        arrays[WITHHELD_PHOTOS] = np.array([lost[name] for name in undeclared], np.int64)
    return arrays | _sliced(part)


def _undeclared(part: Part) -> list[str]:
    declared = part.dataset.table.published or ()
    return [name for name in part.attributes if name not in declared]


def _grouped(part: Part) -> dict[str, NDArray[Any]]:
    """What makes photos one unit; numbered in their order where names may not be told, for a photo
    without a group is its own, by its id."""
    found: dict[str, NDArray[Any]] = {
        "unit": np.asarray(part.units),
        "region": np.asarray(part.regions),
        "group": np.asarray(part.groups),
    }
    if part.dataset.publishes != "scores":
        return found
    return {name: np.unique(column, return_inverse=True)[1] for name, column in found.items()}


def read_part(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a part.npz, of the kinds and shapes that `part_arrays` makes.

    Raises:
        StoreError: they cannot be read, or are others.
    """
    arrays = read_arrays(path)
    beside = [name for name in arrays if name.startswith(("slice.", "attribute."))]
    fit(arrays, {**_PART, **dict.fromkeys(beside, Shape("Ufiub", ("N",)))}, where=path)
    places = ["truth", *(["nearest"] if np.isfinite(arrays["novelty"]).any() else [])]
    refuse_off_the_sphere(arrays, places, where=path)
    return arrays


_NAMES = Shape("Uiufb", ("N",), needed=False)
_PART = {
    "id": Shape("U", ("N",)),
    "truth": Shape("f", ("N", 2)),
    "unit": Shape("Uiufb", ("N",)),
    "region": _NAMES,
    "group": _NAMES,
    "nearest": Shape("f", ("N", 2)),
    "novelty": Shape("f", ("N",)),
    "neighbours": Shape("iu", ("N",)),
    SLICED: Shape("U", ("K",), needed=False),
    WITHHELD: Shape("U", ("W",), needed=False),
    WITHHELD_PHOTOS: Shape("iu", ("W",), needed=False),
}


def read_split_map(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays that `split_map` makes, from their file.

    Raises:
        StoreError: they cannot be read, or are others.
    """
    arrays = read_arrays(path)
    fit(arrays, {"points": Shape("f", ("M", 2)), "role": Shape("U", ("M",))}, where=path)
    refuse_off_the_sphere(arrays, ("points",), where=path)
    return arrays


def hashed_id(photo: str) -> str:
    """What stands for the id of a photo where its dataset publishes scores only."""
    return digest(photo)[:16]


def part_names(part: Part) -> set[str]:
    """The names of the arrays of part.npz that this version writes."""
    names = {"id", "truth", "unit", "region", "group", "nearest", "novelty", "neighbours"}
    names |= _of_towns(part) | {f"attribute.{name}" for name in part.attributes}
    names |= {WITHHELD, WITHHELD_PHOTOS} if _undeclared(part) else set()
    return names | set(_sliced(part))


def is_current(arrays: Mapping[str, NDArray[Any]], part: Part) -> bool:
    """Whether the arrays of a part.npz are those that this version writes, sliced and resampled
    alike: neither is in a key."""
    wanted = {**_sliced(part), "unit": _grouped(part)["unit"]}
    wanted |= {WITHHELD: np.array(undeclared)} if (undeclared := _undeclared(part)) else {}
    alike = all(np.array_equal(arrays.get(name, ()), column) for name, column in wanted.items())
    if not alike or set(arrays) != part_names(part):
        return False
    if "slice.continent" not in arrays:
        return True
    # An older version gave the South Pole to South America, the continent of its nearest town.
    south = arrays["slice.continent"][gazetteer.antarctic(part.points)]
    return bool((south == gazetteer.ANTARCTICA).all())


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


def attributes_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The attributes among the arrays of part.npz."""
    prefix = "attribute."
    return {n.removeprefix(prefix): c for n, c in arrays.items() if n.startswith(prefix)}


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
