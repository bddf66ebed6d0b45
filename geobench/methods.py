"""Methods: what learns from photos with places and answers photos without."""

import inspect
import logging
import re
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, final, get_origin

import numpy as np
from numpy.typing import NDArray

from geobench.components import Component, Plugin
from geobench.data import Examples, Fact, Labelled, hashes
from geobench.errors import (
    ConfigError,
    DeadlineError,
    NotFittedError,
    PluginError,
    PredictionError,
)
from geobench.galleries import Gallery
from geobench.geo import Floats, Points
from geobench.predictions import Prediction
from geobench.progress import Track, untracked

M = TypeVar("M", bound="Method")
Item = TypeVar("Item")

State: TypeAlias = Mapping[str, NDArray[Any]]
"""All that `predict` needs, as plain arrays of numbers or numpy.str_ by name."""
Origin: TypeAlias = Literal["trained", "external", "released"]


@final
@dataclass(slots=True)
class Context:
    """All that the harness gives a method beside the examples; one argument, so that a new field
    breaks nobody.

    Args:
        seed: seeds training and sampling.
        device: "cpu", "cuda" or "cuda:1".
        scratch: an empty folder for this training, removed afterwards.
        cache_root: where `cache` keeps what can be rebuilt; None where nothing can be kept.
        method: the method's name.
        fit_key: the SHA-256 of all that decides this training, known from planning; "" outside a
            run. The context of a component has its own.
        checkpoint: a folder that outlives a killed fit of this training, and lasts until its
            state is stored; None where there is none.
        part: the part being answered, as in table.csv (`unseen-cells/seen`); "" while fitting.
        part_ids: every part of the split -> the ids of its photos.
        known_ids: the same before `--limit` and broken pictures took photos away.
        dataset_ids: the same parts -> the ids of all photos of their dataset, training photos too.
        deadline: `time.monotonic()` at which the training stops, or None.
        track: shows progress over an iterable (items, total, what).
        fitted: gives the fitted component that a Component field names.
    """

    seed: int
    device: str = "cpu"
    scratch: Path = Path()
    cache_root: Path | None = None
    method: str = ""
    fit_key: str = ""
    checkpoint: Path | None = None
    part: str = ""
    part_ids: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    known_ids: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    dataset_ids: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    deadline: float | None = None
    track: Track = untracked
    # In quotes, as below: pydantic builds the model as soon as its brackets are evaluated, and
    # looks through every installed distribution for plugins of its own before it builds the first.
    fitted: "Callable[[Component[Any]], Method] | None" = None
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
        training; it must never change a number."""
        if self.deadline is not None and monotonic() > self.deadline:
            raise DeadlineError(
                "the training ran into the benchmark's deadline",
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

    def cache(self, key: str, make: Callable[[Path], None], *, shared: bool = False) -> Path:
        """A folder, kept between runs, of what can be rebuilt (an index, an embedded gallery).

        It belongs to this very training: another split, seed or configuration has its own. It is
        made in a draft, under a lock, so that it is there whole or not at all, and made again where
        one of its files has changed since.

        Args:
            key: names it among the folders of this training: letters, digits and ._-
            make: fills an empty folder; called where there is none yet, or none that is as it was.
            shared: let all trainings of the method share it; `key` must then be a digest (64
                digits, as `geobench.digests.digest` gives) of everything that decides the content.

        Raises:
            ConfigError: no such key, or a context without a cache.
        """
        if self.cache_root is None:
            raise ConfigError(
                "this context has no cache",
                remedy="Run the method through the harness, or give Context a cache_root.",
            )
        wanted, what = (_DIGEST, "digest") if shared else (_CACHE_KEY, "key of a cache")
        if not wanted.fullmatch(key):
            raise ConfigError(
                f"{key!r} is no {what}",
                where=f"method {self.method}",
                remedy="What trainings share is found by geobench.digests.digest of everything "
                "that decides its content."
                if shared
                else "Letters, digits and ._- are.",
            )
        kept = self.cache_root / (self.method or "method")
        place = kept / ("shared" if shared else self.fit_key or "no-key") / key
        from geobench.sealed import made_once  # here, because few methods keep anything

        return made_once(place, make, lock=place.with_name(f"{key}.lock"))

    def component(self, reference: "Component[M]") -> M:
        """The fitted method that this one's configuration names; in `fit` and `restore` only.

        Raises:
            ConfigError: asked while answering, or outside a run.
        """
        if self.fitted is None:
            raise ConfigError(
                f"there is no component {reference.label} to be had here",
                remedy="Ask context.component in `fit` or in `restore`, and keep what it gives in "
                "an attribute; a component is fitted by the harness.",
            )
        return self.fitted(reference)  # type: ignore[return-value]  # planned from this very field


_CACHE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Method(Plugin):
    """Says where photos were taken: fitted once per training, asked for every part.

    An instance is made from its configuration, then either fitted or restored from a state.
    What `fit` and `restore` give it is declared by annotations in the class (`_network: Network`);
    to read one of them before either is a NotFittedError.
    """

    kind = "method"

    @property
    def origin(self) -> Origin:
        """`external`: the answers come from a file; `released`: the weights come from elsewhere."""
        return "trained"

    @property
    def trained_on(self) -> str:
        """What released weights have seen, in words."""
        return ""

    @property
    def needs_training(self) -> bool:
        """Whether an empty train part stops the plan."""
        return True

    @property
    def deterministic(self) -> bool:
        """Fitted once, whatever the benchmark's `seeds` say, if its components are, too."""
        return False

    @property
    def feature_width(self) -> int | None:
        """The length of the pooled features that fixed weights need; None for any."""
        return None

    @property
    @abstractmethod
    def predicts(self) -> type[Prediction]:
        """The class, or the abstract capability, of what `predict` returns."""

    @property
    def wants(self) -> frozenset[str]:
        """Which features it reads, of "pooled" and "tokens"; the others are not even loaded."""
        return frozenset()

    @property
    def says_along(self) -> frozenset[str]:
        """What it will say beside its answers, of `answers.SAID_ALONG`, where that is known before
        anything runs: `geobench score` then asks for the metrics that read it."""
        return frozenset()

    @property
    def says_one_place(self) -> bool:
        """Whether it says one place of each photo and no more, as far as that is known before
        anything runs; metrics of draws then tell nothing that those of points do not."""
        return False

    def answers(self, part: str) -> bool:
        """Whether it answers this part (`unseen-cells/seen`); else its rows read not-answered."""
        return True

    def foresee(self, context: Context) -> Mapping[str, Points]:
        """What it will say, where that is known before anything runs, as of answers made
        elsewhere: part -> (N, 2), NaN where a photo is declined; nothing of what learns.

        Args:
            context: with `part_ids`, `known_ids` and `dataset_ids`; what belongs to a training it
                lacks.
        """
        return {}

    def check(self, context: Context) -> None:
        """Raise what `fit` would raise that is known before anything runs; nothing, by default.

        Args:
            context: that of `foresee`.
        """

    @abstractmethod
    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        """Learn. A budget is a number of steps in the configuration, never a time.

        Args:
            train: what is learnt, and the places of a gallery of training places.
            val: what settings are chosen by (when to stop, widths, floors), and nothing else: its
                places join no gallery. It may be empty.
            context: that of the training.
        """

    @abstractmethod
    def predict(self, examples: Examples, context: Context) -> Prediction:
        """One distribution per photo, in order; called chunk by chunk, without labels."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """All that `predict` needs and that the configuration and `train` do not hold."""

    @abstractmethod
    def restore(self, state: State, train: Labelled, context: Context) -> None:
        """Become the fitted method again: what answers is what was stored.

        It runs once for every part that is answered, and its seconds stand in costs.csv. `state`
        must work after it. It must not train.

        Args:
            state: what `state` gave after `fit`.
            train: what it was fitted on.
            context: that of the part.
        """

    if not TYPE_CHECKING:  # a typed class has no unknown attributes

        def __getattr__(self, name: str) -> Any:
            found = inspect.getattr_static(type(self), name, None)
            if isinstance(found, property):  # it raised an AttributeError, which is to be seen
                return found.__get__(self)
            if name in fitted_attributes(type(self)):
                raise NotFittedError(
                    f"method {self.name} has no {name} before it is fitted or restored",
                    remedy="Call fit, or restore, first.",
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def fitted_attributes(method: type[Method]) -> set[str]:
    """The names that the classes of a method annotate without a value: what fitting gives it."""
    found: set[str] = set()
    for base in method.__mro__[: method.__mro__.index(Method)]:
        for name, kind in _annotations(base).items():
            # As a string where it cannot be, or is not to be, evaluated.
            plain = kind if isinstance(kind, str) else str(get_origin(kind) or kind)
            if "ClassVar" not in plain and name not in vars(base):
                found.add(name)
    return found - {"config"}


def _annotations(base: type) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(base, format=annotationlib.Format.STRING)
    own: Mapping[str, Any] = vars(base).get("__annotations__", {})
    return own


def describe_stale(method: type[Method]) -> str:
    """What a method's class still has of an earlier contract, or ""."""
    if hasattr(method, "from_state"):
        return (
            f"method {method.name}: from_state has become `restore(self, state, train, context)`, "
            "which fills the instance that the harness made, and returns nothing"
        )
    return ""


class Retriever(Method):
    """A method that ranks places of a gallery."""

    @property
    @abstractmethod
    def gallery_source(self) -> Gallery:
        """Which places are in its gallery, usually a field of its configuration; tables say it."""

    def own_places(self) -> Points:
        """The places that released weights bring, (G, 2), for `Gallery(source="own")`.

        Raises:
            PluginError: it brings none.
        """
        raise PluginError(
            f"method {self.name} brings no places of its own",
            remedy="Choose another `source` of its gallery: training, grid, both or file.",
        )

    def places(self, train: Labelled) -> Points:
        """The places of `gallery_source`, (G, 2), after training on these photos."""
        source = self.gallery_source
        own = self.own_places() if source.source == "own" else None
        return source.places(train.points, own=own)

    @abstractmethod
    def gallery(self) -> Points:
        """The places that it can answer with, (G, 2): those of `gallery_source`, or some."""

    @abstractmethod
    def similarity(self, examples: Examples, places: NDArray[np.intp], context: Context) -> Floats:
        """How well N photos fit places of its gallery, (N, m), higher is closer.

        Args:
            examples: N photos.
            places: positions in the gallery, (m,) for all photos alike, or (N, m).
            context: that of `predict`.
        """
