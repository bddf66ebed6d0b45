"""Mutants of what a method keeps: training in restore, stale caches, weights in no key."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from geobench import Component, Context, InputPath, Method, Retriever, digests
from sound_method import Learnt, Sound, SoundConfig


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


class LearnsInAThread(Sound):
    """Trains again in another thread, and takes the rest from its state."""

    def fit(self, train, val, context):
        super().fit(train, val, context)
        self.seed = context.seed

    def state(self):
        return {"kappa": self.learnt.kappa, "share": self.learnt.share, "seed": np.array(self.seed)}

    def restore(self, state, train, context):
        clone = type(self)(self.config)
        self.seed = int(state["seed"])
        self.train_clone(clone, train, train.take(np.arange(0)), Context(seed=self.seed))
        self.learnt = clone.learnt
        self.learnt.kappa, self.learnt.share = state["kappa"], state["share"]

    def train_clone(self, clone, *arguments):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(Sound.fit, clone, *arguments).result()


class FitsAClone(LearnsInAThread):
    """Lets another instance be fitted whenever it is restored."""

    def train_clone(self, clone, *arguments):
        clone.fit(*arguments)


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


class IndexedSlowly(Indexed):
    """Looks at the deadline only while it makes what it keeps."""

    def steps(self, context):
        return range(self.config.steps)

    def index(self, train, context):
        def make(folder):
            for _ in context.progress(range(4)):
                np.save(folder / "index.npy", self.places_by_id(train))

        return np.load(context.cache("index", make) / "index.npy")


class StaleCache(Indexed):
    """Keeps one index for all trainings, under a digest of nothing."""

    def index(self, train, context):
        def make(folder):
            np.save(folder / "index.npy", self.places_by_id(train))

        key = digests.digest("index")
        return np.load(context.cache(key, make, shared=True) / "index.npy")


class SharesByCount(Indexed):
    """Shares its index with all trainings on as many photos."""

    def index(self, train, context):
        def make(folder):
            np.save(folder / "index.npy", self.places_by_id(train))

        return np.load(context.cache(self.key(train), make, shared=True) / "index.npy")

    def key(self, train):
        return digests.digest(len(train))


class SharesByIds(SharesByCount):
    """Shares its index with all trainings on photos of the same names."""

    def key(self, train):
        return digests.digest(train.ids.tolist())


class SharesWhateverTheSeed(SharesByCount):
    """Keeps what it draws by its seed where trainings with other seeds find it."""

    def key(self, train):
        return digests.digest([train.ids.tolist(), train.points.tolist()])

    def index(self, train, context):
        def make(folder):
            np.save(folder / "index.npy", context.rng.permutation(self.places_by_id(train)))

        return np.load(context.cache(self.key(train), make, shared=True) / "index.npy")


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
    def tiny(cls, folder):
        np.save(folder / "weights.npy", np.linspace(0.2, 1, 17))
        return WeightedConfig(weights=str(folder / "weights.npy"))

    def content(self):
        return digests.of_files(Path(self.config.weights)) if self.config.weights else ""

    def mixture(self, examples, point=None):
        kept = self.learnt
        scaled = kept.weights * self.read()[:, None]
        self.learnt = Learnt(**{**vars(kept), "weights": scaled})
        found = super().mixture(examples, point)
        self.learnt = kept
        return found

    def read(self):
        return np.load(self.config.weights)


class WeightsInNoKey(Weighted):
    """Says nothing of its weights."""

    def content(self):
        return ""


class WeightsByName(Weighted):
    """Knows its weights by the name of their file, whatever is in it."""

    def content(self):
        return digests.digest(Path(self.config.weights).name)


class WeighsInInit(Weighted):
    """Reads its weights when it is made, and says nothing of them."""

    def __init__(self, config=None):
        super().__init__(config)
        self.kept = np.load(self.config.weights) if self.config.weights else np.zeros(17)

    def content(self):
        return ""

    def read(self):
        return self.kept


class WeightsInText(Weighted):
    """Has its weights in a file that does not look like weights, and says nothing of them."""

    @classmethod
    def tiny(cls, folder):
        np.savetxt(folder / "shares.csv", np.linspace(0.2, 1, 17))
        return WeightedConfig(weights=str(folder / "shares.csv"))

    def content(self):
        return ""

    def read(self):
        return np.loadtxt(self.config.weights)


class WeightsOpenedElsewhere(Weighted):
    """Lets code that is not Python's open its weights, and says nothing of them."""

    def content(self):
        return ""

    def read(self):
        return np.fromiter(
            map(
                float,
                subprocess.run(
                    ["od", "-An", "-v", "-tf8", "-w8", "-j128", self.config.weights],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout.split(),
            ),
            float,
        )


class WeightsByTime(Weighted):
    """Knows its weights by the size and the time of their file."""

    def content(self):
        stat = Path(self.config.weights).stat()
        return digests.digest([stat.st_size, stat.st_mtime_ns])


class UnkeyedConfig(SoundConfig):
    unkeyed = frozenset({"weights"})
    weights: InputPath


class WeightsUnkeyed(Weighted):
    """Says that the file of its weights changes no number."""

    Config = UnkeyedConfig

    @classmethod
    def tiny(cls, folder):
        return UnkeyedConfig(weights=Path(super().tiny(folder).weights))

    def content(self):
        return ""


class HybridConfig(SoundConfig):
    retriever: Component[Retriever] = Component[Retriever].named("toy-nearest", k=3)
    other: Component[Method] = Component[Method].named("toy-oracle")


class Hybrid(Sound):
    """Answers with the places of its retriever."""

    Config = HybridConfig
    inner: Retriever

    @classmethod
    def tiny(cls, folder):
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


class KeepsItsContext(Hybrid):
    """Keeps the context of `restore`, and asks it for its component when it is asked itself."""

    def restore(self, state, train, context):
        super().restore(state, train, context)
        self.later = context

    def predict(self, examples, context):
        self.inner = self.later.component(self.config.retriever)
        return super().predict(examples, context)


class AsksForAStranger(Hybrid):
    """Asks for a component that its configuration does not name."""

    def fit(self, train, val, context):
        super().fit(train, val, context)
        inner = type(self.inner)(type(self.inner.config)(k=1))
        self.inner = context.component(Component[Retriever].of(inner))


class StillFromState(Sound):
    """Has the classmethod of an earlier contract, too."""

    @classmethod
    def from_state(cls, config, state, train, context):
        return cls(config)


KEEPING = [
    (TrainsInRestore, "restoring-does-not-train"),
    (LearnsBehindTheDoor, "restoring-does-not-train"),
    (DrawsInRestore, "restoring-does-not-train"),
    (LearnsInAThread, "restoring-does-not-train"),
    (FitsAClone, "restoring-does-not-train"),
    (StaleCache, "cache-belongs-to-its-training"),
    (OwnFolderInTheCache, "cache-belongs-to-its-training"),
    (SharesByCount, "cache-belongs-to-its-training"),
    (SharesByIds, "cache-belongs-to-its-training"),
    (SharesWhateverTheSeed, "cache-belongs-to-its-training"),
    (WeightsInNoKey, "weights-are-in-the-key"),
    (WeightsByName, "weights-are-in-the-key"),
    (WeighsInInit, "weights-are-in-the-key"),
    (WeightsInText, "weights-are-in-the-key"),
    (WeightsOpenedElsewhere, "weights-are-in-the-key"),
    (WeightsByTime, "weights-are-in-the-key"),
    (WeightsUnkeyed, "weights-are-in-the-key"),
    (AsksInPredict, "fits-and-answers"),
    (KeepsItsContext, "fits-and-answers"),
    (AsksForAStranger, "fits-and-answers"),
]
"""Each with the check that must catch it."""
