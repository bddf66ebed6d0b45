"""Answers with refusals: what was answered, what was declined, and what was said along with it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import geo
from geobench.data import Indices
from geobench.errors import PredictionError
from geobench.geo import Points
from geobench.predictions import Prediction
from geobench.strings import Column

CONFIDENCE, SECONDS, COST, EXPLANATION = "confidence", "seconds", "cost", "explanation"

IN_DRAWS = " (in metrics of draws: "
"""What stands in a stand-in's words before those that are about draws alone."""

NUMBERS = (CONFIDENCE, SECONDS, COST)
"""What a metric can read of it."""

SAID_ALONG = (*NUMBERS, EXPLANATION)
"""What a method may say of a photo beside the place: how likely its answer is right, in [0, 1];
what it took, in seconds and in money; and why, in words."""


@final
class Remark(NamedTuple):
    """One of `SAID_ALONG` of N photos.

    Args:
        values: (N,), numbers, NaN where nothing is said; strings of an explanation, "" likewise.
        unit: "share", "s", a currency such as "USD", or "" of an explanation.
    """

    values: Column
    unit: str = ""


@final
class Answers(Prediction):
    """Predictions of N photos of which some may be declined, as language models do.

    A refusal is an outcome. It is scored by what stands in for an answer, and counted: it is
    neither 0 km away nor left out of a mean.

    Args:
        given: the predictions of the photos that are answered, in their order.
        answered: which those are, (N,); all of them, by default.
        instead: what stands in for the others, in their order.
        stand_in: what that is, for the tables: "a uniform point"; where draws are of something
            else, that stands behind it: "a town (in metrics of draws: as its country)".
        farthest: a refusal is answered by the antipode of the truth. The harness puts it there,
            because no method knows it; draws are those of `instead`.
        along: name in `SAID_ALONG` -> what is said of each photo beside its place.
    """

    def __init__(
        self,
        given: Prediction,
        answered: NDArray[np.bool_] | None = None,
        *,
        instead: Prediction | None = None,
        stand_in: str = "",
        farthest: bool = False,
        along: Mapping[str, Remark] | None = None,
    ) -> None:
        self.answered = np.ones(len(given), bool) if answered is None else np.asarray(answered)
        self.stand_in = stand_in
        self.farthest = farthest
        self.along = dict(along or {})
        self._given, self._instead = given, instead
        declined = 0 if instead is None else len(instead)
        counts = (int(self.answered.sum()), int((~self.answered).sum()))
        if self.answered.ndim != 1 or counts != (len(given), declined):
            raise PredictionError(
                f"{counts[0]} photos are answered and {counts[1]} declined, of which "
                f"{len(given)} and {declined} are predicted",
                remedy="Give `given` the photos that are answered, and `instead` all others.",
            )
        for name, remark in self.along.items():
            if name not in SAID_ALONG or np.shape(remark.values) != (len(self),):
                raise PredictionError(
                    f"{name} of shape {np.shape(remark.values)} is said along with {len(self)} "
                    "answers",
                    remedy=f"Say {', '.join(SAID_ALONG)}, each once for every photo.",
                )

    def __len__(self) -> int:
        return len(self.answered)

    def point(self) -> Points:
        return self._laid(self._given.point(), lambda other: other.point())

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return self._laid(self._given.sample(n, rng), lambda other: other.sample(n, rng))

    def _laid(self, given: NDArray[Any], of_others: Any) -> NDArray[Any]:
        """What is found of those that are answered and of the others, photo by photo."""
        if self._instead is None:
            return given
        found = np.empty((len(self), *given.shape[1:]), given.dtype)
        found[self.answered], found[~self.answered] = given, of_others(self._instead)
        return found

    def take(self, indices: Indices) -> "Answers":
        answered = self.answered[indices]
        place = np.where(self.answered, np.cumsum(self.answered), np.cumsum(~self.answered)) - 1
        others = place[indices][~answered]
        return Answers(
            self._given.take(place[indices][answered]),
            answered,
            instead=self._instead.take(others) if self._instead and len(others) else None,
            stand_in=self.stand_in,
            farthest=self.farthest,
            along={name: Remark(r.values[indices], r.unit) for name, r in self.along.items()},
        )

    @property
    def draws_given(self) -> Indices | None:
        given = self._given.draws_given
        if given is None:
            return None
        return self._laid(given, lambda other: np.iinfo(np.intp).max)

    def facing(self, truth: Points) -> "Answers":
        """The same, with each refusal at the antipode of its truth (N, 2) where it counts so."""
        if self._instead is None or not self.farthest:
            return self
        away = _Placed(self._instead, geo.antipodes(truth[~self.answered]))
        return Answers(
            self._given, self.answered, instead=away, stand_in=self.stand_in, along=self.along
        )


@final
class _Placed(Prediction):
    """The draws of a prediction, answered by given places (N, 2)."""

    def __init__(self, drawn: Prediction, points: Points) -> None:
        self._drawn, self._points = drawn, points

    def __len__(self) -> int:
        return len(self._points)

    def point(self) -> Points:
        return self._points.copy()

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return self._drawn.sample(n, rng)

    def take(self, indices: Indices) -> "_Placed":
        return _Placed(self._drawn.take(indices), self._points[indices])
