"""Pooled features and tokens of a photo read as one row of numbers."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import Indices, Rows

KINDS = ("pooled", "tokens")
"""Features in the order in which a row has them."""


def joined(features: Mapping[str, Rows]) -> Rows:
    """Features (N, ...) by kind as rows (N, numbers), read when they are asked for."""
    return Rows([_Joined([features[kind] for kind in KINDS if kind in features])])


def parts(rows: Rows, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Rows]:
    """What `joined` joined, by kind: features (N, ...) of the `shapes` of one photo."""
    found, first = {}, 0
    for kind in (each for each in KINDS if each in shapes):
        found[kind] = Rows([_Part(rows, first, shapes[kind])])
        first += prod(shapes[kind])
    return found


@final
class _Joined:
    """Rows side by side."""

    def __init__(self, rows: Sequence[Rows]) -> None:
        self.rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), sum(prod(each.shape[1:]) for each in self.rows))

    def __len__(self) -> int:
        return len(self.rows[0])

    def __getitem__(self, positions: Indices, /) -> NDArray[np.float32]:
        read = [each[positions] for each in self.rows]
        return np.concatenate([each.reshape(len(each), -1) for each in read], axis=1)


@final
class _Part:
    """Some numbers of each row, from `first` on, in a shape."""

    def __init__(self, rows: Rows, first: int, shape: tuple[int, ...]) -> None:
        self.rows = rows
        self.numbers = slice(first, first + prod(shape))
        self.of_one = shape

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.of_one)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, positions: Indices, /) -> NDArray[np.float32]:
        read = self.rows[positions][:, self.numbers]
        return read.reshape(len(read), *self.of_one)
