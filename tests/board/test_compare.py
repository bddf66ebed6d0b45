"""`geobench compare`: paired differences as scipy has them, and maps as direct counts have them."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from geopy.distance import great_circle
from matplotlib import image
from matplotlib.colors import to_rgba
from scipy import stats

import command_line
import small_board
import small_run
from geobench import ConfigError, StoreError, load
from geobench.board import comparison
from geobench.board.comparison import DESCRIBES
from geobench.board.contrast_rows import NO_DIFFERENCE, NO_VARIANCE
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.figures import draw_nearer
from geobench.figures.nearer import SIDES
from geobench.geo import EARTH_RADIUS_KM
from geobench.names import CEILING
from geobench.partitions import EqualAreaGrid
from geobench.records import files
from geobench.statistics.ranking import Comparison

PHOTOS = 120
PART = "official/test"
PARTS = ["train", "test"]


def made(root, *, seeds=2, publishes="coordinates"):
    """A finished leaderboard on photos each of which is a unit, beside its table of places."""
    rng = np.random.default_rng(1)
    rows = ["id,lat,lon,part"]
    for number in range(PHOTOS):
        lat, lon = rng.uniform(-60, 60), rng.uniform(-180, 180)
        rows.append(f"photo-{number},{lat:.4f},{lon:.4f},{PARTS[number % 2]}")
    (root / "trip.csv").write_text("\n".join(rows) + "\n")
    text = (
        f"benchmarks: [{{name: trip-{publishes}-{seeds}, splits: [official], "
        f"seeds: {list(range(seeds))}, methods: [uniform, {{name: prior, label: the prior}}], "
        "metrics: [distance, geoscore, accuracy, energy, nll, {name: country-accuracy}], "
        f"dataset: {{name: table, file: trip.csv, publishes: {publishes}}}}}]"
    )
    return Leaderboard(small_run.board(root, text), installed())


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    return tmp_path_factory.mktemp("trip")


@pytest.fixture(scope="module")
def board(trip):
    return made(trip)


@pytest.fixture
def ask(trip, board, monkeypatch):
    monkeypatch.chdir(trip)
    return lambda *words: command_line.ask("compare", *words)


def away(board, label):
    """Distances of a label's answers, by geopy: (seeds, photos)."""
    arrays = np.load(board.runs / board.manifest.parts[PART].folder / "part.npz")
    answers = [
        np.load(board.runs / row.folder / "answer.npz")["answer"]
        for row in board.manifest.rows
        if row.label == label
    ]
    if label == CEILING:
        answers = [arrays["nearest"]]
    return np.array(
        [
            [
                great_circle(a, b, radius=EARTH_RADIUS_KM).km
                for a, b in zip(each, arrays["truth"], strict=True)
            ]
            for each in answers
        ]
    )


def stored(board, label, metric, column):
    """A stored column of a label: (seeds, photos)."""
    rows = [row for row in board.manifest.rows if row.label == label]
    paths = [next((board.runs / row.folder).glob(f"{metric}-[0-9]*.npz")) for row in rows]
    return np.array([np.load(path)[column] for path in paths], float)


SCORES = {
    "distance.mean": lambda board, label: away(board, label),
    "geoscore": lambda board, label: 5000 * np.exp(-away(board, label) / 1492.7),
    "accuracy@2500km": lambda board, label: 1.0 * (away(board, label) <= 2500),
    "energy": lambda board, label: stored(board, label, "energy", "energy"),
    "nll": lambda board, label: stored(board, label, "nll", "nll"),
}


@pytest.mark.parametrize("summary", SCORES)
def test_where_each_photo_is_a_unit_the_test_is_the_paired_t_test_of_scipy(board, summary):
    a, b = (SCORES[summary](board, label).mean(axis=0) for label in ("uniform", "the prior"))
    (found,) = comparison.differences(board, "uniform", "the prior", part=PART, summary=summary)
    wanted = stats.ttest_rel(a, b)
    interval = wanted.confidence_interval(0.95)
    assert found.paired.difference == pytest.approx((a - b).mean(), rel=1e-5)
    assert found.paired.p_value == pytest.approx(wanted.pvalue, rel=1e-4)
    limits = [found.paired.low, found.paired.high]
    np.testing.assert_allclose(limits, interval, rtol=1e-4)
    assert (found.photos, found.effective_units) == (PHOTOS // 2, pytest.approx(PHOTOS / 2))


def test_from_three_trainings_on_their_spread_is_in_the_interval(tmp_path):
    board = made(tmp_path, seeds=3)
    (found,) = comparison.differences(board, "uniform", CEILING, part=PART, summary="distance.mean")
    scores = away(board, "uniform")
    paired = scores.mean(axis=0) - away(board, CEILING)[0]
    terms = np.array([paired.var(ddof=1) / len(paired), scores.mean(axis=1).var(ddof=1) / 3])
    degrees = terms.sum() ** 2 / (terms**2 / [len(paired) - 1, 2]).sum()
    half = stats.t.ppf(0.975, degrees) * np.sqrt(terms.sum())
    assert found.paired.high - found.paired.difference == pytest.approx(half, rel=1e-6)
    p_value = 2 * stats.t.sf(abs(paired.mean()) / np.sqrt(terms.sum()), degrees)
    assert found.paired.p_value == pytest.approx(p_value, rel=1e-5)


def test_every_summary_is_compared_and_the_values_are_those_of_the_table(board):
    found = comparison.differences(board, "the prior", "uniform", part=PART)
    table = load(board.folder)
    table = table[(table.slice == "all") & (table.average == "photo")]
    values = table.set_index(["label", "summary"]).value
    assert {each.summary for each in found} == set(table[table.label == "uniform"].summary) | set(
        table[table.label == "the prior"].summary
    )
    for each in found:
        assert each.better or each.note.startswith(DESCRIBES)
        if each.paired is None:
            continue
        assert each.a == pytest.approx(values["the prior", each.summary], rel=1e-5)
        assert each.b == pytest.approx(values["uniform", each.summary], rel=1e-5)
        assert each.paired.difference == pytest.approx(each.a - each.b)
        if NO_VARIANCE in each.note or NO_DIFFERENCE in each.note:
            assert each.unit == "share"
        assert each.paired.low <= each.paired.difference <= each.paired.high
    turned = comparison.differences(board, "uniform", "the prior", part=PART)
    for one, other in zip(found, turned, strict=True):
        if one.paired is not None:
            assert one.paired.difference == -other.paired.difference
            assert one.paired.p_value == other.paired.p_value


def test_the_ceiling_is_better_whichever_way_a_summary_points(board):
    found = comparison.differences(board, CEILING, "uniform", part=PART)
    leads = {each.summary: each.a_leads for each in found}
    assert leads["distance.mean"] is leads["geoscore"] is leads["accuracy@2500km"] is True
    turned = comparison.differences(board, "uniform", CEILING, part=PART)
    assert {each.summary: each.a_leads for each in turned}["distance.mean"] is False
    (nll,) = (each for each in found if each.summary == "nll")
    assert (nll.paired, nll.a_leads) == (None, None)  # the ceiling has no density
    assert nll.note == f"{CEILING} has no such number"
    with pytest.raises(StoreError, match=f"cannot be compared by nll on {PART}: {CEILING} has no"):
        comparison.differences(board, "uniform", CEILING, part=PART, summary="nll")


def test_two_that_are_equal_are_not_told_apart():
    one = comparison.Difference("x", "km", "lower", 1.0, 2.0)
    for p_value, leads in ((0.051, None), (0.049, True), (1.0, None)):
        paired = Comparison(-1.0, -2.0, 0.0, p_value)
        assert replace(one, paired=paired).a_leads is leads


def test_a_difference_of_shares_where_no_photo_differs_has_limits_by_the_rule_of_three(board, ask):
    summary = "accuracy@1km"  # neither hits any photo
    (found,) = comparison.differences(board, "uniform", "the prior", part=PART, summary=summary)
    assert (found.paired.difference, found.paired.p_value) == (0, 1)
    most = 1 - 0.025 ** (2 / PHOTOS)
    assert (found.paired.low, found.paired.high) == (pytest.approx(-most), pytest.approx(most))
    assert found.note.endswith(NO_DIFFERENCE)
    shown = ask(board.name, "uniform", "the prior", "--summary", summary).output
    assert re.search(r"accuracy@1km +% points .* 1\.0000 +not told apart", shown)


def test_limits_of_numbers_and_slices_are_possible_values(board):
    table = load(board.folder)
    ranges = {each.name: each.range for metric in board.metrics for each in metric.summaries}
    for row in table[table.low.notna()].itertuples():
        low, high = ranges[row.summary]
        assert low <= row.low <= row.value <= row.high <= high
    # What the prior knows beyond the uniform would be from -0.01 bits or so without a cut.
    cut = table[(table.low == 0) & (table.unit == "bits")]
    assert set(cut.slice) == {"all", "population=below 15k"}


def test_other_photos_are_not_compared(tmp_path):
    board = made(tmp_path)
    for row in (row for row in board.manifest.rows if row.label == "uniform"):
        (path,) = (board.runs / row.folder).glob("energy-[0-9]*.npz")
        arrays = files.read_arrays(path)
        arrays["mask"][7] = 2
        files.write_arrays(path, arrays)
    found = comparison.differences(board, "uniform", "the prior", part=PART)
    (energy,) = (each for each in found if each.summary == "energy")
    assert energy.paired is None
    text = "not scored on the same photos: uniform on 59, the prior on 60"
    assert energy.note == text
    assert next(each for each in found if each.summary == "geoscore").paired is not None
    with pytest.raises(StoreError, match=text):
        comparison.differences(board, "uniform", "the prior", part=PART, summary="energy")


@pytest.mark.parametrize(
    ("labels", "where", "message"),
    [
        (("unifrom", "the prior"), {}, "no method 'unifrom'. Did you mean uniform"),
        (("uniform", "prior"), {}, "no method 'prior'.*Did you mean the prior"),
        (("uniform", "uniform"), {}, "uniform is compared with itself"),
        (("uniform", "the prior"), {"part": "official/tset"}, "no part 'official/tset'"),
        (("uniform", "the prior"), {"summary": "geoscroe"}, "no summary 'geoscroe'.*mean geoscore"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(board, labels, where, message):
    with pytest.raises(ConfigError, match=message):
        comparison.differences(board, *labels, **{"part": PART} | where)


def test_the_map_has_each_photo_in_the_colour_of_who_answered_nearer(board):
    found = comparison.nearer(board, "uniform", "the prior", part=PART)
    gain = away(board, "the prior").mean(axis=0) - away(board, "uniform").mean(axis=0)
    assert np.abs(gain).min() > 1
    figure = draw_nearer(found, part=PART, stamp="trip, digest 123", on_earth=True)
    dots = figure.axes[0].collections[-1]
    truth = np.radians(board.part(PART)["truth"])
    colour_at = {
        tuple(np.round(place, 9)): tuple(colour)
        for place, colour in zip(dots.get_offsets().data, dots.get_facecolors(), strict=True)
    }
    assert len(colour_at) == PHOTOS // 2
    for (lat, lon), more in zip(truth, gain, strict=True):
        wanted = to_rgba(SIDES[1] if more > 0 else SIDES[-1])
        assert colour_at[round(lon, 9), round(lat, 9)] == wanted
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == [
        f"uniform nearer ({(gain > 0).sum()})",
        f"the prior nearer ({(gain < 0).sum()})",
        "errors within 1 km of each other (0)",
    ]
    assert {"trip, digest 123", f"{PART}: where uniform or the prior is nearer"} <= {
        text.get_text() for text in figure.texts
    }


def test_less_than_a_kilometre_is_no_difference():
    a_km = np.array([0.0, 10.0, 10.0, 10.0, 10.0])
    b_km = np.array([0.0, 10.99, 9.01, 11.01, 8.99])
    ids = np.array(list("abcde"))
    found = comparison.Nearer("a", "b", ids, np.zeros((5, 2)), a_km, b_km)
    assert found.sides.tolist() == [0, 0, 0, 1, -1]
    assert found.sentence() == (
        "Of 5 photos a is nearer on 1, b on 1; on 3 they differ by less than 1 km"
    )


def test_cells_show_the_share_of_their_photos_and_only_where_there_are_enough():
    rng = np.random.default_rng(2)
    centres = np.array([[89.9, 0], [-89.9, 20], [10, 179.9], [10, -179.9], [48, 2], [-23, -46]])
    points = np.repeat(centres, [9, 4, 7, 5, 30, 6], axis=0)
    points = points + rng.uniform(-0.05, 0.05, points.shape)
    count = len(points)
    a_km, b_km = rng.uniform(0, 9000, (2, count))
    b_km[::7] = a_km[::7]
    ids = np.array([f"p{number}" for number in range(count)])
    figure = draw_nearer(
        comparison.Nearer("a", "b", ids, points, a_km, b_km),
        part="x/y",
        stamp="here",
        on_earth=True,
    )
    mesh = figure.axes[1].collections[-1]
    shares = {}
    for south, west, north, east in EqualAreaGrid(36).bounds():
        inside = (points[:, 0] >= south) & (points[:, 0] < north)
        inside &= (points[:, 1] >= west) & (points[:, 1] < east)
        if inside.sum() >= 5:
            tied = np.abs(a_km - b_km)[inside] < 1
            wins = (a_km < b_km)[inside] & ~tied
            corner = np.round(np.radians([west, south]), 9)
            shares[tuple(corner)] = (wins.sum() + tied.sum() / 2) / inside.sum()
    drawn = {
        tuple(np.round(path.vertices.min(axis=0), 9)): share
        for path, share in zip(mesh.get_paths(), mesh.get_array(), strict=True)
    }
    assert len(shares) == 5  # four photos are too few
    assert drawn == pytest.approx(shares)
    figure.canvas.draw()


def test_of_more_photos_than_a_map_holds_all_are_counted(monkeypatch):
    monkeypatch.setattr("geobench.figures.nearer.MAP_ROWS", 50)
    rng = np.random.default_rng(3)
    ids, points = np.array([f"p{number}" for number in range(80)]), rng.uniform(-60, 60, (80, 2))
    found = comparison.Nearer("a", "b", ids, points, np.zeros(80), np.full(80, 5.0))
    figure = draw_nearer(found, part="x/y", stamp="here", on_earth=True)
    assert len(figure.axes[0].collections[-1].get_offsets()) == 50
    assert figure.axes[0].get_title() == "50 of 80 photos"
    assert figure.legends[0].texts[0].get_text() == "a nearer (80)"


def test_the_command_prints_the_differences_and_writes_the_map(ask, board, tmp_path):
    done = ask("trip-coordinates-2", "uniform", "the prior", "--output", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert f"uniform minus the prior on {PART}" in done.output
    for each in comparison.differences(board, "uniform", "the prior", part=PART):
        (line,) = re.findall(rf"^{re.escape(each.summary)}  .*", done.output, re.MULTILINE)
        if each.paired is None:
            assert f"{each.summary}: {each.note}" in " ".join(done.output.split())
            continue
        winner = {True: "uniform", False: "the prior", None: "not told apart"}[each.a_leads]
        p_value = "< 0.0001" if each.paired.p_value < 1e-4 else f"{each.paired.p_value:.4f}"
        assert line.rstrip().endswith(f"{p_value}  {winner}")
    assert "60 photos worth 60.0 units" in done.output
    assert "uncorrected" in done.output
    assert "Holm" in done.output
    assert comparison.nearer(board, "uniform", "the prior", part=PART).sentence() in done.output
    (picture,) = tmp_path.glob("*")
    assert picture.name == "compare-trip-coordinates-2-official-test-uniform-the-prior.png"
    assert image.imread(picture).shape[1] == round(8.5 * 144)


def test_one_summary_of_one_part_can_be_asked_for(ask, board, tmp_path):
    words = ["--part", PART, "--summary", "accuracy@2500km", "--output", str(tmp_path)]
    done = ask(str(board.folder), "uniform", CEILING, *words)
    assert done.exit_code == 0, done.output
    (found,) = comparison.differences(
        board, "uniform", CEILING, part=PART, summary="accuracy@2500km"
    )
    (line,) = [line for line in done.output.splitlines() if line.startswith("accuracy@")]
    assert line.split()[1:3] == ["%", "points"]
    assert float(line.split()[5]) == pytest.approx(100 * found.paired.difference, rel=1e-3)
    assert "geoscore" not in done.output
    wrong = ask(str(board.folder), "uniform", CEILING, "--part", PART, "--summary", "nll")
    assert isinstance(wrong.exception, StoreError)


def test_what_publishes_scores_only_is_compared_without_a_map(ask, trip, tmp_path):
    made(trip, publishes="scores")
    done = ask("trip-scores-2", "uniform", "the prior", "--output", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert "no map: the dataset lets only scores be published" in done.output
    assert "distance.mean" in done.output
    assert list(tmp_path.glob("*")) == []


def test_a_method_without_answers_cannot_be_compared(tmp_path):
    board = small_board.make(tmp_path)
    parts = json.loads((board.folder / "benchmark.json").read_text())["parts"]
    done = command_line.ask("compare", board.folder, "prior", "breaks")
    assert done.exit_code == 1
    for part in parts:
        assert f"breaks has no answers on {part}: its record is failed" in done.output
