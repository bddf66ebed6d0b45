"""Mutants of what must come out again: from a seed, a state, another process, another batch."""

import numpy as np

from geobench import Floored, LazyDensity, VonMisesFisherMixture
from sound_method import Sound


class GlobalRng(Sound):
    """Seeds numpy's global generator."""

    def generator(self, context):
        np.random.seed(context.seed)
        return np.random.default_rng(np.random.randint(1 << 30))


class OwnGenerator(Sound):
    """Draws from a generator that nobody seeded."""

    def generator(self, context):
        return np.random.default_rng()


class ClaimsDeterminism(Sound):
    """Trains by chance, and says that it does not."""

    deterministic = True


class HashesStrings(Sound):
    """Takes its places in the order of a set, which each process has another of."""

    def fit(self, train, val, context):
        first = list(set(train.ids.tolist()))[: self.config.places]
        rest = [name for name in train.ids.tolist() if name not in first]
        super().fit(train.take(np.argsort(train.ids)[np.argsort(first + rest)]), val, context)


class ForgetsState(Sound):
    """Does not store the scale of features."""

    def state(self):
        return {name: array for name, array in super().state().items() if name != "scale"}

    def restore(self, state, train, context):
        super().restore({"scale": np.ones(16), **state}, train, context)


class KeepsStateInTheClass(Sound):
    """Keeps its weights where the last fit of any instance overwrites them."""

    kept = None

    def fit(self, train, val, context):
        super().fit(train, val, context)
        type(self).kept = self.learnt

    def restore(self, state, train, context):
        self.learnt = type(self).kept


class StateInMemory(Sound):
    """Stores where its weights lie in this process, not the weights."""

    kept = {}

    def state(self):
        self.kept[str(id(self))] = self.learnt
        return {"key": np.array(str(id(self)))}

    def restore(self, state, train, context):
        self.learnt = self.kept[str(state["key"])]


class PicklesState(Sound):
    """Has a state that only pickle can store."""

    def state(self):
        return {"learnt": np.array(self.learnt, dtype=object)}


class BatchStatistics(Sound):
    """Standardises features by the batch that it is asked for."""

    def shares(self, examples):
        features = np.asarray(examples.pooled, np.float64)
        x = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
        return self.softmax(self.design(x) @ self.learnt.weights)


class SortsPhotos(Sound):
    """Answers in the order of ids."""

    def predict(self, examples, context):
        return super().predict(examples.take(np.argsort(examples.ids)), context)


class RemembersPhotos(Sound):
    """Moves its centre with every batch that it sees."""

    def predict(self, examples, context):
        prediction = super().predict(examples, context)
        seen = np.asarray(examples.pooled, np.float64).mean(axis=0)
        self.learnt.centre = 0.9 * self.learnt.centre + 0.1 * seen
        return prediction


class ReusesItsBuffer(Sound):
    """Returns an array that its next answers overwrite."""

    def shares(self, examples):
        shares = super().shares(examples)
        if "buffer" not in vars(self):
            self.buffer = np.empty((1000, shares.shape[1]))
        self.buffer[: len(shares)] = shares
        return self.buffer[: len(shares)]

    def predict(self, examples, context):
        shares = self.shares(examples)
        point = self.learnt.places[shares.argmax(axis=1)]

        def log_prob(indices, points):
            return Floored(self.kernels(shares[indices]), 0.1).log_prob(points)

        def draw(indices, n, rng):
            return Floored(self.kernels(shares[indices]), 0.1).sample(n, rng)

        return LazyDensity(point, draw, log_prob)

    def kernels(self, shares):
        return VonMisesFisherMixture(self.learnt.places[None], self.learnt.kappa, shares)

    @property
    def predicts(self):
        return LazyDensity


REPEATING = [
    (PicklesState, "fits-and-answers"),
    (SortsPhotos, "order-does-not-matter"),
    (BatchStatistics, "batching-does-not-matter"),
    (RemembersPhotos, "asking-changes-nothing"),
    (ReusesItsBuffer, "asking-changes-nothing"),
    (StateInMemory, "same-in-another-process"),
    (HashesStrings, "same-in-another-process"),
    (OwnGenerator, "same-seed-same-bytes"),
    (ClaimsDeterminism, "another-seed-another-result"),
    (GlobalRng, "global-random-state-untouched"),
    (ForgetsState, "state-round-trips"),
    (KeepsStateInTheClass, "state-round-trips"),
]
"""Each with the check that must catch it."""
