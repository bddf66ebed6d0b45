"""Hedged likelihood: against scipy's optimiser, a floor that moves nothing, and who is ranked."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from bare_truth import truth
from geobench import (
    Floored,
    Mean,
    ReplicateWeights,
    ScoreContext,
    Share,
    VonMisesFisherMixture,
    geo,
)
from geobench.board.part_rows import PartNumber, compute_rows
from geobench.board.part_scores import MetricScores
from geobench.board.ranks import rank
from geobench.board.scored import Scored
from geobench.scoring.slices import View
from geobench.scoring.summaries import AT_AN_END, summarise
from geobench.toy_planet import ToyPlanet
from geobench_basics.metrics.hedged import LEAST, hedge
from geobench_basics.metrics.likelihood import LogLikelihoodMetric
from stored_part import entry, part_of

RNG = np.random.default_rng
LOG_UNIFORM = -np.log(4 * np.pi)
METRIC = LogLikelihoodMetric()


def columns_of(density, points):
    scores = METRIC.score(density, truth(points), ScoreContext.of(density, truth(points)))
    return dict(zip(METRIC.columns, scores.T.astype(np.float64)[:, None], strict=True))


def summary(name):
    return next(each for each in METRIC.summaries if each.name == name)


def estimate(density, points, name, units=None):
    units = np.arange(len(points)) if units is None else units
    columns = columns_of(density, points)
    (found,) = summarise(summary(name), columns, truth=truth(points), units=units)
    return found.estimate


def kernels(points, spread_km):
    return VonMisesFisherMixture(points[:, None], geo.concentration_of(spread_km))


def near(points, km, seed):
    return geo.destination(points, RNG(seed).uniform(0, 360, len(points)), km)


@pytest.mark.parametrize("seed", range(6))
def test_the_share_is_that_of_a_general_optimiser_in_every_replicate(seed):
    rng = RNG(seed)
    log_p = rng.normal(-2, 3, 80)
    log_p[rng.random(80) < 0.3] = LEAST
    weights = ReplicateWeights.leaving_out(rng.integers(0, 12, 80))
    found = hedge(log_p, weights)
    for number, row in enumerate(np.concatenate(list(weights.blocks()))):

        def loss(s, row=row):
            mixed = np.logaddexp(np.log1p(-s) + log_p, np.log(s) + LOG_UNIFORM)
            return -(row * mixed).sum() / row.sum()

        best = minimize_scalar(loss, bounds=(1e-12, 1 - 1e-12), options={"xatol": 1e-12})
        assert found.share[number] == pytest.approx(best.x, abs=1e-6)
        assert found.gain[number] == pytest.approx(-best.fun - LOG_UNIFORM, abs=1e-9)


def test_ends_are_where_the_density_is_right_or_wrong_of_every_photo():
    one = ReplicateWeights.of(np.ones(5))
    assert hedge(np.full(5, 3.0), one).share == [0]
    assert hedge(np.full(5, LEAST), one).share == [1]
    assert hedge(np.full(5, np.float32(LOG_UNIFORM)), one) == ([1], [0])  # equal ones: the largest
    assert hedge(np.array([700.0, 1e5, 3, 2, 1]), one).share == [0]


def test_no_density_is_worse_than_the_uniform_and_the_uniform_is_trusted_with_nothing():
    here = geo.uniform(60, RNG(0))
    wrong = kernels(near(here, 4000, seed=1), 100)
    assert estimate(wrong, here, "nll.hedged").value == pytest.approx(-LOG_UNIFORM)
    assert estimate(wrong, here, "nll.trust").value == 0
    flat = VonMisesFisherMixture(np.zeros((1, 1, 2)), np.zeros((1, 1)), count=60)
    assert estimate(flat, here, "nll.hedged").value == pytest.approx(-LOG_UNIFORM)
    assert estimate(flat, here, "nll.trust").value == 0
    assert estimate(flat, here, "information-gain").value == 0


def test_a_floor_that_is_raised_or_lowered_by_ten_moves_nll_and_nothing_that_is_hedged():
    here = geo.uniform(300, RNG(0))
    said = near(here, RNG(1).gamma(2, 300, 300), seed=2)
    shape = kernels(said, 300)
    found = {
        floor: [
            estimate(Floored(shape, floor), here, name).value
            for name in ("nll", "nll.hedged", "nll.trust")
        ]
        for floor in (0.003, 0.03, 0.3)
    }
    nll, hedged, trusted = np.array(list(found.values())).T
    assert np.ptp(nll) > 0.1
    assert np.ptp(hedged) < 1e-6
    assert np.ptp(trusted) < 1e-5
    assert 0.2 < trusted[0] < 0.98
    twice = Floored(Floored(shape, 0.3), 0.2)
    assert estimate(twice, here, "nll.hedged").value == pytest.approx(hedged[0])


def test_a_density_that_is_zero_at_the_truth_is_stored_as_a_number():
    here = geo.uniform(50, RNG(0))
    columns = columns_of(Floored(kernels(near(here, 5000, seed=1), 1), 0.1), here)
    assert (columns["nll.log-shape"] == LEAST).all()
    assert (columns["nll.at-floor"] == 1).all()


def test_the_oracle_of_the_toy_planet_is_the_least_hedged_of_all_that_know_less():
    planet = ToyPlanet(ToyPlanet.Config())
    photos, world = planet.photos, planet.world
    points, features = photos.points, photos.features
    oracle = world.density(features)
    wider = VonMisesFisherMixture(oracle.means, oracle.concentrations / 4, oracle.weights)
    narrower = VonMisesFisherMixture(oracle.means, oracle.concentrations * 4, oracle.weights)
    others = oracle.take(RNG(0).permutation(len(points)))
    found = [estimate(each, points, "nll.hedged").value for each in (oracle, wider, narrower)]
    shuffled = estimate(others, points, "nll.hedged").value
    assert found[0] < min(found[1:]) - 0.01
    assert found[0] < shuffled - 0.5
    assert shuffled <= -LOG_UNIFORM + 1e-9


def test_at_the_ends_there_is_no_interval_and_between_them_one():
    here = geo.uniform(60, RNG(0))
    right = estimate(kernels(here, 100), here, "nll.trust")
    assert (right.value, right.note) == (1, AT_AN_END)
    assert np.isnan([right.low, right.high]).all()
    some = kernels(np.concatenate([here[:40], near(here, 5000, seed=1)[40:]]), 100)
    between = estimate(some, here, "nll.trust")
    assert 0 < between.low < between.value < between.high < 1


def test_intervals_of_what_is_refitted_are_those_of_a_jackknife_that_refits():
    here = geo.uniform(90, RNG(0))
    density = kernels(near(here, RNG(1).gamma(1, 800, 90), seed=2), 300)
    log_p = columns_of(density, here)["nll.log-shape"][0]
    units = RNG(3).integers(0, 30, 90)
    found = estimate(density, here, "nll.hedged", units=units)

    def without(unit):
        kept = log_p[units != unit]
        return -LOG_UNIFORM - hedge(kept, ReplicateWeights.of(np.ones(len(kept)))).gain[0]

    values = np.array([without(unit) for unit in np.unique(units)])
    count = len(values)
    error = np.sqrt((count - 1) / count * np.square(values - found.value).sum())
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert 1.96 < (found.high - found.value) / error < 2.2


def test_no_limit_is_worse_than_the_uniform_nor_a_gain_below_nothing():
    here = geo.uniform(60, RNG(0))
    guess = kernels(np.concatenate([near(here[:2], 30, seed=1), geo.uniform(58, RNG(2))]), 300)
    found = estimate(guess, here, "nll.hedged")
    assert found.low < found.value < found.high == -LOG_UNIFORM
    gain = estimate(guess, here, "information-gain")
    assert 0 == gain.low < gain.value < gain.high


@pytest.mark.parametrize("photos", [49, 50])
def test_of_fewer_than_fifty_photos_nothing_that_is_fitted_is_shown(photos):
    here = geo.uniform(80, RNG(0))
    columns = columns_of(kernels(near(here, 200, seed=1), 200), here)
    part, scores = stored({"grid": columns}, here)
    inside = np.arange(80) < photos
    (row,) = compute_rows(
        part, scores, summary=summary("nll.hedged"), view=View("x=1", "photo", inside)
    )
    assert isinstance(row, PartNumber) == (photos == 50)
    if photos == 49:
        assert "fitted to fewer than 50 photos" in row.note
    (plain,) = compute_rows(part, scores, summary=summary("nll"), view=View("x=1", "photo", inside))
    assert isinstance(plain, PartNumber)


def test_rows_in_which_classes_count_once_have_nothing_that_is_fitted():
    here = geo.uniform(80, RNG(0))
    part, scores = stored({"grid": columns_of(kernels(here, 200), here)}, here)
    view = View("all", "cell", np.ones(80, bool), np.arange(80) % 4)
    for each in METRIC.summaries:
        plain = isinstance(each, Mean | Share)
        assert bool(compute_rows(part, scores, summary=each, view=view)) == plain


def test_who_scores_its_floor_on_most_photos_is_shown_marked_and_not_ranked():
    here = geo.uniform(100, RNG(0))
    away = near(here, 5000, seed=1)
    lost = np.concatenate([here[:40], away[40:]])
    known = np.concatenate([here[:60], away[60:]])
    densities = {
        "lost": Floored(kernels(lost, 100), 0.2),
        "known": Floored(kernels(known, 100), 0.2),
        "better": Floored(kernels(here, 100), 0.2),
    }
    part, scores = stored({name: columns_of(each, here) for name, each in densities.items()}, here)
    view = View("all", "photo", np.ones(100, bool))
    for name in ("nll", "nll.median", "nll.worse-than-uniform"):
        found = compute_rows(part, scores, summary=summary(name), view=view)
        rows = {row.label: row for row in rank(found, better="lower")}
        assert rows["lost"].rank_low is None
        assert "a constant on 60% of the photos" in rows["lost"].note
        assert np.isfinite(rows["lost"].value)
        assert {rows["known"].rank_high, rows["better"].rank_high} <= {1, 2}
        assert "constant" not in rows["known"].note
    hedged = rank(
        compute_rows(part, scores, summary=summary("nll.hedged"), view=view), better="lower"
    )
    assert [row.rank_low for row in hedged] == [3, 2, 1]
    shares = rank(
        compute_rows(part, scores, summary=summary("nll.at-floor"), view=view), better=None
    )
    assert [row.value for row in shares] == [0.6, 0.4, 0]
    assert {row.rank_low for row in shares} == {None}


def test_who_looks_at_no_photo_is_a_constant_and_ranked_as_that():
    here = geo.uniform(100, RNG(0))
    lost = columns_of(Floored(kernels(near(here, 5000, seed=1), 100), 0.2), here)
    part, scores = stored({"prior": lost, "grid": lost}, here, blind={"prior"})
    view = View("all", "photo", np.ones(100, bool))
    prior, grid = rank(
        compute_rows(part, scores, summary=summary("nll"), view=view), better="lower"
    )
    assert (prior.rank_low, prior.note, prior.value) == (1, "", grid.value)
    assert grid.rank_low is None
    assert "a constant" in grid.note


def test_where_nothing_of_a_density_can_be_believed_there_is_no_interval():
    here = geo.uniform(60, RNG(0))
    lost = kernels(near(here, 9000, seed=1), 100)
    for name, value in (("nll.hedged", -LOG_UNIFORM), ("information-gain", 0), ("nll.trust", 0)):
        found = estimate(lost, here, name)
        assert (found.value, found.note) == (value, AT_AN_END)
        assert np.isnan([found.low, found.high]).all()


def stored(columns, points, *, blind=()):
    """A part whose labels have these columns, and the scores of the metric on it."""
    mask = np.zeros(len(points), np.uint8)
    scored = {label: Scored(found, mask, (0,)) for label, found in columns.items()}
    entries = [entry(label, looks=label not in blind) for label in columns]
    return part_of(points), MetricScores(METRIC, entries, scored)
