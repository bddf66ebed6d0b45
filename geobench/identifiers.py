"""Which columns of numbers name things, such as ids and cells, and are no quantities."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LAST = frozenset({"id", "ids", "uid", "uuid", "key", "hash", "code", "cell", "cluster"})
_ANYWHERE = frozenset({"quadtree", "quadkey", "geohash", "s2", "h3"})
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_FEW = 3  # values are slices themselves, whatever they mean
_PAIRS = 7.0  # of equal values that chance leads to expect; e^-7 is one in a thousand


def names_things(name: str, values: NDArray[Any]) -> bool:
    """Whether a column holds numbers that stand for things, of which none is more than another.

    Its values are whole, more than three of them differ, and its name ends with id, key, hash,
    code, cell or cluster, or has a word such as quadtree; or the values number the photos: all
    differ, though chance would make at least seven pairs of them equal (the birthday problem: N
    values out of R whole numbers have N^2 / 2R such pairs on average).

    That nearly all values differ would say nothing: so do the populations of towns (of 200 towns
    199, of 14,437 towns 13,201), and times in milliseconds.

    Args:
        name: of the column.
        values: (N,), numbers or strings; NaN where unknown.
    """
    if values.dtype.kind not in "iuf":
        return False
    known = values[np.isfinite(values)]
    if not len(known) or (known.dtype.kind == "f" and (known != np.floor(known)).any()):
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    named = words and (words[-1] in _LAST or _ANYWHERE.intersection(words))
    span = float(known.max()) - float(known.min()) + 1
    if not named and len(known) ** 2 / (2 * span) < _PAIRS:
        return False  # before millions of values are sorted
    different = len(np.unique(known))
    return different > _FEW if named else different == len(known)
