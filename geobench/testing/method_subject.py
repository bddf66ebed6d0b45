"""The method under check: fitted on the toy planet, stored, restored and asked, as in a run."""

import logging
import sys
import sysconfig
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from geobench.components import Component
from geobench.data import Examples, Indices, Labelled, Rows
from geobench.digests import array_digest, digest
from geobench.errors import ConfigError
from geobench.geo import Points
from geobench.methods import Context, Method
from geobench.predictions import Density, Prediction
from geobench.records import files
from geobench.run.named_methods import deterministic, references, wanted, with_components
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.prediction_snapshot import PredictionSnapshot
from geobench.testing.subject import Subject
from geobench.testing.untouched import Snapshot, calls_of, opened_files, untouched_random_state
from geobench.testing.weights import WEIGHTS, keyed_paths
from geobench.toy_planet import ToyPlanet

PARTS = ("official/clear", "official/ambiguous")
"""The test parts that methods are asked for, as in table.csv."""

State = dict[str, NDArray[Any]]


@final
@dataclass(frozen=True)
class Fitted:
    """A method that was fitted, and the same method made again from its stored state.

    Args:
        fitted: as `fit` left it.
        state: what was stored, as read back.
        restored: another instance, made the same by `restore`.
    """

    fitted: Method
    state: State
    restored: Method


@final
@dataclass(slots=True)
class Effort:
    """How many functions `fit` and `restore` called, and whether `restore` called `fit`."""

    fit: int = 0
    restore: int = 0
    fitted_again: bool = False


@final
class MethodSubject(Subject[Method]):
    """A method class and the photos of the toy planet that it is fitted on and asked for."""

    planet = ToyPlanet()

    def __init__(self, plugin: type[Method], *, config: Any = None) -> None:
        super().__init__(plugin, config=config)
        self.faults: dict[str, Failure] = {}
        self.effort = Effort()
        self._components: dict[str, State] = {}
        self._opened: set[str] = set()

    def make(self) -> Method:
        """A new instance; what it reads while it is made is known."""
        _ = self.config  # `tiny` may write what is read
        with opened_files() as opened:
            method = super().make()
        self._opened |= opened
        return method

    # The photos.

    def rows(self, part: str) -> Indices:
        """Rows of the toy planet: `train`, `val`, or one of PARTS."""
        named: Indices = np.flatnonzero(self.planet.table.part == part.split("/")[-1])
        return named

    def labelled(self, rows: Indices) -> Labelled:
        """Photos of the planet with the features that the method wants, and their places."""
        table, wants = self.planet.table, wanted(self.make())
        features = self.planet.features(rows)
        return Labelled(
            table.ids[rows],
            table.points[rows],
            {name: column[rows] for name, column in table.attributes.items()},
            pooled=_rows(self._lifted(features.pooled)) if "pooled" in wants else None,
            tokens=_rows(features.tokens) if "tokens" in wants else None,
            read=lambda positions: self.planet.images(rows[positions]),
        )

    def examples(self, rows: Indices) -> Examples:
        """The same as they are at test time."""
        return self.labelled(rows).unlabelled()

    def _lifted(self, pooled: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        """The planet's features at the width that fixed weights need: turned, none of them lost
        where there is room, so that distances stay."""
        widths = {each.feature_width for each in with_components(self.make())} - {None}
        if pooled is None or not widths:
            return pooled
        ensure(
            len(widths) == 1,
            f"it and its components need features of the widths {sorted(map(str, widths))}",
            "All methods see the same features.",
        )
        (width,) = widths
        shape = (pooled.shape[1], int(width or 0))
        turn = np.random.default_rng(0).standard_normal((max(shape), min(shape)))
        axes = np.linalg.qr(turn)[0]  # orthonormal columns: all that a wide matrix needs
        lifted: NDArray[np.float64] = pooled @ (axes if shape[0] >= shape[1] else axes.T)
        return lifted.astype(np.float32)

    @cached_property
    def train(self) -> Labelled:
        return self.labelled(self.rows("train"))

    @cached_property
    def val(self) -> Labelled:
        return self.labelled(self.rows("val"))

    @cached_property
    def part(self) -> str:
        """The part that most checks ask for: the first that the method answers."""
        method = self.make()
        answered = [part for part in PARTS if method.answers(part)]
        ensure(
            answered,
            f"it answers neither {' nor '.join(PARTS)}",
            "`tiny` must give a configuration that answers one of them.",
        )
        return answered[0]

    @cached_property
    def test(self) -> Examples:
        """The photos of `part`, without labels."""
        return self.examples(self.rows(self.part))

    @cached_property
    def truth(self) -> Points:
        """Where they were taken, (N, 2)."""
        return self.planet.table.points[self.rows(self.part)]

    def moved(self, photos: Labelled, points: Points) -> Labelled:
        """The same photos, taken elsewhere."""
        elsewhere = copy(photos)
        elsewhere.points = points
        return elsewhere

    # What the harness does with a method.

    def context(
        self,
        train: Labelled | None = None,
        val: Labelled | None = None,
        *,
        seed: int = 0,
        deadline: float | None = None,
        method: Method | None = None,
        cache: Path | None = None,
    ) -> Context:
        """A context as the harness makes it for `fit` and `restore`; components are fitted on the
        same photos.

        Args:
            method: whose context it is; the one under check, unless it is that of a component.
            cache: where it keeps what can be rebuilt, if not where all contexts do.
        """
        train = self.train if train is None else train
        val = self.val if val is None else val
        ids = {label: self.planet.table.ids[self.rows(label)] for label in PARTS}
        method = self.make() if method is None else method
        return Context(
            seed=seed,
            scratch=self.folder(),
            cache_root=self.cache_root if cache is None else cache,
            method=method.name,
            fit_key=_fit_key(method, train, val, seed),
            part_ids=ids,
            known_ids=ids,
            deadline=deadline,
            fitted=lambda reference: self._component(
                _planned(reference, method), train, val, seed, deadline
            ),
            log=_QUIET,
        )

    @cached_property
    def cache_root(self) -> Path:
        """One for all contexts, as in a run: what was kept for other photos must not be found."""
        return self.folder()

    def _component(
        self,
        reference: Component[Any],
        train: Labelled,
        val: Labelled,
        seed: int,
        deadline: float | None,
    ) -> Method:
        plugin: Method = reference.plugin
        seed = 0 if deterministic(plugin) else seed
        own = self.context(train, val, seed=seed, deadline=deadline, method=plugin)
        if own.fit_key not in self._components:
            method = type(plugin)(plugin.config)
            method.fit(train, val, own)
            self._components[own.fit_key] = self.stored(method)
        again = type(plugin)(plugin.config)
        again.restore(dict(self._components[own.fit_key]), train, own)
        own.fitted = None
        return again

    def fit(
        self,
        train: Labelled | None = None,
        val: Labelled | None = None,
        *,
        seed: int = 0,
        deadline: float | None = None,
        cache: Path | None = None,
    ) -> Method:
        """A new instance, fitted on these photos, or on the planet's."""
        train = self.train if train is None else train
        val = self.val if val is None else val
        method = self.make()
        context = self.context(train, val, seed=seed, deadline=deadline, cache=cache)
        with opened_files() as opened:
            method.fit(train, val, context)
        context.fitted = None  # as in a run: components are asked for in `fit` and `restore` only
        self._opened |= opened
        return method

    def stored(self, method: Method) -> State:
        """The method's state as it comes back from the file in which the harness keeps it."""
        state = method.state()
        ensure(
            isinstance(state, Mapping),
            f"state gives a {type(state).__name__}, not names and arrays",
        )
        for name, array in state.items():
            ensure(
                isinstance(array, np.ndarray) and array.dtype.kind in "biufU",
                f"state holds {name!r}, a {_kind(array)}",
                "Give arrays of numbers or of numpy.str_: a state is never pickled.",
            )
        path = self.folder() / "state.npz"
        files.write_arrays(path, state)
        return files.read_arrays(path)

    def restore(
        self,
        state: State,
        train: Labelled | None = None,
        val: Labelled | None = None,
        *,
        seed: int = 0,
        cache: Path | None = None,
    ) -> Method:
        """The method made again from a stored state."""
        train = self.train if train is None else train
        method = self.make()
        context = self.context(train, val, seed=seed, cache=cache)
        with opened_files() as opened:
            method.restore(state, train, context)
        context.fitted = None
        self._opened |= opened
        return method

    def ask(
        self,
        method: Method,
        examples: Examples | None = None,
        *,
        seed: int = 0,
        part: str | None = None,
    ) -> Prediction:
        """What a method predicts of photos (of `test`, unless given)."""
        part = self.part if part is None else part
        examples = self.test if examples is None else examples
        context = replace(self.context(seed=seed), part=part, fitted=None)
        with opened_files() as opened:
            prediction = method.predict(examples, context)
        self._opened |= opened
        ensure(
            isinstance(prediction, Prediction),
            f"predict returns a {type(prediction).__name__}, which is no geobench.Prediction",
            "Return Atoms, VonMisesFisherMixture, Cells, Sampled, LazyDensity or Floored.",
        )
        return prediction

    # What several checks look at; done once.

    def of_seed(self, seed: int) -> Fitted:
        """Fitted with this seed and restored; seed -1 is seed 0 once more, in another instance.

        What goes wrong is raised once; a later check that asks again is skipped.
        """
        return self.once(f"seed {seed}", lambda: self._fit_and_restore(seed))

    def _fit_and_restore(self, seed: int) -> Fitted:
        if seed == -1:
            self.of_seed(0)  # imports what is imported on first use
            with self._noting("random state"), untouched_random_state("fit or predict"):
                again = self._measured()
                self._use(again.restored)
            return again
        if seed != 0:
            return self._fit_and_restore_now(seed)
        before = Snapshot.of(self._inputs())
        fitted = self._fit_and_restore_now(0)
        self._use(fitted.restored)
        with self._noting("inputs"):
            before.check(self._inputs(), by="fit or predict")
        return fitted

    def _fit_and_restore_now(self, seed: int) -> Fitted:
        method = self.fit(seed=seed)
        state = self.stored(method)
        return Fitted(method, state, self.restore(state, seed=seed))

    def _measured(self) -> Fitted:
        """Fitted and restored with seed 0, and how many calls it took."""
        method, restored = self.make(), self.make()
        contexts = [self._with_components_ready() for _ in range(2)]
        self.effort.fit = calls_of(lambda: method.fit(self.train, self.val, contexts[0]))
        state = self.stored(method)
        fit: Callable[..., None] = type(restored).fit

        def noted(*arguments: Any, **named: Any) -> None:
            self.effort.fitted_again = True
            fit(*arguments, **named)

        with patch.object(type(restored), "fit", noted):  # of a clone that it trains, too
            self.effort.restore = calls_of(lambda: restored.restore(state, self.train, contexts[1]))
        for context in contexts:
            context.fitted = None
        return Fitted(method, state, restored)

    def _with_components_ready(self) -> Context:
        """A context whose components are fitted and restored: their work is not the method's."""
        context = self.context()
        give = context.component
        ready = [(each, give(each)) for each in references(self.make())]
        later = context.fitted
        assert later is not None
        context.fitted = lambda reference: (
            next((method for each, method in ready if each is reference), None) or later(reference)
        )
        return context

    def read_files(self) -> set[Path]:
        """Files of weights outside `tiny_folder` that the method has read, and that its
        configuration does not name."""
        own = Path(getattr(sys.modules.get(_package(self.plugin)), "__file__", None) or ".").parent
        system = [Path(place).resolve() for place in sysconfig.get_paths().values()]
        named = [path.resolve() for path in keyed_paths(self.config)]
        found = set()
        for name in self._opened:
            path = Path(name).resolve()
            inside = any(path.is_relative_to(place) for place in named)
            inside |= path.is_relative_to(self.root)  # what the kit keeps, and looks at by itself
            foreign = any(path.is_relative_to(place) for place in system)
            if inside or (foreign and not path.is_relative_to(own.resolve())):
                continue
            if path.suffix.lower() in WEIGHTS and path.is_file():
                found.add(path)
        return found

    def _inputs(self) -> dict[str, NDArray[Any] | None]:
        arrays: dict[str, NDArray[Any] | None] = {}
        for name, examples in (("train", self.train), ("val", self.val), ("test", self.test)):
            arrays[f"{name}.ids"] = examples.ids
            for what, rows in examples.features.items():
                arrays[f"{name}.{what}"] = rows[:]
            if isinstance(examples, Labelled):
                arrays[f"{name}.points"] = examples.points
                for column, values in examples.attributes.items():
                    arrays[f"{name}.attributes[{column!r}]"] = values
        return arrays

    def _noting(self, name: str) -> "_Noting":
        return _Noting(self.faults, name)

    def _use(self, method: Method) -> None:
        """Ask for all that a metric may ask for; what goes wrong is another check's matter."""
        with suppress(Exception):
            prediction = self.ask(method)
            prediction.point()
            prediction.sample(2, np.random.default_rng(0))
            if isinstance(prediction, Density):
                prediction.log_prob(np.zeros((1, 1, 2)))

    @property
    def prediction(self) -> Prediction:
        """What the restored method says of `test`."""
        return self.once("prediction", lambda: self.ask(self.of_seed(0).restored))

    @property
    def said(self) -> PredictionSnapshot:
        """The same, written down."""
        return self.once("said", lambda: PredictionSnapshot.of(self.prediction))

    @property
    def density(self) -> Density:
        """The same, of a method that predicts a density.

        Raises:
            Skip: it does not.
        """
        if not issubclass(self.make().predicts, Density):
            raise Skip(f"it predicts {self.make().predicts.__name__}, which has no density")
        prediction = self.prediction
        if not isinstance(prediction, Density):
            raise Skip("predict does not return what is declared: see declared-types")
        return prediction


@final
@dataclass(frozen=True)
class _Noting:
    """Keeps a Failure for the check that it belongs to, so that others go on."""

    faults: dict[str, Failure]
    name: str

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, Failure):
            self.faults[self.name] = error
            return True
        return False


def _rows(array: NDArray[np.float32] | None) -> Rows | None:
    return None if array is None else Rows([array])


def _package(plugin: type[Method]) -> str:
    return plugin.__module__.partition(".")[0]


def _planned(reference: Component[Any], method: Method) -> Component[Any]:
    """A reference of those that a plan finds; it fits no others.

    Raises:
        ConfigError: it is none of them.
    """
    wants = reference.plugin.identity()
    for each in references(method):
        if each is reference or each.plugin.identity() == wants:
            return each
    raise ConfigError(
        f"{reference.label or reference.plugin.name} is no component of method {method.name}",
        remedy="A component is a field of the configuration, where planning finds and fits it.",
    )


def _fit_key(method: Method, train: Labelled, val: Labelled, seed: int) -> str:
    """Of all that decides a training, as in a plan."""
    photos = [
        array_digest(each.ids, each.points, *(rows[:] for rows in each.features.values()))
        for each in (train, val)
    ]
    return digest([method.identity(), photos, seed])


def _kind(value: Any) -> str:
    return f"array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__


_QUIET = logging.getLogger("geobench.testing.quiet")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False
