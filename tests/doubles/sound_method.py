"""A small sound method, for tests that break it: softmax regression onto a few training places."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from geobench import Config, Floored, Method, VonMisesFisherMixture, geo


class SoundConfig(Config):
    """How it trains."""

    places: int = Field(24, description="training places that it can answer with")
    steps: int = Field(60, description="steps of gradient descent")
    rate: float = Field(0.5, description="learning rate")


@dataclass
class Learnt:
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    places: np.ndarray
    kappa: np.ndarray
    share: np.ndarray


class Sound(Method):
    """Weighs some training places by softmax regression; a kernel around each, and a floor."""

    name = "sound"
    Config = SoundConfig
    learnt: Learnt

    @property
    def predicts(self):
        return Floored

    @property
    def wants(self):
        return frozenset({"pooled"})

    def fit(self, train, val, context):
        features = np.asarray(train.pooled, np.float64)
        centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
        rng = self.generator(context)
        chosen = rng.permutation(len(train))[: self.config.places]
        places = train.points[chosen]
        labels = geo.distance_km(train.points[:, None], places).argmin(axis=1)
        wanted = np.eye(len(places))[labels]
        x = self.design((features - centre) / scale)
        weights = 0.01 * rng.standard_normal((x.shape[1], len(places)))
        for _ in self.steps(context):
            rows = rng.integers(len(x), size=64)
            error = self.softmax(x[rows] @ weights) - wanted[rows]
            weights -= self.config.rate * x[rows].T @ error / len(rows)
        self.learnt = Learnt(centre, scale, weights, places, np.array(40.0), np.array(0.5))
        if len(val):
            at_truths = {}
            for kappa in (5.0, 20.0, 80.0, 320.0):
                self.learnt.kappa = np.array(kappa)
                log_prob = self.mixture(val).log_prob(val.points[:, None])[:, 0]
                at_truths[kappa] = log_prob
            best = max(at_truths, key=lambda kappa: np.logaddexp(at_truths[kappa], -4).mean())
            self.learnt.kappa = np.array(best)
            self.learnt.share = np.array(Floored.fit(at_truths[best]))

    def generator(self, context):
        return context.rng

    def steps(self, context):
        return context.progress(range(self.config.steps))

    @staticmethod
    def design(features):
        return np.concatenate([features, np.ones((len(features), 1))], axis=1)

    @staticmethod
    def softmax(scores):
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def shares(self, examples):
        features = np.asarray(examples.pooled, np.float64)
        x = (features - self.learnt.centre) / self.learnt.scale
        return self.softmax(self.design(x) @ self.learnt.weights)

    def mixture(self, examples, point=None):
        shares = self.shares(examples)
        return VonMisesFisherMixture(
            self.learnt.places[None], self.learnt.kappa, shares, point=point, count=len(examples)
        )

    def predict(self, examples, context):
        return Floored(self.mixture(examples), float(self.learnt.share))

    def state(self):
        return dict(vars(self.learnt))

    def restore(self, state, train, context):
        self.learnt = Learnt(**state)
