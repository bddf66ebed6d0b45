"""From probabilities of cells to a density and to one answer."""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from geobench import Cells, Points, geo
from geobench_cells.kept import KeptPartition

Rule = Literal["cell", "mean-of-top-k", "densest"]

_TRIPLES = 1 << 22  # at most this many (photo, place, place) triples in memory at once


@final
@dataclass(frozen=True, slots=True)
class Answering:
    """How classes become answers.

    Args:
        partition: all cells.
        cells: the cell of each class, (K,).
        places: what a class answers with, (K, 2).
        rule: `cell`, the likeliest class; `mean-of-top-k`, the spherical mean of the likeliest,
            weighted by their probabilities; `densest`, the one of the likeliest around which
            most probability lies.
        top_k: how many classes the latter two look at.
        bandwidth_km: what `densest` counts as around.
    """

    partition: KeptPartition
    cells: NDArray[np.intp]
    places: Points
    rule: Rule
    top_k: int
    bandwidth_km: float

    def prediction(self, log_masses: geo.Floats) -> Cells:
        """Predictions for log-probabilities (N, K) of the classes; other cells get no mass."""
        spread = np.full((len(log_masses), len(self.partition)), -np.inf)
        spread[:, self.cells] = log_masses
        return Cells(self.partition, spread, self.points(log_masses), count=len(log_masses))

    def log_densities(self, log_masses: geo.Floats, points: Points) -> geo.Floats:
        """Log-density (N,) at one point (N, 2) per photo; -inf where no class is."""
        class_of = np.full(len(self.partition), -1)
        class_of[self.cells] = np.arange(len(self.cells))
        cells = self.partition.assign(points)
        classes = class_of[cells]
        density = log_masses[np.arange(len(points)), classes] - np.log(self.partition.areas[cells])
        return np.where(classes >= 0, density, -np.inf)

    def points(self, log_masses: geo.Floats) -> Points:
        """One answer (N, 2) per photo for log-probabilities (N, K)."""
        if self.rule == "cell":
            return np.asarray(self.places[log_masses.argmax(axis=-1)])
        width = min(self.top_k, len(self.places))
        answers = np.empty((len(log_masses), 2))
        step = max(1, _TRIPLES // width**2)
        for start in range(0, len(log_masses), step):
            rows = slice(start, start + step)
            # Stable, so that equal probabilities are taken in the classes' order everywhere.
            top = np.argsort(-log_masses[rows], axis=-1, kind="stable")[:, :width]
            weights = np.exp(np.take_along_axis(log_masses[rows], top, axis=-1))
            if self.rule == "mean-of-top-k":
                answers[rows] = geo.mean_point(self.places[top], weights)
            else:
                answers[rows] = geo.densest_point(
                    self.places[top], weights, bandwidth_km=self.bandwidth_km
                )
        return answers
