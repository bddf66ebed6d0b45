"""Metrics of administrative levels: continent, country, region and town of the nearest place."""

from abc import abstractmethod
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import Config, Metric, Prediction, ScoreContext, Share, Summary, Truth, gazetteer


class AdminConfig(Config):
    """Which places there are, and how far from one a label still holds."""

    minimum: Literal[500, 1000, 5000, 15000] = Field(
        1000, description="which table of GeoNames places to use, by smallest population"
    )
    max_km: float = Field(
        100.0,
        gt=0,
        allow_inf_nan=False,
        description="what is further than this from any place has no label, in km",
    )


class _AdminAccuracy(Metric):
    """Share of answers whose nearest GeoNames place has the label of that nearest the truth.

    A photo whose truth has no label, or lies further than `max_km` from any place, is not
    applicable. An answer that has none, or lies further than that from any place, is wrong.
    """

    Config = AdminConfig
    config: AdminConfig
    caveat = (
        "Labels of places are those of the nearest town: about 1 % of photos are put in another "
        "country than by borders, and 23 % of land, far from any town, has none (docs/metrics.md)."
    )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def summaries(self) -> tuple[Summary, ...]:
        return (Share(name=self.name, better="higher", column=self.name),)

    @abstractmethod
    def labels(self, towns: gazetteer.Towns) -> NDArray[Any]:
        """The label of every town; "" where there is none."""

    def applies(self, truth: Truth) -> NDArray[np.bool_]:
        found = gazetteer.find(truth.points, minimum=self.config.minimum)
        labels = self.labels(gazetteer.load(self.config.minimum))[found.index]
        labelled = labels != "" if labels.dtype.kind == "U" else np.ones(len(truth), bool)
        return np.asarray(labelled & (found.distance_km <= self.config.max_km))

    def score(
        self, prediction: Prediction, truth: Truth, context: ScoreContext
    ) -> NDArray[np.float32]:
        answered = gazetteer.find(prediction.point(), minimum=self.config.minimum)
        wanted = gazetteer.find(truth.points, minimum=self.config.minimum)
        labels = self.labels(gazetteer.load(self.config.minimum))
        # The truth has a label, so an answer without one differs.
        right = labels[answered.index] == labels[wanted.index]
        right &= answered.distance_km <= self.config.max_km
        return np.asarray(right[:, None], np.float32)


@final
class ContinentMetric(_AdminAccuracy):
    """Share of answers on the right continent, by the nearest GeoNames places."""

    name = "continent-accuracy"

    def labels(self, towns: gazetteer.Towns) -> NDArray[np.str_]:
        return towns.continent


@final
class CountryMetric(_AdminAccuracy):
    """Share of answers in the right country (ISO 3166-1), by the nearest GeoNames places."""

    name = "country-accuracy"

    def labels(self, towns: gazetteer.Towns) -> NDArray[np.str_]:
        return towns.country


@final
class RegionMetric(_AdminAccuracy):
    """Share of answers in the right first-level division, by the nearest GeoNames places."""

    name = "region-accuracy"

    def labels(self, towns: gazetteer.Towns) -> NDArray[np.str_]:
        return towns.region


@final
class TownMetric(_AdminAccuracy):
    """Share of answers with the same nearest GeoNames place as the truth, by identifier."""

    name = "town-accuracy"

    def labels(self, towns: gazetteer.Towns) -> NDArray[np.int64]:
        return towns.id
