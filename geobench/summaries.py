"""Summaries: what a table shows of the scores of a metric, each a number or a curve."""

from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, final

from geobench.data import Truth
from geobench.geo import Floats
from geobench.statistics.replicate_weights import ReplicateWeights

Columns: TypeAlias = Mapping[str, Floats]
"""Scores of the scored photos by column name, (N,) each."""
Function: TypeAlias = Callable[[Columns, Truth, ReplicateWeights], Floats]
"""Of columns (N,), truth and the weights of R replicates: (R,), or (R, K)."""
Better: TypeAlias = Literal["higher", "lower"]
Direction: TypeAlias = Better | None
"""Which way is better; None where a number describes and is neither."""


@final
class Range(NamedTuple):
    """The values that a number can have, ends included, in its unit."""

    low: float = float("-inf")
    high: float = float("inf")

    @property
    def of_differences(self) -> "Range":
        """The values that a difference of two such numbers can have."""
        return Range(self.low - self.high, self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(ABC):
    """A number, or a curve, that a table shows.

    No limit of an interval lies outside of its `range`, be these values of the number itself or,
    where single photos can have others (an energy score), of its expectation.

    Args:
        name, unit: as in table.csv.
        better: which way; None where it describes, and is ranked and tested nowhere.
        constant: a column of zeros and ones, the ones being of photos whose score is a constant
            that the method chose. Where they are over a half, a number is shown and marked, and
            not ranked. "" where there is none.
        fewest_photos: of which it says something; slices of fewer show none.
        possible: the values that it can have; by default 0 to 1 for shares, and any for others.
        minor: whether it is rarely read, and folded away on the page.
    """

    name: str
    unit: str
    better: Direction
    constant: str = ""
    fewest_photos: int = 1
    possible: Range | None = None
    minor: bool = False

    @property
    def range(self) -> Range:
        """The values that its number, or each of its curve, can have."""
        if self.possible is not None:
            return self.possible
        return Range(0.0, 1.0) if self.unit == "share" else Range()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Summary):
    """The mean of a column."""

    column: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Summary):
    """The mean of a column of zeros and ones, with an interval made for proportions."""

    column: str
    unit: str = "share"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile(Summary):
    """The q-quantile of a column."""

    column: str
    q: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic(Summary):
    """Any number that is a function of columns, truth and weights: one for each replicate, (R,).

    Args:
        function: what it is; a number that is fitted to photos is refitted in every replicate.
        ends: values where no interval can be given by leaving units out, such as a fitted share
            that stands at 0 or 1.
    """

    function: Function
    ends: tuple[float, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Summary):
    """A function of x, (K,), as a function of columns, truth and weights: (R, K)."""

    function: Function
    x: tuple[float, ...]
    x_unit: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Against(Summary):
    """The difference to the row of `label` on the same photos and seed.

    Args:
        label: the other row.
        column: of which it is the mean difference, or
        function: of columns, truth and weights, as in a `Statistic`: the difference of its values.
    """

    label: str
    column: str = ""
    function: Function | None = None
