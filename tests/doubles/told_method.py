"""A part of photos, a method told what to answer and metrics that show what they were given."""

import numpy as np

from geobench import (
    Context,
    Density,
    Examples,
    Labelled,
    Mean,
    Method,
    Metric,
    Prediction,
    Rows,
    Truth,
    VonMisesFisherMixture,
    geo,
)
from geobench.scoring.score_part import Protocol, score_part

PHOTOS = 23
CHUNK = 5
PROTOCOL = Protocol(seed=3, task="a1b2c3d4e5f60718" * 4, chunk=CHUNK, photos="all", samples=4)
IDS = np.array([f"photo-{n}" for n in range(PHOTOS)])
TRUTH = Truth(
    points=geo.uniform(PHOTOS, np.random.default_rng(1)),
    attributes={"row": np.arange(PHOTOS)},
    novelty=np.full(PHOTOS, np.nan),
)
EXAMPLES = Examples(ids=IDS, pooled=Rows([np.arange(PHOTOS, dtype=np.float32)[:, None]]))


class Told(Method):
    """Predicts what a function makes of each chunk's examples."""

    name = "told"
    predicts = Prediction

    def __init__(self, answer, predicts=Prediction):
        super().__init__()
        self.answer = answer
        self.predicts = predicts
        self.calls = []

    def fit(self, train, val, context): ...

    def predict(self, examples, context):
        assert not isinstance(examples, Labelled)
        self.calls.append(examples.ids.tolist())
        return self.answer(examples)

    def state(self):
        return {}

    def restore(self, state, train, context):
        raise NotImplementedError


class Spread(Metric):
    """Mean longitude of the samples: shows which samples a metric was given."""

    needs = Prediction
    columns = ("spread", "row")
    summaries = (Mean(name="spread", unit="degrees", better="lower", column="spread"),)
    name = "spread"

    def __init__(self):
        super().__init__()
        self.seen = []

    def score(self, prediction, truth, context):
        assert context.samples is not None
        assert context.part == "random/test"
        assert len(prediction) == len(truth) == len(context.samples)
        self.seen.append(context.samples)
        values = [context.samples[:, :, 1].mean(axis=1), truth.attributes["row"]]
        return np.stack(values, axis=-1).astype(np.float32)


class Likelihood(Metric):
    """Negative log-density at the truth."""

    name = "likelihood"
    needs = Density
    columns = ("nll",)
    summaries = (Mean(name="nll", unit="nats per steradian", better="lower", column="nll"),)

    def score(self, prediction, truth, context):
        return np.asarray(-prediction.log_prob(truth.points[:, None]), np.float32)


class Northern(Spread):
    """Scores photos of the northern hemisphere only."""

    name = "northern"

    def applies(self, truth):
        return truth.points[:, 0] > 0


def around(examples):
    """A distribution around a place that the features name."""
    assert examples.pooled is not None
    lon = np.asarray(examples.pooled)[:, 0] * 10.0
    means = np.stack([np.zeros(len(lon)), lon], axis=-1)
    return VonMisesFisherMixture(means[:, None], np.full((1, 1), 50.0))


def scored(method, metrics=(), *, protocol=PROTOCOL, context=None):
    asked = method if isinstance(method, Method) else Told(method)
    given = Context(seed=3, part="random/test") if context is None else context
    return score_part(
        asked, EXAMPLES, TRUTH, context=given, protocol=protocol, metrics=list(metrics)
    )
