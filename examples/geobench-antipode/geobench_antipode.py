"""The method `antipode`: a linear regression of directions from the Earth's centre."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Config,
    Context,
    DataError,
    Examples,
    Floored,
    Labelled,
    Method,
    Points,
    State,
    VonMisesFisherMixture,
    geo,
    hookimpl,
)


class AntipodeConfig(Config):
    """How strongly the regression is held back, and how far off it is thought to be."""

    penalty: float = Field(
        0.1, gt=0, description="weight of the squared coefficients of the standardised features"
    )
    spread_km: float = Field(
        2000, gt=0, description="standard deviation per axis where no validation photo tells it"
    )


@final
class Antipode(Method):
    """Ridge regression from features to directions from the Earth's centre.

    It makes the squared chord to the truth small, so that no error costs more than an answer at
    the antipode. The answer is the mean of a von Mises-Fisher distribution, whose spread and
    floor are those under which validation photos are likeliest.
    """

    name = "antipode"
    Config = AntipodeConfig
    config: AntipodeConfig
    predicts = Floored
    wants = frozenset({"pooled"})
    deterministic = True

    _fitted: dict[str, NDArray[Any]]

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        context.check_deadline()
        if len(train) == 0:
            raise DataError("method antipode has no training places")
        features = np.asarray(train.pooled, dtype=np.float64)
        directions = geo.unit_vectors(train.points)
        centre, middle = features.mean(axis=0), directions.mean(axis=0)
        # A feature that never varies says nothing, and is divided away.
        scale = np.where(np.ptp(features, axis=0) > 0, features.std(axis=0), np.inf)
        standard = (features - centre) / scale
        moments = standard.T @ standard / len(train) + self.config.penalty * np.eye(len(centre))
        slopes = np.linalg.solve(moments, standard.T @ (directions - middle) / len(train))
        self._fitted = {
            "centre": centre,
            "slopes": slopes / scale[:, None],
            "middle": middle,
            "place": geo.mean_point(train.points),
        }
        spread_km, share = self._fit_spread(val, context)
        self._fitted |= {"spread_km": np.array(spread_km), "share": np.array(share)}
        context.fact("spread", spread_km, "km")
        context.fact("floor share", share, "share")

    def _fit_spread(self, val: Labelled, context: Context) -> tuple[float, float]:
        if len(val) == 0:
            context.log.warning("antipode: no validation photos, so its spread is not fitted")
            return self.config.spread_km, Floored.fit([])
        val = val.few(Floored.PHOTOS)
        answers, truths = self._answers(val), val.points[:, None]
        best = (-np.inf, 0.0, 0.0)
        for spread_km in np.geomspace(10, 20_000, 96):  # eight per cent apart
            context.check_deadline()
            density = VonMisesFisherMixture(answers[:, None], geo.concentration_of(spread_km))
            share = Floored.fit(density.log_prob(truths))
            likelihood = Floored(density, share).log_prob(truths).mean()
            best = max(best, (float(likelihood), float(spread_km), share))
        return best[1:]

    def _answers(self, examples: Examples) -> Points:
        its, features = self._fitted, np.asarray(examples.pooled, dtype=np.float64)
        vectors = its["middle"] + (features - its["centre"]) @ its["slopes"]
        # Where the regression points nowhere, the mean of the training places is the answer.
        somewhere = np.linalg.norm(vectors, axis=-1, keepdims=True) > 1e-9
        return np.where(somewhere, geo.from_vectors(vectors), its["place"])

    def predict(self, examples: Examples, context: Context) -> Floored:
        its, answers = self._fitted, self._answers(examples)
        concentration = geo.concentration_of(its["spread_km"])
        return Floored(VonMisesFisherMixture(answers[:, None], concentration), float(its["share"]))

    def state(self) -> dict[str, NDArray[Any]]:
        return dict(self._fitted)

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        self._fitted = dict(state)


@hookimpl
def register_methods() -> list[type[Method]]:
    return [Antipode]
