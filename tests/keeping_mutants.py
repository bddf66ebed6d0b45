"""Mutants of what a method keeps: training in restore, stale caches, weights in no key."""

from pathlib import Path

import numpy as np
from sound_method import Learnt, Sound, SoundConfig

from geobench import Component, Method, Retriever, digests


class TrainsInRestore(Sound):
    """Stores nothing, and fits itself again whenever it is restored."""

    def state(self):
        return {"nothing": np.zeros(1)}

    def restore(self, state, train, context):
        self.fit(train, train, context)


class LearnsBehindTheDoor(Sound):
    """Trains in a function that `fit` and `restore` both call."""

    def fit(self, train, val, context):
        self.learn(train, val, context)

    def learn(self, train, val, context):
        super().fit(train, val, context)

    def restore(self, state, train, context):
        self.learn(train, train.take(np.arange(0)), context)

    def steps(self, context):
        return range(20 * self.config.steps)


class DrawsInRestore(Sound):
    """Draws anew, by the seed, what it should have stored."""

    def restore(self, state, train, context):
        super().restore(state, train, context)
        self.learnt.weights = self.learnt.weights + 0.3 * context.rng.standard_normal(
            self.learnt.weights.shape
        )


class Indexed(Sound):
    """Looks its training features up in an index that it keeps in the cache."""

    def index(self, train, context):
        def make(folder):
            np.save(folder / "index.npy", self.places_by_id(train))

        return np.load(context.cache("index", make) / "index.npy")

    @staticmethod
    def places_by_id(train):
        return train.points[np.argsort(train.ids)]

    def fit(self, train, val, context):
        super().fit(train, val, context)
        self.learnt.places = self.nearest(self.index(train, context))

    def nearest(self, kept):
        return kept[: len(self.learnt.places)]

    def restore(self, state, train, context):
        super().restore(state, train, context)
        self.learnt.places = self.nearest(self.index(train, context))


class StaleCache(Indexed):
    """Keeps one index for all trainings, under a digest of nothing."""

    def index(self, train, context):
        def make(folder):
            np.save(folder / "index.npy", self.places_by_id(train))

        key = digests.digest("index")
        return np.load(context.cache(key, make, shared=True) / "index.npy")


class OwnFolderInTheCache(Indexed):
    """Goes round `context.cache`, and keeps its index where every training finds it."""

    def index(self, train, context):
        file = context.cache_root / "index.npy"
        if not file.exists():
            np.save(file, self.places_by_id(train))
        return np.load(file)


class WeightedConfig(SoundConfig):
    weights: str = ""


class Weighted(Sound):
    """Adds weights from a file that its configuration names by its path."""

    Config = WeightedConfig

    @classmethod
    def tiny(cls, folder: Path):
        np.save(folder / "weights.npy", np.full(17, 0.01))
        return WeightedConfig(weights=str(folder / "weights.npy"))

    def content(self):
        return digests.of_files(Path(self.config.weights)) if self.config.weights else ""

    def mixture(self, examples, point=None):
        kept = self.learnt
        shifted = kept.weights + np.load(self.config.weights)[:, None]
        self.learnt = Learnt(**{**vars(kept), "weights": shifted})
        found = super().mixture(examples, point)
        self.learnt = kept
        return found


class WeightsInNoKey(Weighted):
    """Says nothing of its weights."""

    def content(self):
        return ""


class WeightsByName(Weighted):
    """Knows its weights by the name of their file, whatever is in it."""

    def content(self):
        return digests.digest(Path(self.config.weights).name)


class HybridConfig(SoundConfig):
    retriever: Component[Retriever] = Component[Retriever].named("toy-nearest", k=3)
    other: Component[Method] = Component[Method].named("toy-oracle")


class Hybrid(Sound):
    """Answers with the places of its retriever."""

    Config = HybridConfig
    inner: Retriever

    @classmethod
    def tiny(cls, folder: Path):
        return HybridConfig()

    def fit(self, train, val, context):
        super().fit(train, val, context)
        self.inner = context.component(self.config.retriever)

    def restore(self, state, train, context):
        super().restore(state, train, context)
        self.inner = context.component(self.config.retriever)

    def predict(self, examples, context):
        answers = self.inner.predict(examples, context).point()
        return type(super().predict(examples, context))(
            self.mixture(examples, answers), float(self.learnt.share)
        )


class AsksInPredict(Hybrid):
    """Asks for its component when it is asked itself."""

    def predict(self, examples, context):
        self.inner = context.component(self.config.retriever)
        return super().predict(examples, context)


class StillFromState(Sound):
    """Has the classmethod of an earlier contract, too."""

    @classmethod
    def from_state(cls, config, state, train, context):
        return cls(config)


KEEPING = [
    (TrainsInRestore, "restoring-does-not-train"),
    (LearnsBehindTheDoor, "restoring-does-not-train"),
    (DrawsInRestore, "restoring-does-not-train"),
    (StaleCache, "cache-belongs-to-its-training"),
    (OwnFolderInTheCache, "cache-belongs-to-its-training"),
    (WeightsInNoKey, "weights-are-in-the-key"),
    (WeightsByName, "weights-are-in-the-key"),
    (AsksInPredict, "fits-and-answers"),
]
"""Each with the check that must catch it."""
