"""From probabilities of cells to a density and to one answer."""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from geobench import Cells, Points, geo
from geobench_cells.class_cells import ClassCells
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
        partition = ClassCells(self.partition, self.cells)
        rest = np.full((len(log_masses), len(partition) - len(self.cells)), -np.inf)
        masses = np.concatenate([log_masses, rest], axis=1)
        return Cells(partition, masses, self.points(log_masses), count=len(log_masses))

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
        top = likeliest(log_masses, self.top_k)
        weights = np.exp(np.take_along_axis(log_masses, top, axis=-1))
        return self.among(self.places[top], weights)

    def among(self, places: Points, weights: geo.Floats) -> Points:
        """One answer (N, 2) per photo of places (N, k, 2) with weights (N, k), of which the first
        is the likeliest class's."""
        if self.rule == "cell":
            return np.asarray(places[:, 0])
        if self.rule == "mean-of-top-k":
            return geo.mean_point(places, weights)
        answers = np.empty((len(places), 2))
        step = max(1, _TRIPLES // places.shape[1] ** 2)
        for start in range(0, len(places), step):
            rows = slice(start, start + step)
            answers[rows] = geo.densest_point(
                places[rows], weights[rows], bandwidth_km=self.bandwidth_km
            )
        return answers


def likeliest(log_masses: geo.Floats, count: int) -> NDArray[np.intp]:
    """The `count` likeliest classes of each photo, likeliest first, (N, count), or all if there are
    fewer; of equals the first class comes first, on every machine.

    Args:
        log_masses: (N, K).
        count: at least 1.
    """
    width = min(count, log_masses.shape[1])
    # Not all are sorted, and what argpartition would choose among equals is the processor's.
    least = np.partition(log_masses, -width, axis=-1)[:, -width, None]
    better, equal = log_masses > least, log_masses == least
    room = width - better.sum(axis=-1, keepdims=True)
    chosen = better | (equal & (equal.cumsum(axis=-1) <= room))
    top = np.nonzero(chosen)[1].reshape(len(log_masses), width)
    falling = -np.take_along_axis(log_masses, top, axis=-1)
    return np.take_along_axis(top, np.argsort(falling, axis=-1, kind="stable"), axis=-1)
