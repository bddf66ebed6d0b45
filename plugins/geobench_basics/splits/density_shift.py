"""The split that trains where photos are dense and tests where they are sparse."""

from dataclasses import replace
from typing import final

import numpy as np
from pydantic import Field

from geobench import Assignment, Dataset, EqualAreaGrid, Fact, Split
from geobench.statistics import effective_units
from geobench_basics.splits.holding_out import HeldOut, HoldingOutConfig, Sizes, keep_apart


class DensityShiftConfig(HoldingOutConfig):
    """What counts as sparse, and how many photos each part takes."""

    rows: int = Field(
        36,
        ge=2,
        description="latitude rows of the equal-area cells in which photos are counted; 36: about "
        "560 km wide",
    )
    sparse_share: float = Field(
        1 / 6,
        gt=0,
        lt=1,
        description="of all photos, the most that the cells with the fewest hold together",
    )
    sparse: int = Field(2000, ge=1, description="the most photos of `sparse`")
    dense: int = Field(1500, ge=1, description="the most photos of `dense`")
    dense_share: float = Field(
        0.2, gt=0, lt=1, description="the most photos of `dense`, of what the buffer leaves"
    )


@final
class DensityShiftSplit(Split):
    """Training where photos are dense: parts sparse (where they are not) and dense.

    Cells of an equal-area grid are sorted by how many photos they hold. Those with the fewest,
    together at most `sparse_share` of all photos, are sparse: photos drawn from them are the part
    `sparse`, whose cells are its regions, and the others are set aside. No sparse cell holds more
    photos than any other cell; cells of equal number are in random order. What lies closer to
    `sparse` than the buffer is left out; of what remains, `dense` and val are drawn, and the rest
    trains.

    It measures what becomes of a method that learnt from places which many people photograph and
    is asked about those which few do. No sparse cell is trained on, and `sparse` is harder than
    `dense` for reasons that no method can help, so the difference of the two is no
    generalisation gap. A cell that is mostly sea may be sparse though its coast is not.
    """

    name = "density-shift"
    Config = DensityShiftConfig
    config: DensityShiftConfig

    def draw(self, dataset: Dataset) -> Assignment:
        config, rng = self.config, np.random.default_rng(self.config.seed)
        cells = EqualAreaGrid(config.rows).assign(dataset.table.points)
        present, counts = np.unique(cells, return_counts=True)
        order = rng.permutation(len(present))
        order = order[np.argsort(counts[order], kind="stable")]
        # The tiny addition keeps a sixth of 600 from being 99 by rounding.
        room = config.sparse_share * len(cells) + 1e-9
        taken = max(1, int((np.cumsum(counts[order]) <= room).sum()))
        sparse = np.sort(present[order[:taken]])
        rows = rng.permutation(np.flatnonzero(np.isin(cells, sparse)))
        held = HeldOut(cells, sparse, rows[: config.sparse], rows[config.sparse :])
        drawn = keep_apart(
            dataset,
            held,
            rng,
            name="sparse",
            near=Sizes("dense", config.dense, config.dense_share),
            config=config,
            where=f"split density-shift of {dataset.name}",
        )
        tested = cells[held.tested]
        facts = {
            "cells with photos": Fact(len(present), "cells"),
            "sparse cells": Fact(taken, "cells"),
            "sparse cells tested": Fact(len(np.unique(tested)), "cells"),
            "effective sparse cells": Fact(effective_units(tested), "cells"),
            "most photos in a sparse cell": Fact(int(counts[order[taken - 1]]), "photos"),
            "median photos in another cell": Fact(
                float(np.median(counts[order[taken:]])), "photos"
            ),
        }
        return replace(drawn, facts={**facts, **drawn.facts})
