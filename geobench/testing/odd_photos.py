"""Photos that are hard to answer and must be answered all the same."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geobench.data import Examples, Rows

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_CHANGES: dict[str, Change] = {
    "photos whose features are all zero": np.zeros_like,
    "photos whose features are all equal": np.ones_like,
    "photos with features 1000 times as large": lambda values: values * np.float32(1e3),
    "photos with features 1000 times as small": lambda values: values * np.float32(1e-3),
}


def odd_photos(examples: Examples) -> dict[str, Examples]:
    """What is odd about them -> a few such photos, made from the first of `examples`."""
    few = examples.take(np.arange(min(4, len(examples))))
    batches = {what: _changed(few, change) for what, change in _CHANGES.items()}
    mixed = examples.take(np.arange(min(5, len(examples))))
    batches["a photo of zeros among others"] = _changed(mixed, _with_a_zero)
    batches["one photo repeated"] = examples.take(np.zeros(4, dtype=np.intp))
    batches["a single photo"] = examples.take(np.arange(1))
    return batches


def _with_a_zero(values: NDArray[np.float32]) -> NDArray[np.float32]:
    changed = values.copy()
    changed[len(changed) // 2] = 0
    return changed


def _changed(examples: Examples, change: Change) -> Examples:
    features = {name: Rows([change(rows[:])]) for name, rows in examples.features.items()}
    return examples.with_features(features)
