"""The photos of the toy planet that a method under check is fitted on and asked for."""

import sys
import sysconfig
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench.data import Examples, Indices, Labelled, Rows
from geobench.geo import Points
from geobench.methods import Method
from geobench.run.named_methods import wanted, with_components
from geobench.testing.check import ensure
from geobench.testing.subject import Subject
from geobench.testing.untouched import opened_files
from geobench.testing.weights import WEIGHTS, keyed_paths
from geobench.toy_planet import ToyPlanet

PARTS = ("official/clear", "official/ambiguous")
"""The test parts that methods are asked for, as in table.csv."""


class MethodPhotos(Subject[Method]):
    """A method class, and the photos of the toy planet in the features that it wants."""

    planet = ToyPlanet()

    def __init__(self, plugin: type[Method], *, config: Any = None) -> None:
        super().__init__(plugin, config=config)
        self._opened: set[str] = set()

    def make(self) -> Method:
        """A new instance; what it reads while it is made is known."""
        _ = self.config  # `tiny` may write what is read
        with opened_files() as opened:
            method = super().make()
        self._opened |= opened
        return method

    def rows(self, part: str) -> Indices:
        """Rows of the toy planet: `train`, `val`, or one of PARTS."""
        named: Indices = np.flatnonzero(self.planet.table.part == part.split("/")[-1])
        return named

    def labelled(self, rows: Indices) -> Labelled:
        """Photos of the planet with the features that the method wants, and their places."""
        table, wants = self.planet.table, wanted(self.make())
        features = self.planet.features(rows)
        return Labelled(
            table.ids[rows],
            table.points[rows],
            {name: column[rows] for name, column in table.attributes.items()},
            pooled=_rows(self._lifted(features.pooled)) if "pooled" in wants else None,
            tokens=_rows(features.tokens) if "tokens" in wants else None,
            read=lambda positions: self.planet.images(rows[positions]),
        )

    def examples(self, rows: Indices) -> Examples:
        """The same as they are at test time."""
        return self.labelled(rows).unlabelled()

    def _lifted(self, pooled: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        """The planet's features at the width that fixed weights need: turned, none of them lost
        where there is room, so that distances stay."""
        widths = {each.feature_width for each in with_components(self.make())} - {None}
        if pooled is None or not widths:
            return pooled
        ensure(
            len(widths) == 1,
            f"it and its components need features of the widths {sorted(map(str, widths))}",
            "All methods see the same features.",
        )
        (width,) = widths
        shape = (pooled.shape[1], int(width or 0))
        turn = np.random.default_rng(0).standard_normal((max(shape), min(shape)))
        axes = np.linalg.qr(turn)[0]  # orthonormal columns: all that a wide matrix needs
        lifted: NDArray[np.float64] = pooled @ (axes if shape[0] >= shape[1] else axes.T)
        return lifted.astype(np.float32)

    @cached_property
    def train(self) -> Labelled:
        return self.labelled(self.rows("train"))

    @cached_property
    def val(self) -> Labelled:
        return self.labelled(self.rows("val"))

    @cached_property
    def part(self) -> str:
        """The part that most checks ask for: the first that the method answers."""
        method = self.make()
        answered = [part for part in PARTS if method.answers(part)]
        ensure(
            answered,
            f"it answers neither {' nor '.join(PARTS)}",
            "`tiny` must give a configuration that answers one of them.",
        )
        return answered[0]

    @cached_property
    def test(self) -> Examples:
        """The photos of `part`, without labels."""
        return self.examples(self.rows(self.part))

    @cached_property
    def truth(self) -> Points:
        """Where they were taken, (N, 2)."""
        return self.planet.table.points[self.rows(self.part)]

    def moved(self, photos: Labelled, points: Points) -> Labelled:
        """The same photos, taken elsewhere."""
        elsewhere = copy(photos)
        elsewhere.points = points
        return elsewhere

    def read_files(self) -> set[Path]:
        """Files of weights outside `tiny_folder` that the method has read, and that its
        configuration does not name."""
        own = Path(getattr(sys.modules.get(_package(self.plugin)), "__file__", None) or ".").parent
        system = [Path(place).resolve() for place in sysconfig.get_paths().values()]
        named = [path.resolve() for path in keyed_paths(self.config)]
        found = set()
        for name in self._opened:
            path = Path(name).resolve()
            inside = any(path.is_relative_to(place) for place in named)
            inside |= path.is_relative_to(self.root)  # what the kit keeps, and looks at by itself
            foreign = any(path.is_relative_to(place) for place in system)
            if inside or (foreign and not path.is_relative_to(own.resolve())):
                continue
            if path.suffix.lower() in WEIGHTS and path.is_file():
                found.add(path)
        return found


def _rows(array: NDArray[np.float32] | None) -> Rows | None:
    return None if array is None else Rows([array])


def _package(plugin: type[Method]) -> str:
    return plugin.__module__.partition(".")[0]
