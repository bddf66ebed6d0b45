"""What features of a place are worth beyond finding photos: linear probes, as a table in Markdown.

    geobench run benchmarks/blue-marble-full.yaml --only geoclip --no-figures
    python perf/location_probes.py
    python perf/location_probes.py --released         # with the package geoclip installed, too

Read off a town's place alone: its population (ridge regression on the decimal logarithm; R2), its
scene and its continent (multinomial logistic regression; share of right answers). Probes learn on
the training photos of a split, their penalty is chosen on its validation photos, for every set of
features by itself, and they are scored on its test parts: `random`, where towns have neighbours,
and `unseen-cells`, where held-out blocks are far from all training photos.

The sets are what `GeoClip.embed_locations` gives after a training on the same split; an encoder of
the same sizes with random weights; the place as a unit vector; and real spherical harmonics up to
degree 22. What the paper claims of a "rich feature suitable to use even beyond geo-localization" is
what training adds: the difference from random weights, with its 95 % interval over places and
trainings. That of an R2 takes the variance of the part as known.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import sph_harm_y
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from tabulate import tabulate

import geobench
from geobench import Assignment, ConfigError, GeobenchError, Part, Points, config, geo
from geobench.catalogue import installed
from geobench.statistics.intervals import Estimate, estimate_mean, estimate_share
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.embedding import location_features
from geobench_geoclip.method import GeoClip
from geobench_geoclip.network import GeoClipNetwork
from geobench_geoclip.release import Release

log = logging.getLogger("location_probes")

BOARD = Path("benchmarks/blue-marble-full.yaml")
SPLITS = ("random", "unseen-cells")
SEEDS = (0, 1, 2)
DEGREE = 22
"""Of the harmonics: 23^2 = 529 numbers."""
HARMONICS = f"spherical harmonics up to degree {DEGREE}"

ALPHAS = tuple(10.0**power for power in range(-2, 6))
"""Penalties of the ridge."""
STRENGTHS = tuple(10.0**power for power in range(-3, 5))
"""Inverse penalties of the logistic regression."""

Embed = Callable[[Points], NDArray[np.floating[Any]]]
"""Places (N, 2) -> numbers (N, F)."""


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """What is made of places.

    Args:
        name: in the table.
        makers: one for every training, or one.
        less: the name of the set that it is compared with, or "".
    """

    name: str
    makers: Sequence[Embed]
    less: str = ""


@dataclass(frozen=True)
class Task:
    """What is read off a place: the attribute, and whether it is a class or a number."""

    name: str
    attribute: str
    is_class: bool

    def targets(self, part: Part) -> NDArray[Any]:
        """What the photos of a part should be answered with."""
        values = part.attributes[self.attribute]
        if self.is_class:
            return np.asarray(values).astype(np.str_)
        # The list of towns begins at 15,000 inhabitants; one town in it has none written down.
        return np.log10(np.maximum(np.asarray(values, dtype=np.float64), 15_000))


TASKS = (
    Task("log population, R2", "population", is_class=False),
    Task("scene, share right", "scene", is_class=True),
    Task("continent, share right", "continent", is_class=True),
)


def main() -> int:
    """Probe all sets, and print the table; 2 where something is not there."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", type=Path, default=BOARD, help="the YAML file of the board")
    parser.add_argument("--workspace", type=Path, default=Path(), help="where .geobench/ lies")
    parser.add_argument("--label", default="geoclip", help="of the trained method")
    parser.add_argument("--released", action="store_true", help="probe the authors' weights, too")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    rows: list[list[str]] = []
    try:
        (board,) = config.read(wanted.file, installed())
        for label in SPLITS:
            split = next(each.plugin for each in board.splits if each.label == label)
            drawn = split.assign(board.dataset.plugin)
            sets = learnt(wanted.file, wanted.label, split=label, workspace=wanted.workspace)
            sets += released() if wanted.released else []
            sets += [
                FeatureSet(name="unit vector", makers=[geo.unit_vectors], less=sets[0].less),
                FeatureSet(name=HARMONICS, makers=[harmonics], less=sets[0].less),
            ]
            rows += table_rows(drawn, sets, split=label)
    except GeobenchError as error:
        log.error("error: %s", error)
        return 2
    heads = ["task", "part", "features", "numbers", "score", "less random weights"]
    log.info(tabulate(rows, heads, tablefmt="pipe", disable_numparse=True))
    return 0


def learnt(file: Path, label: str, *, split: str, workspace: Path) -> list[FeatureSet]:
    """The location encoders of a board's trainings, and as large ones with random weights.

    Raises:
        GeobenchError: there is no such training, or it is of another method.
    """
    trained: list[Embed] = []
    for seed in SEEDS:
        found = geobench.trained(file, label, split=split, seed=seed, workspace=workspace)
        if not isinstance(found.method, GeoClip):
            raise ConfigError(f"method {label} has no location encoder", where=str(file))
        trained.append(partial(found.method.embed_locations, context=found.context))
        sizes = found.method.config
    return [
        FeatureSet(name="trained by geoclip", makers=trained, less="random weights"),
        FeatureSet(name="random weights", makers=[unlearnt(sizes, seed=seed) for seed in SEEDS]),
    ]


def released() -> list[FeatureSet]:
    """The authors' location encoder, and as large ones with random weights.

    Raises:
        PluginError: the package geoclip is not installed.
    """
    sizes = GeoClipConfig(**GeoClip.presets["paper"])
    random = "random weights of the released sizes"
    authors = of_network(Release.find(None).network())
    return [
        FeatureSet(name="released weights", makers=[authors], less=random),
        FeatureSet(name=random, makers=[unlearnt(sizes, seed=seed) for seed in SEEDS]),
    ]


def unlearnt(sizes: GeoClipConfig, *, seed: int) -> Embed:
    """A location encoder that nobody trained."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return of_network(GeoClipNetwork(1, sizes))


def of_network(network: GeoClipNetwork) -> Embed:
    """What the location encoder of a network says."""
    return partial(location_features, network.eval(), device="cpu")


def harmonics(points: Points, degree: int = DEGREE) -> NDArray[np.float64]:
    """Real orthonormal spherical harmonics of places (N, 2), (N, (degree + 1)^2)."""
    colatitude, longitude = np.radians(90.0 - points[:, 0]), np.radians(points[:, 1])
    columns = []
    for n in range(degree + 1):
        for m in range(n + 1):
            values = sph_harm_y(n, m, colatitude, longitude)
            if m == 0:
                columns.append(values.real)
            else:
                columns += [np.sqrt(2) * values.real, np.sqrt(2) * values.imag]
    return np.stack(columns, axis=1)


def table_rows(drawn: Assignment, sets: Sequence[FeatureSet], *, split: str) -> list[list[str]]:
    """A row for each task, test part and set of features."""
    made = {each.name: [embedded(drawn, maker) for maker in each.makers] for each in sets}
    rows = []
    for task in TASKS:
        log.info("%s: probe %s", split, task.name)
        found = {name: [probed(task, drawn, x) for x in every] for name, every in made.items()}
        for part in drawn.parts:
            scores = {
                name: np.stack([each[part.name] for each in every]) for name, every in found.items()
            }
            for each in sets:
                own = scores[each.name]
                estimate = (estimate_share if task.is_class else estimate_mean)(own, part.units)
                less = (
                    shown(estimate_mean(own - scores[each.less], part.units)) if each.less else ""
                )
                width = str(made[each.name][0][part.name].shape[1])
                where = f"{split}/{part.name}"
                rows.append([task.name, where, each.name, width, shown(estimate), less])
    return rows


def embedded(drawn: Assignment, maker: Embed) -> dict[str, NDArray[np.float64]]:
    """Of train, val and each test part the features, (N, F), standardised by those of train."""
    scaler = StandardScaler().fit(maker(drawn.train.points))
    return {part.name: scaler.transform(maker(part.points)) for part in drawn.all_parts}


def probed(
    task: Task, drawn: Assignment, x: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Of each test part the scores of its photos, (N,), whose mean is the score: 1 or 0 for a
    class; for a number 1 - error^2 / variance, the variance that of the part.

    Args:
        task: what is read off.
        drawn: by its validation photos the penalty is chosen.
        x: the features of its parts.
    """
    y = {part.name: task.targets(part) for part in drawn.all_parts}
    train, val = drawn.train.name, drawn.val.name

    def scored(model: Any, part: str) -> NDArray[np.float64]:
        answers = model.predict(x[part])
        if task.is_class:
            return np.asarray(answers == y[part], dtype=np.float64)
        return np.asarray(1 - (answers - y[part]) ** 2 / y[part].var(), dtype=np.float64)

    penalties: Sequence[float] = STRENGTHS if task.is_class else ALPHAS
    models = [
        LogisticRegression(C=penalty, max_iter=1000, tol=1e-3)
        if task.is_class
        else Ridge(alpha=penalty)
        for penalty in penalties
    ]
    on_val = [float(scored(model.fit(x[train], y[train]), val).mean()) for model in models]
    best = int(np.argmax(on_val))
    if best in (0, len(models) - 1):
        log.info("the best penalty of %s is at the edge, %g", task.name, penalties[best])
    return {part.name: scored(models[best], part.name) for part in drawn.parts}


def shown(estimate: Estimate) -> str:
    """A number with its interval."""
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


if __name__ == "__main__":
    sys.exit(main())
