"""The method `prior` against the uniform where places are seen, unseen and sparse.

    python perf/prior.py            # on the splits of the boards, of three seeds
    python perf/prior.py --tuning   # where its `away_km` was chosen: photos that no board tests

Numbers are NLL less that of the uniform, 2.531 nats, with 95 % intervals over the units of the
part: below zero a density knows something. Beside `prior` stands what it was before its version 2,
kernels of the one width that is likeliest on validation photos, with a floor fitted likewise. It
takes some minutes. With `--tuning` there is another rule, too, of what trains near a validation
photo: what lies in its block of EqualAreaGrid(36), or within the buffer of the boards' splits.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy.optimize import minimize_scalar
from tabulate import tabulate

from geobench import (
    Component,
    Context,
    Dataset,
    EqualAreaGrid,
    Examples,
    Floored,
    Labelled,
    Part,
    Points,
    Split,
    geo,
)
from geobench.catalogue import installed
from geobench.config import read
from geobench.geo import LOG_UNIFORM
from geobench.mixtures import VonMisesFisherMixture
from geobench.statistics import estimate_mean
from geobench_basics.methods import prior as method_prior
from geobench_basics.methods.kernels import Counted, Kernels, counted
from geobench_basics.methods.prior import PriorConfig, PriorMethod

log = logging.getLogger("prior")

TUNING = Path(__file__).parent.parent / "benchmarks/blue-marble-tuning.yaml"
SPLITS = ("unseen-cells", "unseen-regions", "density-shift")
AWAY_KM = (250.0, 500.0, 750.0, 1000.0)
BUFFER_KM = 205.0
SEEDS = (0, 1, 2)


def main() -> int:
    """Print the table."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tuning", action="store_true", help="try `away_km` where none is tested")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    (tuning,) = read(TUNING, installed())
    dataset: Dataset = tuning.dataset.plugin
    default = PriorConfig()
    tried = [default.model_copy(update={"away_km": away}) for away in AWAY_KM]
    body = []
    for label, split in inside(tuning.splits[0].plugin) if wanted.tuning else plain():
        drawn = split.assign(dataset)
        train, val = labelled(drawn.train), labelled(drawn.val)
        densities = [] if wanted.tuning else [one_width(train, val)]
        densities += [fitted(each, train, val) for each in (tried if wanted.tuning else [default])]
        if wanted.tuning:
            with patch.object(method_prior, "counted", counted_by_block):
                densities.append(fitted(default, train, val))
        for part in drawn.parts:
            cells = [against_uniform(density, part) for density in densities]
            body.append([label, part.name, len(part), *cells])
    names = [*(f"`away_km: {away:g}`" for away in AWAY_KM), "block and buffer"]
    columns = names if wanted.tuning else ["one width", "`prior`"]
    headers = ["split", "part", "photos", *columns]
    log.info(tabulate(body, headers=headers, tablefmt="pipe", disable_numparse=True))
    return 0


def plain() -> Iterator[tuple[str, Split]]:
    """The splits that boards use, of every seed."""
    for name in SPLITS:
        for seed in SEEDS:
            split = Component[Split].model_validate(Component[Split].named(name, seed=seed))
            yield f"{name}, seed {seed}", split.plugin


def inside(outer: Split) -> Iterator[tuple[str, Split]]:
    """The same among the photos that `outer`, the split of the tuning benchmark, leaves."""
    for name in SPLITS:
        rule = type(outer.config.split).named(name)
        for seed in SEEDS:
            config = {"outer": outer.config.outer, "split": rule, "seed": seed}
            yield f"{name}, seed {seed}", type(outer)(type(outer.config).model_validate(config))


def labelled(part: Part) -> Labelled:
    return Labelled(part.ids, part.points)


def fitted(config: PriorConfig, train: Labelled, val: Labelled) -> Floored:
    """The density of `prior` for one photo; one place is tried as the answer, which is not used."""
    method = PriorMethod(config.model_copy(update={"candidates": 1}))
    method.fit(train, val, Context(seed=0))
    return method.predict(Examples(train.ids[:1]), Context(seed=0))


def counted_by_block(
    photos: Points, widths: Sequence[Kernels], *, away_km: float
) -> Iterator[Counted]:
    """As `counted`, but away are places of other blocks, outside of the buffer."""
    grid, places = EqualAreaGrid(36), widths[0].places
    blocks = grid.assign(places)
    near = np.concatenate([block.near for block in counted(photos, widths, away_km=away_km)])
    for photo, of_all in zip(photos, near, strict=True):
        distant = geo.distance_km(photo, places) >= BUFFER_KM
        far = distant & (blocks != grid.assign(photo[None])[0])
        drop = np.minimum(geo.unit_vectors(places[far]) @ geo.unit_vectors(photo) - 1, 0)
        away = []
        for kernels in widths:
            kappa, weights = kernels.concentration, kernels.weights[far]
            height = 2 * kappa / -np.expm1(-2 * kappa)
            away.append(np.exp(kappa * drop) @ weights * height / weights.sum())
        yield Counted(of_all[None], np.array([away]))


def one_width(train: Labelled, val: Labelled) -> Floored:
    """Kernels around all training places of the width that is likeliest on validation photos."""

    def density(log_km: float) -> Floored:
        kappa = geo.concentration_of(np.exp(log_km))
        kernels = VonMisesFisherMixture(train.points[None], np.full((1, 1), kappa))
        return Floored(kernels, Floored.fit(kernels.log_prob(val.points[None])))

    def loss(log_km: float) -> float:
        return -float(density(log_km).log_prob(val.points[None]).mean())

    widths = np.log(np.geomspace(1, 5000, 9))
    best = int(np.argmin([loss(width) for width in widths]))
    ends = widths[max(best - 1, 0)], widths[min(best + 1, len(widths) - 1)]
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 0.02})
    return density(float(found.x))


def against_uniform(density: Floored, part: Part) -> str:
    """NLL less that of the uniform, with its interval."""
    scores = LOG_UNIFORM - density.log_prob(part.points[None])
    found = estimate_mean(scores, part.units)
    return f"{found.value:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


if __name__ == "__main__":
    sys.exit(main())
