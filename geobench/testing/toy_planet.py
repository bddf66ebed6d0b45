"""The toy planet: a synthetic dataset whose true conditional density is known in closed form.

There are a few kinds of landscape. Each occurs in several regions (von Mises-Fisher modes), and a
photo shows which landscape it is of as a noisy code. Given the features x, the landscape follows
by Bayes' rule and the place is distributed as the mixture of the landscapes' modes:

    p(place | x) = sum_k p(k | x) sum_m w_km vMF(place; mean_km, concentration_km)

so that no method can have a lower expected negative log-likelihood than `toy-oracle`, which
answers with just that.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import geo
from geobench.components import Config
from geobench.data import Dataset, Examples, Image, Indices, Table
from geobench.encoders import Features
from geobench.geo import Floats, Points
from geobench.hookspecs import hookimpl
from geobench.methods import Context, Method, State
from geobench.mixtures import VonMisesFisherMixture


class ToyPlanetConfig(Config):
    """How large and how hard the toy planet is."""

    photos: int = Field(600, ge=1, description="photos on the planet")
    landscapes: int = Field(6, ge=2, description="kinds of landscape")
    regions: int = Field(3, ge=1, description="modes of each landscape")
    noise: float = Field(0.5, gt=0, description="standard deviation of the features' noise")
    photographers: int = Field(60, ge=1, description="groups of photos")
    seed: int = Field(0, ge=0, description="seed of the planet")


DIMENSIONS = 16
"""Length of the feature vectors."""

_SIDE = 4  # a picture is 4 x 4 pixels, one per dimension, the code in all channels


@final
class World:
    """The planet behind a configuration: its modes, its codes, and Bayes' rule on it."""

    def __init__(self, config: ToyPlanetConfig) -> None:
        rng = np.random.default_rng([config.seed, 1])
        shape = (config.landscapes, config.regions)
        self.noise = config.noise
        self.means = geo.uniform(shape, rng)
        self.concentrations = geo.concentration_of(rng.choice([150.0, 400.0, 900.0], shape))
        self.weights = rng.dirichlet(np.full(config.regions, 3.0), config.landscapes)
        self.shares = rng.dirichlet(np.full(config.landscapes, 5.0))
        self.codes = rng.standard_normal((config.landscapes, DIMENSIONS)) / 2

    def landscape_given(self, features: Floats) -> Floats:
        """p(k | x) for features (N, 16): (N, landscapes), by Bayes' rule."""
        square = ((features[:, None] - self.codes) ** 2).sum(axis=-1)
        score = np.log(self.shares) - square / (2 * self.noise**2)
        score -= score.max(axis=1, keepdims=True)
        share = np.exp(score)
        return np.asarray(share / share.sum(axis=1, keepdims=True))

    def density(self, features: Floats) -> VonMisesFisherMixture:
        """The true conditional density p(place | x) for features (N, 16)."""
        weights = self.landscape_given(features)[:, :, None] * self.weights
        return VonMisesFisherMixture(
            self.means.reshape(1, -1, 2),
            self.concentrations.reshape(1, -1),
            weights.reshape(len(features), -1),
        )

    def photos(self, count: int, rng: np.random.Generator) -> tuple[Floats, Points]:
        """Features (count, 16) and places (count, 2) drawn from the planet."""
        kind = rng.choice(len(self.shares), count, p=self.shares)
        noise = self.noise * rng.standard_normal((count, DIMENSIONS))
        modes = VonMisesFisherMixture(
            self.means[kind], self.concentrations[kind], self.weights[kind]
        )
        return self.codes[kind] + noise, modes.sample(1, rng)[:, 0]


@final
class ToyPlanet(Dataset):
    """A synthetic planet with several modes per landscape, made in milliseconds."""

    name = "toy-planet"
    Config = ToyPlanetConfig
    config: ToyPlanetConfig
    licence = "CC0-1.0"
    citation = "The toy planet is synthetic and part of geobench."

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
    def _photos(self) -> tuple[NDArray[np.float32], Points]:
        rng = np.random.default_rng([self.config.seed, 2])
        features, points = self.world.photos(self.config.photos, rng)
        return features.astype(np.float32), points

    def load(self) -> Table:
        count = self.config.photos
        rng = np.random.default_rng([self.config.seed, 3])
        numbers = rng.integers(self.config.photographers, size=count)
        points = self._photos[1]
        return Table(
            ids=np.array([f"toy-{number:06d}" for number in range(count)]),
            points=points,
            groups=np.array([f"photographer-{number:04d}" for number in numbers]),
            attributes={"hemisphere": np.where(points[:, 0] >= 0, "north", "south")},
        )

    def features(self, indices: Indices) -> Features:
        return Features(self._photos[0][indices])

    def images(self, indices: Indices) -> Iterator[Image]:
        for code in self._photos[0][indices]:
            grey = np.clip(128 + 40 * code, 0, 255).astype(np.uint8).reshape(_SIDE, _SIDE)
            yield np.repeat(grey[:, :, None], 3, axis=2)


@final
class ToyOracle(Method):
    """The true conditional density of the toy planet: the best that any method can do there."""

    name = "toy-oracle"
    Config = ToyPlanetConfig
    config: ToyPlanetConfig
    needs_training = False
    deterministic = True

    @property
    def predicts(self) -> type[VonMisesFisherMixture]:
        return VonMisesFisherMixture

    @property
    def wants(self) -> frozenset[str]:
        return frozenset({"pooled"})

    def fit(self, train: Examples, val: Examples, context: Context) -> None:
        """Nothing is learnt: the planet is known."""

    def predict(self, examples: Examples, context: Context) -> VonMisesFisherMixture:
        return World(self.config).density(np.asarray(examples.pooled, dtype=np.float64))

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    @classmethod
    def from_state(cls, config: Any, state: State, train: Examples, context: Context) -> Self:
        return cls(config)


@hookimpl
def register_datasets() -> Sequence[type[Dataset]]:
    return (ToyPlanet,)


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    return (ToyOracle,)
