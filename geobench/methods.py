"""Methods: what learns from photos with places and answers photos without."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar, Literal, Self, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from geobench.components import Component, Plugin
from geobench.data import Examples, Fact, hashes
from geobench.errors import ConfigError, DeadlineError, PredictionError
from geobench.galleries import Gallery
from geobench.geo import Floats, Points
from geobench.predictions import Prediction

M = TypeVar("M", bound="Method")
Item = TypeVar("Item")

State = Mapping[str, NDArray[Any]]


def _silent(items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
    yield from items


@final
@dataclass(slots=True)
class Context:
    """All that the harness gives a method beside the examples; one argument, so that a new field
    breaks nobody.

    Args:
        seed: seeds training and sampling.
        device: "cpu", "cuda" or "cuda:1".
        scratch: an empty folder for this cell, removed afterwards.
        cache_root: where `cache` keeps what can be rebuilt.
        checkpoint: a folder that outlives a killed fit of this training, and lasts until its state
            is stored; None where there is none.
        part: the part being answered, as in table.csv (`unseen-cells/seen`); "" while fitting.
        part_ids: every part of the split -> the ids of its photos.
        known_ids: the same before `--limit` and broken pictures took photos away.
        deadline: `time.monotonic()` at which the cell stops, or None.
        track: shows progress over an iterable (items, total, what).
        fitted: gives the fitted component that a Component field names.
    """

    seed: int
    device: str = "cpu"
    scratch: Path = Path()
    cache_root: Path = Path()
    checkpoint: Path | None = None
    part: str = ""
    part_ids: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    known_ids: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    deadline: float | None = None
    track: Callable[[Iterable[Any], int | None, str], Iterator[Any]] = _silent
    fitted: Callable[[Component[Any]], "Method"] | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("geobench.method"))
    facts: dict[str, Fact] = field(default_factory=dict)

    @property
    def rng(self) -> np.random.Generator:
        """A new generator that depends on the seed alone; every call starts it afresh."""
        return np.random.default_rng(self.seed)

    def progress(
        self, items: Iterable[Item], *, total: int | None = None, what: str = "fit"
    ) -> Iterator[Item]:
        """Iterate with a progress bar, stopping at the deadline."""
        for item in self.track(items, total, what):
            self.check_deadline()
            yield item

    def check_deadline(self) -> None:
        """Raise DeadlineError once the benchmark's `deadline` has passed. The clock stops a
        cell; it must never change a number."""
        if self.deadline is not None and monotonic() > self.deadline:
            raise DeadlineError(
                "the cell ran into the benchmark's deadline",
                remedy="Raise `deadline` in the YAML file, or lower the method's steps.",
            )

    def fact(self, name: str, value: float, unit: str) -> None:
        """Keep a measured number (recall, parameters, solver error) in the record and in no key."""
        if not np.isfinite(value):
            raise PredictionError(
                f"the fact {name!r} is {value}", remedy="Give a finite number, or leave it out."
            )
        self.facts[name] = Fact(float(value), unit)

    def noise(self, ids: NDArray[np.str_], shape: tuple[int, ...], stream: str) -> Floats:
        """Standard normals (len(ids), *shape) that depend on seed, photo id and stream name
        alone, so that an answer does not depend on the batch that a photo came in."""
        name = int(hashes(np.array([stream]))[0])
        draws = [
            np.random.default_rng([self.seed, name, int(key)]).standard_normal(shape)
            for key in hashes(ids)
        ]
        return np.stack(draws) if draws else np.empty((0, *shape))

    def cache(self, key: str) -> Path:
        """A folder, kept between runs, for what can be rebuilt (such as an embedded gallery)."""
        folder = self.cache_root / key
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def component(self, reference: Component[M]) -> M:
        """The fitted method that this one's configuration names."""
        if self.fitted is None:
            raise ConfigError(
                f"no fitted component {reference.label}", remedy="Run it through the harness."
            )
        return self.fitted(reference)  # type: ignore[return-value]  # planned from this very field


class Method(Plugin):
    """Says where photos were taken: fitted once per cell, asked for every part.

    An instance is made from its configuration, then either fitted or restored from a state.
    """

    kind = "method"
    origin: ClassVar[Literal["trained", "external", "released"]] = "trained"
    """`external`: the answers come from a file; `released`: the weights come from elsewhere."""
    trained_on: ClassVar[str] = ""
    """What released weights have seen."""
    needs_training: ClassVar[bool] = True
    """Whether an empty train part stops the plan."""
    deterministic: ClassVar[bool] = False
    """Fitted once, whatever the benchmark's `seeds` say."""

    @property
    @abstractmethod
    def predicts(self) -> type[Prediction]:
        """The class, or the abstract capability, of what `predict` returns."""

    @property
    def wants(self) -> frozenset[str]:
        """Which features it reads, of "pooled" and "tokens"; the others are not even loaded."""
        return frozenset()

    def answers(self, part: str) -> bool:
        """Whether it answers this part (`unseen-cells/seen`); else its rows read not-answered."""
        return True

    @abstractmethod
    def fit(self, train: Examples, val: Examples, context: Context) -> None:
        """Learn. A budget is a number of steps in the configuration, never a time."""

    @abstractmethod
    def predict(self, examples: Examples, context: Context) -> Prediction:
        """One distribution per photo, in order; called chunk by chunk, without labels."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """All that `predict` needs and that the configuration and `train` do not hold."""

    @classmethod
    @abstractmethod
    def from_state(cls, config: Any, state: State, train: Examples, context: Context) -> Self:
        """The fitted method again; `train` is what it was fitted on."""


class Retriever(Method):
    """A method that ranks places of a gallery."""

    @property
    @abstractmethod
    def gallery_source(self) -> Gallery:
        """Which places are in its gallery, usually a field of its configuration; tables say it."""

    @abstractmethod
    def gallery(self) -> Points:
        """The places that it can answer with, (G, 2): those of `gallery_source`, or some."""

    @abstractmethod
    def similarity(self, examples: Examples, places: NDArray[np.intp]) -> Floats:
        """How well each of N photos fits gallery places (N, m), higher is closer, (N, m)."""
