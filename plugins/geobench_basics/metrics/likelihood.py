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
    Summary,
    Truth,
    VonMisesFisherMixture,
    geo,
)
from geobench_basics.metrics.draws import density_of, samples_of
from geobench_basics.metrics.scores import Scores

_UNIFORM_NLL = float(np.log(geo.SPHERE_AREA))
_UNIT = "nats per steradian"


@final
class LogLikelihoodMetric(Metric):
    """Negative log-density at the truth, in nats per steradian (the uniform has 2.5310).

    The information gain over the uniform is the same in bits: log2(4 pi p(truth)).
    """

    name = "nll"
    version = 2
    needs = Density
    columns = ("nll", "nll.worse-than-uniform", "information-gain")
    summaries = (
        Mean(name="nll", unit=_UNIT, better="lower", column="nll"),
        Quantile(name="nll.median", unit=_UNIT, better="lower", column="nll", q=0.5),
        Share(name="nll.worse-than-uniform", better="lower", column="nll.worse-than-uniform"),
        Mean(name="information-gain", unit="bits", better="higher", column="information-gain"),
        Against(
            name="nll.gain-over-prior",
            unit="bits",
            better="higher",
            column="information-gain",
            label="prior",
        ),
    )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        nll = -density_of(context, metric=self.name).at_truth
        # The uniform itself, rounded in whatever way, is not worse than the uniform.
        worse = nll > _UNIFORM_NLL + 1e-9
        gain = (_UNIFORM_NLL - nll) / np.log(2)
        return np.stack([nll, worse, gain], axis=-1).astype(np.float32)


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
        return Range(-best, float(np.log(geo.SPHERE_AREA / self.config.floor)))

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        samples = samples_of(context, metric=self.name)
        concentration = geo.concentration_of(self.config.bandwidth_km)
        kernels = VonMisesFisherMixture(samples, concentration, point=truth.points)
        smoothed = Floored(kernels, self.config.floor)
        return -smoothed.log_prob(truth.points[:, None]).astype(np.float32)
