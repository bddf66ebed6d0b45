"""On the toy planet the true conditional density is the likeliest of all, and calibrated."""

import numpy as np
import pytest

import geobench as library
import small_run
from geobench import ReplicateWeights, ScoreContext, Statistic, Truth
from geobench.toy_planet import ToyPlanet, ToyPlanetConfig
from geobench_basics.metrics.calibration import CalibrationMetric, SampledCalibrationMetric

FILE = """\
benchmarks:
  - name: toy
    dataset: {name: toy-planet, photos: 2000}
    encoder: given
    splits: [random]
    methods: [uniform, prior, {name: prior, label: narrow, bandwidths_km: [100], places: 300},
      im2gps, toy-oracle]
    metrics: [geoscore, nll, nll-smoothed, calibration, calibration-sampled, sharpness,
      localizability, risk-coverage, bayes-geoscore]
    samples: 16
    photos: 300
"""


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """Label -> summary -> value."""
    folder = tmp_path_factory.mktemp("oracle")
    table = library.load(small_run.board(folder, FILE, figures=True))
    table = table[(table["slice"] == "all") & (table.average == "photo")]
    return {
        label: rows.set_index("summary").value.to_dict() for label, rows in table.groupby("label")
    }


def test_the_true_density_has_the_lowest_nll_of_all(values):
    nll = {label: found["nll"] for label, found in values.items() if "nll" in found}
    assert set(nll) == {"uniform", "prior", "narrow", "im2gps", "toy-oracle"}
    assert min(nll, key=nll.get) == "toy-oracle"
    assert nll["uniform"] == 2.53102
    gain = {label: found["information-gain"] for label, found in values.items() if label in nll}
    assert max(gain, key=gain.get) == "toy-oracle"
    ahead = values["toy-oracle"]["nll.gain-over-prior"]
    assert ahead == pytest.approx(gain["toy-oracle"] - gain["prior"], rel=1e-4)
    assert ahead > 1
    assert "nll.gain-over-prior" not in values["prior"]


def test_the_true_density_is_calibrated_by_density_and_by_samples(values):
    # Where a prediction is perfect, its error is about 0.31 / sqrt(N), or twice that by chance.
    oracle, typical = values["toy-oracle"], 0.31 / 300**0.5
    assert oracle["calibration.error"] < 3 * typical
    assert oracle["calibration-sampled.error"] < 3 * typical
    assert values["uniform"]["calibration.error"] == 0  # the truth is tied with all samples


@pytest.mark.parametrize("metric", [CalibrationMetric(), SampledCalibrationMetric()])
def test_the_more_photos_the_nearer_the_true_density_is_to_the_diagonal(metric):
    count = 12_000
    planet = ToyPlanet(ToyPlanetConfig(photos=count))
    density = planet.world.density(planet.photos.features)
    truth = Truth(planet.photos.points, {}, np.full(count, np.nan))
    samples = density.sample(16, np.random.default_rng(0))
    context = ScoreContext.of(density, truth, samples=samples)
    scores = metric.score(density, truth, context).astype(np.float64)
    columns = dict(zip(metric.columns, scores.T, strict=True))
    (error,) = (each for each in metric.summaries if isinstance(each, Statistic))
    assert (
        error.function(columns, truth, ReplicateWeights.of(np.ones(count)))[0]
        < 2 * 0.31 / count**0.5
    )


def test_what_knows_more_is_sharper_and_scores_more(values):
    oracle, prior, uniform = (values[label] for label in ("toy-oracle", "prior", "uniform"))
    for name in ("area@50%", "area@90%", "nll-smoothed", "risk-coverage.area"):
        assert oracle[name] < prior[name], name
    for name in ("localizability", "bayes-geoscore"):
        assert oracle[name] > prior[name] > uniform[name], name
    assert uniform["localizability"] == -3.6515
