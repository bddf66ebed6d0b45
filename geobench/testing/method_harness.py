"""What the harness does with a method: fitted, stored, restored and asked, as in a run."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench.components import Component
from geobench.data import Examples, Labelled
from geobench.digests import array_digest, digest
from geobench.errors import ConfigError
from geobench.methods import Context, Method
from geobench.predictions import Prediction
from geobench.records import files
from geobench.run.named_methods import deterministic, references
from geobench.testing.check import ensure
from geobench.testing.method_photos import PARTS, MethodPhotos
from geobench.testing.untouched import opened_files

State = dict[str, NDArray[Any]]


class MethodHarness(MethodPhotos):
    """A method under check, and a context for it as the harness makes one."""

    def __init__(self, plugin: type[Method], *, config: Any = None) -> None:
        super().__init__(plugin, config=config)
        self._components: dict[str, State] = {}

    def context(
        self,
        train: Labelled | None = None,
        val: Labelled | None = None,
        *,
        seed: int = 0,
        deadline: float | None = None,
        method: Method | None = None,
        cache: Path | None = None,
        component_seed: int | None = None,
    ) -> Context:
        """A context as the harness makes it for `fit` and `restore`; components are fitted on the
        same photos.

        Args:
            method: whose context it is; the one under check, unless it is that of a component.
            cache: where it keeps what can be rebuilt, if not where all contexts do.
            component_seed: of components, if it is not `seed`.
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
            dataset_ids=dict.fromkeys(ids, self.planet.table.ids),
            deadline=deadline,
            fitted=lambda reference: self._component(
                _planned(reference, method),
                train,
                val,
                seed if component_seed is None else component_seed,
                deadline,
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
        component_seed: int | None = None,
    ) -> Method:
        """The method made again from a stored state."""
        train = self.train if train is None else train
        method = self.make()
        context = self.context(train, val, seed=seed, cache=cache, component_seed=component_seed)
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
