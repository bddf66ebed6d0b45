"""Means over classes (continents, cells) of the means of their photos, with their intervals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from geobench import statistics
from geobench.data import Indices
from geobench.geo import Floats
from geobench.scoring.summaries import Summarised
from geobench.statistics.replicate_weights import Codes, sums_by_code
from geobench.statistics.replicates import each_method, over_seeds
from geobench.statistics.units import AnyUnits, Units


def macro_mean(
    scores: ArrayLike,
    units: AnyUnits,
    classes: ArrayLike,
    *,
    scored: Indices | None = None,
    share: bool = False,
) -> Summarised:
    """The mean over classes (continents, cells) of the means of their photos.

    Where only some photos are scored, each of these weighs as it would if all were, by one over
    the photos of its class (Hajek 1971): class means of a sample would leave out the classes that
    it misses, more of them the smaller it is.

    Leaving out a unit takes its photos, scored or not, from their classes; a class of which
    nothing is left does not count then. Effective units weigh each photo as the mean does.

    Args:
        scores: (S, K).
        units: what intervals resample, of all photos, (N,).
        classes: the class of all photos, (N,), integers or strings.
        scored: positions of the K scored ones; all, if None.
        share: whether scores are 0 or 1: an interval made for proportions.
    """
    table = np.asarray(scores, dtype=np.float64)
    return macro_means(table, units, classes, counts=[len(table)], scored=scored, share=share)[0]


def macro_means(
    table: Floats,
    units: AnyUnits,
    classes: ArrayLike,
    *,
    counts: Sequence[int],
    scored: Indices | None = None,
    share: bool = False,
) -> list[Summarised]:
    """The `macro_mean` of each of M labels that were scored on the same photos.

    Args:
        table: the scores of all their trainings, (T, K).
        units, classes, scored, share: as of `macro_mean`.
        counts: how many of the T trainings are of each label, (M,).
    """
    known, code = Units.of(units), statistics.unit_codes(classes)
    chosen = np.arange(len(code)) if scored is None else scored
    sizes, own = np.bincount(code), code[chosen]
    # Sums of the same order throughout, so that a share of hits alone is 1 to the last digit.
    ones = np.ones((1, len(chosen)))
    sums, whole = (
        (sums_by_code(parts, own, count=len(sizes)) / sizes).sum(axis=1) for parts in (table, ones)
    )
    per_seed = sums / whole
    values = over_seeds(per_seed[:, None], counts)
    there = Units.of(known.codes[chosen])
    deviations = np.zeros((len(counts), 1))
    if (count := len(known.sizes)) > 1:
        parts = np.concatenate([over_seeds(table, counts), ones])
        *left, weights = _without_units(known.codes, code, chosen, parts)
        remain = np.bincount(known.codes[chosen], minlength=count) < len(chosen)
        undefined = np.full((len(counts), count), np.nan)
        deviations = np.divide(left, weights, out=undefined, where=remain) - values
    replicates = each_method(counts, values[:, 0], deviations, per_seed)
    effective = statistics.effective_units(there, weights=1 / sizes[own])
    estimates = statistics.estimate_all(replicates, there, effective=effective, shares=share)
    return [Summarised(*pair) for pair in zip(estimates, replicates, strict=True)]


def _without_units(units: Codes, classes: Codes, scored: Indices, parts: Floats) -> Floats:
    """Sums over classes of parts (M, K) of the scored photos over the photos of the class, without
    each unit, (M, U)."""
    count, sizes = int(units.max()) + 1, np.bincount(classes)
    # Every pair of a unit and a class that meet: what is left of the class without the unit.
    pairs, pair = np.unique(units * len(sizes) + classes, return_inverse=True)
    of_unit, of_class = np.divmod(pairs, len(sizes))
    left = sizes[of_class] - np.bincount(pair)
    whole = sums_by_code(parts, classes[scored], count=len(sizes))
    rest = whole[:, of_class] - sums_by_code(parts, pair[scored], count=len(pairs))
    means = whole / sizes
    change = np.where(left > 0, rest / np.maximum(left, 1), 0.0) - means[:, of_class]
    return np.asarray(means.sum(axis=1)[:, None] + sums_by_code(change, of_unit, count=count))
