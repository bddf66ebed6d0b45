"""Metrics: one score per photo, in one or several columns."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from geobench.components import Plugin
from geobench.data import Indices, Truth
from geobench.digests import digest
from geobench.errors import PredictionError
from geobench.geo import Floats, Points
from geobench.predictions import Density, Prediction
from geobench.summaries import Summary

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
        along: what the method said of each photo beside its place, of `Metric.reads`: name ->
            (N,).
    """

    samples: Points | None = None
    part: str = ""
    log_density: LogDensity | None = None
    along: Mapping[str, Floats] = field(default_factory=dict)

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
        along = {name: values[indices] for name, values in self.along.items()}
        return replace(self, samples=samples, log_density=shared, along=along)


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

    reads: ClassVar[frozenset[str]] = frozenset()
    """What it reads in `ScoreContext.along`, of `confidence`, `seconds` and `cost`: a method that
    never says it has no numbers of this metric, and a photo of which it says nothing is not scored.
    Only a metric of `Points` can read any of it: what is said is kept beside the answers, and read
    with these whenever tables are written."""

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
        """Which photos can be scored at all, (N,); looks at the truth alone. Of these a metric that
        `reads` scores those of which the method said what it reads."""
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
