"""Attributes of photos as a board may publish them: all values where declared, else common ones."""

import re
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench.confidential import without_secrets
from geobench.strings import Column

FEWEST = 20
"""Photos of a dataset that share a value of an attribute which is not declared, if it is shown."""

THIRDS = ("low third", "middle third", "high third")

_LEFT_OUT = "(left out "
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.\w")


@final
class Published(NamedTuple):
    """A column as it may be published.

    Args:
        values: (N,); where one may not be shown "(left out 1)" and so on, equal ones alike, and of
            numbers that differ from photo to photo the thirds that they are in.
        left_out: how many photos have a value that is not shown.
    """

    values: NDArray[Any]
    left_out: int


def left_out(value: str) -> bool:
    """Whether a name of a slice stands for a value that may not be shown."""
    return value.startswith(_LEFT_OUT)


def published(values: NDArray[Any], everywhere: Column) -> Published:
    """An attribute that is not declared: values that many photos share, unless they are addresses.

    Args:
        values: of the photos of a part, (N,).
        everywhere: of all photos of the dataset.
    """
    known, counts = np.unique(np.asarray(everywhere), return_counts=True)
    common = known[counts >= FEWEST]
    text = values.dtype.kind == "U"
    if text:
        common = np.array([v for v in common.tolist() if not _private(v)], dtype=known.dtype)
        there = values != ""
    else:
        there = np.isfinite(values)
    hidden = there & ~np.isin(values, common)
    if not hidden.any():
        return Published(values, 0)
    if not text and len(np.unique(values[there])) > len(THIRDS):
        return Published(thirds(values.astype(np.float64), THIRDS), int(there.sum()))
    names = dict[Any, str]()
    shown = [
        names.setdefault(value, f"{_LEFT_OUT}{len(names) + 1})")
        if gone
        else (value if text else _number(value))
        for value, gone in zip(values.tolist(), hidden.tolist(), strict=True)
    ]
    return Published(np.array(shown, dtype=np.str_), int(hidden.sum()))


def _number(value: float) -> str:
    return f"{value:.10g}" if np.isfinite(value) else "unknown"


def _private(value: str) -> bool:
    """Whether a value is somebody's, however many photos share it."""
    return bool(_ADDRESS.search(value)) or without_secrets(value) != value


def thirds(values: NDArray[np.float64], names: tuple[str, str, str]) -> NDArray[np.str_]:
    """The third that each value is in, by its name, NaN being "unknown".

    Equal values are in one third, that of the lowest of their ranks: photos without any training
    photo near are rarely seen, however many they are.

    Args:
        values: (N,).
        names: of the low, the middle and the high third.
    """
    known = np.isfinite(values)
    below = np.searchsorted(np.sort(values[known]), values[known])
    found = np.full(len(values), "unknown", dtype=np.array([*names, "unknown"]).dtype)
    found[known] = np.array(names)[3 * below // max(len(below), 1)]
    return found
