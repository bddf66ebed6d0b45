"""Plugins that a file of benchmarks names, and good files of one benchmark."""

import numpy as np
from pydantic import Field

from geobench import (
    Component,
    Config,
    DataError,
    Dataset,
    Gallery,
    InputPath,
    Mean,
    Method,
    Metric,
    Prediction,
    Retriever,
    Split,
    SplitConfig,
)


class PlanetConfig(Config):
    photos: int = Field(10, ge=1)
    scale: float = 1.0
    title: str = ""
    kinds: tuple[str, ...] = ()


class Planet(Dataset):
    name = "planet"
    Config = PlanetConfig

    def load(self):
        raise DataError("a configuration reads no table")


class ListedConfig(Config):
    file: InputPath


class Listed(Planet):
    name = "listed"
    Config = ListedConfig


class Halves(Split):
    name = "halves"

    def draw(self, dataset):
        raise DataError("a configuration draws no split")


class ElsewhereConfig(SplitConfig):
    test: list[Component[Dataset]] = Field(min_length=1)


class Elsewhere(Halves):
    name = "elsewhere"
    Config = ElsewhereConfig


class FixedConfig(Config):
    lat: float = 0.0
    steps: int = Field(100, ge=1)


class Fixed(Method):
    name = "fixed"
    Config = FixedConfig
    presets = {"paper": {"lat": 45.0, "steps": 9000}, "wrong": {"steps": 0}}
    predicts = Prediction

    def fit(self, train, val, context): ...

    def predict(self, examples, context):
        raise DataError("a configuration predicts nothing")

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


class Ranking(Fixed, Retriever):
    name = "ranking"

    gallery_source = Gallery()

    def gallery(self):
        return np.zeros((1, 2))

    def similarity(self, examples, places):
        return np.zeros(places.shape)


class OnTopConfig(Config):
    retriever: Component[Retriever]


class OnTop(Fixed):
    name = "on-top"
    Config = OnTopConfig
    presets = {}


class ErrorConfig(Config):
    unit: str = "km"


class Error(Metric):
    name = "error"
    Config = ErrorConfig
    columns = ("error",)

    @property
    def summaries(self):
        name = "error" if self.config.unit == "km" else f"error-{self.config.unit}"
        return (Mean(name=name, unit=self.config.unit, better="lower", column="error"),)

    def score(self, prediction, truth, context):
        return np.zeros((len(truth), 1), np.float32)


class OtherError(Error):
    name = "other-error"


def yaml(**changes):
    """A good file of one benchmark with some keys changed (None: left out)."""
    keys = {
        "name": "small",
        "dataset": "planet",
        "splits": "[halves]",
        "methods": "[fixed]",
        "metrics": "[error]",
    }
    keys |= changes
    lines = [f"{key}: {value}" for key, value in keys.items() if value is not None]
    return "benchmarks:\n  - " + "\n    ".join(lines) + "\n"
