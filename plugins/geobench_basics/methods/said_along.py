"""What an answers file says beside places: confidence, seconds, cost and explanation."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TypeAlias, final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from geobench import Indices, Remark, Strings, geo
from geobench_basics import columns

Mask: TypeAlias = NDArray[np.bool_]

CONFIDENCE, SECONDS, COST, EXPLANATION = "confidence", "seconds", "cost", "explanation"
ALL = (CONFIDENCE, SECONDS, COST, EXPLANATION)

_MOST = 1e12
"""Seconds, or money, of a row: what is above this was not spent on a photo."""

_PERCENT = 100
_SIGN = r"\s*%$"

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
        columns: what it has -> the column that holds it.
        scale: the confidence that stands for certainty.
        percent: which confidences are written with a percent sign, (R,), whatever the scale.
    """

    numbers: dict[str, geo.Floats]
    unreadable: dict[str, Mask]
    explanation: Strings | None
    cost_unit: str
    columns: dict[str, str]
    scale: float
    percent: Mask

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

    @property
    def looks_divided(self) -> bool:
        """Whether all confidences would be certainty if they were shares, and are read as others:
        0.9 of 100."""
        if CONFIDENCE not in self.numbers or self.scale == 1:
            return False
        values = self.numbers[CONFIDENCE]
        said = values[~self.percent & ~np.isnan(values)]
        return len(said) > 0 and 0 < said.max() <= 1 / self.scale

    @property
    def remedy(self) -> str:
        """What to do about values that cannot be read; "" if all can."""
        wrong = [name for name, mask in self.unreadable.items() if mask.any()]
        if not wrong:
            return ""
        scale = ""
        if CONFIDENCE in wrong and self.scale == 1:
            mask = self.unreadable[CONFIDENCE] & ~self.percent
            values = self.numbers[CONFIDENCE][mask]
            scaled = (values > 1) & (values <= _PERCENT)
            if scaled.any():
                scale = "`confidence_scale: 100` reads percent, 10 marks up to ten. "
            if scaled.all() and mask.sum() == self.unreadable[CONFIDENCE].sum():
                wrong.remove(CONFIDENCE)
        if not wrong:
            return scale
        told = " and ".join(f"{name} as {self._range(name)}" for name in wrong)
        kept = json.dumps([name for name in ALL if name not in wrong], separators=(",", ":"))
        return f"{scale}Write {told}. Or leave out what is none: `along: {kept}` . "

    def _range(self, name: str) -> str:
        if name != CONFIDENCE:
            return "a plain number, 0 or more"
        return f"a number from 0 to {self.scale:g}, or in percent with its sign (85%)"

    def _unit(self, name: str) -> str:
        return {CONFIDENCE: "share", SECONDS: "s", COST: self.cost_unit}[name]


def read(
    file: columns.ColumnFile,
    along: Collection[str],
    *,
    confidence_scale: float,
    cost_unit: str,
) -> SaidAlong:
    """What a file says along with its answers.

    Args:
        file: of answers.
        along: what of `ALL` is read.
        confidence_scale: the confidence that stands for certainty: 1, or 100 for percent.
        cost_unit: the currency of `cost`.

    Raises:
        ConfigError: a column that could be one of several.
    """
    found = {name: file.find(_ROLES[name], given=None) for name in ALL if name in along}
    names = {name: column for name, column in found.items() if column is not None}
    numbers, unreadable = dict[str, geo.Floats](), dict[str, Mask]()
    percent = np.zeros(file.rows, bool)
    for name in (CONFIDENCE, SECONDS, COST):
        if name not in names:
            continue
        values, empty = file.numbers(names[name]), columns.is_nothing(file.columns[names[name]])
        if name == CONFIDENCE:
            values = values / confidence_scale
            if (np.isnan(values) & ~empty).any():
                shares = _percentages(file, names[name])
                percent = ~np.isnan(shares)
                values = np.where(percent, shares, values)
        with np.errstate(invalid="ignore"):
            proper = (values >= 0) & (values <= (1 if name == CONFIDENCE else _MOST))
        numbers[name], unreadable[name] = np.where(empty, np.nan, values), ~proper & ~empty
    explanation = (
        columns.as_text(file.columns[names[EXPLANATION]]) if EXPLANATION in names else None
    )
    return SaidAlong(numbers, unreadable, explanation, cost_unit, names, confidence_scale, percent)


def _percentages(file: columns.ColumnFile, name: str) -> geo.Floats:
    """The shares that are written in percent with its sign, (R,); NaN elsewhere."""
    text = columns.as_strings(file.columns[name])
    signed = pc.match_substring_regex(text, _SIGN)
    bare = pc.if_else(signed, pc.replace_substring_regex(text, _SIGN, ""), "")
    return replace(file, columns={name: bare}).numbers(name) / _PERCENT
