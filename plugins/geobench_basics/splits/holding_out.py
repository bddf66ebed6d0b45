"""What splits share that hold out regions of the Earth: the draw, the buffer, and the twin."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import Assignment, DataError, Dataset, Fact, Indices, Part, Split, SplitConfig, geo
from geobench.statistics import effective_units
from geobench_basics.splits.quotas import quota

_LEAST_BUFFER_KM = 25.0
# Added to the buffer in the search for neighbours, so that rounding cannot break the promise.
_ROUNDING_KM = 1e-9
_TWIN_STREAM = 1  # beside the seed, so that the twin draws with numbers of its own


class HoldingOutConfig(SplitConfig):
    """How far training stays, and how many photos it validates on."""

    buffer_km: float | None = Field(
        None,
        ge=0,
        description="nothing trains closer than this to a held-out test photo; none: the larger "
        "of 25 km and the dataset's reach",
    )
    val: int = Field(1000, ge=1, description="the most validation photos")
    val_share: float = Field(
        0.1, gt=0, lt=1, description="the most validation photos, of what the buffer leaves"
    )

    def buffer_of(self, dataset: Dataset) -> float:
        """How far from every held-out test photo training stays, in km."""
        given = self.buffer_km
        return max(_LEAST_BUFFER_KM, dataset.reach_km) if given is None else given


class UnseenConfig(HoldingOutConfig):
    """How many photos the part `seen` takes, and whether this is the twin."""

    seen: int = Field(1500, ge=1, description="the most photos of `seen`")
    seen_share: float = Field(
        0.2, gt=0, lt=1, description="the most photos of `seen`, of what the buffer leaves"
    )
    surroundings: Literal["left-out", "train"] = Field(
        "left-out",
        description="`train`: the twin, which has the part `unseen` alone, the same photos after "
        "a training of the same size that may see all around them",
    )


@final
@dataclass(frozen=True)
class HeldOut:
    """Rows of the held-out regions.

    Args:
        regions: each photo's region, (N,), of the whole dataset.
        drawn: the held-out regions, sorted.
        tested: rows of the test part.
        set_aside: the other rows of these regions.
    """

    regions: NDArray[Any]
    drawn: NDArray[Any]
    tested: Indices
    set_aside: Indices


@final
@dataclass(frozen=True)
class Sizes:
    """A part's name, the most photos it takes, and the most of those that the buffer leaves."""

    name: str
    most: int
    share: float


def draw_photos(
    regions: NDArray[Any], drawn: NDArray[Any], rng: np.random.Generator, *, most: int, share: float
) -> HeldOut:
    """Draw the test photos of each held-out region that holds two photos or more.

    Args:
        regions: each photo's region, (N,).
        drawn: the held-out regions, sorted, each with a photo or more.
        rng: decides which photos.
        most: the most test photos of a region.
        share: the most test photos of a region, of its own photos.
    """
    rows = rng.permutation(np.flatnonzero(np.isin(regions, drawn)))
    rows = rows[np.argsort(regions[rows], kind="stable")]
    sizes = np.bincount(np.searchsorted(drawn, regions[rows]), minlength=len(drawn))
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    limits = np.minimum(most, np.floor(share * sizes))
    limits[sizes < 2] = 0
    chosen = rank < np.repeat(limits, sizes)
    return HeldOut(regions, drawn, tested=rows[chosen], set_aside=rows[~chosen])


def keep_apart(
    dataset: Dataset,
    held: HeldOut,
    rng: np.random.Generator,
    *,
    name: str,
    near: Sizes,
    config: HoldingOutConfig,
    where: str,
) -> Assignment:
    """Train, validate and test the part `near` where the buffer leaves photos.

    Args:
        dataset: what is split.
        held: the held-out regions; there is a test photo.
        rng: decides which of the remaining photos are for what.
        name: the held-out test part's; its units are the regions.
        near: the test part among the training photos.
        config: the buffer, and the size of val.
        where: the split, for an error.

    Raises:
        DataError: fewer than two photos lie outside of the buffer.
    """
    points, buffer = dataset.table.points, config.buffer_of(dataset)
    outside = np.ones(len(points), bool)
    outside[held.tested] = outside[held.set_aside] = False
    rest = np.flatnonzero(outside)
    distance = geo.Places(points[held.tested]).nearest(points[rest]).distance_km
    inside = distance < buffer + _ROUNDING_KM if buffer else np.zeros(len(rest), bool)
    remaining = rng.permutation(rest[~inside])
    if len(remaining) < 2:
        raise DataError(
            f"{len(remaining)} photos lie {buffer:g} km or more from every {name} photo",
            where=where,
            remedy="Lower buffer_km or the share that is held out, or use more photos.",
        )
    near_count = quota(len(remaining), most=near.most, share=near.share)
    val_count = quota(len(remaining), most=config.val, share=config.val_share)
    nearby, val, train = np.split(remaining, [near_count, near_count + val_count])
    return Assignment(
        train=Part.of("train", dataset, train),
        val=Part.of("val", dataset, val),
        parts=(
            Part.of(near.name, dataset, nearby),
            Part.of(name, dataset, held.tested, held.regions[held.tested]),
        ),
        left_out={"set-aside": np.sort(held.set_aside), "buffer": np.sort(rest[inside])},
        apart_km={name: buffer},
        facts={"buffer": Fact(buffer, "km")},
    )


class UnseenSplit(Split):
    """Regions of the Earth held out: parts unseen, where nothing trains, and seen.

    `unseen` are photos of regions that the subclass draws; a region's other photos are set aside.
    What lies closer to them than the buffer is left out; of what remains, `seen` and val are
    drawn at random, and the rest trains. Photos of `unseen` are resampled by region.

    With `surroundings: train` it is the twin of the same split without: train and val of the same
    sizes are drawn from all photos that are neither in `seen` nor in `unseen`, those set aside
    and those in the buffer included. `unseen` is the same, its only part, and no distance is
    promised. What a method loses from the twin to the other is the generalisation gap.
    """

    Config = UnseenConfig
    config: UnseenConfig
    noun: ClassVar[str]
    """What facts call its regions, in the plural."""
    remedy: ClassVar[str]
    """What to do where no held-out region holds two photos."""

    @abstractmethod
    def hold_out(self, dataset: Dataset, rng: np.random.Generator) -> HeldOut:
        """Draw the regions and their test photos."""

    @property
    @final
    def twin_of(self) -> dict[str, Any] | None:
        if self.config.surroundings == "left-out":
            return None
        return type(self)(self.config.model_copy(update={"surroundings": "left-out"})).identity()

    @final
    def draw(self, dataset: Dataset) -> Assignment:
        rng = np.random.default_rng(self.config.seed)
        where = f"split {self.name} of {dataset.name}"
        held = self.hold_out(dataset, rng)
        if not len(held.tested):
            raise DataError(
                f"none of the {len(held.drawn)} held-out {self.noun} holds two photos",
                where=where,
                remedy=self.remedy,
            )
        drawn = keep_apart(
            dataset,
            held,
            rng,
            name="unseen",
            near=Sizes("seen", self.config.seen, self.config.seen_share),
            config=self.config,
            where=where,
        )
        tested = held.regions[held.tested]
        facts = {
            f"{self.noun} with photos": Fact(len(np.unique(held.regions)), self.noun),
            f"{self.noun} held out": Fact(len(held.drawn), self.noun),
            f"{self.noun} tested": Fact(len(np.unique(tested)), self.noun),
            f"effective {self.noun}": Fact(effective_units(tested), self.noun),
        }
        twin_rng = np.random.default_rng([self.config.seed, _TWIN_STREAM])
        if self.config.surroundings == "train":
            return _among(drawn, facts, twin_rng)
        return replace(drawn, facts={**facts, **drawn.facts})


def _among(plain: Assignment, facts: dict[str, Fact], rng: np.random.Generator) -> Assignment:
    """The twin: the same test photos, and a training as large that may see all around them."""
    dataset, (seen, unseen) = plain.train.dataset, plain.parts
    learnt = [plain.train.rows, plain.val.rows]
    pool = rng.permutation(np.sort(np.concatenate([*learnt, *plain.left_out.values()])))
    vals, trains = len(plain.val), len(plain.train)
    val, train, surplus = np.split(pool, [vals, vals + trains])
    around = {
        f"drawn for train from {reason}": Fact(int(np.isin(train, rows).sum()), "photos")
        for reason, rows in plain.left_out.items()
    }
    return Assignment(
        train=Part.of("train", dataset, train),
        val=Part.of("val", dataset, val),
        parts=(unseen,),
        left_out={"seen": seen.rows, "surplus": np.sort(surplus)},
        facts={**facts, **around},
    )
