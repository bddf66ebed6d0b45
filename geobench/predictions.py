"""Predictions: batches of distributions on the sphere, the one currency of all methods.

Densities are per steradian, log-densities in nats (uniform: -ln 4 pi = -2.5310). In the final
classes a leading axis of 1 broadcasts over photos: the photos then share what they would
otherwise each hold a copy of, and `count` says how many they are.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench import geo
from geobench.data import Indices
from geobench.errors import PredictionError
from geobench.geo import LOG_UNIFORM, Floats, Points
from geobench.partitions import Partition

Draw: TypeAlias = Callable[[Indices, int, np.random.Generator], Points]
"""(indices (N,), n, rng) -> points (N, n, 2)."""
LogProb: TypeAlias = Callable[[Indices, Points], Floats]
"""(indices (N,), points (N, m, 2)) -> nats per steradian (N, m)."""
Trace: TypeAlias = Callable[[Indices, int, np.random.Generator], Points]
"""(indices (N,), n, rng) -> paths of points (N, n, T, 2)."""
DrawWithLogProb: TypeAlias = Callable[[Indices, int, np.random.Generator], tuple[Points, Floats]]
"""(indices (N,), n, rng) -> points (N, n, 2), and nats per steradian there, (N, n)."""


@final
class Drawn(NamedTuple):
    """Points drawn from a density, and its log-density there, in nats per steradian.

    Args:
        points: (N, n, 2), degrees.
        log_prob: (N, n).
    """

    points: Points
    log_prob: Floats


class Prediction(ABC):
    """N distributions over the sphere, one per photo."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def point(self) -> Points:
        """The one answer per photo, (N, 2)."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Points:
        """n independent draws per photo, (N, n, 2)."""

    @abstractmethod
    def take(self, indices: Indices) -> Self:
        """The distributions of these photos only."""

    def trajectories(self, n: int, rng: np.random.Generator) -> Points | None:
        """How n draws per photo come about where that is step by step (a flow, a diffusion): paths
        (N, n, T, 2), degrees, from where each begins to the draw. None where it is not.

        No number depends on it: `geobench map` keeps it for its pictures.
        """
        return None

    @property
    def draws_given(self) -> Indices | None:
        """How many draws there are of each photo, (N,), where they were made elsewhere and no more
        can be had: `sample` takes none of them twice where it is asked for no more. None where
        there is no end of them.

        Where a photo has fewer than the benchmark asks for, the part is scored all the same, and
        metrics of draws do not rank the method there.
        """
        return None


class Density(Prediction):
    """A prediction that knows its density; samples and density are of one distribution."""

    @abstractmethod
    def log_prob(self, points: ArrayLike) -> Floats:
        """Log-density at points (N or 1, m, 2), in nats per steradian, (N, m)."""

    @property
    def density_comes_with_draws(self) -> bool:
        """Whether `sample_and_log_prob` costs less than `sample` and `log_prob` one after the
        other, so that the harness had better ask for both at once."""
        return False

    @property
    def density_is_solved(self) -> bool:
        """Whether each log-density is work of its own, an ODE to solve, say, so that pictures had
        better ask for few."""
        return False

    @property
    def shape(self) -> "Density":
        """The density without a floor beneath it: itself, unless it is `Floored`."""
        return self

    @property
    def floor(self) -> float:
        """The share of the uniform that lies beneath `shape`; 0 without a floor."""
        return 0.0

    def floored(self, log_p: ArrayLike) -> Floats:
        """Its log-density where that of its `shape` is `log_p`."""
        return np.asarray(log_p, np.float64)

    def sample_and_log_prob(self, n: int, rng: np.random.Generator) -> Drawn:
        """The draws that `sample` makes of the same generator, and the log-density at each."""
        points = self.sample(n, rng)
        return Drawn(points, self.log_prob(points))


def rows_of(array: NDArray[Any], indices: Indices) -> NDArray[Any]:
    return array if len(array) == 1 else array[indices]


def photo_count(given: int | None, *arrays: NDArray[Any] | None) -> int:
    """The number of photos: `given`, or the common length of arrays that may broadcast."""
    lengths = {len(array) for array in arrays if array is not None}
    several = lengths - {1}
    count = given if given is not None else (several.pop() if several else 1)
    if not several <= {count} or not lengths <= {1, count}:
        raise PredictionError(
            f"arrays are of {sorted(lengths)} photos where {count} are predicted",
            remedy="Give every array one row per photo, or a single row that all share.",
        )
    return count


def checked_places(points: ArrayLike, *, name: str) -> Points:
    """Wrapped points that are (N, K, 2)."""
    array = geo.wrap(points, name=name)
    if array.ndim != 3:
        raise PredictionError(
            f"{name} have shape {array.shape}, not (N, K, 2)",
            remedy="Give every photo K places, or one row that all photos share.",
        )
    return array


def checked_answers(points: ArrayLike) -> Points:
    """Wrapped points that are (N, 2)."""
    array = geo.wrap(points, name="answers")
    if array.ndim != 2:
        raise PredictionError(f"answers have shape {array.shape}, not (N, 2)")
    return array


def checked_queries(points: ArrayLike, count: int) -> Points:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 3 or array.shape[-1] != 2 or array.shape[0] not in (1, count):
        raise PredictionError(f"log_prob needs points ({count} or 1, m, 2), not {array.shape}")
    return array


def normalised(weights: ArrayLike, places: int, *, what: str) -> Floats:
    share = np.asarray(weights, dtype=np.float64)
    if share.ndim != 2 or share.shape[1] != places:
        raise PredictionError(f"{what} have shape {share.shape}, not (N or 1, {places})")
    total = share.sum(axis=-1, keepdims=True)
    if not np.isfinite(share).all() or (share < 0).any() or (total <= 0).any():
        raise PredictionError(
            f"{what} must be finite, not negative, and not all zero",
            remedy="Check the softmax, or the scores it is made of.",
        )
    return np.asarray(share / total)


def traced(
    trace: Trace | None, indices: Indices, n: int, rng: np.random.Generator
) -> Points | None:
    return None if trace is None else geo.wrap(trace(indices, n, rng), name="trajectories")


def choose(
    weights: Floats, count: int, n: int, rng: np.random.Generator, *, first: int = 0
) -> NDArray[np.intp]:
    """n indices per photo drawn with probabilities `weights` (count or 1, K): (count, n).

    Photos may be drawn for in blocks, in their order, to the same numbers: `first` is how many
    were before.
    """
    uniforms = rng.random((count, n))
    cumulative = np.cumsum(weights, axis=-1)
    cumulative /= cumulative[:, -1:]
    if len(cumulative) < count:
        found = np.searchsorted(cumulative[0], uniforms, side="right")
    else:
        # One search for all photos: photo i's steps lie in [i, i + 1).
        photos = np.arange(first, first + count)[:, None]
        steps = (cumulative + photos).ravel()
        found = np.searchsorted(steps, uniforms + photos, side="right")
        found = found - np.arange(count)[:, None] * cumulative.shape[1]
    return np.clip(found, 0, cumulative.shape[1] - 1)


@final
class Atoms(Prediction):
    """Finitely many possible places per photo.

    `point()` is the heaviest place; at equal weights the one around which most others lie.

    Args:
        points: (N or 1, K, 2), degrees.
        weights: (N or 1, K), not negative; equal if left out.
        count: number of photos where all arrays are shared.
    """

    def __init__(
        self, points: ArrayLike, weights: ArrayLike | None = None, *, count: int | None = None
    ) -> None:
        self.points = checked_places(points, name="atoms")
        shape = self.points.shape[:-1]
        self.weights = normalised(
            np.ones(shape) if weights is None else weights, shape[1], what="atoms' weights"
        )
        self._count = photo_count(count, self.points, self.weights)

    def __len__(self) -> int:
        return self._count

    def point(self) -> Points:
        rows = 1 if len(self.points) == len(self.weights) == 1 else self._count
        points = np.broadcast_to(self.points, (rows, *self.points.shape[1:]))
        weights = np.broadcast_to(self.weights, points.shape[:2])
        answers = points[np.arange(rows), weights.argmax(axis=-1)]
        if points.shape[1] > 2:
            tied = np.ptp(weights, axis=-1) <= 1e-12 * weights.max(axis=-1)
            for row in np.flatnonzero(tied):
                answers[row] = geo.densest_point(points[row])
        return np.array(np.broadcast_to(answers, (self._count, 2)))

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        chosen = choose(self.weights, self._count, n, rng)
        row = np.arange(self._count)[:, None] if len(self.points) != 1 else 0
        return np.asarray(self.points[row, chosen])

    def take(self, indices: Indices) -> "Atoms":
        return Atoms(
            rows_of(self.points, indices),
            rows_of(self.weights, indices),
            count=len(indices),
        )


@final
class Sampled(Prediction):
    """A distribution that can be drawn from and nothing more.

    Args:
        point: the answers, (N, 2).
        draw: (indices, n, rng) -> (len(indices), n, 2).
        indices: which photos these are, for `draw`; all, by default.
        trace: (indices, n, rng) -> (len(indices), n, T, 2), how draws come about; None where
            that is not step by step.
    """

    def __init__(
        self,
        point: ArrayLike,
        draw: Draw,
        *,
        indices: Indices | None = None,
        trace: Trace | None = None,
    ) -> None:
        self._point = checked_answers(point)
        self._draw = draw
        self._trace = trace
        self._indices = np.arange(len(self._point)) if indices is None else indices

    def __len__(self) -> int:
        return len(self._point)

    def point(self) -> Points:
        return self._point.copy()

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return geo.wrap(self._draw(self._indices, n, rng), name="samples")

    def take(self, indices: Indices) -> "Sampled":
        kept = self._indices[indices]
        return Sampled(self._point[indices], self._draw, indices=kept, trace=self._trace)

    def trajectories(self, n: int, rng: np.random.Generator) -> Points | None:
        return traced(self._trace, self._indices, n, rng)


_HELD = 1 << 18  # masses of cells that are held in float64 at once


@final
class Cells(Density):
    """Piecewise constant over the cells of a partition: log p(cell) - ln(area).

    Args:
        partition: the cells.
        log_masses: log-probability of each cell, (N or 1, C), normalised. Kept, not copied, and in
            float32 if that is what they are; what is worked out of them is in float64.
        point: the answers (N or 1, 2); by default the centre of the likeliest cell.
        count: number of photos where all arrays are shared.
        normalised: False for logits, whose softmax the probabilities are.
    """

    def __init__(
        self,
        partition: Partition,
        log_masses: ArrayLike,
        point: ArrayLike | None = None,
        *,
        count: int | None = None,
        normalised: bool = True,
    ) -> None:
        self.partition = partition
        given = np.asarray(log_masses)
        self._given = given if given.dtype == np.float32 else given.astype(np.float64, copy=False)
        if self._given.ndim != 2 or self._given.shape[1] != len(partition):
            raise PredictionError(
                f"log_masses are {self._given.shape}, not (N, {len(partition)} cells)"
            )
        self._normalised = normalised
        self._log_totals = self._checked_log_totals()
        self._point = None if point is None else checked_answers(point)
        self._count = photo_count(count, self._given, self._point)

    def __len__(self) -> int:
        return self._count

    @property
    def log_masses(self) -> Floats:
        """Log-probability of each cell, (N or 1, C), worked out where it is asked for."""
        return np.asarray(self._given - self._log_totals[:, None])

    def point(self) -> Points:
        best = self._point
        if best is None:
            likeliest = [masses.argmax(axis=-1) for _, masses in self._blocks()]
            best = self.partition.centres[np.concatenate(likeliest)]
        return np.array(np.broadcast_to(best, (self._count, 2)))

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        chosen = [
            choose(
                np.exp(masses),
                self._count if len(self._given) == 1 else len(masses),
                n,
                rng,
                first=first,
            )
            for first, masses in self._blocks()
        ]
        return self.partition.sample(np.concatenate(chosen), rng)

    def log_prob(self, points: ArrayLike) -> Floats:
        cells = self.partition.assign(checked_queries(points, self._count))
        cells = np.broadcast_to(cells, (self._count, cells.shape[1]))
        row = np.arange(self._count)[:, None] if len(self._given) != 1 else np.array([[0]])
        masses = self._given[row, cells] - self._log_totals[row]
        return np.asarray(masses - np.log(self.partition.areas)[cells])

    def take(self, indices: Indices) -> "Cells":
        point = None if self._point is None else rows_of(self._point, indices)
        return Cells(
            self.partition,
            rows_of(self._given, indices),
            point,
            count=len(indices),
            normalised=self._normalised,
        )

    def _blocks(self) -> Iterator[tuple[int, Floats]]:
        """How many photos were before, and the log-masses of the next; one block at least."""
        rows = max(1, _HELD // max(1, self._given.shape[1]))
        for first in range(0, max(1, len(self._given)), rows):
            some = slice(first, first + rows)
            yield first, self._given[some] - self._log_totals[some, None]

    def _checked_log_totals(self) -> Floats:
        """What is to be taken off the masses of each photo, (N or 1,)."""
        self._log_totals = np.zeros(len(self._given))
        if not self._normalised:  # or the largest would overflow
            self._log_totals = self._given.max(axis=-1).astype(np.float64)
        # Logits and masses that are no numbers: the errors below say it better.
        with np.errstate(over="ignore", invalid="ignore"):
            sums = [np.exp(masses).sum(axis=-1) for _, masses in self._blocks()]
        total = np.concatenate(sums)
        if self._normalised and not np.allclose(total, 1, atol=1e-4):
            worst = int(np.nan_to_num(np.abs(total - 1), nan=np.inf).argmax())
            raise PredictionError(
                f"the cells of photo {worst} have a total probability of {total[worst]:g}",
                remedy="Normalise log_masses, for instance by log_softmax.",
            )
        if not np.isfinite(total).all():
            worst = int(np.flatnonzero(~np.isfinite(total))[0])
            raise PredictionError(
                f"the largest logit of photo {worst} is no finite number",
                remedy="Look at the features, and at how the method was trained.",
            )
        return np.asarray(self._log_totals + np.log(total))


@final
class LazyDensity(Density):
    """A density that is worked out where it is asked for (an ODE to solve, say).

    Args:
        point: the answers, (N, 2).
        draw: (indices, n, rng) -> (len(indices), n, 2).
        log_prob: (indices, points (len(indices), m, 2)) -> nats per steradian.
        draw_with_log_prob: (indices, n, rng) -> the points that `draw` gives of the same
            generator, and the log-density at each, (len(indices), n): for a flow that gets the
            second along the way of the first, in one solve.
        indices: which photos these are; all, by default.
        trace: (indices, n, rng) -> (len(indices), n, T, 2), how draws come about; None where
            that is not step by step.
    """

    def __init__(
        self,
        point: ArrayLike,
        draw: Draw,
        log_prob: LogProb,
        *,
        draw_with_log_prob: DrawWithLogProb | None = None,
        indices: Indices | None = None,
        trace: Trace | None = None,
    ) -> None:
        self._point = checked_answers(point)
        self._draw = draw
        self._log_prob = log_prob
        self._draw_with_log_prob = draw_with_log_prob
        self._trace = trace
        self._indices = np.arange(len(self._point)) if indices is None else indices

    def __len__(self) -> int:
        return len(self._point)

    def point(self) -> Points:
        return self._point.copy()

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return geo.wrap(self._draw(self._indices, n, rng), name="samples")

    def log_prob(self, points: ArrayLike) -> Floats:
        queries = checked_queries(points, len(self))
        queries = np.broadcast_to(queries, (len(self), *queries.shape[1:]))
        return np.asarray(self._log_prob(self._indices, queries), dtype=np.float64)

    @property
    def density_comes_with_draws(self) -> bool:
        return self._draw_with_log_prob is not None

    @property
    def density_is_solved(self) -> bool:
        return True

    def sample_and_log_prob(self, n: int, rng: np.random.Generator) -> Drawn:
        if self._draw_with_log_prob is None:
            return super().sample_and_log_prob(n, rng)
        points, log_prob = self._draw_with_log_prob(self._indices, n, rng)
        points, log_prob = geo.wrap(points, name="samples"), np.array(log_prob, np.float64)
        if log_prob.shape != points.shape[:-1]:
            raise PredictionError(
                f"draw_with_log_prob gives log-densities {log_prob.shape} of points {points.shape}",
                remedy="Give one log-density per point.",
            )
        return Drawn(points, log_prob)

    def take(self, indices: Indices) -> "LazyDensity":
        return LazyDensity(
            self._point[indices],
            self._draw,
            self._log_prob,
            draw_with_log_prob=self._draw_with_log_prob,
            indices=self._indices[indices],
            trace=self._trace,
        )

    def trajectories(self, n: int, rng: np.random.Generator) -> Points | None:
        return traced(self._trace, self._indices, n, rng)


@final
class Floored(Density):
    """(1 - share) p + share / 4 pi: a density that is nowhere zero, its share learnt from data.

    Args:
        density: p.
        share: the uniform's share, in (0, 1].
    """

    def __init__(self, density: Density, share: float) -> None:
        if not 0 < share <= 1:
            raise PredictionError(
                f"a floor's share of {share:g} is outside (0, 1]",
                remedy="Floored.fit gives a share from validation photos.",
            )
        self.density = density
        self.share = share

    PHOTOS = 2000
    """The most validation photos that `fit` is given: those with the smallest hash of id. A
    method whose density is solved point by point gives fewer, and says how many: 250 photos tell
    the share to 0.02 where it is 0.1."""

    @staticmethod
    def mix(log_p: ArrayLike, share: float) -> Floats:
        """ln((1 - share) p + share / 4 pi) of log-densities ln p, -inf where p is zero."""
        with np.errstate(divide="ignore"):
            upper = np.log1p(-share) + np.asarray(log_p, dtype=np.float64)
        return np.asarray(np.logaddexp(upper, np.log(share) + LOG_UNIFORM))

    @staticmethod
    def fit(log_densities: ArrayLike) -> float:
        """The share for a density whose log-density at n validation truths is given, (n,).

        share = (n s + 1/2) / (n + 1), where s is the maximum-likelihood share of the uniform:
        the root of a decreasing function, found by bisection. Without photos it is 1/2.
        """
        log_p = np.asarray(log_densities, dtype=np.float64).ravel()
        if np.isnan(log_p).any():
            raise PredictionError("log-densities at the validation truths hold NaN")
        if len(log_p) == 0:
            return 0.5
        # Derivative of the mean log-likelihood in s is mean((r - 1) / (1 - s + s r)) with
        # r = uniform / p, clipped so that no sum over photos overflows.
        ratio = np.exp(np.clip(LOG_UNIFORM - log_p, -600, 600))

        def slope(s: float) -> float:
            return float(np.mean((ratio - 1) / ((1 - s) + s * ratio)))

        low, high = 0.0, 1.0
        if slope(0.0) <= 0:
            best = 0.0
        elif slope(1.0) >= 0:
            best = 1.0
        else:
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (middle, high) if slope(middle) > 0 else (low, middle)
            best = (low + high) / 2
        return (len(log_p) * best + 0.5) / (len(log_p) + 1)

    def __len__(self) -> int:
        return len(self.density)

    def point(self) -> Points:
        return self.density.point()

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        points = self.density.sample(n, rng)
        self._replace(points, rng)
        return points

    def log_prob(self, points: ArrayLike) -> Floats:
        return self.mix(self.density.log_prob(points), self.share)

    @property
    def shape(self) -> Density:
        return self.density.shape

    @property
    def floor(self) -> float:
        return self.share + (1 - self.share) * self.density.floor

    def floored(self, log_p: ArrayLike) -> Floats:
        return self.mix(self.density.floored(log_p), self.share)

    @property
    def density_comes_with_draws(self) -> bool:
        return self.density.density_comes_with_draws

    @property
    def density_is_solved(self) -> bool:
        return self.density.density_is_solved

    def sample_and_log_prob(self, n: int, rng: np.random.Generator) -> Drawn:
        if not self.density_comes_with_draws:
            return super().sample_and_log_prob(n, rng)
        points, log_p = self.density.sample_and_log_prob(n, rng)
        floor = self._replace(points, rng)
        # Only what the floor replaced is worked out anew: photos of as many such draws together,
        # so that no point is asked for in vain.
        replaced = floor.sum(axis=1)
        for count in np.unique(replaced[replaced > 0]):
            photos = np.flatnonzero(replaced == count)
            row, column = np.nonzero(floor[photos])
            there = points[photos[row], column].reshape(len(photos), count, 2)
            log_p[photos[row], column] = self.density.take(photos).log_prob(there).ravel()
        return Drawn(points, self.mix(log_p, self.share))

    def _replace(self, points: Points, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Put draws of the uniform in the place of some; returns of which, (N, n)."""
        floor = rng.random(points.shape[:-1]) < self.share
        points[floor] = geo.uniform(int(floor.sum()), rng)
        return floor

    def take(self, indices: Indices) -> "Floored":
        return Floored(self.density.take(indices), self.share)

    def trajectories(self, n: int, rng: np.random.Generator) -> Points | None:
        """Those of the density beneath the floor."""
        return self.density.trajectories(n, rng)
