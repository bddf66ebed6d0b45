"""What splits share that hold out regions of the Earth: the draw, the buffer, and the twin."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import Assignment, DataError, Dataset, Fact, Indices, Part, Split, SplitConfig, geo
from geobench.statistics import effective_units
from geobench_basics.splits.learning import Learnt, train_and_val, untested, with_same_group
from geobench_basics.splits.quotas import quota

_LEAST_BUFFER_KM = 25.0
# Added to the buffer in the search for neighbours, so that rounding cannot break the promise.
_ROUNDING_KM = 1e-9
_TWIN_STREAM = 1  # beside the seed, so that the twin draws with numbers of its own
_SURROUNDINGS = ("set-aside", "buffer")  # why the plain split leaves out what its twin may train on

VAL_UNSEEN = "validation photos at unseen places"
"""The fact that counts validation photos from held-out regions of their own."""


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
        0.1,
        gt=0,
        lt=1,
        description="the most validation photos, of what the buffer and tested groups leave",
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


Validate: TypeAlias = Callable[[Indices, int], Learnt]
"""(rows in random order, how many validate) -> who trains and who validates."""


def within(dataset: Dataset, rows: Indices, others: Indices, buffer_km: float) -> NDArray[np.bool_]:
    """Whether each of `rows` (n,) lies closer to one of `others` than the buffer."""
    if not buffer_km or not len(others) or not len(rows):
        return np.zeros(len(rows), bool)
    points = dataset.table.points
    distance = geo.Places(points[others]).nearest(points[rows]).distance_km
    return distance < buffer_km + _ROUNDING_KM


def keep_apart(
    dataset: Dataset,
    held: HeldOut,
    rng: np.random.Generator,
    *,
    name: str,
    near: Sizes,
    config: HoldingOutConfig,
    where: str,
    validate: Validate | None = None,
) -> Assignment:
    """Train, validate and test the part `near` where the buffer leaves photos.

    Args:
        dataset: what is split.
        held: the held-out regions; there is a test photo.
        rng: decides which of the remaining photos are for what.
        name: the held-out test part's; its regions are those that were held out.
        near: the test part among the training photos.
        config: the buffer, the size of val, and whether groups are kept apart.
        where: the split, for an error.
        validate: draws val from what shares no group with a tested photo; at random, by default.

    Raises:
        DataError: fewer than two photos lie outside of the buffer.
    """
    buffer = config.buffer_of(dataset)
    outside = np.ones(len(dataset.table), bool)
    outside[held.tested] = outside[held.set_aside] = False
    rest = np.flatnonzero(outside)
    inside = within(dataset, rest, held.tested, buffer)
    remaining = rng.permutation(rest[~inside])
    if len(remaining) < 2:
        raise DataError(
            f"{len(remaining)} photos lie {buffer:g} km or more from every {name} photo",
            where=where,
            remedy="Lower buffer_km or the share that is held out, or use more photos.",
        )
    near_count = quota(len(remaining), most=near.most, share=near.share)
    nearby, pool = np.split(remaining, [near_count])
    pool, same = untested(dataset, pool, np.concatenate([nearby, held.tested]), config)
    count = quota(near_count + len(pool), most=config.val, share=config.val_share)
    if validate is None:
        learnt = train_and_val(dataset, pool, count, config)
    else:
        learnt = validate(pool, count)
    left_out = {"set-aside": held.set_aside, "buffer": rest[inside], **learnt.left_out}
    return Assignment(
        train=Part.of("train", dataset, learnt.train),
        val=Part.of("val", dataset, learnt.val),
        parts=(
            Part.of(near.name, dataset, nearby),
            Part.of(name, dataset, held.tested, held.regions[held.tested]),
        ),
        left_out=with_same_group({r: np.sort(rows) for r, rows in left_out.items()}, same),
        apart_km={name: buffer},
        facts={"buffer": Fact(buffer, "km"), **learnt.facts},
    )


class UnseenSplit(Split):
    """Regions of the Earth held out: parts unseen, where nothing trains, and seen.

    `unseen` are photos of regions that the subclass draws; a region's other photos are set aside.
    What lies closer to them than the buffer is left out; of what remains, `seen` and val are
    drawn at random, and the rest trains. Photos of one region are one unit of `unseen`.

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

    def validate(self, dataset: Dataset, held: HeldOut, pool: Indices, count: int) -> Learnt:
        """Draw `count` validation photos, and training, from rows in random order."""
        return train_and_val(dataset, pool, count, self.config)

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
            validate=partial(self.validate, dataset, held),
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
            return _among(drawn, facts, twin_rng, self.config)
        return replace(drawn, facts={**facts, **drawn.facts})


def _among(
    plain: Assignment, facts: dict[str, Fact], rng: np.random.Generator, config: UnseenConfig
) -> Assignment:
    """The twin: the same test photos, and a training as large that may see all around them.

    What shares a group with a photo of either test part is left out here, too, so that the
    surroundings are all that the twin has more.
    """
    dataset, (seen, unseen) = plain.train.dataset, plain.parts
    tested = np.concatenate([seen.rows, unseen.rows])
    others = np.flatnonzero(np.bincount(tested, minlength=len(dataset.table)) == 0)
    pool, same = untested(dataset, others, tested, config)
    learnt = train_and_val(dataset, rng.permutation(pool), len(plain.val), config)
    train, surplus = np.split(learnt.train, [len(plain.train)])
    around = {
        f"drawn for train from {reason}": Fact(int(np.isin(train, rows).sum()), "photos")
        for reason, rows in plain.left_out.items()
        if reason in _SURROUNDINGS
    }
    if VAL_UNSEEN in plain.facts:  # a twin validates at random, as it trains
        around[VAL_UNSEEN] = Fact(0, "photos")
    left_out = {"seen": seen.rows, "surplus": np.sort(surplus), **learnt.left_out}
    return Assignment(
        train=Part.of("train", dataset, train),
        val=Part.of("val", dataset, learnt.val),
        parts=(unseen,),
        left_out=with_same_group(left_out, same),
        facts={**facts, **around},
    )
