"""The split that trains on one dataset and tests on others."""

from pathlib import Path
from typing import Any, final

import numpy as np
from pydantic import Field

from geobench import (
    Assignment,
    Component,
    DataError,
    Dataset,
    Fact,
    Part,
    Split,
    SplitConfig,
)
from geobench_basics.splits.learning import learn


class TransferConfig(SplitConfig):
    """Which datasets to test on, and how many photos of the home dataset to validate on."""

    test: list[Component[Dataset]] = Field(
        min_length=1, description="the datasets that are test parts, each whole"
    )
    val: int = Field(1000, ge=1, description="the most validation photos")
    val_share: float = Field(0.1, gt=0, lt=1, description="the most validation photos, of all")


@final
class TransferSplit(Split):
    """Training on one dataset, tests on others, each a part named by its label."""

    name = "transfer"
    Config = TransferConfig
    config: TransferConfig

    @classmethod
    def tiny(cls, folder: Path) -> TransferConfig:
        from geobench_basics.datasets.table import TableDataset

        elsewhere = TableDataset(TableDataset.tiny(folder))
        return TransferConfig(test=[Component[Dataset].of(elsewhere)])

    def draw(self, dataset: Dataset) -> Assignment:
        order = np.random.default_rng(self.config.seed).permutation(len(dataset.table))
        most, share = self.config.val, self.config.val_share
        # Groups of two datasets cannot be compared: none of these is tested.
        learnt = learn(dataset, order, order[:0], self.config, most=most, share=share)
        parts, facts = [], {}
        for reference in self.config.test:
            other: Any = reference.plugin
            name = reference.label or other.name
            if other.digest == dataset.digest:
                raise DataError(
                    f"test part {name} is the very dataset that is trained on",
                    where="split transfer",
                    remedy="Name other datasets under test, or use another split.",
                )
            parts.append(Part.of(name, other, np.arange(len(other.table))))
            shared = np.isin(other.table.ids, dataset.table.ids).sum()
            facts[f"ids of {name} that are also at home"] = Fact(int(shared), "photos")
        return Assignment(
            train=Part.of("train", dataset, learnt.train),
            val=Part.of("val", dataset, learnt.val),
            parts=tuple(parts),
            left_out=learnt.left_out,
            facts=facts,
        )
