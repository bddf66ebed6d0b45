"""The method that does not look: training places smoothed over the sphere."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Config,
    Context,
    DataError,
    Examples,
    Floored,
    Indices,
    Labelled,
    Method,
    Points,
    State,
    VonMisesFisherMixture,
    distance_km,
    geo,
    smallest_by_hash,
)
from geobench_basics.metrics.distance import GEOSCORE_KM

_NARROWEST_KM, _WIDEST_KM = 1.0, 5000.0
_UNVALIDATED_KM = 100.0


class PriorConfig(Config):
    """How many places, how wide their kernels are, and which place is the answer."""

    places: int = Field(
        20_000, ge=1, description="training places kept: those with the smallest hash of id"
    )
    bandwidth_km: float | None = Field(
        None,
        gt=0,
        description="standard deviation of a kernel per axis; none: the likeliest on validation "
        "photos, and 100 km where there are none",
    )
    point: Literal["geoscore", "densest", "median"] = Field(
        "geoscore",
        description="the answer: the training place with the best mean GeoScore over training "
        "places, with the highest density, or with the smallest mean distance",
    )
    candidates: int = Field(
        2000, ge=1, description="places tried as the answer: those with the smallest hash of id"
    )


@final
@dataclass(frozen=True)
class _Smoothed:
    """Training places under one kernel, with a floor.

    Args:
        positions: which training photos these are, (K,).
        places: where they were taken, (K, 2).
        bandwidth_km: standard deviation of a kernel per axis.
        share: the floor's.
    """

    positions: Indices
    places: Points
    bandwidth_km: float
    share: float

    def density(self, count: int, answer: Points) -> Floored:
        """The same distribution for `count` photos, all answered by `answer` (2,)."""
        concentration = geo.concentration_of(self.bandwidth_km)
        kernels = VonMisesFisherMixture(
            self.places[None], np.full((1, 1), concentration), point=answer[None], count=count
        )
        return Floored(kernels, self.share)

    def log_kernels(self, points: Points) -> geo.Floats:
        """Log-density without the floor at points (N, 2), (N,)."""
        # One photo per point, because photos are what the mixture works through in blocks.
        kernels = self.density(len(points), points[0]).density
        return np.asarray(kernels.log_prob(points[:, None])[:, 0])


class _Fitted(NamedTuple):
    smoothed: _Smoothed
    loss: float  # mean negative log-density of the validation photos


@final
class PriorMethod(Method):
    """Training places smoothed on the sphere, the same for all photos: the score to beat.

    A von Mises-Fisher kernel around each place, one bandwidth for all. Bandwidth and floor are
    those under which validation photos are likeliest.
    """

    name = "prior"
    Config = PriorConfig
    config: PriorConfig
    deterministic = True

    _smoothed: _Smoothed
    _answer: Points

    predicts = Floored

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        """Fit the bandwidth and the floor's share, and choose the answer.

        Raises:
            DataError: no training photos.
        """
        if len(train) == 0:
            raise DataError(
                "method prior has no training places",
                remedy="Use a split with training photos, or leave the method out.",
            )
        positions = smallest_by_hash(train.ids, self.config.places)
        smoothed = self._fit_bandwidth(positions, train.points[positions], val, context)
        tried = smallest_by_hash(train.ids[positions], self.config.candidates)
        self._smoothed, self._answer = smoothed, self._best(smoothed.places[tried], smoothed)
        context.fact("bandwidth", smoothed.bandwidth_km, "km")
        context.fact("floor share", smoothed.share, "share")

    def _fit_bandwidth(
        self, positions: Indices, places: Points, val: Labelled, context: Context
    ) -> _Smoothed:
        from scipy.optimize import minimize_scalar

        given = self.config.bandwidth_km
        if len(val) == 0:
            context.log.warning("prior: no validation photos, so its kernels are not fitted")
            no_truths = Floored.fit(np.empty(0))
            return _Smoothed(positions, places, given or _UNVALIDATED_KM, no_truths)
        truths = val.few(Floored.PHOTOS).points

        def fitted(bandwidth_km: float) -> _Fitted:
            context.check_deadline()
            log_p = _Smoothed(positions, places, bandwidth_km, 1.0).log_kernels(truths)
            share = Floored.fit(log_p)
            loss = -float(Floored.mix(log_p, share).mean())
            return _Fitted(_Smoothed(positions, places, bandwidth_km, share), loss)

        if given is not None:
            return fitted(given).smoothed
        # Places that repeat exactly can add a second optimum: a coarse search comes first.
        grid = np.geomspace(_NARROWEST_KM, _WIDEST_KM, 9)
        best = int(np.argmin([fitted(width).loss for width in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        found = minimize_scalar(
            lambda log_width: fitted(float(np.exp(log_width))).loss,
            bounds=(float(np.log(low)), float(np.log(high))),
            method="bounded",
            options={"xatol": 0.02},
        )
        return fitted(float(np.exp(found.x))).smoothed

    def _best(self, candidates: Points, smoothed: _Smoothed) -> Points:
        """The candidate that the configured rule likes best, (2,)."""
        if self.config.point == "densest":
            gain = smoothed.log_kernels(candidates)
        else:
            scale = GEOSCORE_KM if self.config.point == "geoscore" else np.inf
            gain = np.array([_mean_gain(place, smoothed.places, scale) for place in candidates])
        return np.asarray(candidates[np.argmax(gain)])

    def predict(self, examples: Examples, context: Context) -> Floored:
        return self._smoothed.density(len(examples), self._answer)

    def state(self) -> dict[str, NDArray[Any]]:
        return {
            "positions": self._smoothed.positions,
            "bandwidth_km": np.array(self._smoothed.bandwidth_km),
            "share": np.array(self._smoothed.share),
            "answer": self._answer,
        }

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        positions = state["positions"]
        self._smoothed = _Smoothed(
            positions, train.points[positions], float(state["bandwidth_km"]), float(state["share"])
        )
        self._answer = state["answer"]


def _mean_gain(place: Points, places: Points, scale_km: float) -> float:
    """Mean of exp(-distance / scale) of `place` to `places`, or minus the mean distance where
    the scale is infinite."""
    distance = distance_km(place, places)
    gain = np.exp(distance / -scale_km) if np.isfinite(scale_km) else -distance
    return float(gain.mean())
