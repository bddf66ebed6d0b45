"""The split that trains on earlier photos and tests on later ones."""

import logging
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Assignment,
    ConfigError,
    DataError,
    Dataset,
    Fact,
    Part,
    Split,
    SplitConfig,
    Strings,
)
from geobench_basics.splits.dates import Dates, dates_of
from geobench_basics.splits.learning import learn
from geobench_basics.splits.quotas import quota

logger = logging.getLogger("geobench.split")

_SHOWN = 40  # characters of a value in a message


class TemporalConfig(SplitConfig):
    """Where the date is, what is later, and how many photos each part takes."""

    attribute: str = Field(
        "date",
        description="the attribute with the date: ISO 8601, EXIF (2015:06:30 12:00:00), or a "
        "number such as the year or seconds since 1970",
    )
    cutoff: int | float | str | None = Field(
        None,
        description="photos from this date or number on are later; none: the earliest for which "
        "`share` is not exceeded",
    )
    share: float = Field(
        1 / 6, gt=0, lt=1, description="the most later photos, of those with a date"
    )
    later: int = Field(2000, ge=1, description="the most photos of `later`")
    earlier: int = Field(1500, ge=1, description="the most photos of `earlier`")
    earlier_share: float = Field(
        0.2, gt=0, lt=1, description="the most photos of `earlier`, of those before the cutoff"
    )
    val: int = Field(1000, ge=1, description="the most validation photos")
    val_share: float = Field(
        0.1, gt=0, lt=1, description="the most validation photos, of those before the cutoff"
    )


@final
class TemporalSplit(Split):
    """Training on earlier photos: parts later and earlier, by an attribute that holds dates.

    Everything that is learnt from, and the part `earlier`, lies before the cutoff; `later` lies
    at it or after it, so photos of one date are never on both sides. A date without a time is
    its first moment, a year its first of January; a time without a zone is UTC. Photos without a
    date (`NA`, `null` and the like are none), or with one that cannot be read, are left out and
    counted.
    """

    name = "temporal"
    Config = TemporalConfig
    config: TemporalConfig

    @classmethod
    def tiny(cls, folder: Path) -> TemporalConfig:
        return TemporalConfig(attribute="scene")  # the toy planet's numbers that come in an order

    def draw(self, dataset: Dataset) -> Assignment:
        config, where = self.config, f"split temporal of {dataset.name}"
        column = self._column(dataset, where)
        dates = dates_of(column)
        times, dated = dates.times, np.isfinite(dates.times)
        strange = np.flatnonzero(dates.unreadable)
        if not dated.any():
            held = f"such as {_shown(column, strange[0])}" if len(strange) else "it is empty"
            raise DataError(
                f"no value of the attribute {config.attribute} is a date: {held}",
                where=where,
                remedy="Give ISO 8601 dates (2015-06-30), EXIF ones (2015:06:30 12:00:00), or "
                "numbers such as the year.",
            )
        if len(strange):
            logger.warning(
                "%s: %d photos: unreadable date (first: id %r, %s)",
                where,
                len(strange),
                str(dataset.table.ids[strange[0]]),
                _shown(column, strange[0]),
            )
        cutoff = self._cutoff(times[dated], dates)
        rng = np.random.default_rng(config.seed)
        after = rng.permutation(np.flatnonzero(dated & (times >= cutoff)))
        before = rng.permutation(np.flatnonzero(dated & (times < cutoff)))
        if not len(after) or len(before) < 2:
            raise DataError(
                f"of {dated.sum()} photos with a date, {len(before)} are before the cutoff "
                f"{cutoff:.10g} and {len(after)} are not",
                where=where,
                remedy="Set another cutoff between the dates, which go from "
                f"{times[dated].min():.10g} to {times[dated].max():.10g}, or a larger share.",
            )
        earlier_count = quota(len(before), most=config.earlier, share=config.earlier_share)
        earlier, pool = np.split(before, [earlier_count])
        later = after[: config.later]
        learnt = learn(
            dataset,
            pool,
            np.concatenate([earlier, later]),
            config,
            most=config.val,
            share=config.val_share,
            beside=earlier_count,
        )
        left_out = {
            **learnt.left_out,
            "set-aside": np.sort(after[config.later :]),
            "no date": np.flatnonzero(dates.missing),
            "unreadable date": strange,
        }
        return Assignment(
            train=Part.of("train", dataset, learnt.train),
            val=Part.of("val", dataset, learnt.val),
            parts=(Part.of("earlier", dataset, earlier), Part.of("later", dataset, later)),
            left_out={reason: rows for reason, rows in left_out.items() if len(rows)},
            facts={
                "photos with a date": Fact(int(dated.sum()), "photos"),
                "first date": Fact(float(times[dated].min()), "date"),
                "cutoff": Fact(cutoff, "date"),
                "last date": Fact(float(times[dated].max()), "date"),
            },
        )

    def _column(self, dataset: Dataset, where: str) -> NDArray[Any] | Strings:
        attributes, wanted = dataset.table.attributes, self.config.attribute
        if wanted not in attributes:
            there = ", ".join(attributes)
            raise DataError(
                f"the dataset has no attribute {wanted!r} to hold the dates",
                where=where,
                remedy=f"Set `attribute`; there is {there}."
                if there
                else "It has no attributes at all: use another split.",
            )
        return attributes[wanted]

    def _cutoff(self, times: NDArray[np.float64], dates: Dates) -> float:
        """The first time that is later."""
        given = self.config.cutoff
        if isinstance(given, str):
            read = dates.read(given)
            if not np.isfinite(read):
                kind = "numbers" if dates.numbers else "dates"
                raise ConfigError(
                    f"cutoff {given!r} is none of the {kind} that the attribute "
                    f"{self.config.attribute} holds",
                    where="split temporal",
                    remedy="Write it as the dataset does, whose dates go from "
                    f"{times.min():.10g} to {times.max():.10g}.",
                )
            return read
        if given is not None:
            return float(given)
        found, counts = np.unique(times, return_counts=True)
        # Counted from the last date on; the last one is later even if it exceeds the share.
        from_here = np.cumsum(counts[::-1])
        fitting = int((from_here <= self.config.share * len(times) + 1e-9).sum())
        return float(found[-max(1, fitting)])


def _shown(column: NDArray[Any] | Strings, row: int) -> str:
    text = str(column[int(row)])
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
