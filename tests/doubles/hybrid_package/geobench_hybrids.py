"""Another third-party package for tests: methods made of others, also of the faulty package's, and
methods with weights. $WEIGHTS names the file of weights; $GROWN gives `grown` a further field.
"""

import os
from pathlib import Path
from typing import Literal

import numpy as np
from geobench_faulty import Counted, CountedConfig, log

from geobench import (
    Atoms,
    Component,
    Config,
    DataError,
    Encoder,
    Features,
    Method,
    Retriever,
    digests,
    hookimpl,
)


class PairConfig(Config):
    """Whom it asks."""

    first: Component[Retriever] | Component[Method] = Component[Retriever].named("toy-nearest")
    second: Component[Method] = Component[Method].named("counted", tag="inner")


class Pair(Method):
    """Answers with the places of two others, the first of which counts more."""

    name = "pair"
    Config = PairConfig
    predicts = Atoms
    deterministic = True

    first: Method
    second: Method

    def fit(self, train, val, context):
        context.check_deadline()
        self.restore({}, train, context)
        log(f"start pair {context.seed} {len(train)}")  # what it does itself begins here

    def restore(self, state, train, context):
        self.first = context.component(self.config.first)
        self.second = context.component(self.config.second)

    def state(self):
        return {}

    def predict(self, examples, context):
        one, two = (each.predict(examples, context) for each in (self.first, self.second))
        points = np.concatenate([one.points, two.points], axis=1)
        return Atoms(points, np.concatenate([0.9 * one.weights, 0.1 * two.weights], axis=1))


class Nested(Pair):
    """A pair of a pair and of a retriever."""

    name = "nested"

    @classmethod
    def tiny(cls, folder):
        return PairConfig(first={"plugin": Pair()}, second=Component[Method].named("toy-nearest"))


class WeightedConfig(CountedConfig):
    """Whose weights."""

    weights: Literal["own", "released"] = "released"


class Weighted(Counted):
    """Answers a little beside its training places, by weights of a file."""

    name = "weighted"
    Config = WeightedConfig

    @property
    def origin(self):
        return "released" if self.config.weights == "released" else "trained"

    @property
    def trained_on(self):
        return "a million photos of elsewhere" if self.config.weights == "released" else ""

    def content(self):
        if self.config.weights == "own":
            return ""
        path = Path(os.environ["WEIGHTS"])
        if not path.exists():
            raise DataError(
                f"weighted has no weights at {path.name}", remedy="Copy them there from the shelf."
            )
        return digests.of_files(path)

    def fit(self, train, val, context):
        super().fit(train, val, context)
        if self.content():
            self.centre = self.centre + np.load(os.environ["WEIGHTS"])


class WideConfig(CountedConfig):
    """What its weights need."""

    width: int = 768


class Wide(Counted):
    """Needs features of a width of their own."""

    name = "wide"
    Config = WideConfig
    wants = frozenset({"pooled"})

    @property
    def feature_width(self):
        return self.config.width


class GrownConfig(CountedConfig):
    """As it was, and as it is."""

    if "GROWN" in os.environ:
        added = {"extra": 0}
        extra: int = 0


class Grown(Counted):
    """Has got a further field, where $GROWN is set."""

    name = "grown"
    Config = GrownConfig


class LonelyConfig(Config):
    """Names what nobody has."""

    other: Component[Retriever] = Component[Retriever].named("nowhere-to-be-found")


class Lonely(Counted):
    """Has a component that is not installed."""

    name = "lonely"
    Config = LonelyConfig


class Unsaid(Encoder):
    """Brightness of the rows of a picture, whose shape it does not say."""

    name = "unsaid"

    def prepare(self, image):
        log("prepare")
        return image.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)

    def encode(self, batch, *, tokens):
        return Features(batch)


class PredictionSnapshot(Unsaid):
    """The same, and says it."""

    name = "said"

    def shape(self, what):
        return (7,) if what == "pooled" else None


@hookimpl
def register_methods():
    return [Pair, Nested, Weighted, Wide, Grown, Lonely]


@hookimpl
def register_encoders():
    return [Unsaid, PredictionSnapshot]
