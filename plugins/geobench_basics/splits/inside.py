"""The split that draws another among the photos that no given split tests: a place to tune."""

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from geobench import (
    Assignment,
    BrokenPicture,
    Component,
    DataError,
    Dataset,
    Fact,
    Image,
    Indices,
    Part,
    Split,
    SplitConfig,
    Table,
)
from geobench_basics.splits.by_group import ByGroupSplit
from geobench_basics.splits.random import RandomConfig, RandomSplit
from geobench_basics.splits.unseen_cells import UnseenCellsSplit


class InsideConfig(SplitConfig):
    """Which splits to keep clear of, and the rule to apply to what they leave."""

    outer: list[Component[Split]] = Field(
        min_length=1,
        description="the splits to keep clear of: photos that are in train or val of every one "
        "are split, as each draws them",
    )
    split: Component[Split] = Field(
        description="the rule to split them by; `seed`, `train_share`, `val_ratio`, `groups` and "
        "`only` stand beside it, not in it"
    )

    @field_validator("split")
    @classmethod
    def _plain(cls, split: Component[Split]) -> Component[Split]:
        for name, field in SplitConfig.model_fields.items():
            if getattr(split.plugin.config, name) != field.default:
                raise ValueError(
                    f"{name} is set of {split.plugin.name}, and `inside` has one of its own. Write "
                    f"`{name}:` beside `outer:` and `split:`"
                )
        return split


@final
class InsideSplit(Split):
    """Another split among the photos that are in train or val of every one of the given splits.

    What is tuned here is tuned on no photo that those splits test. It promises what `split`
    promises, distances and groups, and has its parts; `split` sees the remaining photos alone.
    Its parts are of the whole dataset, and so are the keys. `seed`, `train_share`, `val_ratio` and
    `groups` are those of `split`. All other photos are left out as `outer`.
    """

    name = "inside"
    Config = InsideConfig
    config: InsideConfig

    @classmethod
    def tiny(cls, folder: Path) -> InsideConfig:
        outer: list[Split] = [RandomSplit(RandomConfig(seed=1)), ByGroupSplit()]
        return InsideConfig(
            outer=[Component[Split].of(each) for each in outer],
            split=Component[Split].of(UnseenCellsSplit()),
        )

    @property
    def rule(self) -> Split:
        """The split that is applied inside, with what it draws by of this one."""
        plain: Any = self.config.split.plugin
        own = {name: getattr(self.config, name) for name in ("seed", "groups")}
        rule = type(plain)(plain.config.model_copy(update=own))
        return rule  # type: ignore[no-any-return]  # of a plugin's class the type is not known

    @property
    def separates_groups(self) -> bool:
        return self.rule.separates_groups

    @property
    def twin_of(self) -> dict[str, Any] | None:
        plain = self.config.split.plugin.twin_of
        if plain is None:
            return None
        own = self.identity()
        return {**own, "config": {**own["config"], "split": plain}}

    def draw(self, dataset: Dataset) -> Assignment:
        where = f"split inside of {dataset.name}"
        outer = [(each.label, each.plugin.assign(dataset)) for each in self.config.outer]
        kept = reduce(np.logical_and, (_learnt(dataset, *each, where=where) for each in outer))
        rows = np.flatnonzero(kept)
        if not len(rows):
            names = ", ".join(label for label, _ in outer)
            raise DataError(
                f"no photo is in train or val of every outer split ({names})",
                where=where,
                remedy="Name fewer splits under outer, or use a larger dataset.",
            )
        try:
            drawn = self.rule.draw(_Within(dataset, rows))
        except DataError as error:
            raise DataError(
                error.problem,
                where=f"{where}, among {len(rows):,} photos that every outer split learns from: "
                f"{error.where}",
                remedy=error.remedy,
            ) from error
        _check_elsewhere(drawn, [assignment for _, assignment in outer], dataset, where=where)
        return _placed(drawn, dataset, rows)


def _learnt(dataset: Dataset, label: str, drawn: Assignment, *, where: str) -> NDArray[np.bool_]:
    """Which photos of a dataset are in train or val of what an outer split drew, (N,)."""
    found = np.zeros(len(dataset.table), bool)
    for learnt in (drawn.train, drawn.val):
        found[learnt.rows] = True
    if not found.any():
        raise DataError(
            f"the outer split {label} has neither training nor validation photos",
            where=where,
            remedy="Leave it out: all that it has is tested, and nothing is left to tune on.",
        )
    return found


def _check_elsewhere(
    drawn: Assignment, outer: list[Assignment], dataset: Dataset, *, where: str
) -> None:
    """Raise DataError where a part is of another dataset that must not be seen here."""
    tested = {part.dataset.digest for each in outer for part in each.parts}
    for part in drawn.parts:
        if isinstance(part.dataset, _Within):
            continue
        whose = part.dataset.digest
        if whose == dataset.digest or whose in tested:
            raise DataError(
                f"test part {part.name} is of {part.dataset.name}, which "
                + ("is split here" if whose == dataset.digest else "an outer split tests"),
                where=where,
                remedy="Test on another dataset, or use another rule under `split`.",
            )


def _placed(drawn: Assignment, dataset: Dataset, rows: Indices) -> Assignment:
    """What was drawn of the photos at `rows`, as parts of the whole dataset."""

    def whole(part: Part) -> Part:
        if not isinstance(part.dataset, _Within):
            return part
        return replace(part, dataset=dataset, rows=rows[part.rows])

    outside = np.flatnonzero(np.bincount(rows, minlength=len(dataset.table)) == 0)
    left_out = {reason: rows[there] for reason, there in drawn.left_out.items()}
    # A rule that is itself `inside` leaves photos out for the same reason.
    left_out["outer"] = np.union1d(outside, left_out.get("outer", outside))
    fact = Fact(len(rows), "photos")
    return replace(
        drawn,
        train=whole(drawn.train),
        val=whole(drawn.val),
        parts=tuple(whole(part) for part in drawn.parts),
        left_out=left_out,
        facts={"photos in train or val of every outer split": fact, **drawn.facts},
    )


@final
class _Within(Dataset):
    """Some photos of a dataset, as if it had no others.

    Args:
        dataset: whose photos.
        rows: their positions in its table, ascending.
    """

    def __init__(self, dataset: Dataset, rows: Indices) -> None:
        super().__init__(dataset.config)
        self._whole, self._rows = dataset, rows
        self.name = dataset.name  # type: ignore[misc]  # errors of the rule name the dataset

    @property
    def publishes(self) -> Any:
        return self._whole.publishes

    @property
    def provides(self) -> frozenset[str]:
        return self._whole.provides

    @property
    def on_earth(self) -> bool:
        return self._whole.on_earth

    @property
    def reach_km(self) -> float:
        return self._whole.reach_km

    @property
    def view_km(self) -> float:
        return self._whole.view_km

    def load(self) -> Table:
        return self._whole.table.take(self._rows)

    def images(self, indices: Indices) -> Iterator[Image | BrokenPicture]:
        return self._whole.images(self._rows[indices])

    def features(self, indices: Indices) -> Any:
        return self._whole.features(self._rows[indices])
