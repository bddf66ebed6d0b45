"""Slices: the photos that a row of the tables is about, and what counts once in its average."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import gazetteer
from geobench.partitions import EqualAreaGrid
from geobench.records.attributes import THIRDS, left_out
from geobench.records.attributes import thirds as thirds
from geobench.records.parts import SLICED
from geobench.statistics.units import unit_codes

PREFIX = "slice."
"""Of the arrays of part.npz that hold a slicing, (N,) names; attributes slice, too."""


CELL_ROWS = 36
"""Of the equal-area grid whose cells count once each, about 560 km wide."""

LEFT_OUT = "left out: fewer than"
"""What the note says of an average whose small classes do not count."""

_MOST_VALUES = 12  # of an attribute; the photos of rarer values are one slice, "other"
_FEWEST_PHOTOS = 20  # of a slice

FEWEST = {"continent": _FEWEST_PHOTOS, "cell": 5}
"""What counts once -> the fewest photos of the part with which it counts; by perf/averages.py."""

_TRAINING = ("rarely", "sometimes", "often")


@final
@dataclass(frozen=True, slots=True)
class View:
    """What a row is about, as the columns `slice` and `average` of table.csv say it.

    Args:
        slice: "all", or what the photos have in common, such as "continent=Africa".
        average: what counts once: "photo", "continent" or "cell".
        inside: which photos of the part, (N,); of an average those whose class counts.
        classes: the continent or cell of each photo, numbered, (N,), where those count once.
        note: for its rows: how many classes do not count.
    """

    slice: str
    average: str
    inside: NDArray[np.bool_]
    classes: NDArray[np.int64] | None = None
    note: str = ""

    @property
    def what(self) -> str:
        """What its photos are, as a note says it."""
        return "part" if self.slice == "all" else "slice"

    @property
    def overall(self) -> bool:
        """Whether it is of all photos, each of which counts once."""
        return self.slice == "all" and self.average == "photo"


def views(arrays: Mapping[str, NDArray[Any]]) -> list[View]:
    """The views of a part, the overall one first.

    Of averages continents and cells with too few photos do not count (`FEWEST`), and where fewer
    than two are left there is no such average.

    Slices are continents, classes of population, thirds of the number of training photos near
    (rarely, sometimes, often seen), and the values of each attribute: of strings the twelve most
    frequent ones and `other` (none where those are fewer than half of the photos), of numbers
    thirds, or up to three values themselves. A slice of fewer than 20 photos, or of all, is none,
    and neither is one of a value that may not be published (`records.attributes`).

    Args:
        arrays: of part.npz.
    """
    everything = np.ones(len(arrays["truth"]), bool)
    found = [View("all", "photo", everything)]
    for name in ("slice.continent", "attribute.continent"):
        if name in arrays and arrays[name].dtype.kind == "U":
            found.extend(_average("continent", arrays[name]))
            break
    found.extend(_average("cell", EqualAreaGrid(CELL_ROWS).assign(arrays["truth"])))
    for name, values in _slicings(arrays):
        for value in _in_order(values):
            inside = values == value
            if _FEWEST_PHOTOS <= inside.sum() < len(inside) and not left_out(value):
                found.append(View(f"{name}={value}", "photo", inside))
    return found


def _average(name: str, classes: NDArray[Any]) -> Iterator[View]:
    # The photos of the part decide, not those that a metric scores: it may score a sample, in which
    # other classes had enough, and the rows of two metrics would then be about different places.
    codes, fewest = unit_codes(classes), FEWEST[name]
    sizes = np.bincount(codes)
    counts = sizes >= fewest
    if counts.sum() < 2:
        return
    few, left_out = int((~counts).sum()), int(sizes[~counts].sum())
    note = f"{few} of {len(sizes)} {name}s {LEFT_OUT} {fewest} photos ({left_out} in all)"
    yield View("all", name, counts[codes], codes, note if few else "")


def _slicings(arrays: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[np.str_]]]:
    sliced = {name.removeprefix(PREFIX) for name in arrays if name.startswith(PREFIX)}
    wanted = arrays[SLICED].tolist() if SLICED in arrays else None
    for name, values in arrays.items():
        if name.startswith(PREFIX):
            yield name.removeprefix(PREFIX), values
    if arrays["neighbours"].any():
        yield "training", thirds(arrays["neighbours"].astype(np.float64), _TRAINING)
    for name, values in arrays.items():
        own = name.removeprefix("attribute.")
        if own == name or own in sliced or (wanted is not None and own not in wanted):
            continue
        if values.dtype.kind == "U":
            if (named := _frequent(values)) is not None:
                yield own, named
        elif len(np.unique(values[np.isfinite(values)])) <= len(THIRDS):
            shown = np.array([f"{value:.10g}" for value in values.tolist()])
            yield own, np.where(np.isfinite(values), shown, "unknown")
        else:
            yield own, thirds(values.astype(np.float64), THIRDS)


def _frequent(values: NDArray[np.str_]) -> NDArray[np.str_] | None:
    """The frequent values by name; None where most photos have a rare one, as names of towns."""
    names, counts = np.unique(values, return_counts=True)
    kept = names[np.lexsort((names, -counts))][:_MOST_VALUES]
    if 2 * np.isin(values, kept).sum() < len(values):
        return None
    shown = np.where(values == "", "unknown", values)
    return shown if len(kept) == len(names) else np.where(np.isin(values, kept), shown, "other")


def _in_order(values: NDArray[np.str_]) -> list[str]:
    known = [*_TRAINING, *THIRDS, *gazetteer.POPULATIONS]
    names = np.unique(values).tolist()
    return sorted(names, key=lambda name: (known.index(name) if name in known else -1, name))
