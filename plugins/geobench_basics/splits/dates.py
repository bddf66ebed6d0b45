"""Dates as a dataset's attribute holds them: ISO 8601, EXIF, or numbers, put in order."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import Strings
from geobench_basics.missing import is_missing

_SEPARATED = re.compile(r"(\d{4})([:/])(\d{2})\2(\d{2})(?!\d)(.*)", re.DOTALL)
_UNKNOWN = re.compile(r"[ 0]*:[ 0]*:[ 0:]*")  # EXIF 2.32, 4.6.5: blanks, or zeros
_EPOCHS = ((1e8, 1.0), (1e11, 1e3), (1e14, 1e6), (1e17, 1e9))  # from which size on, per second
_LAST_EPOCH = 1e20


@final
@dataclass(frozen=True)
class Dates:
    """The dates of photos.

    Args:
        times: (N,), in one unit: decimal years, or numbers as they are; NaN where there is none.
        missing: where nothing stands, or what stands for nothing, (N,).
        numbers: whether they are numbers as they are.
    """

    times: NDArray[np.float64]
    missing: NDArray[np.bool_]
    numbers: bool

    @property
    def unreadable(self) -> NDArray[np.bool_]:
        """Where something stands that is no date, (N,)."""
        return ~np.isfinite(self.times) & ~self.missing

    def read(self, text: str) -> float:
        """A date written like these, in their unit; NaN if it is none. Numbers that are seconds
        since 1970, or thousandths and so on of them, have ISO dates, too."""
        if not self.numbers:
            return decimal_year(text)
        value = number(text)
        known = np.abs(self.times[np.isfinite(self.times)])
        if np.isfinite(value) or not len(known):
            return value
        size = float(np.median(known))
        scale = max((each for least, each in _EPOCHS if least <= size < _LAST_EPOCH), default=None)
        moment = _moment(text)
        return np.nan if scale is None or moment is None else moment.timestamp() * scale


def dates_of(column: NDArray[Any] | Strings) -> Dates:
    """The dates of an attribute (N,): numbers if all that stands there, or most, are such."""
    if not isinstance(column, Strings) and column.dtype.kind != "U":
        values = column.astype(np.float64)
        return Dates(np.where(np.isfinite(values), values, np.nan), np.isnan(values), True)
    if isinstance(column, Strings):
        _, first, codes = np.unique(column.codes, return_index=True, return_inverse=True)
        written = [column[int(row)].strip() for row in first]
    else:
        distinct, codes = np.unique(column, return_inverse=True)
        written = [text.strip() for text in distinct.tolist()]
    nothing = np.array([is_missing(text) or bool(_UNKNOWN.fullmatch(text)) for text in written])
    numbers = np.array([number(text) for text in written], dtype=np.float64)
    years = np.array([decimal_year(text) for text in written], dtype=np.float64)
    photos = np.bincount(codes, minlength=len(written)) * ~nothing
    as_numbers, as_years = (photos[np.isfinite(read)].sum() for read in (numbers, years))
    are_numbers = bool(as_numbers == photos.sum() or as_numbers > as_years)
    times = np.where(nothing, np.nan, numbers if are_numbers else years)
    return Dates(times[codes], nothing[codes], are_numbers)


def number(text: str) -> float:
    """The number that is written; NaN if it is none, or not finite."""
    try:
        value = float(text)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def decimal_year(text: str) -> float:
    """The moment at which a date of ISO 8601 or EXIF begins; NaN if it is none."""
    moment = _moment(text)
    if moment is None:
        return np.nan
    try:
        year = datetime(moment.year, 1, 1, tzinfo=UTC)
        following = datetime(moment.year + 1, 1, 1, tzinfo=UTC)
    except ValueError:
        return np.nan
    return moment.year + (moment - year) / (following - year)


def _moment(text: str) -> datetime | None:
    text = text.strip()
    if re.fullmatch(r"\d{4}(-\d{2})?", text):
        text = f"{text}-01-01"[:10]
    if separated := _SEPARATED.fullmatch(text):
        year, _, month, day, time = separated.groups()
        text = f"{year}-{month}-{day}{time}"
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
