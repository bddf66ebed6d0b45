"""What a metric left in a record: its columns, or why it has none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench.errors import StoreError
from geobench.metrics import SCORED
from geobench.records.documents import Document
from geobench.records.files import ANEW, read_arrays
from geobench.records.shapes import Shape, fit


@final
class Fault(Document):
    """`<metric>.failed.json` of a record: a metric could not be added to it."""

    error: str = Field(description="why, in words")
    traceback: str | None = Field(default=None, description="where in the code")


def score_arrays(path: Path, columns: Sequence[str], *, photos: int) -> dict[str, NDArray[Any]]:
    """The columns of a metric and its mask, from their file in a record.

    Args:
        path: the file's.
        columns: of the metric.
        photos: how many the part has, N.

    Raises:
        StoreError: they cannot be read, or are others: each is (N,), and finite where the mask says
            that the photo is scored.
    """
    arrays = read_arrays(path)
    if lacking := {"mask", *columns} - set(arrays):
        raise StoreError(
            f"holds the columns {', '.join(sorted(set(arrays) - {'mask'}))}, and its metric has "
            f"{', '.join(sorted(lacking))}",
            where=str(path),
            remedy="They were renamed without a new version: run again, and they are scored anew.",
        )
    each = dict.fromkeys(columns, Shape("f", ("N",)))
    fit(arrays, {"mask": Shape("u", ("N",)), **each}, where=path, N=photos)
    scored = arrays["mask"] == SCORED
    lost = [name for name in columns if not np.isfinite(arrays[name][scored]).all()]
    if lost:
        problem = f"has no number of {', '.join(lost)} for photos that it says are scored"
        raise StoreError(problem, where=str(path), remedy=ANEW)
    return arrays
