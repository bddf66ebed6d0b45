"""The method that does not look: training places smoothed over the sphere."""

from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

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
from geobench_basics.methods.kernels import Kernels, counted, fit_weights, mixture
from geobench_basics.metrics.distance import GEOSCORE_KM

_NARROWEST_KM = 10.0
_MOST_WIDTHS = 100  # each is a mixture as large as all places
_NEGLIGIBLE = 0.1  # of the uniform's least weight: a width that weighs less is left out


class PriorConfig(Config):
    """How many places, how wide their kernels are, and which place is the answer."""

    places: int = Field(
        20_000, ge=1, description="training places kept: those with the smallest hash of id"
    )
    bandwidths_km: tuple[float, ...] = Field(
        (25, 50, 100, 200, 400, 800, 1600, 3000),
        min_length=1,
        description="standard deviations of the kernels per axis, whose weights are fitted",
    )
    away_km: float = Field(
        750,
        gt=0,
        description="where a validation photo is counted as if nothing trained near it, training "
        "places nearer than this are left out, at most the nearer half; kernels of half this width "
        "or more count each inhabited cell once",
    )
    point: Literal["geoscore", "densest", "median"] = Field(
        "geoscore",
        description="the answer: the training place with the best mean GeoScore over training "
        "places, with the highest density, or with the smallest mean distance",
    )
    candidates: int = Field(
        2000, ge=1, description="places tried as the answer: those with the smallest hash of id"
    )

    @field_validator("bandwidths_km")
    @classmethod
    def _proper(cls, widths: tuple[float, ...]) -> tuple[float, ...]:
        if not np.isfinite(widths).all() or min(widths) < _NARROWEST_KM:
            raise ValueError(f"give widths of {_NARROWEST_KM:g} km or more")
        if len(set(widths)) < len(widths):
            raise ValueError("give each width once")
        if len(widths) > _MOST_WIDTHS:
            raise ValueError(f"{len(widths):,} widths are too many. Give at most {_MOST_WIDTHS}")
        return widths


@final
class PriorMethod(Method):
    """Training places smoothed on the sphere, the same for all photos: the score to beat.

    A mixture of the uniform and of von Mises-Fisher kernels of several widths around training
    places. Its weights are those under which validation photos are likeliest, each counted twice:
    among all training places, and as if none were near.
    """

    name = "prior"
    version = 2
    Config = PriorConfig
    config: PriorConfig
    deterministic = True

    _positions: Indices  # which training photos the places are of, (K,)
    _weights: geo.Floats  # the uniform's, then that of each width, of sum 1
    _density: Floored  # of one photo

    predicts = Floored

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        """Fit the weights of the uniform and of each width, and choose the answer.

        Raises:
            DataError: no training photos.
        """
        if len(train) == 0:
            raise DataError(
                "method prior has no training places",
                remedy="Use a split with training photos, or leave the method out.",
            )
        self._positions = smallest_by_hash(train.ids, self.config.places)
        places = train.points[self._positions]
        widths = self._widths(places)
        self._weights = self._fit_weights(widths, train, val, context)
        tried = smallest_by_hash(train.ids[self._positions], self.config.candidates)
        kernels = mixture(widths, self._weights[1:])
        answer = self._best(places[tried], places, kernels)
        self._density = self._answering(widths, answer)
        context.fact("floor share", float(self._weights[0]), "share")
        for kernel, weight in zip(widths, self._weights[1:], strict=True):
            context.fact(f"weight of kernels of {kernel.bandwidth_km:g} km", weight, "share")

    def _widths(self, places: Points) -> list[Kernels]:
        # What is far from all known places follows where people have been rather than how many
        # photos they took there: wide kernels count cells.
        wide = self.config.away_km / 2
        return [Kernels(places, width, width >= wide) for width in self.config.bandwidths_km]

    def _fit_weights(
        self, widths: list[Kernels], train: Labelled, val: Labelled, context: Context
    ) -> geo.Floats:
        if len(val) == 0:
            context.log.warning("prior: no validation photos, so its weights are not fitted")
            return np.concatenate([[0.5], np.full(len(widths), 0.5 / len(widths))])
        truths = val.few(Floored.PHOTOS).points
        near, away = [], []
        for block in counted(truths, widths, away_km=self.config.away_km):
            context.check_deadline()
            near.append(block.near)
            away.append(block.away)
        # A photo whose very coordinates train (a burst, a street corner that everybody geotags
        # alike) says nothing of how wide kernels are. Photos have no groups here: splits keep
        # those of training and validation apart.
        alone = ~np.isin(_as_scalars(truths), _as_scalars(train.points))
        least = 1 / (len(truths) + 1)
        ratios = np.concatenate([np.concatenate(near)[alone], *away])
        weights = fit_weights(ratios, least=least)
        negligible = weights[1:] < _NEGLIGIBLE * least
        negligible[weights[1:].argmax()] = False
        weights[1:][negligible] = 0
        return np.concatenate([weights[:1], weights[1:] * ((1 - weights[0]) / weights[1:].sum())])

    def _best(self, tried: Points, places: Points, kernels: VonMisesFisherMixture) -> Points:
        """The one of `tried` that the configured rule likes best, (2,)."""
        if self.config.point == "densest":
            gain = kernels.log_prob(tried[None])[0]
        else:
            scale = GEOSCORE_KM if self.config.point == "geoscore" else np.inf
            gain = np.array([_mean_gain(place, places, scale) for place in tried])
        return np.asarray(tried[np.argmax(gain)])

    def predict(self, examples: Examples, context: Context) -> Floored:
        return self._density.take(np.zeros(len(examples), np.intp))

    def state(self) -> dict[str, NDArray[Any]]:
        return {
            "positions": self._positions,
            "weights": self._weights,
            "answer": self._density.point()[0],
        }

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        self._positions, self._weights = state["positions"], state["weights"]
        widths = self._widths(train.points[self._positions])
        self._density = self._answering(widths, state["answer"])

    def _answering(self, widths: list[Kernels], answer: Points) -> Floored:
        """The density of one photo, answered by `answer` (2,)."""
        kernels = mixture(widths, self._weights[1:], point=answer)
        return Floored(kernels, float(self._weights[0]))


def _as_scalars(points: Points) -> NDArray[np.complex128]:
    """Points (N, 2) as what can be looked up in a set, (N,)."""
    return points[:, 0] + 1j * points[:, 1]


def _mean_gain(place: Points, places: Points, scale_km: float) -> float:
    """Mean of exp(-distance / scale) of `place` to `places`, or minus the mean distance where
    the scale is infinite."""
    distance = distance_km(place, places)
    gain = np.exp(distance / -scale_km) if np.isfinite(scale_km) else -distance
    return float(gain.mean())
