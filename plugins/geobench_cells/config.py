"""What classification methods have in common in their configurations: cells, targets, answers."""

from collections.abc import Mapping
from importlib.util import find_spec
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from geobench import Config, Points
from geobench_cells.answers import Rule
from geobench_cells.healpix import Healpix
from geobench_cells.k_means import SphericalKMeans
from geobench_cells.kept import KeptPartition
from geobench_cells.quadtree import Quadtree
from geobench_cells.s2 import AdaptiveS2

Kind = Literal["s2", "quadtree", "healpix", "k-means"]
Photos = Annotated[int, Field(ge=1)]
Depth = Annotated[int, Field(ge=0, le=12)]

_FINENESS = {"s2": "max_photos", "quadtree": "max_photos", "healpix": "depth", "k-means": "cells"}
_ORDERS = (("max_photos", -1, "fall"), ("depth", 1, "rise"), ("cells", 1, "rise"))
_KINDS = {
    "max_photos": ("s2", "quadtree"),
    "max_level": ("s2", "quadtree"),
    "depth": ("healpix",),
    "cells": ("k-means",),
}
"""The keys that not every kind has -> the kinds that have them."""


class _Cutting(Config):
    """How the sphere is cut; the field that says how finely is that of the kind."""

    added: ClassVar[Mapping[str, Any]] = {"partition": "s2"}

    partition: Kind = Field(
        "s2",
        description="cells that follow the photos (`s2`: squares of a cube, `quadtree`: rectangles "
        "split at medians, `k-means`: nearest centres) or are all of one size (`healpix`)",
    )
    min_photos: int = Field(2, ge=1, description="a cell with fewer training photos is no class")
    max_level: int = Field(
        13, ge=0, le=30, description="s2, quadtree: level of the smallest cells; 13 of s2: 1 km"
    )

    @model_validator(mode="after")
    def _keys_of_the_kind(self, info: ValidationInfo) -> Self:
        if info.context and info.context.get("stored"):
            return self  # what is stored shows every field, and is shown without the packages
        own = _FINENESS[self.partition]
        for key, kinds in _KINDS.items():
            if key in self.model_fields_set and self.partition not in kinds:
                raise ValueError(
                    f"{key} is of {' and '.join(kinds)}: `partition: {self.partition}` takes {own}"
                )
        if self.partition == "healpix" and find_spec("healpix_geo") is None:
            raise ValueError(
                "partition: healpix needs the package healpix-geo, which is not installed. "
                "Install it: pip install 'geobench-geolocation[methods]'"
            )
        return self


class PartitionChoice(_Cutting):
    """Which partition the classes are cells of."""

    added: ClassVar[Mapping[str, Any]] = {"depth": 5, "cells": 1000}

    max_photos: Photos = Field(
        4, description="s2, quadtree: a cell with more training photos is split"
    )
    depth: Depth = Field(5, description="healpix: 12 * 4^depth cells; 5: about 200 km wide")
    cells: Photos = Field(1000, description="k-means: how many cells, if there are as many places")

    def partitions(self, points: Points) -> list[KeptPartition]:
        """The partition for training photos at points (N, 2), alone in a list."""
        fineness = getattr(self, _FINENESS[self.partition])
        return _fitted(points, self.partition, [fineness], max_level=self.max_level)


class LevelsChoice(_Cutting):
    """Which nested partitions the classes are cells of, coarse to fine."""

    max_photos: tuple[Photos, ...] = Field(
        (64, 16, 4),
        min_length=1,
        description="s2, quadtree: by level, a cell with more training photos is split; falling",
    )
    depth: tuple[Depth, ...] = Field(
        (1, 3, 5), min_length=1, description="healpix: by level, 12 * 4^depth cells; rising"
    )
    cells: tuple[Photos, ...] = Field(
        (50, 250, 1250), min_length=1, description="k-means: by level, how many cells; rising"
    )

    @model_validator(mode="after")
    def _coarse_to_fine(self) -> Self:
        for key, sign, word in _ORDERS:
            values = getattr(self, key)
            if any(sign * (b - a) <= 0 for a, b in pairwise(values)):
                raise ValueError(f"{key} are {list(values)}; from coarse to fine they must {word}")
        return self

    def partitions(self, points: Points) -> list[KeptPartition]:
        """The nested partitions for training photos at points (N, 2), coarse to fine."""
        fineness = getattr(self, _FINENESS[self.partition])
        return _fitted(points, self.partition, list(fineness), max_level=self.max_level)


class TargetChoice(Config):
    """What a classifier is told of a training photo: one class, or several by their distance."""

    added: ClassVar[Mapping[str, Any]] = {
        "kernel": "exponential",
        "class_weights": 0.0,
        "label_smoothing": 0.0,
    }

    soft_labels_km: float | None = Field(
        50.0,
        gt=0,
        description="distance over which a class's target falls to 1/e (PIGEON), or to "
        "exp(-1/2) where the kernel is gaussian; null: hard labels",
    )
    kernel: Literal["exponential", "gaussian"] = Field(
        "exponential",
        description="how targets fall with the distance d: exp(-d / soft_labels_km), or "
        "exp(-(d / soft_labels_km)^2 / 2)",
    )
    class_weights: float = Field(
        0.0,
        ge=0,
        le=1,
        description="a photo counts by the number of photos of its class to the minus this: at 0 "
        "all photos count alike, at 1 all classes do",
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of every target that is spread over all classes alike"
    )


class AnswerChoice(Config):
    """Which place a distribution over classes answers with."""

    point: Rule = Field(
        "cell",
        description="the answer: the likeliest class's place, the mean of the likeliest, or the "
        "one of the likeliest around which most probability lies",
    )
    top_k: int = Field(20, ge=1, description="how many classes `point` looks at, unless `cell`")
    bandwidth_km: float = Field(500.0, gt=0, description="what `point: densest` counts as around")


def _fitted(
    points: Points, kind: Kind, fineness: list[int], *, max_level: int
) -> list[KeptPartition]:
    if kind == "s2":
        return [*AdaptiveS2.fit_levels(points, fineness, max_level=max_level)]
    if kind == "quadtree":
        return [*Quadtree.fit_levels(points, fineness, max_level=max_level)]
    if kind == "healpix":
        return [*Healpix.fit_levels(points, fineness)]
    return [*SphericalKMeans.fit_levels(points, fineness)]
