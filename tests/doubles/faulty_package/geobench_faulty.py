"""A third-party package for tests: plugins that count what they do, and plugins that go wrong.

They raise audit events (`faulty.drawing`, `faulty.fitting`, ...), at which `geobench_strike` can
kill the process.
"""

import os
import sys
from pathlib import Path
from typing import Literal

import geobench_strike  # noqa: F401  (armed by being imported)
import numpy as np

from geobench import (
    Assignment,
    Atoms,
    Component,
    Config,
    Encoder,
    Features,
    Mean,
    Method,
    Metric,
    Part,
    Prediction,
    Split,
    SplitConfig,
    geo,
    hookimpl,
)
from geobench.features import encode

encode.SHARD = int(os.environ.get("SHARD", encode.SHARD))


class CountedConfig(Config):
    tag: str = "a"


class Counted(Method):
    """Answers with the mean training place, and writes a line per fit to $FIT_LOG."""

    name = "counted"
    Config = CountedConfig
    predicts = Prediction

    def fit(self, train, val, context):
        log(f"start {self.config.tag} {context.seed} {len(train)}")
        sys.audit("faulty.fitting", self.config.tag)
        self.centre = geo.mean_point(train.points) + context.rng.normal(0, 0.1, 2)

    def predict(self, examples, context):
        sys.audit("faulty.answering", self.config.tag)
        wiggle = context.noise(examples.ids, (4, 2), "wiggle")
        return Atoms(np.clip(self.centre + wiggle, -80, 80))

    def state(self):
        return {"centre": self.centre}

    def restore(self, state, train, context):
        self.centre = state["centre"]
        if type(self) is Counted:
            log(f"restored {self.config.tag} {context.seed} {len(train)}")


class Sighted(Counted):
    """Answers with numbers that every feature of a photo goes into."""

    name = "sighted"
    wants = frozenset({"pooled", "tokens"})

    def predict(self, examples, context):
        pooled, tokens = np.asarray(examples.pooled), np.asarray(examples.tokens)
        points = np.stack([pooled.mean(axis=1), tokens.max(axis=2).mean(axis=1)], axis=-1)
        return Atoms(np.clip(self.centre + 30 * points[:, None], -80, 80))


class OuterConfig(Config):
    inner: Component[Counted]


class Outer(Counted):
    """Answers what its component answers."""

    name = "outer"
    Config = OuterConfig

    def fit(self, train, val, context):
        self.inner = context.component(self.config.inner)
        self.centre = self.inner.centre

    def restore(self, state, train, context):
        super().restore(state, train, context)
        self.inner = context.component(self.config.inner)

    def predict(self, examples, context):
        return self.inner.predict(examples, context)


class FaultyConfig(Config):
    fault: str


class Faulty(Counted):
    """Goes wrong in the way that its configuration names."""

    name = "faulty"
    Config = FaultyConfig

    def fit(self, train, val, context):
        self.centre = np.zeros(2)
        if self.config.fault == "fit":
            raise RuntimeError("no convergence")
        while self.config.fault == "deadline":
            context.check_deadline()

    def predict(self, examples, context):
        points = np.zeros((len(examples), 1, 2))
        match self.config.fault:
            case "predict":
                raise RuntimeError("no answer")
            case "seen" if context.part.endswith("/seen"):
                raise RuntimeError("no answer for the seen")
            case "rows":
                return Atoms(points[:-1])
            case "nan":
                points[-1] = np.nan
            case "latitude":
                points[0, 0, 0] = 95
            case "type":
                return points
        return Atoms(points)


class Height(Metric):
    """The latitude of the answer; raises where $BREAK_METRIC is set."""

    name = "height"
    columns = ("height",)
    summaries = (Mean(name="height", column="height", unit="degrees", better="higher"),)

    def score(self, prediction, truth, context):
        if os.environ.get("BREAK_METRIC"):
            raise RuntimeError("no height today")
        return prediction.point()[:, :1]


class Spread(Height):
    """The mean distance of the samples to the truth."""

    name = "spread"
    needs = Prediction
    columns = ("spread",)
    summaries = (Mean(name="spread", column="spread", unit="km", better="lower"),)

    def score(self, prediction, truth, context):
        if os.environ.get("BREAK_METRIC"):
            raise RuntimeError("no spread today")
        return geo.distance_km(context.samples, truth.points[:, None]).mean(axis=1)[:, None]


class Torn(Height):
    """Scores well, and has a summary that raises."""

    name = "torn"
    summaries = (Mean(name="torn", column="no-such-column", unit="degrees", better="higher"),)


class Glance(Encoder):
    """The red channel as it is, and a line for every batch to $FIT_LOG."""

    name = "glance"
    batch = encode.SHARD

    def prepare(self, image):
        return image[:, :, 0].astype(np.float32) / 255

    def encode(self, batch, *, tokens):
        log(f"encode {len(batch)}")
        sys.audit("faulty.encoding")
        return Features(batch.reshape(len(batch), -1), batch if tokens else None)


class StripedConfig(SplitConfig):
    """Whoever took a photo, it is for what its number says."""

    groups: Literal["apart", "shared"] = "shared"


class Striped(Split):
    """Every fourth photo: train, val, and the two parts `third` and `fourth`."""

    name = "striped"
    Config = StripedConfig

    def draw(self, dataset):
        sys.audit("faulty.drawing")
        names = ("train", "val", "third", "fourth")
        rows = np.arange(len(dataset.table))
        train, val, *parts = (Part.of(n, dataset, rows[i::4]) for i, n in enumerate(names))
        return Assignment(train, val, tuple(parts))


class TornEncoder(Encoder):
    """Raises on every batch."""

    name = "torn-encoder"

    def prepare(self, image):
        return image

    def encode(self, batch, *, tokens):
        raise RuntimeError("out of ink")


def log(line):
    if "FIT_LOG" in os.environ:
        with Path(os.environ["FIT_LOG"]).open("a") as stream:
            stream.write(f"{line}\n")


@hookimpl
def register_methods():
    return [Counted, Sighted, Outer, Faulty]


@hookimpl
def register_metrics():
    return [Height, Spread, Torn]


@hookimpl
def register_encoders():
    return [Glance, TornEncoder]


@hookimpl
def register_splits():
    return [Striped]
