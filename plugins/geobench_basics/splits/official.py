"""The split that a dataset's source made: its own parts."""

from typing import final

import numpy as np
from pydantic import Field

from geobench import Assignment, DataError, Dataset, Part, Split, SplitConfig
from geobench_basics.splits.learning import learn

TRAIN_NAMES = ("train", "training")
VAL_NAMES = ("val", "valid", "validation", "dev")
"""What sources call their parts, in lower case; every other name is a test part."""


class OfficialConfig(SplitConfig):
    """What to do where the source has train but no val."""

    val_share: float = Field(
        0.1, gt=0, lt=1, description="of the source's train, where it has no val"
    )


@final
class OfficialSplit(Split):
    """The dataset's own parts; all of it is test where it has none.

    Names count whatever their case: train or training; val, valid, validation or dev; every other
    is a test part, called `test` if it is the only one. Photos without a part are left out.
    """

    name = "official"
    Config = OfficialConfig
    config: OfficialConfig

    def draw(self, dataset: Dataset) -> Assignment:
        table = dataset.table
        if table.part is None:
            nothing = np.empty(0, np.intp)
            return Assignment(
                train=Part.of("train", dataset, nothing),
                val=Part.of("val", dataset, nothing),
                parts=(Part.of("test", dataset, np.arange(len(table))),),
            )
        written, codes = np.unique(np.asarray(table.part), return_inverse=True)
        plain = np.char.lower(np.char.strip(written))
        train = np.flatnonzero(np.isin(plain, TRAIN_NAMES)[codes])
        val = np.flatnonzero(np.isin(plain, VAL_NAMES)[codes])
        tests = sorted({str(n) for n in plain} - {*TRAIN_NAMES, *VAL_NAMES, ""})
        if not tests:
            raise DataError(
                f"the dataset's own parts are {', '.join(map(str, written))}: none is a test part",
                where=f"split official of {dataset.name}",
                remedy="Use another split, or a table whose part column names test photos.",
            )
        unnamed = np.flatnonzero((plain == "")[codes])
        left_out = {"no part": unnamed} if len(unnamed) else {}
        if len(train) > 1 and not len(val):
            order = np.random.default_rng(self.config.seed).permutation(train)
            tested = np.flatnonzero(np.isin(plain, tests)[codes])
            share = self.config.val_share
            learnt = learn(dataset, order, tested, self.config, most=len(train), share=share)
            val, train = learnt.val, learnt.train
            left_out |= learnt.left_out
        return Assignment(
            train=Part.of("train", dataset, train),
            val=Part.of("val", dataset, val),
            parts=tuple(
                Part.of(
                    "test" if len(tests) == 1 else name,
                    dataset,
                    np.flatnonzero((plain == name)[codes]),
                )
                for name in tests
            ),
            left_out=left_out,
        )
