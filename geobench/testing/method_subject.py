"""The method under check, and what several checks look at, made once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from geobench.data import Labelled
from geobench.methods import Context, Method
from geobench.predictions import Density, Prediction
from geobench.run.named_methods import references
from geobench.testing.check import Failure, Skip
from geobench.testing.method_harness import MethodHarness, State
from geobench.testing.prediction_snapshot import PredictionSnapshot
from geobench.testing.untouched import Snapshot, calls_of, untouched_random_state


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
class MethodSubject(MethodHarness):
    """A method class, fitted, restored and asked once for all checks that look at it."""

    def __init__(self, plugin: type[Method], *, config: Any = None) -> None:
        super().__init__(plugin, config=config)
        self.faults: dict[str, Failure] = {}
        self.effort = Effort()

    def of_seed(self, seed: int) -> Fitted:
        """Fitted with this seed and restored; seed -1 is seed 0 once more, in another instance.

        What goes wrong is raised once; a later check that asks again is skipped.
        """
        return self.memo(f"seed {seed}", lambda: self._fit_and_restore(seed))

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
        return self.memo("prediction", lambda: self.ask(self.of_seed(0).restored))

    @property
    def snapshot(self) -> PredictionSnapshot:
        """The same, written down."""
        return self.memo("said", lambda: PredictionSnapshot.of(self.prediction))

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
