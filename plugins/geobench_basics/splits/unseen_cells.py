"""The split that holds out places: photos of blocks of the Earth where nothing trains."""

from typing import Self, final

import numpy as np
from pydantic import Field, model_validator

from geobench import DataError, Dataset, EqualAreaGrid, Fact, Indices
from geobench_basics.splits.holding_out import (
    VAL_UNSEEN,
    HeldOut,
    UnseenConfig,
    UnseenSplit,
    draw_photos,
    within,
)
from geobench_basics.splits.learning import Learnt, train_and_val, untested, with_same_group

_VAL_STREAM = 2  # beside the seed, so that the test parts are the same whatever validates


class UnseenCellsConfig(UnseenConfig):
    """Which blocks are held out, how many photos each gives, and whether val has such, too."""

    added = {"val_unseen": 0.0, "val_control": False}

    rows: int = Field(
        36, ge=2, description="latitude rows of the equal-area blocks; 36: about 560 km wide"
    )
    block_share: float = Field(
        1 / 6, gt=0, lt=1, description="of the blocks with photos, how many are held out"
    )
    photos_per_block: int = Field(
        25, ge=1, description="the most photos of a held-out block in `unseen`"
    )
    photo_share: float = Field(
        0.5, gt=0, le=1, description="the most photos of a held-out block in `unseen`, of its own"
    )
    val_unseen: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the validation photos that come from held-out blocks of their own, "
        "where nothing trains; the twin (`surroundings: train`) ignores it",
    )
    val_control: bool = Field(
        False,
        description="the control of `val_unseen`: the same training photos, all validation photos "
        "at random",
    )

    @model_validator(mode="after")
    def _has_something_to_control(self) -> Self:
        if self.val_control and not self.val_unseen:
            raise ValueError("val_control is the control of val_unseen, which is 0: set it, too")
        return self


@final
class UnseenCellsSplit(UnseenSplit):
    """Blocks of the Earth held out: parts unseen (where nothing trains) and seen.

    The blocks are cells of an equal-area grid, drawn at random from those that hold photos.
    """

    name = "unseen-cells"
    Config = UnseenCellsConfig
    config: UnseenCellsConfig
    noun = "blocks"
    remedy = "Use larger blocks (fewer rows), another seed, or more photos."

    def hold_out(self, dataset: Dataset, rng: np.random.Generator) -> HeldOut:
        config = self.config
        blocks = EqualAreaGrid(config.rows).assign(dataset.table.points)
        present = np.unique(blocks)
        count = max(1, round(config.block_share * len(present)))
        drawn = np.sort(rng.choice(present, size=count, replace=False))
        return draw_photos(
            blocks, drawn, rng, most=config.photos_per_block, share=config.photo_share
        )

    def validate(self, dataset: Dataset, held: HeldOut, pool: Indices, count: int) -> Learnt:
        if not self.config.val_unseen:
            return super().validate(dataset, held, pool, count)
        wanted = max(1, round(self.config.val_unseen * count))
        unseen = self._hold_out_val(held.regions, np.sort(pool), wanted)
        buffer = self.config.buffer_of(dataset)
        taken = np.isin(pool, np.concatenate([unseen.tested, unseen.set_aside]))
        rest = pool[~taken]
        near = within(dataset, rest, unseen.tested, buffer)
        far, same = untested(dataset, rest[~near], unseen.tested, self.config)
        # As many at random as validate in all, whichever of them do: so that the control trains on
        # the same photos.
        learnt = train_and_val(dataset, far, count, self.config)
        if not len(learnt.train):
            raise DataError(
                f"val_unseen of {self.config.val_unseen:g} leaves no photo to train on: "
                f"{near.sum():,} lie within {buffer:g} km of such validation photos",
                where=f"split {self.name} of {dataset.name}",
                remedy="Lower val_unseen, val or buffer_km, or use more photos.",
            )
        at_random = learnt.val
        if self.config.val_control:
            val = at_random
        else:
            val = np.concatenate([unseen.tested, at_random[: count - len(unseen.tested)]])
        left_out = {
            "val-set-aside": unseen.set_aside,
            "val-buffer": rest[near],
            "val-control": np.setdiff1d(np.concatenate([unseen.tested, at_random]), val),
            **learnt.left_out,
        }
        asked = val[np.isin(val, unseen.tested)]
        facts = {
            VAL_UNSEEN: Fact(len(asked), "photos"),
            "blocks of such validation photos": Fact(len(np.unique(held.regions[asked])), "blocks"),
        }
        return Learnt(learnt.train, val, with_same_group(left_out, same), facts)

    def _hold_out_val(self, blocks: Indices, pool: Indices, count: int) -> HeldOut:
        """Draw blocks of the pool until they give `count` photos, at most the share that is tested.

        Args:
            blocks: each photo's block, of the whole dataset.
            pool: rows, sorted.
            count: the most photos, one or more.
        """
        config, rng = self.config, np.random.default_rng([self.config.seed, _VAL_STREAM])
        present, sizes = np.unique(blocks[pool], return_counts=True)
        order = rng.permutation(len(present))[: max(1, round(config.block_share * len(present)))]
        most, share = config.photos_per_block, config.photo_share
        gives = np.minimum(most, np.floor(share * sizes)) * (sizes > 1)
        enough = int((np.cumsum(gives[order]) < count).sum()) + 1
        drawn = np.sort(present[order[:enough]])
        found = draw_photos(blocks[pool], drawn, rng, most=most, share=share)
        tested, surplus = np.split(rng.permutation(found.tested), [count])
        aside = np.concatenate([found.set_aside, surplus])
        return HeldOut(blocks, drawn, tested=pool[tested], set_aside=pool[aside])
