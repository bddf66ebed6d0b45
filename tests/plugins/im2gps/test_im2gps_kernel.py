"""The kernel of im2gps: its density, its fit, and what is left of it with few photos."""

import numpy as np
import pytest
from scipy.stats import vonmises_fisher

from geobench import Context, Floored, VonMisesFisherMixture, geo
from regions_with_looks import asked, fitted, nothing, planet


def test_the_density_is_the_floored_mixture_that_scipy_computes():
    train, test = planet(300, 0), asked(planet(3, 2))
    method = fitted(train, planet(80, 1), k=4)
    state = {name: float(value) for name, value in method.state().items()}
    places = geo.uniform((3, 50), np.random.default_rng(0))
    places[:, :4] = method.predict(test, Context(seed=0)).point()[:, None]
    found = method.predict(test, Context(seed=0)).log_prob(places)
    similarity = method.similarity(test, np.arange(300), Context(seed=0))
    concentration = state["concentration"]
    for row in range(3):
        nearest = np.argsort(-similarity[row])[:4]
        weights = np.exp((similarity[row][nearest] - similarity[row].max()) / state["temperature"])
        kernels = [
            vonmises_fisher(geo.unit_vectors(place), concentration).pdf(
                geo.unit_vectors(places[row])
            )
            for place in method.gallery()[nearest]
        ]
        density = (weights / weights.sum()) @ np.array(kernels)
        floored = (1 - state["share"]) * density + state["share"] / (4 * np.pi)
        np.testing.assert_allclose(found[row], np.log(floored), atol=1e-8)


def test_a_kernel_that_made_the_photos_is_found_again_and_outliers_go_to_the_floor():
    from geobench_retrieval.kernel import Kernel

    rng = np.random.default_rng(3)
    count, k, temperature, concentration, share = 4000, 6, 0.1, 800.0, 0.2
    places = geo.uniform((count, k), rng)
    similarity = -np.sort(rng.exponential(0.1, (count, k)), axis=1)
    weights = np.exp(similarity / temperature)
    mixture = VonMisesFisherMixture(places, [[concentration]], weights)
    truth = Floored(mixture, share).sample(1, rng)[:, 0]
    kernel = Kernel.fit(places, similarity, truth)
    assert kernel.temperature == pytest.approx(temperature, rel=0.1)
    assert kernel.concentration == pytest.approx(concentration, rel=0.1)
    assert kernel.share == pytest.approx(share, abs=0.02)


def test_the_fitted_kernel_is_no_worse_than_any_of_a_fine_grid():
    from geobench_retrieval.kernel import Kernel

    train, val = planet(400, 0), planet(150, 1)
    method = fitted(train, val, k=20)
    near = method._search(val, 20)
    places = method.gallery()[near.index]

    def likelihood(kernel):
        density = kernel.density(places, near.similarity, places[:, 0])
        return float(density.log_prob(val.points[:, None]).mean())

    state = [float(method.state()[name]) for name in ("temperature", "concentration", "share")]
    best = likelihood(Kernel(*state))
    for temperature in np.geomspace(state[0] / 30, state[0] * 30, 7):
        for concentration in np.geomspace(10, 1e5, 9):
            for share in (0.003, 0.01, 0.03, 0.1, 0.3):
                assert likelihood(Kernel(temperature, concentration, share)) < best + 2e-3


@pytest.mark.parametrize("count", [1, 2, 3, 40])
@pytest.mark.parametrize("validation", [0, 1, 30])
def test_few_training_and_no_validation_photos_still_give_a_density(count, validation):
    train, val, test = planet(count, 0), planet(30, 1).take(np.arange(validation)), planet(5, 2)
    prediction = fitted(train, val).predict(asked(test), Context(seed=0))
    assert isinstance(prediction, Floored)
    assert len(prediction) == 5
    assert prediction.sample(3, np.random.default_rng(0)).shape == (5, 3, 2)
    assert np.isfinite(prediction.log_prob(test.points[:, None])).all()
    assert 0 < prediction.share < 1


def test_a_single_training_photo_is_the_answer_under_the_kernel_of_the_bandwidth():
    train = planet(1, 0)
    method = fitted(train, nothing(train), bandwidth_km=500.0)
    assert float(method.state()["concentration"]) == pytest.approx((6371.0088 / 500) ** 2)
    assert float(method.state()["share"]) == 0.5
    answers = method.predict(asked(planet(3, 2)), Context(seed=0)).point()
    np.testing.assert_array_equal(answers, np.tile(train.points, (3, 1)))


def test_without_validation_training_photos_are_looked_for_among_the_others():
    train = planet(600, 0)
    alone = fitted(train, nothing(train), k=30)
    usual = fitted(train, planet(300, 1), k=30)
    found, expected = (float(m.state()["concentration"]) for m in (alone, usual))
    assert found == pytest.approx(expected, rel=0.5)
