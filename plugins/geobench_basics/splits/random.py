"""The split that draws photos at random."""

from typing import final

import numpy as np
from pydantic import Field

from geobench import Assignment, Dataset, Part, Split, SplitConfig
from geobench_basics.splits.learning import learn
from geobench_basics.splits.quotas import quota


class RandomConfig(SplitConfig):
    """How many photos to draw for test and val."""

    test: int = Field(2000, ge=1, description="the most test photos")
    test_share: float = Field(1 / 6, gt=0, lt=1, description="the most test photos, of all")
    val: int = Field(1500, ge=1, description="the most validation photos")
    val_share: float = Field(0.1, gt=0, lt=1, description="the most validation photos, of all")


@final
class RandomSplit(Split):
    """Photos drawn at random: one part, test, whose places are seen in training."""

    name = "random"
    Config = RandomConfig
    config: RandomConfig

    def draw(self, dataset: Dataset) -> Assignment:
        total = len(dataset.table)
        order = np.random.default_rng(self.config.seed).permutation(total)
        tests = quota(total, most=self.config.test, share=self.config.test_share)
        test, pool = np.split(order, [tests])
        most, share = self.config.val, self.config.val_share
        learnt = learn(dataset, pool, test, self.config, most=most, share=share, beside=tests)
        return Assignment(
            train=Part.of("train", dataset, learnt.train),
            val=Part.of("val", dataset, learnt.val),
            parts=(Part.of("test", dataset, test),),
            left_out=learnt.left_out,
        )
