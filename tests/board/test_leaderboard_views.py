"""Slices, averages, gaps and novelty curves of a run: what pandas makes of the stored answers."""

import csv
import json
import re
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
from pandas.testing import assert_series_equal
from scipy import stats

import small_run
from geobench import (
    Atoms,
    Config,
    EqualAreaGrid,
    GeobenchError,
    Mean,
    Method,
    Metric,
    geo,
)
from geobench.board.contrast_rows import NO_VARIANCE
from geobench.board.leaderboard import Leaderboard
from geobench.board.part_rows import PartNumber
from geobench.board.ranks import UNRANKED, rank
from geobench.board.tables import Row
from geobench.catalogue import installed
from geobench.names import CEILING
from geobench.pages.verification import verify
from geobench.readable import number as as_shown
from geobench.scoring.columns import truth_of
from geobench.scoring.summaries import summarise
from lent_plugins import lent

SPLIT = "{name: unseen-cells, rows: 24, block_share: 0.4, photos_per_block: 8, buffer_km: 50}"
TWIN = SPLIT.replace("rows", "label: seen-cells, surroundings: train, rows")
YAML = f"""
benchmarks:
  - name: both
    dataset: {{name: toy-planet, photos: 2000}}
    encoder: given
    splits: [{SPLIT}, {TWIN}]
    methods: [nearest, {{name: nearest, label: late, place: 40}}, uniform, prior, weights,
      elsewhere, {{name: nearest, label: broken, place: -1}}]
    metrics: [distance, accuracy, nll, northern]
    samples: 4
    photos: 60
    seeds: [0, 1]
  - name: alone
    dataset: {{name: toy-planet, photos: 2000}}
    encoder: given
    splits: [{SPLIT}]
    methods: [nearest, uniform]
    metrics: [distance]
    seeds: [0]
"""
UNSEEN, SEEN, TWINS = "unseen-cells/unseen", "unseen-cells/seen", "seen-cells/unseen"
TRAINED = ("nearest", "late", "uniform", "prior")


class NearestConfig(Config):
    place: int = 0


class Nearest(Method):
    """Answers with a training photo of similar features, moved a little by the seed."""

    name = "nearest"
    Config = NearestConfig
    predicts = Atoms
    wants = frozenset({"pooled"})

    def fit(self, train, val, context):
        if self.config.place < 0:
            raise GeobenchError("it breaks")
        self.seen, self.places = np.asarray(train.pooled), train.points

    def predict(self, examples, context):
        away = ((np.asarray(examples.pooled)[:, None] - self.seen) ** 2).sum(axis=-1)
        chosen = self.places[np.argsort(away, axis=1)[:, self.config.place]]
        noise = context.noise(examples.ids, (3,), "answer")
        moved = geo.from_vectors(geo.unit_vectors(chosen) + 0.02 * noise)
        return Atoms(moved[:, None])

    def state(self):
        return {"seen": self.seen, "places": self.places}

    def restore(self, state, train, context):
        self.seen, self.places = state["seen"], state["places"]


class Weights(Method):
    """Weights that come from elsewhere: one answer to all."""

    name = "weights"
    origin = "released"
    trained_on = "all photos of the internet"
    deterministic = True
    needs_training = False
    predicts = Atoms

    def fit(self, train, val, context):
        pass

    def predict(self, examples, context):
        return Atoms(np.tile([[[10.0, 20.0]]], (len(examples), 1, 1)))

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


class Elsewhere(Weights):
    """Answers that come from a file."""

    name = "elsewhere"
    origin = "external"
    trained_on = ""


class Northern(Metric):
    """The distance, of photos of the northern hemisphere only."""

    name = "northern"
    columns = ("northern",)
    summaries = (Mean(name="northern", unit="km", better="lower", column="northern"),)

    def applies(self, truth):
        return truth.points[:, 0] >= 0

    def score(self, prediction, truth, context):
        return geo.distance_km(prediction.point(), truth.points)[:, None]


OURS = (Nearest, Weights, Elsewhere, Northern)


def away_km(a, b):
    (lat_a, lon_a), (lat_b, lon_b) = np.radians(a).T, np.radians(b).T
    h = np.sin((lat_b - lat_a) / 2) ** 2
    h += np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(np.minimum(h, 1)))


class Board:
    """A leaderboard's tables, and errors from its stored answers, without geobench."""

    def __init__(self, folder):
        self.folder = folder
        self.manifest = json.loads((folder / "benchmark.json").read_text())
        with (folder / "table.csv").open(newline="") as stream:
            self.table = pandas.DataFrame(list(csv.DictReader(stream)))
        self.curves = pandas.read_csv(folder / "curves.csv")
        for name in ("value", "low", "high", "effective_units"):
            self.table[name] = pandas.to_numeric(self.table[name])

    def arrays(self, part):
        place = self.folder / "runs" / self.manifest["parts"][part]["folder"]
        return dict(np.load(place / "part.npz"))

    def errors(self, part, label):
        """Distance of each answer from the truth, (S, N) km."""
        truth = self.arrays(part)["truth"]
        if label == CEILING:
            return away_km(self.arrays(part)["nearest"], truth)[None]
        rows = [r for r in self.manifest["rows"] if (r["part"], r["label"]) == (part, label)]
        answers = [np.load(self.folder / "runs" / r["folder"] / "answer.npz") for r in rows]
        return np.array([away_km(each["answer"], truth) for each in answers])

    def rows(self, part, summary, **more):
        wanted = {"slice": "all", "average": "photo", "part": part, "summary": summary} | more
        kept = np.logical_and.reduce([self.table[k] == v for k, v in wanted.items()])
        return self.table[kept]

    def row(self, part, summary, label, **more):
        (found,) = [row for _, row in self.rows(part, summary, label=label, **more).iterrows()]
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("views")
    with lent(*OURS):
        both, alone = small_run.read(root, YAML)
        yield SimpleNamespace(
            both=Board(small_run.run(both, root).board),
            alone=Board(small_run.run(alone, root).board),
            trial=Board(small_run.run(both, root, limit=60).board),
        )


@pytest.fixture(scope="module")
def board(made):
    return made.both


@pytest.mark.parametrize("label", ["nearest", "weights", CEILING])
@pytest.mark.parametrize("part", [UNSEEN, SEEN])
@pytest.mark.parametrize("name", ["hemisphere", "scene"])
def test_slices_are_what_pandas_groups(board, part, label, name):
    values = board.arrays(part)[f"attribute.{name}"]
    errors = pandas.Series(board.errors(part, label).mean(axis=0))
    frequent = pandas.Series(values).value_counts()
    frequent = frequent[frequent >= 20]
    assert len(frequent) >= 2
    expected = errors.groupby(values).mean()[sorted(frequent.index)]
    mean = board.table[
        (board.table.part == part)
        & (board.table.label == label)
        & (board.table.summary == "distance.mean")
        & board.table.slice.str.startswith(f"{name}=")
    ]
    found = mean.set_index(mean.slice.str.removeprefix(f"{name}=")).value
    assert_series_equal(found, expected, rtol=1e-5, check_names=False)
    assert (mean.photos.astype(int).to_numpy() == frequent[expected.index].to_numpy()).all()
    assert (mean.low < mean.value).all()
    assert (mean.value < mean.high).all()


def test_a_slice_has_medians_and_shares_too(board):
    north = board.arrays(UNSEEN)["attribute.hemisphere"] == "north"
    errors = board.errors(UNSEEN, "nearest")[:, north]
    wanted = {"label": "nearest", "slice": "hemisphere=north"}
    median = board.row(UNSEEN, "distance.median", **wanted)
    assert median.value == pytest.approx(np.median(errors, axis=1).mean(), rel=1e-5)
    share = board.row(UNSEEN, "accuracy@2500km", **wanted)
    assert share.value == pytest.approx((errors <= 2500).mean(), rel=1e-5)


def test_training_slices_count_the_training_photos_around(board):
    part = board.arrays(UNSEEN)
    around = pandas.Series(part["neighbours"])
    assert (around == 0).mean() > 1 / 3  # no training photo is near them: rarely seen, all of them
    third = np.floor(3 * (around.rank(method="min") - 1) / len(around) + 1e-9).to_numpy()
    errors = board.errors(UNSEEN, "nearest").mean(axis=0)
    shown = []
    for number, name in enumerate(("rarely", "sometimes", "often")):
        inside = third == number
        rows = board.rows(UNSEEN, "distance.mean", label="nearest", slice=f"training={name}")
        assert len(rows) == (inside.sum() >= 20)
        for row in rows.itertuples():
            shown.append(name)
            assert int(row.photos) == inside.sum()
            assert row.value == pytest.approx(errors[inside].mean(), rel=1e-5)
    assert shown[0] == "rarely"
    assert len(shown) >= 2


def test_cells_count_once_each_where_the_average_says_so(board):
    part = board.arrays(UNSEEN)
    cells = EqualAreaGrid(36).assign(part["truth"])
    errors = pandas.Series(board.errors(UNSEEN, "late").mean(axis=0))
    row = board.row(UNSEEN, "distance.mean", "late", average="cell")
    assert row.value == pytest.approx(errors.groupby(cells).mean().mean(), rel=1e-5)
    share = board.row(UNSEEN, "accuracy@2500km", "late", average="cell")
    hits = pandas.Series((board.errors(UNSEEN, "late") <= 2500).mean(axis=0))
    assert share.value == pytest.approx(hits.groupby(cells).mean().mean(), rel=1e-5)
    assert not len(board.rows(UNSEEN, "distance.median", average="cell"))
    assert set(board.table.average) == {"photo", "cell"}  # no continents on the toy planet


def test_what_cannot_be_scored_is_counted_in_each_slice(board):
    part = board.arrays(UNSEEN)
    south = part["attribute.hemisphere"] == "south"
    whole = board.row(UNSEEN, "northern", "nearest")
    assert int(whole.not_applicable) == south.sum()
    assert int(whole.photos) == (~south).sum()
    north = board.row(UNSEEN, "northern", "nearest", slice="hemisphere=north")
    assert (int(north.not_applicable), north.value) == (0, whole.value)
    nothing = board.row(UNSEEN, "northern", "nearest", slice="hemisphere=south")
    assert int(nothing.not_applicable) == south.sum()
    assert np.isnan(nothing.value)
    assert nothing.note == "no photo of this slice can be scored"


def test_a_failure_is_shown_in_every_slice(board):
    slices = board.table[board.table.part == UNSEEN].slice.unique()
    for name in slices:
        row = board.row(UNSEEN, "distance.mean", "broken", slice=name)
        assert row.status == "failed"
        assert np.isnan(row.value)
        assert "it breaks" in row.note


def ranked(errors, units):
    """Rank ranges by paired t tests of means over units left out, under Holm's correction."""
    names = np.unique(units)
    sizes = np.array([(units == name).sum() for name in names])
    degrees = sizes.sum() ** 2 / (sizes**2).sum() - 1
    tests = []
    for a, b in combinations(errors, 2):
        gap = errors[a] - errors[b]
        without = np.array([gap[units != name].mean() for name in names])
        error = np.sqrt((1 - 1 / len(names)) * ((without - gap.mean()) ** 2).sum())
        p = 2 * stats.t.sf(abs(gap.mean()) / error, degrees) if error > 0 else 1.0
        tests.append((p, (a, b) if gap.mean() < 0 else (b, a)))
    low, high = dict.fromkeys(errors, 1), dict.fromkeys(errors, len(errors))
    for step, (p, (winner, loser)) in enumerate(sorted(tests)):
        if p * (len(tests) - step) > 0.05:
            break
        low[loser] += 1
        high[winner] -= 1
    return {name: (low[name], high[name]) for name in errors}


@pytest.mark.parametrize("chosen", ["hemisphere=north", "hemisphere=south", "all"])
def test_each_slice_has_ranks_of_its_own(board, chosen):
    part = board.arrays(UNSEEN)
    inside = np.ones(len(part["unit"]), bool)
    if chosen != "all":
        inside = part["attribute.hemisphere"] == chosen.partition("=")[2]
    labels = (*TRAINED, "weights", "elsewhere")
    errors = {name: board.errors(UNSEEN, name).mean(axis=0)[inside] for name in labels}
    expected = ranked(errors, part["unit"][inside])
    rows = board.rows(UNSEEN, "distance.mean", slice=chosen)
    found = {row.label: (row.rank_low, row.rank_high) for row in rows.itertuples()}
    assert found.pop(CEILING) == found.pop("broken") == ("", "")
    assert {name: tuple(map(int, limits)) for name, limits in found.items()} == expected
    assert len(set(expected.values())) > 1


def jackknife(values, units):
    """The 95 % interval of a mean, leaving out a unit at a time."""
    names, sizes = np.unique(units, return_counts=True)
    without = np.array([values[units != name].mean() for name in names])
    error = np.sqrt((1 - 1 / len(names)) * ((without - values.mean()) ** 2).sum())
    half = error * stats.t.ppf(0.975, sizes.sum() ** 2 / (sizes**2).sum() - 1)
    return values.mean() - half, values.mean() + half


@pytest.mark.parametrize("label", [*TRAINED, CEILING])
def test_a_gap_is_the_twin_minus_the_plain_training_on_the_same_photos(board, label):
    here, there = board.arrays(UNSEEN), board.arrays(TWINS)
    assert (here["id"] == there["id"]).all()
    plain, twin = (board.errors(part, label).mean(axis=0) for part in (UNSEEN, TWINS))
    low, high = jackknife(twin - plain, here["unit"])
    row = board.row(UNSEEN, "distance.mean.gap", label)
    scale = max(abs(plain.mean()), 1)
    assert row.value == pytest.approx((twin - plain).mean(), abs=1e-5 * scale)
    assert (row.low, row.high) == pytest.approx((low, high), abs=2e-5 * scale)
    assert int(row.photos) == len(plain)
    assert row.better == "higher"  # of distances, of which less is better, the gap is below 0
    level = board.row(TWINS, "distance.mean", label)
    assert level.value == pytest.approx(twin.mean(), rel=1e-5)
    assert row.note == f"the twin {TWINS} has {level.value:.6g}"


def test_other_summaries_have_gaps_too(board):
    plain, twin = (board.errors(part, "nearest") for part in (UNSEEN, TWINS))
    median = board.row(UNSEEN, "distance.median.gap", "nearest").value
    expected = np.median(twin, axis=1).mean() - np.median(plain, axis=1).mean()
    assert median == pytest.approx(expected, rel=1e-5)
    share = board.row(UNSEEN, "accuracy@750km.gap", "nearest")
    assert share.value == pytest.approx((twin <= 750).mean() - (plain <= 750).mean(), abs=1e-5)
    assert share.better == "lower"
    nll = board.row(UNSEEN, "nll.gap", "prior")
    levels = [board.row(part, "nll", "prior").value for part in (TWINS, UNSEEN)]
    assert nll.value == pytest.approx(levels[0] - levels[1], abs=2e-5)
    assert int(nll.photos) == 60
    uniform = board.row(UNSEEN, "nll.gap", "uniform")
    assert (uniform.value, uniform.low, uniform.high) == (0, 0, 0)


def test_gaps_stand_on_the_rows_of_the_unseen_part_alone_and_are_not_ranked(board):
    gaps = board.table[board.table.summary.str.endswith(".gap")]
    assert set(gaps.part) == {UNSEEN}
    assert set(zip(gaps.slice, gaps.average, strict=True)) == {("all", "photo")}
    assert (gaps.rank_low == "").all()
    assert not board.table.summary.str.endswith(".part-difference").any()


def test_what_was_not_trained_here_has_neither_gap_nor_novelty_curve(board):
    gaps = board.table[board.table.summary.str.endswith(".gap")]
    assert set(gaps.label) == {*TRAINED, CEILING}
    novelty = board.curves[board.curves.curve.str.contains("novelty")]
    assert set(novelty.label) == {*TRAINED, CEILING}
    assert set(novelty.part) == {UNSEEN, SEEN, TWINS}


@pytest.mark.parametrize("label", ["nearest", CEILING])
def test_a_novelty_curve_is_the_error_by_distance_to_training(board, label):
    part = board.arrays(UNSEEN)
    assert part["novelty"] == pytest.approx(away_km(part["nearest"], part["truth"]))
    errors = pandas.Series(board.errors(UNSEEN, label).mean(axis=0))
    count = min(8, len(errors) // 20)
    group = pandas.qcut(part["novelty"], count, labels=False)
    kept = (board.curves.part == UNSEEN) & (board.curves.label == label)
    bins = board.curves[kept & (board.curves.curve == "distance.mean.novelty-bins")]
    novelty = pandas.Series(part["novelty"]).groupby(group).median()
    assert bins.x.to_numpy() == pytest.approx(novelty.to_numpy(), rel=1e-5)
    assert bins.value.to_numpy() == pytest.approx(errors.groupby(group).mean(), rel=1e-5)
    smooth = board.curves[kept & (board.curves.curve == "distance.mean.novelty")]
    assert len(smooth) == 25
    assert smooth.x.is_monotonic_increasing
    inside = np.quantile(part["novelty"], [0.025, 0.975])
    assert smooth.x.iloc[[0, -1]].to_numpy() == pytest.approx(inside, rel=1e-2)
    assert smooth.value.between(errors.min(), errors.max()).all()
    assert (smooth.low <= smooth.value).all()
    assert (smooth.value <= smooth.high).all()


def test_the_page_shows_error_and_likelihood_by_novelty_as_curves_csv_has_them(board):
    page = (board.folder / "README.md").read_text()
    section = page.split(f"## {UNSEEN}\n")[1].split("\n## ")[0]
    shown = section.split("By the distance to the nearest training photo")[1].split("</details>")[0]
    header, _, *lines = [line.split("|") for line in shown.splitlines() if line.startswith("|")]
    labels = [re.search("`(.+)`", cell)[1] for cell in header[2:-1]]
    of_bins = board.curves.curve.isin(["distance.mean.novelty-bins", "nll.novelty-bins"])
    points = board.curves[of_bins & (board.curves.part == UNSEEN)]
    assert set(labels) == set(points.label)
    cells = {}
    for line in lines:
        summary, novelty = line[1].split(",")[0].strip(), line[1].split()[-3]
        for label, cell in zip(labels, line[2:], strict=False):
            numbers = [float(each.replace(",", "")) for each in re.findall(r"-?\d[\d.,]*", cell)]
            cells[summary, novelty, label] = numbers
    assert sum(map(bool, cells.values())) == len(points) > 20
    for _, point in points.iterrows():
        summary = point.curve.removesuffix(".novelty-bins")
        found = cells[summary, as_shown(point.x), point.label]
        limits = [each for each in (point.value, point.low, point.high) if np.isfinite(each)]
        np.testing.assert_allclose(found, limits, rtol=1e-3, atol=5e-4)


def test_means_alone_have_novelty_curves(board):
    found = set(board.curves.curve)
    means = {"distance.mean", "nll", "information-gain", "northern"}
    assert {name for name in found if name.endswith(".novelty")} <= {f"{m}.novelty" for m in means}
    assert {"distance.mean.novelty", "nll.novelty"} <= found


@pytest.mark.parametrize("label", ["nearest", "uniform", CEILING])
def test_without_a_twin_the_parts_are_compared_and_the_row_says_what_that_is(made, label):
    board = made.alone
    assert not board.table.summary.str.endswith(".gap").any()
    row = board.row(UNSEEN, "distance.mean.part-difference", label)
    seen, unseen = (board.errors(part, label).mean(axis=0) for part in (SEEN, UNSEEN))
    assert row.value == pytest.approx(seen.mean() - unseen.mean(), abs=0.02)
    assert row.low < row.value < row.high
    assert "of other photos: the difference holds the difficulty of the places, too" in row.note
    level = board.row(SEEN, "distance.mean", label)
    assert f"{SEEN} has {level.value:.6g}" in row.note
    assert row.rank_low == row.seed_sd == ""
    assert int(row.photos) == len(unseen)
    # Welch: the variances of both add.
    widths = [
        np.diff(jackknife(e, board.arrays(p)["unit"]))[0] / 2
        for e, p in ((seen, SEEN), (unseen, UNSEEN))
    ]
    assert max(widths) < (row.high - row.low) / 2 < sum(widths)
    assert set(board.table[board.table.summary.str.endswith("difference")].part) == {UNSEEN}


def test_contrasts_of_shares_are_never_without_an_interval(made):
    noted = 0
    for board, kind in ((made.both, "gap"), (made.alone, "part-difference")):
        rows = board.table[board.table.summary.str.endswith(f".{kind}") & board.table.value.notna()]
        alike = rows.note.str.contains(NO_VARIANCE)
        assert set(rows[alike].unit) <= {"share"}
        assert not ((rows.unit == "share") & (rows.low == rows.high)).any()
        noted += alike.sum()
    assert noted


def test_every_number_of_the_views_is_computed_again_by_verify(made):
    for board in (made.both, made.alone, made.trial):
        problems = verify(board.folder, installed())
        assert not [text for text in problems if "figures" not in text]


def test_verify_finds_a_changed_gap_and_a_changed_slice(made, tmp_path):
    table = made.alone.folder / "table.csv"
    before = table.read_text()
    row = made.alone.row(UNSEEN, "distance.mean.part-difference", "nearest")
    other = made.alone.row(UNSEEN, "distance.mean", "nearest", slice="hemisphere=north")
    try:
        for each in (row, other):
            value = f"{each.value:.6g}"
            table.write_text(before.replace(f",{value},", f",{float(value) + 1:.6g},", 1))
            problems = verify(made.alone.folder, installed())
            assert any(each.summary in text and "value is" in text for text in problems)
    finally:
        table.write_text(before)


@pytest.mark.parametrize("odd", [0, 1, 3])
def test_who_was_scored_on_other_photos_than_most_is_shown_and_not_ranked(board, odd):
    metrics, truth = Leaderboard(board.folder, installed()).metrics, truth_of(board.arrays(UNSEEN))
    names = ("b", UNSEEN, "all", "photo")
    (mean,) = (each for each in metrics[0].summaries if each.name == "distance.mean")
    rows, numbers, units = [], [], np.arange(30)
    for place in range(4):
        scores = np.random.default_rng(place).normal(100.0 * place, 1.0, (1, 30))
        answer = summarise(mean, {mean.column: scores}, truth=truth, units=units)[0]
        rows.append(Row(*names, f"m{place}", "m", mean.name, "km", "lower", answer.estimate.value))
        photos = np.arange(30) + (place == odd)
        numbers.append(PartNumber(rows[-1], answer.replicates, photos, (0,)))
    found = rank(numbers, better=mean.better)
    assert [row.value for row in found] == [row.value for row in rows]
    assert found[odd].rank_low is None
    assert found[odd].note == UNRANKED
    others = [row for place, row in enumerate(found) if place != odd]
    assert [row.rank_low for row in others] == [row.rank_high for row in others] == [1, 2, 3]
    assert {row.note for row in others} == {""}


def test_a_trial_has_gaps_and_no_ranks(made):
    table = made.trial.table
    assert set(table[table.summary.str.endswith(".gap")].label) == {*TRAINED, CEILING}
    assert (table.rank_low == "").all()
    plain, twin = (made.trial.errors(part, "nearest").mean() for part in (UNSEEN, TWINS))
    row = made.trial.row(UNSEEN, "distance.mean.gap", "nearest")
    assert row.value == pytest.approx(twin - plain, abs=0.05)
    assert int(row.photos) == 60


def test_a_gap_waits_until_the_same_trainings_are_there_of_both(made, tmp_path):
    manifest = json.loads((made.both.folder / "benchmark.json").read_text())
    manifest["rows"] = [
        row
        for row in manifest["rows"]
        if (row["part"], row["label"], row["seed"]) != (TWINS, "nearest", 1)
    ]
    (tmp_path / "benchmark.json").write_text(json.dumps(manifest))
    tables = Leaderboard(tmp_path, installed(), runs=made.both.folder / "runs").tables()
    gaps = {row.label: row for row in tables.rows if row.summary == "distance.mean.gap"}
    assert set(gaps) == {*TRAINED, CEILING}
    missing = {label for label, row in gaps.items() if np.isnan(row.value)}
    assert missing == {"nearest"}
    assert gaps["nearest"].note == f"the twin {TWINS} was trained with other seeds"
