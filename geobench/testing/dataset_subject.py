"""The dataset under check: its tiny sample, and all that it says of its photos."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench.data import Dataset, Indices, Table
from geobench.digests import array_digest
from geobench.strings import Column
from geobench.testing.check import ensure
from geobench.testing.other_process import Findings
from geobench.testing.subject import Subject

_FEW = 12  # photos whose pictures are read


@final
class DatasetSubject(Subject[Dataset]):
    """A dataset class on its tiny sample."""

    def __init__(self, plugin: type[Dataset], *, config: Any = None) -> None:
        super().__init__(plugin, config=config)
        self.given = config is not None

    @property
    def dataset(self) -> Dataset:
        """One instance, its table read and checked by the core."""
        return self.memo("dataset", lambda: _read(self.make()))

    @property
    def loaded(self) -> Table:
        """What `load` returns, unchecked."""
        return self.memo("loaded", lambda: self.make().load())

    @property
    def few(self) -> Indices:
        """A few rows across the table, in no order, one of them twice."""
        return few_rows(self.dataset)


def few_rows(dataset: Dataset) -> Indices:
    """A few rows across the table, in no order, one of them twice."""
    count = len(dataset.table)
    rows = np.unique(np.linspace(0, count - 1, min(_FEW, count)).astype(np.intp))
    rows = np.random.default_rng(0).permutation(rows)
    return np.append(rows, rows[0])


def columns_of(table: Table) -> dict[str, NDArray[Any]]:
    """The columns of a table, by a name that an error can use."""
    columns: dict[str, Column | None] = {
        "the column ids": table.ids,
        "the column points": table.points,
        "the column groups": table.groups,
        "the column part": table.part,
        "the column sizes": table.sizes,
        **{f"the attribute {name}": column for name, column in table.attributes.items()},
    }
    return {name: np.asarray(column) for name, column in columns.items() if column is not None}


def findings(dataset: Dataset) -> Findings:
    """All that a dataset says of its photos: table, digest, a few pictures and features."""
    table = dataset.table
    found: dict[str, Any] = {n: array_digest(c) for n, c in columns_of(table).items()}
    found["the number of promised photos"] = table.promised
    found["the count of broken photos"] = dict(table.broken)
    found["the digest"] = dataset.digest
    rows = few_rows(dataset)
    if "images" in dataset.provides:
        for row, picture in zip(rows, dataset.images(rows), strict=False):
            found[f"the picture of {table.ids[row]}"] = (
                picture.copy() if isinstance(picture, np.ndarray) else picture
            )
    if "features" in dataset.provides:
        features = dataset.features(rows)
        found["pooled features"] = features.pooled
        found["features as tokens"] = features.tokens
    return found


def findings_anew(plugin: type[Dataset], config: Any) -> Findings:
    """The findings of a new instance."""
    return findings(plugin(config))


def _read(dataset: Dataset) -> Dataset:
    ensure(len(dataset.table) > 0, "the table has no photos", "`tiny` must give a few.")
    return dataset
