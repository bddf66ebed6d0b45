"""The toy planet: a synthetic dataset whose true conditional density is known in closed form.

There are a few kinds of landscape. Each occurs in several regions (von Mises-Fisher modes). A
photo shows, as a noisy code, either one landscape or a blend of two, which lies halfway between
their codes. Of which landscape a blend's place is cannot be seen; it is told by the landscapes'
shares alone. Given the features x, the landscape follows by Bayes' rule and the place is
distributed as the mixture of the landscapes' modes:

    p(place | x) = sum_k p(k | x) sum_m w_km vMF(place; mean_km, concentration_km)

so that no method can have a lower expected negative log-likelihood than `toy-oracle`, which
answers with just that, on any part that was drawn without looking at the places.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import geo
from geobench.components import Config
from geobench.data import Dataset, Examples, Image, Indices, Labelled, Table
from geobench.encoders import Features
from geobench.galleries import Gallery
from geobench.geo import Floats, Points
from geobench.hookspecs import hookimpl
from geobench.methods import Context, Method, Retriever, State
from geobench.mixtures import VonMisesFisherMixture
from geobench.predictions import Atoms

DIMENSIONS = 16
"""Length of the feature vectors."""

AMBIGUOUS_BELOW = 0.75
"""A test photo is ambiguous if no landscape's posterior share is larger than this."""

_TOKENS = 4  # the 16 numbers are four tokens of four, and four rows of four blocks in a picture
_BLOCK = 4  # pixels along the side of a block
_PAIRS = 1 << 22  # at most this many (photo, component) pairs in memory at once
_TRAIN, _VAL = 0.6, 0.15  # shares of the photos; the others are test


class WorldConfig(Config):
    """What decides the planet itself."""

    landscapes: int = Field(6, ge=2, description="kinds of landscape")
    regions: int = Field(3, ge=1, description="modes of each landscape")
    noise: float = Field(0.5, gt=0, description="standard deviation of the features' noise")
    blends: float = Field(0.2, ge=0, le=1, description="share of photos that show two landscapes")
    seed: int = Field(0, ge=0, description="seed of the planet")


class ToyPlanetConfig(WorldConfig):
    """How large and how hard the toy planet is."""

    photos: int = Field(600, ge=1, description="photos on the planet")
    photographers: int | None = Field(
        None, ge=1, description="groups of photos; none: half as many as there are photos"
    )


@final
@dataclass(frozen=True, slots=True)
class Photos:
    """Photos drawn from a planet.

    Args:
        features: (N, 16).
        points: where they were taken, (N, 2), degrees.
        landscapes: which landscape each place is of, (N,).
        blended: whether the photo shows a second landscape, too, (N,).
    """

    features: Floats
    points: Points
    landscapes: Indices
    blended: NDArray[np.bool_]


@final
class World:
    """The planet behind a configuration: its modes, its codes, and Bayes' rule on it.

    A photo comes from one of C components: it shows one landscape, with probability 1 - blends
    and then in proportion to the landscapes' shares s_k; or the two landscapes k < l, with
    probability blends and then in proportion to s_k s_l. Its code is the mean of the two, its
    place of k with probability s_k / (s_k + s_l), else of l.

    The first modes of landscapes 0 and 1 are centred on the north and the south pole; the second
    of landscape 0 and the first of landscape 2, where there are any, on the date line.
    """

    def __init__(self, config: WorldConfig) -> None:
        rng = np.random.default_rng([config.seed, 1])
        kinds, shape = config.landscapes, (config.landscapes, config.regions)
        self.noise = config.noise
        self.means = geo.uniform(shape, rng)
        spread_km = rng.choice([150.0, 400.0, 900.0], shape)
        fixed = {(0, 0): (90, 0), (1, 0): (-90, 0), (0, 1): (-17, -180), (2, 0): (40, -180)}
        for (landscape, mode), place in fixed.items():
            if landscape < kinds and mode < config.regions:
                self.means[landscape, mode] = place
                spread_km[landscape, mode] = 400.0
        self.concentrations = geo.concentration_of(spread_km)
        self.weights = rng.dirichlet(np.full(config.regions, 5.0), kinds)
        self.shares = rng.dirichlet(np.full(kinds, 10.0))
        self.codes = rng.standard_normal((kinds, DIMENSIONS)) / 2
        pairs = np.stack(np.triu_indices(kinds, 1), axis=-1)
        self.shown = np.concatenate([np.repeat(np.arange(kinds)[:, None], 2, axis=1), pairs])
        both = self.shares[pairs].prod(axis=1)
        self.priors = np.concatenate(
            [(1 - config.blends) * self.shares, config.blends * both / both.sum()]
        )

    @cached_property
    def landscape_of(self) -> Floats:
        """The landscape of the place, given the component: probabilities (C, landscapes)."""
        chances = np.zeros((len(self.shown), len(self.shares)))
        rows = np.arange(len(self.shown))
        for column in self.shown.T:
            chances[rows, column] = self.shares[column]
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))

    def landscape_given(self, features: Floats) -> Floats:
        """p(k | x) for features (N, 16): (N, landscapes), by Bayes' rule."""
        codes = self.codes[self.shown].mean(axis=1)
        with np.errstate(divide="ignore"):  # there may be no blends
            constant = np.log(self.priors) - (codes**2).sum(axis=1) / (2 * self.noise**2)
        out = np.empty((len(features), len(self.shares)))
        step = max(1, _PAIRS // len(codes))
        for start in range(0, len(features), step):
            rows = slice(start, start + step)
            # log p(component, x), less what all components have in common
            score = features[rows] @ (codes.T / self.noise**2) + constant
            share = np.exp(score - score.max(axis=1, keepdims=True))
            out[rows] = share / share.sum(axis=1, keepdims=True) @ self.landscape_of
        return out

    def density(self, features: Floats) -> VonMisesFisherMixture:
        """The true conditional density p(place | x) for features (N, 16)."""
        weights = self.landscape_given(features)[:, :, None] * self.weights
        return VonMisesFisherMixture(
            self.means.reshape(1, -1, 2),
            self.concentrations.reshape(1, -1),
            weights.reshape(len(features), -1),
        )

    def photos(self, count: int, rng: np.random.Generator) -> Photos:
        """Photos drawn from the planet."""
        component = rng.choice(len(self.priors), count, p=self.priors)
        first, second = self.shown[component].T
        is_first = rng.random(count) < self.landscape_of[component, first]
        landscapes = np.where(is_first, first, second)
        noise = self.noise * rng.standard_normal((count, DIMENSIONS))
        modes = VonMisesFisherMixture(
            self.means[landscapes], self.concentrations[landscapes], self.weights[landscapes]
        )
        return Photos(
            features=(self.codes[first] + self.codes[second]) / 2 + noise,
            points=modes.sample(1, rng)[:, 0],
            landscapes=landscapes,
            blended=first != second,
        )


@final
class ToyPlanet(Dataset):
    """A synthetic planet with several modes per landscape, made in milliseconds.

    Its own parts are `train`, `val`, `clear` and `ambiguous`. Which photos are for testing is
    drawn; which of these are ambiguous depends on their features alone, so that the part says
    nothing about the place beyond what the features say. A picture shows the numbers of the
    features, each as a block of grey, to half a grey level.
    """

    name = "toy-planet"
    version = 2
    Config = ToyPlanetConfig
    config: ToyPlanetConfig
    licence = "CC0-1.0"
    citation = "The toy planet is synthetic and part of geobench."

    @property
    def on_earth(self) -> bool:
        return False

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"features", "images"})

    @classmethod
    def tiny(cls, folder: Path) -> ToyPlanetConfig:
        return ToyPlanetConfig(photos=200)

    @cached_property
    def world(self) -> World:
        """What the photos were drawn from."""
        return World(self.config)

    @cached_property
    def photos(self) -> Photos:
        """The photos, with the features as they are published, in 32 bits."""
        drawn = self.world.photos(self.config.photos, np.random.default_rng([self.config.seed, 2]))
        return replace(drawn, features=drawn.features.astype(np.float32).astype(np.float64))

    def load(self) -> Table:
        count = self.config.photos
        rng = np.random.default_rng([self.config.seed, 3])
        people = self.config.photographers or max(1, count // 2)
        photographers = rng.integers(people, size=count)
        drawn = rng.permutation(count) / count
        most = self.world.landscape_given(self.photos.features).max(axis=1)
        points = self.photos.points
        return Table(
            ids=_names("toy-{:06d}", count),
            points=points,
            groups=_names("photographer-{:04d}", people)[photographers],
            attributes={
                "hemisphere": np.where(points[:, 0] >= 0, "north", "south"),
                "scene": _names("{:02d}", self.config.landscapes)[self.photos.landscapes],
            },
            part=np.select(
                [drawn < _TRAIN, drawn < _TRAIN + _VAL, most > AMBIGUOUS_BELOW],
                ["train", "val", "clear"],
                "ambiguous",
            ),
            published=("hemisphere", "scene"),
        )

    def features(self, indices: Indices) -> Features:
        pooled = self.photos.features[indices].astype(np.float32)
        return Features(pooled, pooled.reshape(len(pooled), _TOKENS, DIMENSIONS // _TOKENS))

    def images(self, indices: Indices) -> Iterator[Image]:
        grey = np.clip(np.rint(128 + 40 * self.photos.features[indices]), 0, 255).astype(np.uint8)
        for blocks in grey.reshape(len(grey), _TOKENS, DIMENSIONS // _TOKENS, 1):
            yield blocks.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1).repeat(3, axis=2)


def _names(form: str, count: int) -> NDArray[np.str_]:
    return np.array([form.format(number) for number in range(count)])


@final
class ToyOracle(Method):
    """The true conditional density of the toy planet: the best that any method can do there.

    Its configuration says which planet, and so has to agree with the dataset's.
    """

    name = "toy-oracle"
    version = 2
    Config = WorldConfig
    config: WorldConfig
    needs_training = False
    deterministic = True

    predicts = VonMisesFisherMixture

    wants = frozenset({"pooled"})

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        """Nothing is learnt: the planet is known."""

    def predict(self, examples: Examples, context: Context) -> VonMisesFisherMixture:
        return World(self.config).density(np.asarray(examples.pooled, dtype=np.float64))

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        """There is nothing to restore."""


class ToyNearestConfig(Config):
    """How many photos answer."""

    k: int = Field(5, ge=1, description="training photos that answer; all where there are fewer")


@final
class ToyNearest(Retriever):
    """The places of the training photos with the nearest features: a small retriever.

    It is there for hybrids to name in their `tiny`. The nearer of its k photos weighs more, by
    exp(-squared distance / 2); the likeliest place is that of the nearest.
    """

    name = "toy-nearest"
    Config = ToyNearestConfig
    config: ToyNearestConfig
    deterministic = True

    _features: Floats
    _places: Points

    predicts = Atoms

    wants = frozenset({"pooled"})

    @property
    def gallery_source(self) -> Gallery:
        return Gallery()

    def gallery(self) -> Points:
        """The places of the training photos, (M, 2)."""
        return self._places

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        context.check_deadline()
        self.restore({}, train, context)

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        self._features, self._places = np.asarray(train.pooled, np.float64), train.points

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing: what it knows are the training photos."""
        return {}

    def similarity(self, examples: Examples, places: NDArray[np.intp], context: Context) -> Floats:
        """Minus half the squared distance to the features of these training photos, (N, m)."""
        apart = np.asarray(examples.pooled, np.float64)[:, None] - self._features[places]
        return np.asarray(-(apart**2).sum(axis=-1) / 2)

    def predict(self, examples: Examples, context: Context) -> Atoms:
        near = self.similarity(examples, np.arange(len(self._places)), context)
        order = np.argsort(-near, axis=1, kind="stable")[:, : self.config.k]
        votes = np.take_along_axis(near, order, axis=1)
        return Atoms(self._places[order], np.exp(votes - votes[:, :1]))


@hookimpl
def register_datasets() -> Sequence[type[Dataset]]:
    return (ToyPlanet,)


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    return (ToyOracle, ToyNearest)
