"""The split that holds out places: photos of blocks of the Earth where nothing trains."""

from typing import final

import numpy as np
from pydantic import Field

from geobench import Dataset, EqualAreaGrid
from geobench_basics.splits.holding_out import HeldOut, UnseenConfig, UnseenSplit, draw_photos


class UnseenCellsConfig(UnseenConfig):
    """Which blocks are held out, and how many photos each gives."""

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
