"""A benchmark of dots all over the globe; methods differ in how far off they answer, and whence."""

from dataclasses import replace
from typing import Literal

import numpy as np

from geobench import (
    Against,
    Assignment,
    Atoms,
    Component,
    Config,
    Curve,
    Dataset,
    Mean,
    Method,
    Metric,
    Part,
    Quantile,
    Share,
    Split,
    SplitConfig,
    Statistic,
    Summary,
    Table,
    VonMisesFisherMixture,
    geo,
)
from geobench.catalogue import installed
from geobench.config.benchmark import Benchmark
from geobench.names import CEILING

PHOTOS, TRAIN = 100, 40


class Dots(Dataset):
    """Photos all over the globe, the first 80 of fifteen photographers, the others of one each."""

    name = "dots"
    licence = "CC BY 4.0"
    citation = "Dots by A. Person (2024)."

    def load(self):
        rng = np.random.default_rng(5)
        points = geo.uniform(PHOTOS, rng)
        people = np.where(np.arange(PHOTOS) < 80, rng.integers(15, size=PHOTOS), np.arange(PHOTOS))
        return Table(
            ids=np.array([f"dot-{n:03d}" for n in range(PHOTOS)]),
            points=points,
            groups=np.array([f"person-{n}" for n in people]),
        )


PLACES = dict(zip(Dots().table.ids.tolist(), Dots().table.points, strict=True))


class HalvesConfig(SplitConfig):
    """Everybody trains, and is tested."""

    groups: Literal["apart", "shared"] = "shared"


class Halves(Split):
    """Two parts, one resampled by photographer and the other by photo."""

    name = "halves"
    Config = HalvesConfig

    def draw(self, dataset):
        rows = np.arange(PHOTOS)
        return Assignment(
            train=Part.of("train", dataset, rows[:TRAIN]),
            val=Part.of("val", dataset, rows[:0]),
            parts=(
                Part.of("old", dataset, rows[TRAIN:80]),
                Part.of("new", dataset, rows[80:], rows[80:]),
            ),
        )


class Whole(Split):
    """Everything is tested, nothing trains."""

    name = "whole"

    def draw(self, dataset):
        nothing = Part.of("train", dataset, np.empty(0, np.intp))
        tested = Part.of("all", dataset, np.arange(PHOTOS))
        return Assignment(nothing, replace(nothing, name="val"), (tested,))


class NearConfig(Config):
    away_km: float = 100.0


class Near(Method):
    """Answers near the truth, in a direction that depends on seed and photo."""

    name = "near"
    Config = NearConfig
    needs_training = False
    predicts = VonMisesFisherMixture

    def fit(self, train, val, context):
        context.fact("neighbours", len(train), "photos")

    def points(self, examples, context):
        truth = np.array([PLACES[i] for i in examples.ids.tolist()])
        noise = context.noise(examples.ids, (3,), "near")
        angle = self.config.away_km / geo.EARTH_RADIUS_KM
        return geo.from_vectors(geo.unit_vectors(truth) + angle * noise)

    def predict(self, examples, context):
        means = self.points(examples, context)[:, None]
        return VonMisesFisherMixture(means, np.full((1, 1), 30.0))

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


class Elsewhere(Near):
    """Answers that come from a file."""

    name = "elsewhere"
    origin = "external"
    deterministic = True
    predicts = Atoms

    def answers(self, part):
        return part == "halves/old"

    def predict(self, examples, context):
        return Atoms(self.points(examples, context)[:, None])


class Released(Near):
    """Weights that come from elsewhere."""

    name = "released"
    origin = "released"
    trained_on = "all photos of the internet"
    deterministic = True


class Broken(Near):
    """Fails on one part."""

    name = "broken"

    def predict(self, examples, context):
        if context.part.endswith("new"):
            raise RuntimeError("out of | memory")
        return super().predict(examples, context)


def _mean(columns, truth, weights):
    return weights.means(columns["error"])


def _northness(columns, truth, weights):
    north = truth.points[:, 0] > 30
    return weights.each(lambda row: (north * row).sum() / row.sum())


def _undefined(columns, truth, weights):
    return np.full(len(weights), np.nan)


RADII = (10.0, 50.0, 100.0, 500.0, 3000.0)


def _within(columns, truth, weights):
    return weights.means(columns["error"][:, None] <= np.array(RADII))


class Probe(Metric):
    """The distance, with every type of summary; of the northern hemisphere only."""

    name = "probe"
    nearest_is_best = True
    columns = ("error", "close")
    summaries = (
        Mean(name="probe.mean", unit="km", better="lower", column="error"),
        Share(name="probe@100km", better="higher", column="close"),
        Quantile(name="probe.worst-tenth", unit="km", better="lower", column="error", q=0.9),
        Statistic(name="probe.weighted", unit="km", better="lower", function=_mean),
        Statistic(name="probe.north", unit="share", better="higher", function=_northness),
        Statistic(name="probe.undefined", unit="km", better="lower", function=_undefined),
        Curve(
            name="probe-curve",
            unit="share",
            better="higher",
            function=_within,
            x=RADII,
            x_unit="km",
        ),
        Against(name="probe.against", unit="km", better="lower", column="error", label="far"),
        Against(name="probe.alone", unit="km", better="lower", column="error", label="nobody"),
    )

    def applies(self, truth):
        return truth.points[:, 0] > 0

    def score(self, prediction, truth, context):
        error = geo.distance_km(prediction.point(), truth.points)
        return np.stack([error, error <= 100], axis=-1).astype(np.float32)


class Fussy(Metric):
    """Cannot score an answer that is 2,500 km off."""

    name = "fussy"
    nearest_is_best = True
    columns = ("fussy",)
    summaries: tuple[Summary, ...] = (
        Mean(name="fussy", unit="km", better="lower", column="fussy"),
    )

    def score(self, prediction, truth, context):
        error = geo.distance_km(prediction.point(), truth.points)
        return np.where(error > 2500, np.nan, error)[:, None].astype(np.float32)


class Nowhere(Fussy):
    """Applies to no photo at all."""

    name = "nowhere"
    columns = ("nowhere",)
    summaries = (
        Mean(name="nowhere", unit="km", better="lower", column="nowhere"),
        Curve(
            name="nowhere-curve",
            unit="km",
            better="lower",
            function=_within,
            x=(1.0,),
            x_unit="km",
        ),
    )

    def applies(self, truth):
        return np.zeros(len(truth), bool)


OURS = (Dots, Halves, Whole, Near, Elsewhere, Released, Broken, Probe, Fussy, Nowhere)


def basics(name):
    plugin = installed().find("metric", name)
    return Component[Metric].of(plugin())


def method(plugin, label="", **config):
    made = plugin(plugin.Config(**config))
    return Component[Method].of(made, label=label or made.name)


def benchmark(name, split, methods, metrics):
    return Benchmark(
        name=name,
        dataset=Component[Dataset].of(Dots()),
        splits=[Component[Split].of(split())],
        methods=methods,
        metrics=metrics,
        seeds=[0, 7],
        samples=4,
        photos=12,
        chunk=9,
    )


GOOD = [
    ("halves/old", "close"),
    ("halves/old", "far"),
    ("halves/old", "elsewhere"),
    ("halves/old", "released"),
    ("halves/old", CEILING),
    ("halves/new", "close"),
    ("halves/new", "far"),
    ("halves/new", "released"),
    ("halves/new", CEILING),
]
