"""What features of a place are worth beyond finding photos: linear probes, as a table in Markdown.

    geobench run benchmarks/blue-marble-full.yaml --only geoclip --no-figures
    python perf/location_probes.py
    python perf/location_probes.py --released         # with the package geoclip installed, too

Read off a town's place alone: its population (ridge regression on the decimal logarithm; R2), its
scene and its continent (multinomial logistic regression; share of right answers). Probes learn on
the training photos of a split, their penalty is chosen on its validation photos, for every set of
features by itself, and they are scored on its test parts: `random`, where towns have neighbours,
and `unseen-cells`, where held-out blocks are far from all training photos.

The sets are what `GeoClip.embed_locations` gives after a training on the same split; the same
encoder with the random weights that it began with; the place as a unit vector; and real spherical
harmonics up to degree 22. What the paper claims of a "rich feature suitable to use even beyond
geo-localization" is what training adds: the difference from random weights, with its 95 %
interval over places and trainings.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
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
from geobench import Assignment, Part, Points, config, geo
from geobench.catalogue import installed
from geobench.statistics.intervals import Estimate, estimate_mean
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

ALPHAS = tuple(10.0**power for power in range(-2, 6))
"""Penalties of the ridge."""
STRENGTHS = tuple(10.0**power for power in range(-4, 2))
"""Inverse penalties of the logistic regression."""

Features = Callable[[Points], NDArray[np.floating[Any]]]
TRAINED, RANDOM = "trained by geoclip", "its encoder with random weights"


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


def main() -> None:
    """Probe all sets, and print the table."""
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
    (board,) = config.read(wanted.file, installed())
    rows: list[list[str]] = []
    for label in SPLITS:
        split = next(each.plugin for each in board.splits if each.label == label)
        drawn = split.assign(board.dataset.plugin)
        sets = dict(feature_sets(wanted.file, wanted.label, label, workspace=wanted.workspace))
        if wanted.released:
            sets["released weights of geoclip"] = [of_network(Release.find(None).network())]
        rows += table_rows(label, drawn, sets)
    heads = ["task", "part", "features", "numbers", "score", f"less {RANDOM}"]
    log.info(tabulate(rows, heads, tablefmt="pipe", disable_numparse=True))


def feature_sets(
    file: Path, label: str, split: str, *, workspace: Path
) -> Iterator[tuple[str, list[Features]]]:
    """Names and functions, one per training, else one: places (N, 2) -> numbers (N, F)."""
    trained: list[Features] = []
    fresh: list[Features] = []
    for seed in SEEDS:
        found = geobench.trained(file, label, split=split, seed=seed, workspace=workspace)
        assert isinstance(found.method, GeoClip)
        trained.append(partial(found.method.embed_locations, context=found.context))
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            fresh.append(of_network(GeoClipNetwork(1, found.method.config)))
    yield TRAINED, trained
    yield RANDOM, fresh
    yield "unit vector", [geo.unit_vectors]
    yield f"spherical harmonics up to degree {DEGREE}", [harmonics]


def of_network(network: GeoClipNetwork) -> Features:
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


def table_rows(split: str, drawn: Assignment, sets: dict[str, list[Features]]) -> list[list[str]]:
    """A row for each task, test part and set of features."""
    rows = []
    for task in TASKS:
        scores: dict[str, list[dict[str, NDArray[np.float64]]]] = {}
        width = {}
        for name, functions in sets.items():
            scores[name] = [probed(task, drawn, embed) for embed in functions]
            width[name] = functions[0](drawn.val.points[:1]).shape[1]
            log.debug("%s, %s, %s", split, task.name, name)
        for part in drawn.parts:
            random = np.stack([each[part.name] for each in scores[RANDOM]])
            for name, found in scores.items():
                own = np.stack([each[part.name] for each in found])
                less = "" if name == RANDOM else shown(estimate_mean(own - random, part.units))
                value = shown(estimate_mean(own, part.units))
                rows.append(
                    [task.name, f"{split}/{part.name}", name, str(width[name]), value, less]
                )
    return rows


def probed(task: Task, drawn: Assignment, embed: Features) -> dict[str, NDArray[np.float64]]:
    """Of each test part the scores of its photos, (N,), whose mean is the score: 1 or 0 for a
    class; for a number 1 - error^2 / variance, the variance that of the part."""
    scaler = StandardScaler().fit(embed(drawn.train.points))
    x = {part.name: scaler.transform(embed(part.points)) for part in drawn.all_parts}
    y = {part.name: task.targets(part) for part in drawn.all_parts}
    train, val = drawn.train.name, drawn.val.name

    def scored(model: Any, part: str) -> NDArray[np.float64]:
        answers = model.predict(x[part])
        if task.is_class:
            return np.asarray(answers == y[part], dtype=np.float64)
        return np.asarray(1 - (answers - y[part]) ** 2 / y[part].var(), dtype=np.float64)

    penalties: Sequence[float] = STRENGTHS if task.is_class else ALPHAS
    best, best_score = None, -np.inf
    for penalty in penalties:
        model = (
            LogisticRegression(C=penalty, max_iter=500, tol=1e-3)
            if task.is_class
            else Ridge(alpha=penalty)
        )
        model.fit(x[train], y[train])
        score = float(scored(model, val).mean())
        if score > best_score:
            best, best_score = model, score
    return {part.name: scored(best, part.name) for part in drawn.parts}


def shown(estimate: Estimate) -> str:
    """A number with its interval."""
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


if __name__ == "__main__":
    main()
