"""Leaderboards: every number of the tables is what independent arithmetic makes of the arrays."""

import csv
import json
import math
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geopy.distance import great_circle  # type: ignore[import-untyped]
from numpy.typing import NDArray
from scipy import stats

import geobench
from geobench import (
    Against,
    Assignment,
    Atoms,
    Component,
    Config,
    Context,
    Curve,
    Dataset,
    Examples,
    Labelled,
    Mean,
    Method,
    Metric,
    Part,
    Prediction,
    Quantile,
    ReplicateWeights,
    ScoreContext,
    Share,
    Split,
    State,
    Statistic,
    StoreError,
    Summary,
    Table,
    Truth,
    VonMisesFisherMixture,
    geo,
)
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import ROW_COLUMNS, CurvePoint, Row, as_csv
from geobench.catalogue import Catalogue, Source, installed
from geobench.config.benchmark import Benchmark
from geobench.names import CEILING
from geobench.pages.report import rewrite
from geobench.pages.verification import verify
from geobench.readable import number
from geobench.records.workspace import Workspace
from geobench.run.execution import Options, Reporter
from geobench.run.runner import RunOutcome, run

PHOTOS, TRAIN = 100, 40


class Dots(Dataset):
    """Photos all over the globe, of fifteen photographers."""

    name = "dots"
    licence = "CC BY 4.0"
    citation = "Dots by A. Person (2024)."

    def load(self) -> Table:
        rng = np.random.default_rng(5)
        return Table(
            ids=np.array([f"dot-{n:03d}" for n in range(PHOTOS)]),
            points=geo.uniform(PHOTOS, rng),
            groups=np.array([f"person-{n}" for n in rng.integers(15, size=PHOTOS)]),
        )


PLACES = dict(zip(Dots().table.ids.tolist(), Dots().table.points, strict=True))


class Halves(Split):
    """Two parts, one resampled by photographer and the other by photo."""

    name = "halves"

    def draw(self, dataset: Dataset) -> Assignment:
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

    def draw(self, dataset: Dataset) -> Assignment:
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
    predicts: Any = VonMisesFisherMixture

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        context.fact("neighbours", len(train), "photos")

    def points(self, examples: Examples, context: Context) -> NDArray[np.float64]:
        truth = np.array([PLACES[i] for i in examples.ids.tolist()])
        noise = context.noise(examples.ids, (3,), "near")
        angle = self.config.away_km / geo.EARTH_RADIUS_KM
        return geo.from_vectors(geo.unit_vectors(truth) + angle * noise)

    def predict(self, examples: Examples, context: Context) -> Prediction:
        means = self.points(examples, context)[:, None]
        return VonMisesFisherMixture(means, np.full((1, 1), 30.0))

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        pass


class Elsewhere(Near):
    """Answers that come from a file."""

    name = "elsewhere"
    origin = "external"
    deterministic = True
    predicts = Atoms

    def answers(self, part: str) -> bool:
        return part == "halves/old"

    def predict(self, examples: Examples, context: Context) -> Prediction:
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

    def predict(self, examples: Examples, context: Context) -> Prediction:
        if context.part.endswith("new"):
            raise RuntimeError("out of | memory")
        return super().predict(examples, context)


def _mean(columns: Any, truth: Truth, weights: ReplicateWeights) -> NDArray[np.float64]:
    return weights.means(columns["error"])


def _northness(columns: Any, truth: Truth, weights: ReplicateWeights) -> NDArray[np.float64]:
    north = truth.points[:, 0] > 30
    return weights.each(lambda row: (north * row).sum() / row.sum())


def _undefined(columns: Any, truth: Truth, weights: ReplicateWeights) -> NDArray[np.float64]:
    return np.full(len(weights), np.nan)


RADII = (10.0, 50.0, 100.0, 500.0, 3000.0)


def _within(columns: Any, truth: Truth, weights: ReplicateWeights) -> NDArray[np.float64]:
    return weights.means(columns["error"][:, None] <= np.array(RADII))


class Probe(Metric):
    """The distance, with every type of summary; of the northern hemisphere only."""

    name = "probe"
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

    def applies(self, truth: Truth) -> NDArray[np.bool_]:
        return truth.points[:, 0] > 0

    def score(
        self, prediction: Prediction, truth: Truth, context: ScoreContext
    ) -> NDArray[np.float32]:
        error = geo.distance_km(prediction.point(), truth.points)
        return np.stack([error, error <= 100], axis=-1).astype(np.float32)


class Fussy(Metric):
    """Cannot score an answer that is 2,500 km off."""

    name = "fussy"
    columns = ("fussy",)
    summaries: tuple[Summary, ...] = (
        Mean(name="fussy", unit="km", better="lower", column="fussy"),
    )

    def score(self, prediction: Any, truth: Truth, context: ScoreContext) -> NDArray[np.float32]:
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

    def applies(self, truth: Truth) -> NDArray[np.bool_]:
        return np.zeros(len(truth), bool)


OURS = (Dots, Halves, Whole, Near, Elsewhere, Released, Broken, Probe, Fussy, Nowhere)


def basics(name: str) -> Component[Metric]:
    plugin: Any = installed().find("metric", name)
    return Component[Metric].of(plugin())


def method(plugin: type[Method], label: str = "", **config: Any) -> Component[Method]:
    made = plugin(plugin.Config(**config))
    return Component[Method].of(made, label=label or made.name)


def benchmark(name: str, split: type[Split], methods: list[Any], metrics: list[Any]) -> Benchmark:
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


@pytest.fixture(scope="module")
def catalogue() -> Iterator[Catalogue]:
    """The catalogue that these classes are in, too."""
    found = Catalogue()
    for plugin in OURS:
        found.add(plugin, Source("tests", "tests", "1"))
    for name in ("distance", "accuracy", "nll"):
        found.add(installed().find("metric", name), Source("basics", "geobench", "1"))
    assert not found.broken
    with pytest.MonkeyPatch.context() as patch:
        for module in ("run.manifest", "run.recording"):
            patch.setattr(f"geobench.{module}.installed", lambda: found)
        yield found


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("boards"))


@pytest.fixture(scope="module")
def outcome(catalogue: Catalogue, workspace: Workspace) -> RunOutcome:
    methods = [
        method(Near, "close", away_km=20.0),
        method(Near, "far", away_km=400.0),
        method(Elsewhere),
        method(Released, away_km=2000.0),
        method(Broken),
    ]
    metrics = [basics("distance"), basics("accuracy"), basics("nll")]
    metrics += [Component[Metric].of(plugin()) for plugin in (Probe, Fussy, Nowhere)]
    asked = benchmark("dots", Halves, methods, metrics)
    return run(asked, workspace, options=Options(figures=False), reporter=Reporter())


@pytest.fixture(scope="module")
def folder(outcome: RunOutcome) -> Path:
    assert outcome.board is not None
    return outcome.board


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    """The rows of all photos, each counting once."""
    with (folder / "table.csv").open() as stream:
        found = list(csv.DictReader(stream))
    return [row for row in found if (row["slice"], row["average"]) == ("all", "photo")]


@pytest.fixture(scope="module")
def curves(folder: Path) -> list[dict[str, str]]:
    with (folder / "curves.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "benchmark.json").read_text()))


class Recount:
    """What the stored arrays of one label on one part give, by geopy, numpy and scipy alone."""

    def __init__(self, folder: Path, manifest: dict[str, Any], part: str, label: str) -> None:
        place = folder / "runs" / manifest["parts"][part]["folder"]
        self.part = dict(np.load(place / "part.npz"))
        self.units = self.part["unit"]
        entries = [r for r in manifest["rows"] if (r["part"], r["label"]) == (part, label)]
        answers = [np.load(folder / "runs" / r["folder"] / "answer.npz")["answer"] for r in entries]
        if label == CEILING:
            answers = [self.part["nearest"]]
        self.folders = [folder / "runs" / r["folder"] for r in entries]
        self.errors = np.array([[self.away(a, t) for a, t in self.pairs(a)] for a in answers])

    def pairs(self, answers: NDArray[np.float64]) -> Iterator[tuple[Any, Any]]:
        return zip(answers, self.part["truth"], strict=True)

    @staticmethod
    def away(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float(great_circle(a, b, radius=6371.0088).km)


def jackknife(scores: NDArray[np.float64], units: NDArray[Any]) -> tuple[float, float]:
    """The 95 % interval of the mean of scores (S, N), S < 3, leaving out a unit at a time."""
    average = scores.mean(axis=0)
    names, counts = np.unique(units, return_counts=True)
    without = np.array([average[units != name].mean() for name in names])
    variance = (1 - 1 / len(names)) * ((without - average.mean()) ** 2).sum()
    effective = counts.sum() ** 2 / (counts**2).sum()
    half = stats.t.ppf(0.975, effective - 1) * math.sqrt(variance)
    return float(average.mean() - half), float(average.mean() + half)


def the(rows: list[dict[str, str]], part: str, label: str, summary: str) -> dict[str, str]:
    wanted = (part, label, summary)
    (row,) = [row for row in rows if (row["part"], row["label"], row["summary"]) == wanted]
    return row


def close(text: str, value: float) -> bool:
    """Whether a cell is this number to six digits, scores being stored as float32."""
    return float(text) == pytest.approx(value, rel=6e-6)


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


@pytest.mark.parametrize(("part", "label"), GOOD)
def test_a_row_is_what_the_stored_answers_give(
    part: str, label: str, rows: Any, folder: Path, manifest: dict[str, Any]
) -> None:
    recount = Recount(folder, manifest, part, label)
    errors = recount.errors
    mean = the(rows, part, label, "distance.mean")
    assert close(mean["value"], errors.mean())
    low, high = jackknife(errors, recount.units)
    assert close(mean["low"], low)
    assert close(mean["high"], high)
    median = the(rows, part, label, "distance.median")
    assert close(median["value"], np.mean([np.median(seed) for seed in errors]))
    assert float(median["low"]) <= float(median["value"]) <= float(median["high"])
    for radius in (1, 25, 200, 750, 2500):
        share = the(rows, part, label, f"accuracy@{radius}km")
        assert close(share["value"], (errors <= radius).mean())
        assert 0 <= float(share["low"]) <= float(share["value"]) <= float(share["high"]) <= 1
    _, counts = np.unique(recount.units, return_counts=True)
    deterministic = label in ("elsewhere", "released", CEILING)
    for row in (mean, median):
        assert row["photos"] == str(errors.shape[1])
        assert row["seeds"] == str(len(errors)) == ("1" if deterministic else "2")
        assert row["not_applicable"] == "0"
        assert close(row["effective_units"], counts.sum() ** 2 / (counts**2).sum())
    if deterministic:
        assert mean["seed_sd"] == median["seed_sd"] == ""
    else:
        assert close(mean["seed_sd"], errors.mean(axis=1).std(ddof=1))


def test_every_row_carries_what_it_is_about(rows: Any, folder: Path) -> None:
    assert (folder / "table.csv").read_text().split("\n")[0] == ",".join(ROW_COLUMNS)
    for row in rows:
        assert (row["benchmark"], row["slice"], row["average"]) == ("dots", "all", "photo")
    keys = [(row["part"], row["label"], row["summary"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert list(dict.fromkeys(row["part"] for row in rows)) == ["halves/old", "halves/new"]
    far = the(rows, "halves/old", "far", "distance.median")
    assert (far["method"], far["unit"], far["better"]) == ("near", "km", "lower")


def test_the_ceiling_answers_with_the_nearest_training_place(
    rows: Any, folder: Path, manifest: dict[str, Any]
) -> None:
    table = Dots().table
    for name, tested in (("old", range(TRAIN, 80)), ("new", range(80, PHOTOS))):
        nearest = [
            min(Recount.away(table.points[i], table.points[j]) for j in range(TRAIN))
            for i in tested
        ]
        row = the(rows, f"halves/{name}", CEILING, "distance.mean")
        assert close(row["value"], float(np.mean(nearest)))
        assert (row["status"], row["rank_low"], row["rank_high"]) == ("ceiling", "", "")
    assert not [row for row in rows if row["label"] == CEILING and row["summary"] == "nll"]


def test_status_says_where_answers_come_from(rows: Any) -> None:
    expected = {
        "close": "ok",
        "far": "ok",
        "broken": "ok",
        "elsewhere": "external",
        "released": "released",
        CEILING: "ceiling",
    }
    for label, status in expected.items():
        assert the(rows, "halves/old", label, "distance.mean")["status"] == status


def test_a_part_that_is_not_answered_reads_so_and_is_not_ranked(rows: Any) -> None:
    for summary in ("distance.mean", "accuracy@25km", "probe.mean", "fussy"):
        row = the(rows, "halves/new", "elsewhere", summary)
        assert row["status"] == "not-answered"
        for column in ("value", "low", "high", "effective_units", "rank_low", "rank_high", "note"):
            assert row[column] == ""


def test_a_failure_is_a_row_that_says_why(rows: Any, outcome: RunOutcome, curves: Any) -> None:
    for summary in ("distance.mean", "accuracy@25km", "nll", "probe.mean"):
        row = the(rows, "halves/new", "broken", summary)
        assert row["status"] == "failed"
        assert "method broken: RuntimeError: out of | memory" in row["note"]
        assert row["note"].startswith("seed 0: ")
        assert row["value"] == row["rank_low"] == ""
    assert [f for f in outcome.failures if "halves / broken / seed 7" in f]
    assert not [c for c in curves if (c["part"], c["label"]) == ("halves/new", "broken")]


def test_a_metric_that_fails_fails_its_own_rows_and_no_others(
    rows: Any, outcome: RunOutcome
) -> None:
    for label, failed in (("close", False), ("far", False), ("released", True), (CEILING, True)):
        row = the(rows, "halves/old", label, "fussy")
        assert (row["status"] == "failed") is failed, label
        assert ("metric fussy" in row["note"]) is failed
        assert the(rows, "halves/old", label, "distance.mean")["status"] != "failed"
    text = "halves/old / released: metric fussy: "
    assert [failure for failure in outcome.failures if failure.startswith(text)]


def test_only_what_competes_is_ranked(rows: Any) -> None:
    for row in rows:
        ranked = row["rank_low"] != ""
        assert ranked == (row["rank_high"] != "")
        competes = row["status"] in ("ok", "external", "released") and row["value"] != ""
        assert ranked == competes, row
        if ranked:
            assert 1 <= int(row["rank_low"]) <= int(row["rank_high"])


def test_ranks_count_the_methods_that_are_clearly_better_and_worse(rows: Any) -> None:
    # close (20 km) < elsewhere, broken (100 km) < far (400 km) < released (2,000 km)
    expected = {
        "close": ("1", "1"),
        "elsewhere": ("2", "3"),
        "broken": ("2", "3"),
        "far": ("4", "4"),
        "released": ("5", "5"),
    }
    for label, ranks in expected.items():
        row = the(rows, "halves/old", label, "distance.mean")
        assert (row["rank_low"], row["rank_high"]) == ranks
    worst = the(rows, "halves/old", "released", "accuracy@200km")
    assert worst["rank_high"] == "5"
    # On the other part two do not answer, and only three compete.
    assert the(rows, "halves/new", "released", "distance.mean")["rank_high"] == "3"


def test_a_metric_of_densities_has_no_row_for_what_is_none(rows: Any) -> None:
    labels = {
        row["label"] for row in rows if (row["part"], row["summary"]) == ("halves/old", "nll")
    }
    assert labels == {"close", "far", "released", "broken"}


def test_a_metric_of_densities_is_computed_from_the_stored_columns(
    rows: Any, folder: Path, manifest: dict[str, Any]
) -> None:
    recount = Recount(folder, manifest, "halves/old", "far")
    stored = []
    for place in recount.folders:
        (path,) = place.glob("nll-*.npz")
        arrays = np.load(path)
        scored = arrays["mask"] == 0
        assert scored.sum() == 12
        stored.append(arrays["nll"][scored].astype(float))
    row = the(rows, "halves/old", "far", "nll")
    low, high = jackknife(np.array(stored), recount.units[scored])
    assert row["photos"] == "12"
    assert close(row["value"], np.mean(stored))
    assert close(row["low"], low)
    assert close(row["high"], high)


def north(recount: Recount) -> NDArray[np.bool_]:
    return np.asarray(recount.part["truth"][:, 0] > 0)


@pytest.mark.parametrize(("part", "label"), GOOD)
def test_a_metric_that_applies_to_some_photos_counts_the_others(
    part: str, label: str, rows: Any, folder: Path, manifest: dict[str, Any]
) -> None:
    recount = Recount(folder, manifest, part, label)
    inside = north(recount)
    errors, units = recount.errors[:, inside], recount.units[inside]
    mean = the(rows, part, label, "probe.mean")
    assert (mean["photos"], mean["not_applicable"]) == (str(inside.sum()), str((~inside).sum()))
    assert close(mean["value"], errors.mean())
    assert close(mean["low"], jackknife(errors, units)[0])
    share = the(rows, part, label, "probe@100km")
    assert close(share["value"], (errors <= 100).mean())
    quantile = the(rows, part, label, "probe.worst-tenth")
    assert close(quantile["value"], np.mean([np.quantile(seed, 0.9) for seed in errors]))


@pytest.mark.parametrize(("part", "label"), GOOD)
def test_a_statistic_that_is_a_mean_has_the_interval_of_a_mean(
    part: str, label: str, rows: Any
) -> None:
    mean, weighted = (the(rows, part, label, f"probe.{name}") for name in ("mean", "weighted"))
    for column in ("value", "low", "high", "seed_sd", "photos", "effective_units"):
        if mean[column] == "":
            assert weighted[column] == ""
        else:
            assert close(weighted[column], float(mean[column]))
    assert (mean["rank_low"], mean["rank_high"]) == (weighted["rank_low"], weighted["rank_high"])


def test_a_statistic_sees_the_truth_of_the_scored_photos(
    rows: Any, folder: Path, manifest: dict[str, Any]
) -> None:
    recount = Recount(folder, manifest, "halves/old", "far")
    lat = recount.part["truth"][:, 0]
    row = the(rows, "halves/old", "far", "probe.north")
    assert close(row["value"], (lat[lat > 0] > 30).mean())
    ranks = {
        (r["rank_low"], r["rank_high"])
        for r in rows
        if r["part"] == "halves/old" and r["summary"] == "probe.north" and r["rank_low"]
    }
    assert ranks == {("1", "5")}  # the same number for all


def test_what_is_undefined_is_an_empty_cell_without_a_rank(rows: Any, folder: Path) -> None:
    row = the(rows, "halves/old", "close", "probe.undefined")
    for column in ("value", "low", "high", "rank_low", "rank_high"):
        assert row[column] == ""
    assert row["status"] == "ok"
    assert row["note"]
    assert "nan" not in (folder / "table.csv").read_text().lower()


def test_a_difference_is_paired_by_photo_and_seed(
    rows: Any, folder: Path, manifest: dict[str, Any]
) -> None:
    far = Recount(folder, manifest, "halves/old", "far")
    inside = north(far)
    for label in ("close", "released", CEILING):
        other = Recount(folder, manifest, "halves/old", label)
        difference = (other.errors - far.errors)[:, inside]
        row = the(rows, "halves/old", label, "probe.against")
        low, high = jackknife(difference, far.units[inside])
        assert float(row["value"]) == pytest.approx(difference.mean(), rel=1e-5)
        assert float(row["low"]) == pytest.approx(low, rel=1e-5)
        assert float(row["high"]) == pytest.approx(high, rel=1e-5)
    own = [r for r in rows if (r["label"], r["summary"]) == ("far", "probe.against")]
    assert not own


def test_a_difference_to_nobody_is_a_row_that_says_so(rows: Any) -> None:
    for label in ("close", "far", "released"):
        row = the(rows, "halves/old", label, "probe.alone")
        assert (row["value"], row["rank_low"]) == ("", "")
        assert row["note"] == "nothing on the same photos to compare with"


@pytest.mark.parametrize(("part", "label"), GOOD)
def test_the_points_of_a_curve_are_in_a_table_of_their_own(
    part: str, label: str, curves: Any, rows: Any, folder: Path, manifest: dict[str, Any]
) -> None:
    recount = Recount(folder, manifest, part, label)
    inside = north(recount)
    own = [c for c in curves if (c["part"], c["label"], c["curve"]) == (part, label, "probe-curve")]
    assert tuple(float(point["x"]) for point in own) == RADII
    for point in own:
        hits = (recount.errors[:, inside] <= float(point["x"])).astype(float)
        assert close(point["value"], hits.mean())
        if 0 < hits.mean() < 1:
            low, high = jackknife(hits, recount.units[inside])
            low, high = max(low, 0.0), min(high, 1.0)  # it is a share
            assert float(point["low"]) == pytest.approx(low, rel=1e-5, abs=1e-7)
            assert float(point["high"]) == pytest.approx(high, rel=1e-5, abs=1e-7)


def test_a_curve_has_no_row_in_the_table(rows: Any, curves: Any, folder: Path) -> None:
    names = {row["summary"] for row in rows}
    assert not names & {"probe-curve", "accuracy", "nowhere-curve"}
    named = {c["curve"] for c in curves if ".novelty" not in c["curve"]}
    assert named == {"probe-curve", "accuracy"}
    header = (folder / "curves.csv").read_text().split("\n")[0]
    assert header == "benchmark,part,slice,label,curve,x,value,low,high"


def test_a_metric_that_applies_to_no_photo_says_so(rows: Any) -> None:
    row = the(rows, "halves/old", "close", "nowhere")
    assert (row["value"], row["photos"], row["not_applicable"]) == ("", "0", "40")
    assert row["note"] == "no photo of this part can be scored"
    assert row["status"] == "ok"


def test_costs_hold_timings_memory_and_facts(folder: Path) -> None:
    with (folder / "costs.csv").open() as stream:
        costs = list(csv.DictReader(stream))
    own = [c for c in costs if (c["part"], c["label"], c["seed"]) == ("halves/old", "far", "7")]
    found = {c["quantity"]: (c["unit"], c["device"]) for c in own}
    assert found == {
        "fit_seconds": ("s", "cpu"),
        "restore_seconds": ("s", "cpu"),
        "predict_seconds": ("s", "cpu"),
        "score_seconds": ("s", "cpu"),
        "latency_median_seconds": ("s", "cpu"),
        "latency_p95_seconds": ("s", "cpu"),
        "latency_photos": ("photos", "cpu"),
        "throughput": ("photos/s", "cpu"),
        "peak_memory": ("MiB", "cpu"),
        "neighbours": ("photos", "cpu"),
    }
    assert next(c["value"] for c in own if c["quantity"] == "neighbours") == "40"
    table = (folder / "table.csv").read_text()
    assert "seconds" not in table


def cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line.strip().strip("|"))


def test_every_row_of_a_table_on_the_page_has_as_many_cells_as_its_head(folder: Path) -> None:
    lines = (folder / "README.md").read_text().splitlines()
    tables: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    tables = [table for table in tables if table]
    assert len(tables) == 7  # one at a glance; of each part summaries, error by novelty, slices
    for table in tables:
        assert len({len(cells(line)) for line in table}) == 1
        assert set(table[1]) <= set("|-: ")


def test_the_page_shows_values_intervals_ranks_and_failures(folder: Path, rows: Any) -> None:
    page = (folder / "README.md").read_text()
    assert page.startswith("# dots\n")
    mean = the(rows, "halves/old", "released", "distance.mean")
    value, low, high = (number(float(mean[c]), "km") for c in ("value", "low", "high"))
    assert f"**{value}**<br>{low} to {high}<br>rank 5" in page.replace("*" + low, low)
    for text in ("not-answered", "failed", "`elsewhere`<br>external", "rank 2 to 3", "n/a", " - "):
        assert text in page, text
    assert "- `broken` on halves/new: seed 0: method broken: RuntimeError: out of | memory" in page
    assert "Incomplete" not in page
    assert "nan" not in page.lower().replace("benchmark digest", "")


def test_the_page_credits_the_dataset(folder: Path) -> None:
    page = (folder / "README.md").read_text()
    assert "## Credits\n\nDots by A. Person (2024).\n\nLicence: CC BY 4.0\n" in page


def test_the_tables_are_made_of_stored_arrays_alone(
    folder: Path, catalogue: Catalogue, outcome: RunOutcome
) -> None:
    names = ("table.csv", "curves.csv", "costs.csv", "README.md")
    rewrite(folder, catalogue)
    before = {name: (folder / name).read_bytes() for name in names}
    assert verify(folder, catalogue) == []
    for name in names:
        (folder / name).unlink()
    rewrite(folder, catalogue)
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_load_reads_what_was_written(folder: Path, rows: Any) -> None:
    table = geobench.load(folder)
    assert list(table.columns) == list(ROW_COLUMNS)
    plain = table[(table["slice"] == "all") & (table["average"] == "photo")]
    assert list(plain["status"]) == [row["status"] for row in rows]


def test_a_table_without_rows_is_a_sentence(catalogue: Catalogue, workspace: Workspace) -> None:
    asked = benchmark("nothing", Whole, [method(Elsewhere, "points")], [basics("nll")])

    class Everywhere(Elsewhere):
        def answers(self, part: str) -> bool:
            return True

    asked = asked.model_copy(update={"methods": [method(Everywhere, "points")]})
    outcome = run(asked, workspace, options=Options(figures=False), reporter=Reporter())
    assert not outcome.failures
    assert outcome.board is not None
    page = (outcome.board / "README.md").read_text()
    assert "None of the metrics can score what the methods predict." in page
    assert (outcome.board / "table.csv").read_text() == ",".join(ROW_COLUMNS) + "\n"


def test_without_training_there_is_no_ceiling(catalogue: Catalogue, workspace: Workspace) -> None:
    asked = benchmark("untrained", Whole, [method(Near)], [basics("distance")])
    outcome = run(asked, workspace, options=Options(figures=False), reporter=Reporter())
    assert outcome.board is not None
    labels = {row.label for row in Leaderboard(outcome.board, catalogue).tables().rows}
    assert labels == {"near"}
    assert verify(outcome.board, catalogue) == []


def test_from_three_seeds_on_the_interval_holds_for_trainings(
    catalogue: Catalogue, workspace: Workspace
) -> None:
    asked = benchmark("seeds", Whole, [method(Near, away_km=900.0)], [basics("distance")])
    widths = {}
    for seeds in ([0, 1], [0, 1, 2]):
        asked = asked.model_copy(update={"seeds": seeds, "name": f"seeds-{len(seeds)}"})
        outcome = run(asked, workspace, options=Options(figures=False), reporter=Reporter())
        assert outcome.board is not None
        (row, *_) = Leaderboard(outcome.board, catalogue).tables().rows
        assert row.seeds == len(seeds)
        widths[len(seeds)] = row
        page = (outcome.board / "README.md").read_text()
        assert ("fewer than three seeds" in page) == (len(seeds) == 2)
    recount = Recount(
        workspace.board("seeds-3"),
        json.loads((workspace.board("seeds-3") / "benchmark.json").read_text()),
        "whole/all",
        "near",
    )
    low, high = jackknife(recount.errors, recount.units)
    row = widths[3]
    assert row.high - row.low > high - low
    between = recount.errors.mean(axis=1).std(ddof=1)
    assert row.seed_sd == pytest.approx(between, rel=1e-5)


def test_a_folder_without_a_leaderboard_is_an_error(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(StoreError, match=r"there is no benchmark\.json"):
        Leaderboard(tmp_path, catalogue)


def test_a_leaderboard_of_another_schema_is_an_error(
    folder: Path, tmp_path: Path, catalogue: Catalogue, manifest: dict[str, Any]
) -> None:
    (tmp_path / "benchmark.json").write_text(json.dumps(manifest | {"schema": 99}))
    with pytest.raises(StoreError, match=r"is of layout 99, and 4 is the newest.*install that"):
        Leaderboard(tmp_path, catalogue)


def test_a_metric_of_another_version_is_an_error(
    tmp_path: Path, catalogue: Catalogue, manifest: dict[str, Any]
) -> None:
    older = json.loads(json.dumps(manifest))
    older["benchmark"]["metrics"][0]["version"] = 99
    (tmp_path / "benchmark.json").write_text(json.dumps(older))
    with pytest.raises(StoreError, match=r"distance is of version 1 here, and .* version 99"):
        _ = Leaderboard(tmp_path, catalogue).metrics


def test_numbers_have_six_digits_and_what_is_none_is_empty() -> None:
    row = Row("b", "s/p", "all", "photo", "l", "m", "x", "km", "lower")
    row = replace(row, value=1234567.89, low=0.000123456789, high=20015.0868, photos=1234567)
    text = as_csv([row], Row)
    head, line = text.splitlines()
    assert head == ",".join(ROW_COLUMNS)
    found = dict(zip(ROW_COLUMNS, line.split(","), strict=True))
    assert found["value"] == "1.23457e+06"
    assert found["low"] == "0.000123457"
    assert found["high"] == "20015.1"
    assert found["photos"] == "1234567"
    for column in ("seed_sd", "effective_units", "rank_low", "rank_high", "note"):
        assert found[column] == ""


def test_text_with_commas_and_quotes_survives_the_table() -> None:
    note = 'said "no", twice\nand left'
    row = Row("b", "s/p", "all", "photo", "l", "m", "x", "km", "lower", note=note)
    (found,) = csv.DictReader(as_csv([row], Row).splitlines(keepends=True))
    assert found["note"] == note


def test_a_curve_table_has_the_columns_of_a_curve() -> None:
    assert [field.name for field in fields(CurvePoint)] == [
        "benchmark",
        "part",
        "slice",
        "label",
        "curve",
        "x",
        "value",
        "low",
        "high",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234.56, "km", "1,235"),
        (20015.09, "km", "20,015"),
        (12.3456, "km", "12.35"),
        (-2.53102, "nats per steradian", "-2.531"),
        (0.00123456, "km", "0.001235"),
        (0.0, "km", "0"),
        (0.12345, "share", "12.3 %"),
        (1.0, "share", "100.0 %"),
    ],
)
def test_a_number_for_readers_has_four_digits(value: float, unit: str, text: str) -> None:
    assert number(value, unit) == text
