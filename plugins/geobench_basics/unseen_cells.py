"""The split that holds out places: photos of blocks of the Earth where nothing trains."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Assignment,
    DataError,
    Dataset,
    EqualAreaGrid,
    Fact,
    Indices,
    Points,
    Split,
    SplitConfig,
    geo,
    part,
)
from geobench.statistics import effective_units
from geobench_basics.splits import quota

_LEAST_BUFFER_KM = 25.0
# Added to the buffer in the search for neighbours, so that rounding cannot break the promise.
_ROUNDING_KM = 1e-9


class UnseenCellsConfig(SplitConfig):
    """Which blocks are held out, and how many photos each part takes."""

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
    buffer_km: float | None = Field(
        None,
        ge=0,
        description="nothing trains closer than this to an `unseen` photo; none: the larger of "
        "25 km and the dataset's reach",
    )
    seen: int = Field(1500, ge=1, description="the most photos of `seen`")
    seen_share: float = Field(
        0.2, gt=0, lt=1, description="the most photos of `seen`, of what the buffer leaves"
    )
    val: int = Field(1000, ge=1, description="the most validation photos")
    val_share: float = Field(
        0.1, gt=0, lt=1, description="the most validation photos, of what the buffer leaves"
    )


@final
@dataclass(frozen=True)
class HeldOut:
    """Rows of the held-out blocks.

    Args:
        blocks: each photo's block, (N,), of the whole dataset.
        drawn: the held-out blocks.
        unseen: rows of the test part.
        set_aside: the other rows of these blocks.
    """

    blocks: NDArray[np.intp]
    drawn: NDArray[np.intp]
    unseen: Indices
    set_aside: Indices


def hold_out(points: Points, config: UnseenCellsConfig, rng: np.random.Generator) -> HeldOut:
    """Draw blocks and, in each that holds two photos or more, its test photos."""
    blocks = EqualAreaGrid(config.rows).assign(points)
    present = np.unique(blocks)
    count = max(1, round(config.block_share * len(present)))
    drawn = np.sort(rng.choice(present, size=count, replace=False))
    rows = rng.permutation(np.flatnonzero(np.isin(blocks, drawn)))
    rows = rows[np.argsort(blocks[rows], kind="stable")]
    sizes = np.bincount(np.searchsorted(drawn, blocks[rows]), minlength=count)
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    limits = np.minimum(config.photos_per_block, np.floor(config.photo_share * sizes))
    limits[sizes < 2] = 0
    chosen = rank < np.repeat(limits, sizes)
    return HeldOut(blocks, drawn, unseen=rows[chosen], set_aside=rows[~chosen])


@final
class UnseenCellsSplit(Split):
    """Blocks of the Earth held out: parts unseen (where nothing trains) and seen.

    `unseen` are photos of blocks drawn at random; a block's other photos are set aside. What lies
    closer to them than the buffer is left out; of what remains, `seen` and val are drawn at
    random, and the rest trains. Photos of `unseen` are resampled by block.
    """

    name = "unseen-cells"
    Config = UnseenCellsConfig
    config: UnseenCellsConfig

    def buffer_km(self, dataset: Dataset) -> float:
        """How far from every `unseen` photo training stays."""
        given = self.config.buffer_km
        return max(_LEAST_BUFFER_KM, dataset.reach_km) if given is None else given

    def draw(self, dataset: Dataset) -> Assignment:
        points, rng = dataset.table.points, np.random.default_rng(self.config.seed)
        held = hold_out(points, self.config, rng)
        if not len(held.unseen):
            raise DataError(
                f"none of the {len(held.drawn)} held-out blocks holds two photos",
                where=f"split unseen-cells of {dataset.name}",
                remedy="Use larger blocks (fewer rows), another seed, or more photos.",
            )
        buffer = self.buffer_km(dataset)
        outside = np.ones(len(points), bool)
        outside[held.unseen] = outside[held.set_aside] = False
        rest = np.flatnonzero(outside)
        distance = geo.Places(points[held.unseen]).nearest(points[rest]).distance_km
        near = distance < buffer + _ROUNDING_KM if buffer else np.zeros(len(rest), bool)
        remaining = rng.permutation(rest[~near])
        if len(remaining) < 2:
            raise DataError(
                f"{len(remaining)} photos lie {buffer:g} km or more from every unseen photo",
                where=f"split unseen-cells of {dataset.name}",
                remedy="Lower buffer_km or block_share, or use more photos.",
            )
        seen_count = quota(len(remaining), most=self.config.seen, share=self.config.seen_share)
        val_count = quota(len(remaining), most=self.config.val, share=self.config.val_share)
        seen, val, train = np.split(remaining, [seen_count, seen_count + val_count])
        tested = held.blocks[held.unseen]
        facts = {
            "blocks with photos": Fact(len(np.unique(held.blocks)), "blocks"),
            "blocks held out": Fact(len(held.drawn), "blocks"),
            "blocks tested": Fact(len(np.unique(tested)), "blocks"),
            "effective blocks": Fact(effective_units(tested), "blocks"),
            "buffer": Fact(buffer, "km"),
        }
        return Assignment(
            train=part("train", dataset, train),
            val=part("val", dataset, val),
            parts=(
                part("seen", dataset, seen),
                part("unseen", dataset, held.unseen, tested),
            ),
            left_out={"set-aside": np.sort(held.set_aside), "buffer": np.sort(rest[near])},
            apart_km={"unseen": buffer},
            facts=facts,
        )
