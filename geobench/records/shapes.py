"""What the arrays of a file must be to go together: kinds of numbers, shapes, places on the sphere.

A file may be whole and still hold other arrays than its name promises, if somebody else made it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench.errors import StoreError
from geobench.records.files import ANEW


@final
@dataclass(frozen=True, slots=True)
class Shape:
    """What one array must be.

    Args:
        kinds: of its dtype, as numpy names them: "f", "iu", "U".
        sizes: one for each dimension; a letter stands for a length that several arrays share.
        needed: whether it must be there.
    """

    kinds: str
    sizes: tuple[int | str, ...]
    needed: bool = True


def fit(
    arrays: Mapping[str, NDArray[Any]],
    wanted: Mapping[str, Shape],
    *,
    where: Path,
    **lengths: int | None,
) -> None:
    """Raise StoreError unless the arrays of a file are what they must be.

    Args:
        arrays: of the file.
        wanted: what each must be; others may be anything.
        where: the file.
        lengths: that letters stand for, where that is known.
    """
    known = {letter: length for letter, length in lengths.items() if length is not None}
    for name, shape in wanted.items():
        if name not in arrays:
            if shape.needed:
                raise StoreError(f"lacks the array {name}", where=str(where), remedy=ANEW)
            continue
        array = arrays[name]
        sizes = [known.get(size, size) if isinstance(size, str) else size for size in shape.sizes]
        alike = array.dtype.kind in shape.kinds and array.ndim == len(sizes)
        if not alike or any(
            size != length
            for size, length in zip(sizes, array.shape, strict=True)
            if isinstance(size, int)
        ):
            told = ", ".join(map(str, sizes))
            raise StoreError(
                f"the array {name} is of {array.dtype} and of shape {array.shape}, which should be "
                f"({told})",
                where=str(where),
                remedy=ANEW,
            )
        for size, length in zip(sizes, array.shape, strict=True):
            if isinstance(size, str):
                known[size] = length


def refuse_off_the_sphere(
    arrays: Mapping[str, NDArray[Any]], names: Collection[str], *, where: Path
) -> None:
    """Raise StoreError unless these arrays, where they are there, hold places, (..., 2)."""
    for name in names:
        if name in arrays:
            places = np.abs(arrays[name])
            # A comparison with NaN is False: it is no place either.
            if not ((places[..., 0] <= 90) & (places[..., 1] <= 180)).all():
                raise StoreError(
                    f"the array {name} holds what is no place on the sphere",
                    where=str(where),
                    remedy=ANEW,
                )
