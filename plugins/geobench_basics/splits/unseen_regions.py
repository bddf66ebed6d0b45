"""The split that holds out whole countries, drawn from every continent, or whole continents."""

from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import Dataset, Indices, gazetteer
from geobench_basics.splits.holding_out import HeldOut, UnseenConfig, UnseenSplit, draw_photos

_TOWNS = 1000  # inhabitants of the smallest towns that say which country a place is in
_PHOTOS = {"country": 50, "continent": 1000}


class UnseenRegionsConfig(UnseenConfig):
    """Which regions are held out, and how many photos each gives."""

    by: Literal["country", "continent"] = Field("country", description="what is held out whole")
    share: float = Field(
        1 / 6, gt=0, lt=1, description="of the regions with photos, how many are held out"
    )
    photos_per_region: int | None = Field(
        None,
        ge=1,
        description="the most photos of a held-out region in `unseen`; none: 50 of a country, "
        "1000 of a continent",
    )
    photo_share: float = Field(
        0.5, gt=0, le=1, description="the most photos of a held-out region in `unseen`, of its own"
    )


@final
class UnseenRegionsSplit(UnseenSplit):
    """Countries or continents held out: parts unseen (where nothing trains) and seen.

    A photo's region is that of the nearest town of 1,000 inhabitants or more, however far (its
    continent is Antarctica south of 60 degrees south); so every photo has one, at sea, too, and
    all photos of a held-out region are kept from training.
    Countries are drawn from each continent in proportion to how many of its countries have
    photos, the number rounded up or down. Photos of a continent are one unit: unless several are
    held out, `unseen` has no intervals.
    """

    name = "unseen-regions"
    Config = UnseenRegionsConfig
    config: UnseenRegionsConfig
    noun = "regions"
    remedy = "Use a larger share, another seed, or more photos."

    def hold_out(self, dataset: Dataset, rng: np.random.Generator) -> HeldOut:
        config = self.config
        labels = gazetteer.countries if config.by == "country" else gazetteer.continents
        regions = labels(dataset.table.points, minimum=_TOWNS)
        present, first = np.unique(regions, return_index=True)
        # A country is in the continent of its towns, not in that of a photo taken in Antarctica.
        nearest = gazetteer.find(dataset.table.points[first], minimum=_TOWNS).index
        of_towns = gazetteer.load(_TOWNS).continent[nearest]
        strata = of_towns if config.by == "country" else present
        drawn = np.sort(present[_stratified(strata, config.share, rng)])
        most = config.photos_per_region or _PHOTOS[config.by]
        return draw_photos(regions, drawn, rng, most=most, share=config.photo_share)


def _stratified(strata: NDArray[Any], share: float, rng: np.random.Generator) -> Indices:
    """Positions of a share of `strata` (N,), at least one, drawn in proportion from each stratum.

    A systematic sample of a list that is sorted by stratum and in random order within: of a
    stratum with n entries it takes n * count / N, rounded up or down (Cochran 1977, chapter 8).
    """
    count = max(1, round(share * len(strata)))
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    steps = np.floor((np.arange(count) + rng.random()) * len(strata) / count)
    return np.asarray(order[np.minimum(steps, len(strata) - 1).astype(np.intp)])
