"""What an answers file says beside places: confidence, seconds, cost and explanation."""

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench import Indices, Remark, Strings, geo
from geobench_basics import columns

Mask: TypeAlias = NDArray[np.bool_]

CONFIDENCE, SECONDS, COST, EXPLANATION = "confidence", "seconds", "cost", "explanation"

_MOST = 1e12
"""Seconds, or money, of a row: what is above this was not spent on a photo."""

_SUMMED = (SECONDS, COST)  # over a photo's rows; the others are those of its answer

_ROLES = {
    CONFIDENCE: columns.Role("column confidence", "confidence", (("confidence", "conf"),)),
    SECONDS: columns.Role("column seconds", "seconds", (("seconds", "latency_seconds"),)),
    COST: columns.Role("column cost", "cost", (("cost",), ("cost_usd", "usd"))),
    EXPLANATION: columns.Role(
        "column explanation", "explanation", (("explanation", "reasoning", "rationale"),)
    ),
}


@final
@dataclass(frozen=True)
class SaidAlong:
    """Of every row of a file.

    Args:
        numbers: `confidence` (a share), `seconds` and `cost`, those that it has -> (R,), NaN where
            it is left empty.
        unreadable: the same names -> where something is written that is no such number, (R,).
        explanation: (R,), "" where it is left empty; None without such a column.
        cost_unit: the currency.
    """

    numbers: dict[str, geo.Floats]
    unreadable: dict[str, Mask]
    explanation: Strings | None
    cost_unit: str

    @property
    def anything(self) -> bool:
        """Whether it says anything."""
        return bool(self.numbers) or self.explanation is not None

    def of(self, photo: Indices, answer: Indices, *, answered: Mask) -> dict[str, Remark]:
        """What is said of N photos.

        A refusal about whose confidence nothing is said is one of confidence 0.

        Args:
            photo: which of them each row of the file is about, (R,); -1 for none.
            answer: the row that is each photo's answer, or its first, (N,); -1 for none.
            answered: which photos are answered, (N,).
        """
        found, count = dict[str, Remark](), len(answered)
        there = answer >= 0
        for name, values in self.numbers.items():
            if name in _SUMMED:
                rows = np.flatnonzero((photo >= 0) & ~np.isnan(values))
                total = np.bincount(photo[rows], values[rows], minlength=count)
                said = np.bincount(photo[rows], minlength=count) > 0
                own = np.where(said, total, np.nan)
            else:
                own = np.full(count, np.nan)
                own[there] = values[answer[there]]
            if name == CONFIDENCE:
                own[~answered & np.isnan(own)] = 0.0
            found[name] = Remark(own, self._unit(name))
        if self.explanation is not None:
            texts = np.full(count, "", object)
            texts[there] = np.array(self.explanation[answer[there]].tolist(), object)
            found[EXPLANATION] = Remark(texts)
        return found

    def _unit(self, name: str) -> str:
        return {CONFIDENCE: "share", SECONDS: "s", COST: self.cost_unit}[name]


def read(file: columns.ColumnFile, *, confidence_scale: float, cost_unit: str) -> SaidAlong:
    """What a file says along with its answers.

    Args:
        file: of answers.
        confidence_scale: the confidence that stands for certainty: 1, or 100 for percent.
        cost_unit: the currency of `cost`.

    Raises:
        ConfigError: a column that could be one of several.
    """
    names = {name: file.find(role, given=None) for name, role in _ROLES.items()}
    numbers, unreadable = dict[str, geo.Floats](), dict[str, Mask]()
    for name in (CONFIDENCE, SECONDS, COST):
        written = names[name]
        if written is None:
            continue
        values = file.numbers(written)
        if name == CONFIDENCE:
            values = values / confidence_scale
        empty = columns.is_nothing(file.columns[written])
        with np.errstate(invalid="ignore"):
            proper = (values >= 0) & (values <= (1 if name == CONFIDENCE else _MOST))
        numbers[name], unreadable[name] = np.where(empty, np.nan, values), ~proper & ~empty
    why = names[EXPLANATION]
    explanation = None if why is None else columns.as_text(file.columns[why])
    return SaidAlong(numbers, unreadable, explanation, cost_unit)
