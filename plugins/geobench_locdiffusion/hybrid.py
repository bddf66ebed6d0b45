"""The method `locdiffusion-hybrid`: retrieval where the diffusion's density has its mass."""

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
    Labelled,
    Method,
    Points,
    Retriever,
    State,
)
from geobench_locdiffusion.method import LocDiffusion

if TYPE_CHECKING:
    from geobench_locdiffusion.restriction import Restriction

_PAIRS = 1 << 22  # (photo, place) pairs that are compared at once


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
        description="share of the density's probability; the fewest cells that hold it are where "
        "the gallery is looked at",
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
        if len(val):
            chosen = val.few(Floored.PHOTOS)
            asked = self._restriction.allowed(self._cells(chosen, context), self.config.mass)
            context.fact("places that are looked at", float(asked.mean()), "share of the gallery")
            context.fact("photos without such a place", float((~asked.any(axis=1)).mean()), "share")

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

    def _cells(self, examples: Examples, context: Context) -> Cells:
        return _cells_of(self._diffusion.predict(examples, context))

    def _answers(self, examples: Examples, cells: Cells, context: Context) -> Points:
        """The most similar place (N, 2) that is allowed; the mode where none is."""
        answers, gallery = cells.point(), self._retriever.gallery()
        allowed = self._restriction.allowed(cells, self.config.mass)
        most = max(1, int(allowed.sum(axis=1).max(initial=0)))
        size = max(1, _PAIRS // most)
        rows = np.flatnonzero(allowed.any(axis=1))
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            candidates = padded(allowed[some])
            similarity = self._retriever.similarity(examples.take(some), candidates, context)
            best = np.argmax(similarity, axis=1)
            answers[some] = gallery[candidates[np.arange(len(some)), best]]
        return answers


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
