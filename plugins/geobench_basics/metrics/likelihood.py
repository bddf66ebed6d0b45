"""Metrics of the density at the truth: likelihood, information gain, likelihood of samples."""

from typing import final

import numpy as np
from pydantic import Field

from geobench import (
    Against,
    Config,
    Density,
    Floored,
    Mean,
    Metric,
    Prediction,
    Quantile,
    Range,
    ScoreContext,
    Share,
    Statistic,
    Summary,
    Truth,
    VonMisesFisherMixture,
    geo,
)
from geobench_basics.metrics.draws import density_of, samples_of
from geobench_basics.metrics.hedged import LEAST, SHAPE, hedged, information, trust
from geobench_basics.metrics.scores import Scores

_UNIT = "nats per steradian"
_AT_FLOOR = "nll.at-floor"
_NEAR_FLOOR = 0.01  # nats: a truth that is no likelier is at the floor
_FEWEST_PHOTOS = 50  # to which a share is fitted


@final
class LogLikelihoodMetric(Metric):
    """Negative log-density at the truth, in nats per steradian (the uniform has 2.5310).

    Where the floor of a density decides most of it, it says what the floor is; `nll.hedged` says
    what the density knows, whatever its floor, and the information gain is its distance from the
    uniform, in bits.
    """

    name = "nll"
    version = 3
    needs = Density
    caveat = (
        "What is fitted to the scored photos (`nll.hedged`, `nll.trust`, gains) has no slices of "
        f"under {_FEWEST_PHOTOS} photos, and no average in which classes count once."
    )
    columns = ("nll", "nll.worse-than-uniform", SHAPE, _AT_FLOOR)
    summaries = (
        Mean(name="nll", unit=_UNIT, better="lower", column="nll", constant=_AT_FLOOR),
        Quantile(
            name="nll.median",
            unit=_UNIT,
            better="lower",
            column="nll",
            q=0.5,
            constant=_AT_FLOOR,
            minor=True,
        ),
        Share(
            name="nll.worse-than-uniform",
            better="lower",
            column="nll.worse-than-uniform",
            constant=_AT_FLOOR,
            minor=True,
        ),
        Share(name=_AT_FLOOR, better=None, column=_AT_FLOOR, minor=True),
        Statistic(
            name="nll.hedged",
            unit=_UNIT,
            better="lower",
            function=hedged,
            ends=(-geo.LOG_UNIFORM,),
            fewest_photos=_FEWEST_PHOTOS,
            possible=Range(high=-geo.LOG_UNIFORM),
        ),
        Statistic(
            name="nll.trust",
            unit="share",
            better=None,
            function=trust,
            ends=(0.0, 1.0),
            fewest_photos=_FEWEST_PHOTOS,
        ),
        Statistic(
            name="information-gain",
            unit="bits",
            better="higher",
            function=information,
            ends=(0.0,),
            fewest_photos=_FEWEST_PHOTOS,
            possible=Range(low=0.0),
            minor=True,
        ),
        Against(
            name="nll.gain-over-prior",
            unit="bits",
            better="higher",
            function=information,
            label="prior",
            fewest_photos=_FEWEST_PHOTOS,
        ),
    )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        density = density_of(context, metric=self.name)
        nll = -density.at_truth
        # The uniform itself, rounded in whatever way, is not worse than the uniform.
        worse = nll > -geo.LOG_UNIFORM + 1e-9
        shape = np.maximum(density.shape_at_truth, LEAST)
        at_floor = np.zeros(len(nll))
        if density.floor:
            at_floor = np.abs(nll - -geo.LOG_UNIFORM + np.log(density.floor)) <= _NEAR_FLOOR
        return np.stack([nll, worse, shape, at_floor], axis=-1).astype(np.float32)


class SmoothedConfig(Config):
    """How the samples are smoothed, the same for every method."""

    bandwidth_km: float = Field(
        200, ge=10, description="standard deviation of the kernel around each sample, per axis"
    )
    floor: float = Field(
        0.05, gt=0, lt=1, description="share of the uniform, so that no truth has density zero"
    )


@final
class SmoothedLikelihoodMetric(Metric):
    """Negative log-density at the truth of the smoothed samples, for methods of every kind.

    The samples become an equal-weight mixture of von Mises-Fisher distributions of one
    concentration, (6371.0088 km / bandwidth)^2, to which the uniform is added with a fixed share:

        p(y) = (1 - floor) mean_i vMF(y; x_i, concentration) + floor / 4 pi

    It judges the samples at the scale of the bandwidth, not the method's own density, and cannot
    be compared with `nll`.
    """

    name = "nll-smoothed"
    needs = Prediction
    Config = SmoothedConfig
    config: SmoothedConfig
    columns = ("nll-smoothed",)

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """Its mean."""
        return (
            Mean(
                name=self.name,
                unit=f"{_UNIT} (smoothed)",
                better="lower",
                column=self.name,
                possible=self._possible(),
            ),
        )

    def _possible(self) -> Range:
        """From all samples at the truth to none that is anywhere near it."""
        here = np.zeros((1, 1, 2))
        concentration = geo.concentration_of(self.config.bandwidth_km)
        peak = VonMisesFisherMixture(here, concentration, point=here[:, 0])
        best = Floored(peak, self.config.floor).log_prob(here).item()
        return Range(-best, -geo.LOG_UNIFORM - float(np.log(self.config.floor)))

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        samples = samples_of(context, metric=self.name)
        concentration = geo.concentration_of(self.config.bandwidth_km)
        kernels = VonMisesFisherMixture(samples, concentration, point=truth.points)
        smoothed = Floored(kernels, self.config.floor)
        return -smoothed.log_prob(truth.points[:, None]).astype(np.float32)
