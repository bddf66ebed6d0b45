"""The metric under check: towns whose labels are known, and answers of every quality to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import gazetteer, geo
from geobench.answers import CONFIDENCE, COST, NUMBERS, SECONDS
from geobench.data import Indices, Truth
from geobench.geo import Floats, Points
from geobench.metrics import Metric, ScoreContext
from geobench.mixtures import VonMisesFisherMixture
from geobench.predictions import Atoms, Density, Prediction
from geobench.scoring.summaries import replicate
from geobench.statistics.replicate_weights import ReplicateWeights
from geobench.summaries import Curve, Statistic, Summary
from geobench.testing.check import Skip, ensure
from geobench.testing.other_process import Findings
from geobench.testing.subject import Subject

SAMPLES = 16
"""Points drawn per photo, as many as in a benchmark."""
PART = "random/test"
"""The part that the photos are of, as in table.csv."""

_TOWNS = 56
_UNLABELLED = np.array([(90.0, 0.0), (-90.0, 0.0), (-17.0, -180.0), (0.0, 0.0), (0.0, 179.9)])
_PERFECT_KM = 0.1  # standard deviation per axis of a prediction that knows the place
_LANDSCAPES = ("coast", "desert", "forest", "mountains")


def truth() -> Truth:
    """Towns all over the Earth, with their labels, and a few places without any."""
    towns = gazetteer.load()
    named = np.flatnonzero(towns.region != "")
    chosen = named[np.linspace(0, len(named) - 1, _TOWNS).astype(np.intp)]
    points = np.concatenate([towns.points[chosen], _UNLABELLED])
    blank = len(_UNLABELLED)

    def with_blanks(column: NDArray[Any]) -> NDArray[Any]:
        missing = "" if column.dtype.kind == "U" else np.nan
        return np.concatenate([column, np.full(blank, missing)])

    rng = np.random.default_rng(0)
    named_columns = {
        "place": towns.name[chosen],
        "country": towns.country[chosen],
        "region": towns.region[chosen],
        "continent": towns.continent[chosen],
        "population": towns.population[chosen].astype(np.float64),
        "scene": np.array([f"{number:02d}" for number in rng.integers(16, size=_TOWNS)]),
        "landscape": np.array(_LANDSCAPES)[rng.integers(len(_LANDSCAPES), size=_TOWNS)],
    }
    attributes: dict[str, NDArray[Any]] = {n: with_blanks(c) for n, c in named_columns.items()}
    attributes["hemisphere"] = np.where(points[:, 0] >= 0, "north", "south")
    novelty = np.exp(rng.normal(4, 2, len(points)))
    # Shuffled, so that what cannot be labelled is not at the end.
    order = rng.permutation(len(points))
    return Truth(points, attributes, novelty).take(order)


def without_labels(truth: Truth) -> dict[str, Truth]:
    """The same photos where every label is missing, and where there are no attributes."""
    blank = {
        name: np.full(len(truth), "" if column.dtype.kind == "U" else np.nan)
        for name, column in truth.attributes.items()
    }
    return {
        "every attribute is empty": Truth(truth.points, blank, truth.novelty),
        "there are no attributes": Truth(truth.points, {}, truth.novelty),
    }


@final
@dataclass(frozen=True)
class Answers:
    """Predictions of photos and what was drawn from them, in the form that a metric needs.

    Args:
        prediction: N distributions.
        samples: (N, S, 2), or None where points or first draws are needed.
        along: what the metric reads of what is said along with them, by name, (N,).
    """

    prediction: Prediction
    samples: Points | None
    along: Mapping[str, Floats] = field(default_factory=dict)

    def take(self, indices: Indices) -> "Answers":
        """Those of these photos."""
        samples = None if self.samples is None else self.samples[indices]
        along = {name: values[indices] for name, values in self.along.items()}
        return Answers(self.prediction.take(indices), samples, along)


def _said(metric: Metric, confidence: Floats) -> dict[str, Floats]:
    """What a metric reads, of answers (N,) that are as sure as this; those less sure took more."""
    effort = 2 - confidence
    said = {CONFIDENCE: confidence, SECONDS: 3 * effort, COST: 0.01 * effort}
    return {name: values for name, values in said.items() if name in metric.reads}


def answers(metric: Metric, points: Points, *, spread_km: float = _PERFECT_KM) -> Answers:
    """Answers at `points` (N, 2): single places, or kernels of this standard deviation per axis.

    What is said along with them is that they are certain, or the less so the wider they are.
    """
    if not metric.stores_columns:
        said = _said(metric, np.full(len(points), min(1.0, _PERFECT_KM / spread_km)))
        return Answers(Atoms(points[:, None]), None, said)
    kernels = VonMisesFisherMixture(points[:, None], geo.concentration_of(spread_km))
    return Answers(kernels, kernels.sample(SAMPLES, np.random.default_rng(1)))


def ordinary(metric: Metric, points: Points) -> Answers:
    """Answers as a method gives them: a few hundred km off, with a second and a third guess."""
    rng = np.random.default_rng(2)
    near = geo.destination(points, rng.uniform(0, 360, len(points)), rng.gamma(2, 200, len(points)))
    if not metric.stores_columns:
        # In steps of a twentieth, ends included, as language models state it: many are equal.
        confidence = np.random.default_rng(3).integers(0, 21, len(points)) / 20
        return Answers(Atoms(near[:, None]), None, _said(metric, confidence))
    means = np.concatenate([near[:, None], geo.uniform((len(points), 2), rng)], axis=1)
    kernels = VonMisesFisherMixture(means, geo.concentration_of(300.0), [[0.6, 0.3, 0.1]])
    return Answers(kernels, kernels.sample(SAMPLES, rng))


def arrays_of(given: Answers, truth: Truth) -> dict[str, NDArray[Any] | None]:
    """All arrays that a metric is given, by name."""
    arrays: dict[str, NDArray[Any] | None] = {
        "the samples": given.samples,
        "the true places": truth.points,
        "the novelty": truth.novelty,
    }
    arrays |= {f"the attribute {name}": column for name, column in truth.attributes.items()}
    arrays |= {f"the {name} that is stated": values for name, values in given.along.items()}
    if isinstance(given.prediction, Atoms):
        arrays["the answers"] = given.prediction.points
    if isinstance(given.prediction, VonMisesFisherMixture):
        arrays["the means of the prediction"] = given.prediction.means
        arrays["the weights of the prediction"] = given.prediction.weights
    return arrays


def applies(metric: Metric, truth: Truth) -> NDArray[np.bool_]:
    """Which photos a metric can score, (N,), as the harness asks."""
    found = np.asarray(metric.applies(truth))
    ensure(
        found.shape == (len(truth),) and found.dtype == np.bool_,
        f"applies gives {found.dtype} {found.shape} for {len(truth)} photos",
        "Return one bool per photo.",
    )
    return found


def score(metric: Metric, given: Answers, truth: Truth) -> Floats:
    """Scores (N, C) of photos that apply, in the precision that they are stored in."""
    context = ScoreContext(given.samples, PART, along=given.along)
    if metric.needs is Density:
        context = ScoreContext.of(given.prediction, truth, samples=given.samples, part=PART)
    try:
        found = np.asarray(metric.score(given.prediction, truth, context), dtype=np.float32)
    except KeyError as error:
        undeclared = {*error.args} & {*NUMBERS} - metric.reads
        ensure(
            not undeclared,
            f"it reads {', '.join(undeclared)} of what is said along, and does not declare that",
            "Name it in `reads`; the harness then scores the photos of which it is said.",
        )
        raise
    wanted = (len(truth), len(metric.columns))
    ensure(
        found.shape == wanted,
        f"scores have the shape {found.shape}, not {wanted}: photos by columns",
    )
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        photo = int(bad.argmax())
        column = metric.columns[int((~np.isfinite(found[photo])).argmax())]
        place = ", ".join(f"{degrees:.4g}" for degrees in truth.points[photo])
        ensure(
            False,
            f"{column} of a photo at ({place}) is {found[photo, metric.columns.index(column)]}",
            "Every photo that applies needs a finite score; one that cannot have one does not "
            "apply.",
        )
    return found.astype(np.float64)


def named(metric: Metric, scores: Floats) -> dict[str, Floats]:
    """Scores (N, C) by the name of their column, (N,) each."""
    return dict(zip(metric.columns, scores.T, strict=True))


def value_of(
    summary: Summary,
    columns: Mapping[str, Floats],
    truth: Truth,
    weights: ReplicateWeights | None = None,
) -> Floats:
    """What a table shows of the scores, computed as leaderboards do: (1,), or a curve's (K,).

    That of Against is the mean of its column: the other row's is subtracted from it.

    Args:
        weights: of one replicate, for Statistic and Curve; 1 each by default.
    """
    if weights is not None and isinstance(summary, Statistic | Curve):
        return np.atleast_1d(np.asarray(summary.function(columns, truth, weights)[0], np.float64))
    one_seed = {name: column[None] for name, column in columns.items()}
    one_unit = np.zeros(len(truth), np.int64)
    found = replicate(summary, one_seed, truth=truth, units=one_unit)
    return np.array([replicates.value for replicates in found])


def findings_anew(plugin: type[Metric], config: Any) -> Findings:
    """All that a new instance says of ordinary answers: who applies, scores and summaries."""
    metric, places = plugin(config), truth()
    inside = np.flatnonzero(applies(metric, places))
    given, places = ordinary(metric, places.points).take(inside), places.take(inside)
    columns = named(metric, score(metric, given, places)) if len(inside) else {}
    found: dict[str, Any] = {"the answer of applies": inside}
    found |= {f"the column {name}": values for name, values in columns.items()}
    if columns:
        for summary in metric.summaries:
            found[f"the summary {summary.name}"] = value_of(summary, columns, places)
    return found


@final
class MetricSubject(Subject[Metric]):
    """A metric class and the photos that it scores."""

    @property
    def metric(self) -> Metric:
        """One instance."""
        return self.memo("metric", self.make)

    @property
    def everything(self) -> Truth:
        """All photos of the sample."""
        return self.memo("everything", truth)

    @property
    def truth(self) -> Truth:
        """The photos to which the metric applies; Skip if there are none."""
        return self.memo("truth", self._truth)

    def _truth(self) -> Truth:
        inside = np.flatnonzero(applies(self.metric, self.everything))
        if not len(inside):
            known = ", ".join(self.everything.attributes)
            raise Skip(f"it applies to no photo of the sample, whose attributes are {known}")
        return self.everything.take(inside)

    @property
    def answers(self) -> Answers:
        """Ordinary answers to those photos."""
        return self.memo("answers", lambda: ordinary(self.metric, self.truth.points))

    @property
    def scores(self) -> Floats:
        """Scores of those answers, (N, C)."""
        return self.memo("scores", lambda: score(self.metric, self.answers, self.truth))
