"""Calibration metrics: exactly uniform for a perfect prediction, visibly off for others."""

import itertools

import numpy as np
import pytest
from scipy.stats import kstest

from bare_truth import truth
from geobench import (
    Atoms,
    Cells,
    Curve,
    EqualAreaGrid,
    Floored,
    LazyDensity,
    PredictionError,
    ReplicateWeights,
    ScoreContext,
    Statistic,
    VonMisesFisherMixture,
    geo,
)
from geobench_basics.metrics.calibration import NOMINAL, CalibrationMetric, SampledCalibrationMetric

RNG = np.random.default_rng
BOTH = [CalibrationMetric(), SampledCalibrationMetric()]
both = pytest.mark.parametrize("metric", BOTH, ids=lambda metric: metric.name)


def levels(metric, prediction, points, samples):
    """Columns by name, (N,) each."""
    context = ScoreContext.of(prediction, truth(points), samples=samples)
    found = metric.score(prediction, truth(points), context)
    assert found.dtype == np.float32
    assert found.shape == (len(points), 2)
    low, high = found.T.astype(np.float64)
    assert ((low >= 0) & (low < high) & (high <= 1)).all()
    return {"level-low": low, "level-high": high}


def curve_of(metric, columns, weights=None):
    (curve,) = (summary for summary in metric.summaries if isinstance(summary, Curve))
    count = len(columns["level-low"])
    assert curve.name == metric.name
    weights = ReplicateWeights.of(np.ones(count) if weights is None else weights)
    return curve.function(columns, None, weights)[0]


def error_of(metric, columns, weights=None):
    (error,) = (summary for summary in metric.summaries if isinstance(summary, Statistic))
    count = len(columns["level-low"])
    assert error.name == f"{metric.name}.error"
    weights = ReplicateWeights.of(np.ones(count) if weights is None else weights)
    return error.function(columns, None, weights)[0]


def two_kernels(count, *, spread_km, rng):
    """Around a place that is a draw itself: (N,) predictions of two modes of unequal weight."""
    first = geo.uniform(count, rng)
    second = geo.destination(first, rng.uniform(0, 360, count), 3000)
    means = np.stack([first, second], axis=1)
    return VonMisesFisherMixture(means, geo.concentration_of(float(spread_km)), [[0.7, 0.3]])


def drawn_levels(columns, rng):
    """The randomised levels, which the columns stand for: uniform within their intervals."""
    low, high = columns["level-low"], columns["level-high"]
    return low + (high - low) * rng.random(len(low))


@both
def test_the_levels_of_a_perfect_prediction_are_uniform(metric):
    count = 4000
    prediction = two_kernels(count, spread_km=400, rng=RNG(0))
    there = prediction.sample(1, RNG(1))[:, 0]
    columns = levels(metric, prediction, there, prediction.sample(16, RNG(2)))
    assert kstest(drawn_levels(columns, RNG(3)), "uniform").pvalue > 0.01
    # The sampling error of a mean distance from the diagonal is about 0.31 / sqrt(N).
    assert error_of(metric, columns) < 2 * 0.31 / count**0.5


@both
def test_an_overconfident_prediction_is_below_the_diagonal_and_an_overcautious_one_above(metric):
    count, nominal = 1000, np.array(NOMINAL)
    right = two_kernels(count, spread_km=400, rng=RNG(0))
    there = right.sample(1, RNG(1))[:, 0]
    for spread_km, side in ((200, -1), (800, 1)):
        wrong = two_kernels(count, spread_km=spread_km, rng=RNG(0))
        columns = levels(metric, wrong, there, wrong.sample(16, RNG(2)))
        off = side * (curve_of(metric, columns) - nominal)
        assert (off[1:-1] > 0).all(), (spread_km, off)
        assert error_of(metric, columns) > 0.12


@both
@pytest.mark.parametrize("atoms", [1, 2, 3])
def test_ties_and_few_samples_leave_the_expected_curve_exactly_on_the_diagonal(metric, atoms):
    """Every way in which a truth and three samples fall on atoms, weighted by its probability."""
    places = geo.uniform(atoms, RNG(4))
    chance = np.array([1.0]) if atoms == 1 else np.arange(1, atoms + 1) / sum(range(atoms + 1))
    ways = np.array(list(itertools.product(range(atoms), repeat=4)))
    log_p = np.log(chance) + (atoms == 3) * np.array([0, 0.1, 0.2])[:atoms]

    def log_prob(indices, points):
        nearest = geo.distance_km(points[:, :, None], places).argmin(axis=-1)
        return log_p[nearest]

    prediction = LazyDensity(places[ways[:, 0]], lambda *_: None, log_prob)
    columns = levels(metric, prediction, places[ways[:, 0]], places[ways[:, 1:]])
    found = curve_of(metric, columns, chance[ways].prod(axis=1))
    np.testing.assert_allclose(found, NOMINAL, atol=1e-6)
    assert error_of(metric, columns, chance[ways].prod(axis=1)) == pytest.approx(0, abs=1e-6)


def test_a_density_of_few_cells_is_calibrated_in_spite_of_its_ties():
    count, cells = 4000, EqualAreaGrid(4)
    masses = RNG(0).dirichlet(np.full(len(cells), 0.3), count)
    prediction = Cells(cells, np.log(masses + 1e-300))
    there = prediction.sample(1, RNG(1))[:, 0]
    columns = levels(CalibrationMetric(), prediction, there, prediction.sample(16, RNG(2)))
    tied = columns["level-high"] - columns["level-low"] > 1.5 / 17
    assert tied.mean() > 0.5
    assert kstest(drawn_levels(columns, RNG(3)), "uniform").pvalue > 0.01
    assert error_of(CalibrationMetric(), columns) < 2 * 0.31 / count**0.5


def test_the_level_by_the_density_is_the_mass_of_the_cap_through_the_truth():
    """Around a mean the smallest region is a cap, whose mass has a closed form."""
    count, kappa, place = 300, 30.0, np.array([90.0, 0.0])
    there = geo.destination(place, RNG(0).uniform(0, 360, count), RNG(1).uniform(0, 4000, count))
    prediction = VonMisesFisherMixture(place[None, None], np.full((1, 1), kappa), count=count)
    columns = levels(CalibrationMetric(), prediction, there, prediction.sample(2000, RNG(2)))
    drop = 1 - np.cos(geo.distance_km(place, there) / geo.EARTH_RADIUS_KM)
    expected = np.expm1(-kappa * drop) / np.expm1(-2 * kappa)
    middle = (columns["level-low"] + columns["level-high"]) / 2
    assert np.abs(middle - expected).max() < 4.5 * 0.5 / 2000**0.5


def test_the_level_by_samples_is_that_of_a_naive_loop_whatever_the_block(monkeypatch):
    there, samples = geo.uniform(9, RNG(0)), geo.uniform((9, 16), RNG(1))
    samples[0, :5] = samples[0, 0]  # coincide, as retrieved places do
    expected = []
    for place, drawn in zip(there, samples, strict=True):
        pool = [place, *drawn]
        fourth = [
            sorted(float(geo.distance_km(a, b)) for j, b in enumerate(pool) if j != i)[3]
            for i, a in enumerate(pool)
        ]
        nearer = sum(each < fourth[0] - 1e-9 for each in fourth[1:])
        as_near = sum(abs(each - fourth[0]) <= 1e-9 for each in fourth[1:])
        expected.append([nearer / 17, (nearer + as_near + 1) / 17])
    for pairs in (1, 500, 1 << 20):
        monkeypatch.setattr("geobench_basics.metrics.calibration.PAIRS", pairs)
        columns = levels(SampledCalibrationMetric(), Atoms(samples), there, samples)
        found = np.stack([columns["level-low"], columns["level-high"]], axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_single_answer_that_is_wrong_has_the_highest_level_by_samples():
    here, there = geo.uniform(20, RNG(0)), geo.uniform(20, RNG(1))
    samples = np.repeat(here[:, None], 16, axis=1)
    columns = levels(SampledCalibrationMetric(), Atoms(here[:, None]), there, samples)
    np.testing.assert_allclose(columns["level-low"], 16 / 17, rtol=1e-6)
    np.testing.assert_allclose(columns["level-high"], 1)
    right = levels(SampledCalibrationMetric(), Atoms(here[:, None]), here, samples)
    assert error_of(SampledCalibrationMetric(), right) == pytest.approx(0, abs=1e-6)


def test_a_truth_of_density_zero_has_the_highest_level():
    here = geo.uniform(30, RNG(0))

    def log_prob(indices, points):
        with np.errstate(divide="ignore"):
            return np.log(geo.distance_km(points, here[:, None]) < 100)

    samples = geo.destination(here[:, None], RNG(1).uniform(0, 360, (30, 8)), 50)
    prediction = LazyDensity(here, lambda *_: samples, log_prob)
    away = geo.destination(here, 0, 500)
    columns = levels(CalibrationMetric(), prediction, away, samples)
    np.testing.assert_allclose(columns["level-low"], 8 / 9, rtol=1e-6)


@both
def test_the_error_is_the_mean_distance_of_the_weighted_curve_from_the_diagonal(metric):
    assert np.array(NOMINAL) == pytest.approx(np.linspace(0.05, 0.95, 19))
    low = RNG(0).integers(0, 17, 200) / 17
    columns = {"level-low": low, "level-high": low + 1 / 17}
    weights = RNG(1).integers(0, 2, 200).astype(float)
    expected = []
    for q in NOMINAL:
        inside = [min(max((q - a) * 17, 0), 1) for a in low[weights > 0]]
        expected.append(sum(inside) / len(inside))
    np.testing.assert_allclose(curve_of(metric, columns, weights), expected, rtol=1e-9)
    off = np.abs(np.array(expected) - NOMINAL).mean()
    assert error_of(metric, columns, weights) == pytest.approx(off, rel=1e-9)


@both
def test_calibration_without_two_samples_is_an_error_with_a_remedy(metric):
    here = geo.uniform(3, RNG(0))
    prediction = Floored(VonMisesFisherMixture(here[:, None], 10.0), 0.1)
    for samples in (None, here[:, None]):
        with pytest.raises(PredictionError, match="at least two samples"):
            metric.score(prediction, truth(here), ScoreContext(samples=samples))
