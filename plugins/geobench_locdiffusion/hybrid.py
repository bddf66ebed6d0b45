"""The method `locdiffusion-hybrid`: retrieval where the diffusion's density has its mass."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Cells,
    Component,
    Config,
    Context,
    Examples,
    Floored,
    Indices,
    Labelled,
    Method,
    Points,
    Retriever,
    State,
)
from geobench_locdiffusion.method import LocDiffusion

if TYPE_CHECKING:
    from geobench_locdiffusion.restriction import Restriction

_PAIRS = 1 << 22  # (photo, place) pairs that are held at once
_LOOKED_AT = 250  # validation photos that facts are about


class LocDiffusionHybridConfig(Config):
    """Whose density, whose gallery, and where the one lets the other answer."""

    diffusion: Component[LocDiffusion] = Field(
        Component[LocDiffusion].named("locdiffusion"),
        description="the method whose density says where to look; an equal row of the benchmark "
        "shares its training",
    )
    retriever: Component[Retriever] = Field(
        Component[Retriever].named("geoclip"),
        description="the method whose gallery answers, and that says which place is most similar",
    )
    mass: float = Field(
        0.5,
        gt=0,
        le=1,
        description="share of the density's probability, without the floor; the fewest cells that "
        "hold it are where the gallery is looked at",
    )
    radius_km: float = Field(
        200.0, gt=0, description="how near to the centre of such a cell a place must be"
    )


@final
class LocDiffusionHybrid(Method):
    """LocDiff-H: the most similar place of a gallery, among those where the density has its mass.

    Wang et al., "LocDiff" (NeurIPS 2025), section on the hybrid. Density and draws are those of
    `locdiffusion`; only the answer is the retriever's. Where no place of the gallery is near, the
    decoded mode answers.
    """

    name = "locdiffusion-hybrid"
    version = 1
    requires = ("torch",)
    Config = LocDiffusionHybridConfig
    config: LocDiffusionHybridConfig
    predicts = Floored
    wants = frozenset({"pooled"})

    _diffusion: LocDiffusion
    _retriever: Retriever
    _restriction: "Restriction"

    @classmethod
    def tiny(cls, folder: Path) -> LocDiffusionHybridConfig:
        return LocDiffusionHybridConfig.model_validate(
            {
                "diffusion": {"plugin": LocDiffusion(LocDiffusion.tiny(folder))},
                "retriever": Component[Retriever].named("toy-nearest", k=3),
            }
        )

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        context.check_deadline()
        self._begin(context)
        context.fact("places of the gallery", len(self._retriever.gallery()), "places")
        chosen = val.few(_LOOKED_AT)
        if len(chosen):
            counts = np.zeros(len(chosen))
            cells = _cells_of(self._diffusion.predict(chosen, context))
            for rows in self._slices(len(chosen)):
                allowed = self._restriction.allowed(cells.take(rows), self.config.mass)
                counts[rows] = allowed.sum(axis=1)
            share = float(counts.mean()) / len(self._retriever.gallery())
            context.fact("places that are looked at", share, "share of the gallery")
            context.fact("photos without such a place", float((counts == 0).mean()), "share")

    def predict(self, examples: Examples, context: Context) -> Floored:
        said = self._diffusion.predict(examples, context)
        cells = _cells_of(said)
        answers = self._answers(examples, cells, context)
        return Floored(
            Cells(cells.partition, cells.log_masses, answers, count=len(examples)), said.share
        )

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        self._begin(context)

    def _begin(self, context: Context) -> None:
        from geobench_locdiffusion.restriction import Restriction

        self._diffusion = context.component(self.config.diffusion)
        self._retriever = context.component(self.config.retriever)
        self._restriction = Restriction(
            self._retriever.gallery(), self._diffusion.cells, radius_km=self.config.radius_km
        )

    def _answers(self, examples: Examples, cells: Cells, context: Context) -> Points:
        """The most similar place (N, 2) that is allowed; the mode where none is."""
        answers, gallery = cells.point(), self._retriever.gallery()
        for rows in self._slices(len(examples)):
            allowed = self._restriction.allowed(cells.take(rows), self.config.mass)
            some = allowed.any(axis=1)
            if not some.any():
                continue
            candidates = padded(allowed[some])
            asked = examples.take(rows[some])
            similarity = self._retriever.similarity(asked, candidates, context)
            best = np.argmax(similarity, axis=1)
            answers[rows[some]] = gallery[candidates[np.arange(len(asked)), best]]
        return answers

    def _slices(self, photos: int) -> Iterator[Indices]:
        """Positions of photos, so many at once that pairs of photo and place fit into memory."""
        size = max(1, _PAIRS // len(self._retriever.gallery()))
        for start in range(0, photos, size):
            yield np.arange(start, min(start + size, photos))


def _cells_of(said: Floored) -> Cells:
    assert isinstance(said.density, Cells)  # locdiffusion made it
    return said.density


def padded(allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The positions of what is allowed in each row of (N, G), where at least one is: (N, m), in
    their order, and the first of them again at the end of shorter rows."""
    counts = allowed.sum(axis=1)
    columns = np.arange(int(counts.max()))
    place = np.nonzero(allowed)[1]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    taken = first[:, None] + np.where(columns < counts[:, None], columns, 0)
    return np.asarray(place[taken])
