"""The metrics against closed forms and numerical integration."""

import numpy as np
import pytest
from geopy.distance import great_circle
from pydantic import ValidationError
from scipy.integrate import quad

from bare_truth import truth
from geobench import (
    Atoms,
    Curve,
    Floored,
    PredictionError,
    ReplicateWeights,
    ScoreContext,
    VonMisesFisherMixture,
    geo,
)
from geobench_basics.metrics.distance import (
    AccuracyConfig,
    AccuracyMetric,
    DistanceMetric,
    GeoScoreMetric,
)
from geobench_basics.metrics.energy import ChordalEnergyMetric, EnergyMetric
from geobench_basics.metrics.likelihood import LogLikelihoodMetric

RNG = np.random.default_rng


def score(metric, prediction, points, samples=None):
    found = metric.score(prediction, truth(points), ScoreContext(samples=samples))
    assert found.dtype == np.float32
    assert found.shape == (len(points), len(metric.columns))
    assert np.isfinite(found).all()
    return found


def answers(points):
    return Atoms(points[:, None])


def test_distance_accuracy_and_geoscore_agree_with_geopy():
    here, there = geo.uniform(300, RNG(0)), geo.uniform(300, RNG(1))
    there[:100] = here[:100] + RNG(2).normal(0, 0.1, (100, 2)) * [0.1, 1]
    there = geo.wrap(np.clip(there, [-90, -400], [90, 400]))
    expected = np.array([great_circle(a, b).km for a, b in zip(here, there, strict=True)])
    expected *= geo.EARTH_RADIUS_KM / 6371.009  # geopy rounds the radius
    distance = score(DistanceMetric(), answers(here), there)[:, 0]
    np.testing.assert_allclose(distance, expected, rtol=1e-6)
    points = score(GeoScoreMetric(), answers(here), there)[:, 0]
    np.testing.assert_allclose(points, 5000 * np.exp(-expected / 1492.7), rtol=1e-5, atol=1e-4)
    hits = score(AccuracyMetric(), answers(here), there)[:, :-1]
    np.testing.assert_array_equal(hits, expected[:, None] <= [1, 25, 200, 750, 2500])


def test_a_perfect_answer_has_the_best_scores_and_the_antipode_the_worst():
    here = geo.uniform(50, RNG(0))
    antipode = geo.wrap(here * [-1, 1] + [0, 180])
    assert score(DistanceMetric(), answers(here), here).max() < 1e-6
    np.testing.assert_allclose(score(GeoScoreMetric(), answers(here), here), 5000, rtol=1e-6)
    np.testing.assert_allclose(
        score(DistanceMetric(), answers(antipode), here), 20015.1146, rtol=1e-7
    )
    assert score(AccuracyMetric(), answers(antipode), here)[:, :-1].max() == 0


def test_an_answer_at_the_radius_is_a_hit():
    degree = geo.EARTH_RADIUS_KM * np.pi / 180
    exact = float(geo.distance_km([0, 0], [0, 1]))
    assert exact == pytest.approx(degree)
    config = AccuracyConfig(radii_km=(np.nextafter(exact, 0), exact))
    hits = score(AccuracyMetric(config), answers(np.zeros((1, 2))), [[0, 1]])
    assert hits[0, :2].tolist() == [0, 1]


def test_accuracy_is_named_by_its_radii_and_refuses_improper_ones():
    metric = AccuracyMetric(AccuracyConfig(radii_km=(0.5, 25, 2500)))
    names = [summary.name for summary in metric.summaries]
    assert names == ["accuracy@0.5km", "accuracy@25km", "accuracy@2500km", "accuracy"]
    assert [s.name for s in AccuracyMetric().summaries][1] == "accuracy@25km"
    for radii in ((), (0,), (1, 1), (-1,), (np.inf,)):
        with pytest.raises(ValidationError):
            AccuracyConfig(radii_km=radii)


def test_the_accuracy_curve_is_the_weighted_share_within_each_radius():
    metric = AccuracyMetric()
    here, there = geo.uniform(500, RNG(0)), geo.uniform(500, RNG(1))
    there[:250] = geo.destination(here[:250], 0, RNG(2).exponential(30, 250))
    there[0], here[0] = (0, 0), (0, -180)
    columns = dict(zip(metric.columns, score(metric, answers(here), there).T, strict=True))
    (curve,) = (summary for summary in metric.summaries if isinstance(summary, Curve))
    assert len(curve.x) == 41
    assert curve.x[0] == 1
    distance = geo.distance_km(here, there)
    for weights in (np.ones(500), RNG(3).integers(0, 2, 500).astype(float)):
        expected = [np.average(distance <= x, weights=weights) for x in curve.x]
        (found,) = curve.function(columns, truth(there), ReplicateWeights.of(weights))
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[-1] == 1


@pytest.mark.parametrize("metric", [EnergyMetric(), ChordalEnergyMetric()])
def test_the_energy_of_a_single_atom_is_its_error(metric):
    here, there = geo.uniform(40, RNG(0)), geo.uniform(40, RNG(1))
    samples = np.repeat(here[:, None], 16, axis=1)
    found = score(metric, answers(here), there, samples)[:, 0]
    np.testing.assert_allclose(found, metric.between(here, there), rtol=1e-6)


def test_a_chord_is_the_straight_line_through_the_earth():
    between = ChordalEnergyMetric().between
    assert between(np.array([0.0, 0]), np.array([0.0, 180])) == pytest.approx(2 * 6371.0088)
    assert between(np.array([90.0, 7]), np.array([0.0, 50])) == pytest.approx(2**0.5 * 6371.0088)
    near = np.array([[45.0, 10.0], [45.00001, 10.00001]])
    assert between(*near) == pytest.approx(float(geo.distance_km(*near)), rel=1e-9)


def pairwise(metric, first, second):
    return metric.between(first[:, None], second[None])


@pytest.mark.parametrize("metric", [EnergyMetric(), ChordalEnergyMetric()])
def test_the_energy_score_is_the_written_sum_whatever_the_block(metric, monkeypatch):
    samples, there = geo.uniform((7, 5), RNG(0)), geo.uniform(7, RNG(1))
    expected = []
    for drawn, place in zip(samples, there, strict=True):
        between = pairwise(metric, drawn, drawn)
        spread = between[~np.eye(5, dtype=bool)].mean()
        expected.append(metric.between(drawn, place).mean() - spread / 2)
    for limit in (1, 25, 1 << 20):
        monkeypatch.setattr("geobench_basics.metrics.energy.PAIRS", limit)
        found = score(metric, answers(there), there, samples)[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("kappa", [0.5, 8.0, 400.0])
@pytest.mark.parametrize("metric", [EnergyMetric(), ChordalEnergyMetric()])
def test_the_energy_of_a_von_mises_fisher_agrees_with_integration(metric, kappa):
    """With the truth at the mean, E d(x, y) is a one-dimensional integral over the angle; and
    E d(x, x') follows from the law of x . x', which depends on two angles and a turn."""
    count, draws = 4000, 16
    place = np.array([[37.0, -179.0]])
    prediction = VonMisesFisherMixture(place[None], np.full((1, 1), kappa), count=count)
    samples = prediction.sample(draws, RNG(0))
    there = np.repeat(place, count, axis=0)
    scores = score(metric, prediction, there, samples)[:, 0].astype(float)

    def far(cosine):
        angle = np.arccos(np.clip(cosine, -1, 1))
        chordal = isinstance(metric, ChordalEnergyMetric)
        return geo.EARTH_RADIUS_KM * (2 * np.sin(angle / 2) if chordal else angle)

    def density(z):
        return kappa / -np.expm1(-2 * kappa) * np.exp(kappa * (z - 1))

    lowest = max(-1.0, 1 - 60 / kappa)
    error = quad(lambda z: density(z) * far(z), lowest, 1)[0]
    nodes, node_weights = np.polynomial.legendre.leggauss(160)
    z = lowest + (nodes + 1) * (1 - lowest) / 2
    mass = density(z) * node_weights * (1 - lowest) / 2
    turn = (np.arange(400) + 0.5) * np.pi / 400
    sine = np.sqrt(1 - z**2)
    cosine = z[:, None, None] * z[:, None] + sine[:, None, None] * sine[:, None] * np.cos(turn)
    spread = mass @ far(cosine).mean(axis=-1) @ mass
    standard_error = scores.std() / count**0.5
    assert abs(scores.mean() - (error - spread / 2)) < 4 * standard_error
    assert standard_error < 0.02 * error


def test_two_antipodes_score_like_the_uniform_under_energy_but_not_under_energy_chordal():
    count = 20_000
    there = geo.uniform(count, RNG(0))
    pole = np.array([[[52.0, 13.0], [-52.0, -167.0]]])
    antipodes = Atoms(pole, count=count)
    nothing = VonMisesFisherMixture(np.zeros((1, 1, 2)), np.zeros((1, 1)), count=count)
    pairs = [(p, p.sample(16, RNG(1))) for p in (antipodes, nothing)]
    quarter = np.pi / 2 * geo.EARTH_RADIUS_KM
    for prediction, samples in pairs:
        blind = score(EnergyMetric(), prediction, there, samples)[:, 0].astype(float)
        assert abs(blind.mean() - quarter / 2) < 4 * blind.std() / count**0.5
    chordal = [
        score(ChordalEnergyMetric(), p, there, s)[:, 0].astype(float).mean() for p, s in pairs
    ]
    # E chord between two uniform points is 4/3; the antipodes are 0 or 2 apart, 1 on average.
    assert chordal[0] == pytest.approx((4 / 3 - 1 / 2) * geo.EARTH_RADIUS_KM, rel=0.01)
    assert chordal[1] == pytest.approx((4 / 3 - 2 / 3) * geo.EARTH_RADIUS_KM, rel=0.01)
    # Even for a single truth, the great-circle score says nothing of where it is.
    exact = np.tile(pole[0], (1, 8, 1))
    for place in ([52, 13], [0, 0], [38, -77]):
        error = EnergyMetric().between(exact[0], np.array(place, float)).mean()
        assert error == pytest.approx(quarter)


def test_energy_without_two_samples_is_an_error_with_a_remedy():
    here = geo.uniform(3, RNG(0))
    for samples in (None, here[:, None]):
        with pytest.raises(PredictionError, match="samples"):
            EnergyMetric().score(answers(here), truth(here), ScoreContext(samples=samples))


def test_a_metric_scores_what_can_do_what_it_needs():
    for metric, scored in [
        (DistanceMetric(), [Atoms, Floored]),
        (EnergyMetric(), [Atoms, Floored]),
        (LogLikelihoodMetric(), [Floored]),
    ]:
        assert [kind for kind in (Atoms, Floored) if metric.scores(kind)] == scored


def test_every_summary_shows_a_column_that_is_scored():
    kinds = [DistanceMetric(), AccuracyMetric(), GeoScoreMetric()]
    kinds += [EnergyMetric(), ChordalEnergyMetric(), LogLikelihoodMetric()]
    names = [summary.name for metric in kinds for summary in metric.summaries]
    assert len(set(names)) == len(names)
    for metric in kinds:
        shown = {getattr(s, "column", "") for s in metric.summaries} - {""}
        assert shown <= set(metric.columns)
        assert len(set(metric.columns)) == len(metric.columns)
