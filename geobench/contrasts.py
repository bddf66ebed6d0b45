"""Contrasts: averages in which classes count once, and gaps between two trainings."""

import numpy as np
from numpy.typing import ArrayLike

from geobench import statistics
from geobench.statistics import AnyUnits, Replicates, Units
from geobench.summaries import Summarised


def macro_mean(
    scores: ArrayLike, units: AnyUnits, classes: ArrayLike, *, share: bool = False
) -> Summarised:
    """The mean over classes (continents, cells) of the means of their photos.

    Leaving out a unit takes its photos from the means of their classes; a class of which nothing
    is left does not count then. Effective units weigh each photo as the mean does.

    Args:
        scores: (S, N).
        units: what intervals resample, (N,).
        classes: the class of each photo, (N,), integers or strings.
        share: whether scores are 0 or 1: an interval made for proportions.
    """
    table = np.asarray(scores, dtype=np.float64)
    known, code = Units.of(units), statistics.unit_codes(classes)
    unit = known.codes
    sizes = np.bincount(code)
    per_seed = np.array([np.bincount(code, row) / sizes for row in table])
    means, count = per_seed.mean(axis=0), int(unit.max()) + 1
    # Every pair of a unit and a class that meet: what is left of the class without the unit.
    pairs, pair = np.unique(unit * len(sizes) + code, return_inverse=True)
    of_unit, of_class = np.divmod(pairs, len(sizes))
    left = sizes[of_class] - np.bincount(pair)
    rest = means[of_class] * sizes[of_class] - np.bincount(pair, table.mean(axis=0))
    change = np.where(left > 0, rest / np.maximum(left, 1), 0.0) - means[of_class]
    classes_left = len(sizes) - np.bincount(of_unit, left == 0, minlength=count)
    sums = means.sum() + np.bincount(of_unit, change, minlength=count)
    without = np.divide(sums, classes_left, out=np.full(count, np.nan), where=classes_left > 0)
    deviations = without - means.mean() if count > 1 else np.zeros(1)
    replicates = Replicates(float(means.mean()), deviations, per_seed.mean(axis=1))
    effective = statistics.effective_units(known, weights=1 / sizes[code])
    estimate = statistics.estimate_share_replicates if share else statistics.estimate_replicates
    return Summarised(estimate(replicates, known, effective=effective), replicates)


def paired_gap(twin: Replicates, plain: Replicates, units: AnyUnits) -> Summarised:
    """The gap of a method: its value with the surroundings of the photos, minus that without.

    Both are of the same photos in the same order, so that the difficulty of the places is in
    neither. Three trainings of each give the spread over trainings, of the differences by seed.

    Args:
        twin: trained on the surroundings, too.
        plain: not trained on them; of as many seeds.
        units: of the photos, (N,).
    """
    differences = twin.seed_values - plain.seed_values
    found = Replicates(twin.value - plain.value, twin.deviations - plain.deviations, differences)
    return Summarised(statistics.estimate_replicates(found, units), found)
