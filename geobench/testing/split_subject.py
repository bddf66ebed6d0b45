"""The split under check: drawn over the toy planet, and over datasets that are harder to split."""

from typing import Any, final

import numpy as np

from geobench.assignments import Assignment, Part
from geobench.data import Dataset, Indices, Table
from geobench.digests import array_digest
from geobench.errors import DataError
from geobench.splits import Split, SplitConfig
from geobench.testing.check import Failure, ensure
from geobench.testing.other_process import Findings
from geobench.testing.subject import Subject
from geobench.toy_planet import ToyPlanet, ToyPlanetConfig


@final
class TableOnly(Dataset):
    """The table of another dataset, whose pictures and features nobody may read."""

    name = "table-only"

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._given = table
        self.was_read = ""

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"images", "features"})

    def load(self) -> Table:
        return self._given

    def images(self, indices: Indices) -> Any:
        self._refuse("pictures")

    def features(self, indices: Indices) -> Any:
        self._refuse("features")

    def _refuse(self, what: str) -> None:
        self.was_read = what
        raise DataError(f"a split reads {what}")


@final
class SplitSubject(Subject[Split]):
    """A split class and the planet that it is drawn over."""

    def __init__(self, plugin: type[Split], *, config: Any = None) -> None:
        super().__init__(plugin, config=config)
        self.planet: Dataset = ToyPlanet()

    @property
    def drawn(self) -> Assignment:
        """What it draws of the planet; nothing of it is checked."""
        return self.memo("drawn", lambda: self._draw())

    @property
    def home(self) -> tuple[Part, ...]:
        """The parts that are of the planet: train, val, and perhaps test parts."""
        return tuple(part for part in self.drawn.all_parts if part.dataset is self.planet)

    def assign(self, dataset: Dataset | None = None, **settings: Any) -> Assignment:
        """What the harness gets of the planet, or of another dataset, with changed settings."""
        config = self.config.model_copy(update=settings)
        return self.plugin(config).assign(self.planet if dataset is None else dataset)

    def _draw(self) -> Assignment:
        ensure(
            isinstance(self.config, SplitConfig),
            f"its configuration is a {type(self.config).__name__}",
            "Derive its Config from geobench.SplitConfig: every split has seed and train_share.",
        )
        drawn = self.make().draw(self.planet)
        ensure(
            isinstance(drawn, Assignment),
            f"draw returns a {type(drawn).__name__}",
            "Return a geobench.Assignment.",
        )
        for part in (drawn.train, drawn.val):
            if part.dataset is not self.planet:
                raise Failure(
                    f"{part.name} is of the dataset {part.dataset.name}, not of the one that is "
                    "split",
                    remedy="Make train and val of the very dataset that `draw` is given.",
                )
        return drawn


def findings(drawn: Assignment) -> Findings:
    """All that a split says: parts, what it leaves out, promises and facts."""
    found: dict[str, Any] = {f"the part {part.name}": part.digest for part in drawn.all_parts}
    for reason, rows in drawn.left_out.items():
        found[f"what is left out ({reason})"] = array_digest(np.asarray(rows))
    found["apart_km"] = dict(drawn.apart_km)
    found |= {f"the fact {name!r}": fact for name, fact in drawn.facts.items()}
    return found


def findings_anew(plugin: type[Split], config: Any) -> Findings:
    """The findings of a new instance on a new planet."""
    return findings(plugin(config).draw(ToyPlanet()))


def harder_datasets() -> dict[str, Dataset]:
    """What is hard about them -> datasets that a split may refuse."""
    full = ToyPlanet().table
    few: dict[str, Dataset] = {
        f"{count} photos": ToyPlanet(ToyPlanetConfig(photos=count)) for count in (1, 2, 3, 10)
    }
    bare = Table(ids=full.ids, points=full.points, groups=full.ids)
    here = Table(ids=full.ids, points=np.zeros_like(full.points), groups=full.groups)
    return {
        **few,
        "photos without attributes, groups and parts": TableOnly(bare),
        "photos of one place": TableOnly(here),
    }
