"""Metrics: one score per photo; and summaries: what a table shows of the scores."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench.components import Plugin
from geobench.data import Indices, Truth
from geobench.digests import digest
from geobench.errors import PredictionError
from geobench.geo import Floats, Points
from geobench.predictions import Density, Prediction
from geobench.statistics.replicate_weights import ReplicateWeights

Columns: TypeAlias = Mapping[str, Floats]
"""Scores of the scored photos by column name, (N,) each."""
Function: TypeAlias = Callable[[Columns, Truth, ReplicateWeights], Floats]
"""Of columns (N,), truth and the weights of R replicates: (R,), or (R, K)."""
Better: TypeAlias = Literal["higher", "lower"]
Direction: TypeAlias = Better | None
"""Which way is better; None where a number describes and is neither."""

SCORED, NOT_APPLICABLE, NOT_SAMPLED = 0, 1, 2
"""The values of a stored mask: what became of each photo."""


@final
class Draws:
    """What a metric needs that compares a method's draws with the truths of a whole part.

    Such a metric gets the stored first draw of every photo that applies, as Atoms, all at once:
    `prediction.point()` is the draws. Like a metric of points it is computed whenever tables are
    written, and stored nowhere.
    """


@final
class Range(NamedTuple):
    """The values that a number can have, ends included, in its unit."""

    low: float = float("-inf")
    high: float = float("inf")

    @property
    def of_differences(self) -> "Range":
        """The values that a difference of two such numbers can have."""
        return Range(self.low - self.high, self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(ABC):
    """A number, or a curve, that a table shows.

    No limit of an interval lies outside of its `range`, be these values of the number itself or,
    where single photos can have others (an energy score), of its expectation.

    Args:
        name, unit: as in table.csv.
        better: which way; None where it describes, and is ranked and tested nowhere.
        constant: a column of zeros and ones, the ones being of photos whose score is a constant
            that the method chose. Where they are over a half, a number is shown and marked, and
            not ranked. "" where there is none.
        fewest_photos: of which it says something; slices of fewer show none.
        possible: the values that it can have; by default 0 to 1 for shares, and any for others.
    """

    name: str
    unit: str
    better: Direction
    constant: str = ""
    fewest_photos: int = 1
    possible: Range | None = None

    @property
    def range(self) -> Range:
        """The values that its number, or each of its curve, can have."""
        if self.possible is not None:
            return self.possible
        return Range(0.0, 1.0) if self.unit == "share" else Range()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Summary):
    """The mean of a column."""

    column: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Summary):
    """The mean of a column of zeros and ones, with an interval made for proportions."""

    column: str
    unit: str = "share"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile(Summary):
    """The q-quantile of a column."""

    column: str
    q: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic(Summary):
    """Any number that is a function of columns, truth and weights: one for each replicate, (R,).

    Args:
        function: what it is; a number that is fitted to photos is refitted in every replicate.
        ends: values where no interval can be given by leaving units out, such as a fitted share
            that stands at 0 or 1.
    """

    function: Function
    ends: tuple[float, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Summary):
    """A function of x, (K,), as a function of columns, truth and weights: (R, K)."""

    function: Function
    x: tuple[float, ...]
    x_unit: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Against(Summary):
    """The difference to the row of `label` on the same photos and seed.

    Args:
        label: the other row.
        column: of which it is the mean difference, or
        function: of columns, truth and weights, as in a `Statistic`: the difference of its values.
    """

    label: str
    column: str = ""
    function: Function | None = None


@final
class LogDensity:
    """The log-density of N photos where metrics look at it, asked for once for all of them.

    Nothing is computed before it is read: where a density is solved point by point, its values
    at the samples are most of what scoring costs. In nats per steradian, -inf where it is zero.

    Args:
        density: of N photos.
        truth: where they were taken, (N, 2).
        samples: points drawn from it, (N, S, 2).
        at_samples: its values there, (N, S), where they came with the draws.
    """

    def __init__(
        self,
        density: Density,
        truth: Points,
        samples: Points | None,
        *,
        at_samples: Floats | None = None,
    ) -> None:
        self._density = density
        self._truth = truth
        self._samples = samples
        self._known = at_samples
        self._whole: LogDensity | None = None
        self._indices: Indices = np.arange(len(truth))

    @cached_property
    def at_truth(self) -> Floats:
        """At the truth, (N,)."""
        return _checked(self._density.floored(self.shape_at_truth))

    @cached_property
    def shape_at_truth(self) -> Floats:
        """That of the density without a floor beneath it, at the truth, (N,)."""
        if self._whole is not None:
            return self._whole.shape_at_truth[self._indices]
        return _checked(self._density.shape.log_prob(self._truth[:, None])[:, 0])

    @property
    def floor(self) -> float:
        """The share of the uniform that lies beneath the density; 0 without a floor."""
        return self._density.floor

    @cached_property
    def at_samples(self) -> Floats:
        """At the samples, (N, S)."""
        if self._whole is not None:
            return self._whole.at_samples[self._indices]
        if self._samples is None:
            raise PredictionError("there are no samples at which a density could be looked at")
        return self._at(self._samples) if self._known is None else _checked(self._known)

    def take(self, indices: Indices) -> "LogDensity":
        """That of some of the photos: what was computed for all of them serves here, too."""
        some = LogDensity(self._density, self._truth[indices], None)
        some._whole, some._indices = self, indices
        return some

    def _at(self, points: Points) -> Floats:
        return _checked(self._density.log_prob(points))


def _checked(log_densities: Floats) -> Floats:
    found = np.array(log_densities, np.float64)
    found.flags.writeable = False  # all metrics read it
    if (bad := np.isnan(found)).any():
        raise PredictionError(
            f"{int(bad.sum())} of {bad.size} log-densities are not a number",
            remedy="A density that is zero somewhere has the logarithm -inf there.",
        )
    return found


@final
@dataclass(frozen=True, slots=True)
class ScoreContext:
    """What the harness gives a metric beside prediction and truth.

    Args:
        samples: points drawn from the prediction, (N, S, 2), the same for all metrics; a metric
            that needs a `Density` is given as many as have log-densities, the first ones. None
            for a metric that needs only points, or the stored first draws.
        part: the part, as in table.csv.
        log_density: of a `Density` at truth and samples, shared by all metrics that need one;
            None for the others.
    """

    samples: Points | None = None
    part: str = ""
    log_density: LogDensity | None = None

    @classmethod
    def of(
        cls,
        prediction: Prediction,
        truth: Truth,
        *,
        samples: Points | None = None,
        at_samples: Floats | None = None,
        part: str = "",
    ) -> Self:
        """The context in which a prediction is scored, with its log-density if it has one.

        Args:
            prediction: N distributions.
            truth: of the same photos.
            samples: drawn from them, (N, S, 2).
            at_samples: the log-densities there, (N, S), where they came with the draws.
            part: the part, as in table.csv.
        """
        shared = None
        if isinstance(prediction, Density):
            shared = LogDensity(prediction, truth.points, samples, at_samples=at_samples)
        return cls(samples, part, shared)

    def take(self, indices: Indices) -> Self:
        """That of some of the photos."""
        samples = None if self.samples is None else self.samples[indices]
        shared = None if self.log_density is None else self.log_density.take(indices)
        return replace(self, samples=samples, log_density=shared)


class Metric(Plugin):
    """Gives every photo a score, in one or several columns."""

    kind = "metric"
    needs: ClassVar[Any] = Points
    """`Points`, `Draws`, `Prediction` or `Density`. A metric that needs only points gets the stored
    answers as `Atoms`, is computed whenever tables are written, and is stored nowhere; one that
    needs draws gets the stored first draws of all photos at once in the same way."""

    describes_prediction: ClassVar[bool] = False
    """Whether it says what a prediction is like, such as how sharp, and not how well it fits the
    truth: a number to be read beside others, not alone."""

    nearest_is_best: ClassVar[bool] = False
    """Whether its scores depend on the distance from answer to truth alone, so that no summary is
    better for answers further away. Then the training place nearest to the truth is a ceiling of
    all that answer with training places, and has a row. Only a metric of `Points` can say so."""

    caveat: ClassVar[str] = ""
    """What a reader of its numbers has to know, in a sentence that stands on the page; or ""."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the score columns."""

    @property
    @abstractmethod
    def summaries(self) -> tuple[Summary, ...]:
        """What a table shows of them."""

    def applies(self, truth: Truth) -> NDArray[np.bool_]:
        """Which photos can be scored at all, (N,); looks at the truth alone."""
        return np.ones(len(truth), bool)

    @abstractmethod
    def score(
        self, prediction: Prediction, truth: Truth, context: ScoreContext
    ) -> NDArray[np.float32]:
        """Scores (N, C) of these photos; every one must be finite."""

    @property
    def stores_columns(self) -> bool:
        """Whether it is scored by the prediction itself, not by stored answers or first draws."""
        return self.needs is not Points and self.needs is not Draws

    def scores(self, predicts: type[Prediction]) -> bool:
        """Whether it can score a method that predicts this type."""
        return not self.stores_columns or issubclass(predicts, self.needs)

    @property
    def file_stem(self) -> str:
        """The name of its stored columns: metric, version, and eight digits of its config, and of
        its content if it has any."""
        identity = self.identity()
        what = identity["config"]
        if "content" in identity:
            what = [what, identity["content"]]
        return f"{self.name}-{self.version}-{digest(what)[:8]}"
