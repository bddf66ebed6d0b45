"""One place of several draws, guidance of answers alone, and keys that contradict each other."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from geobench import Context, Labelled, Rows, geo
from geobench_flow.answers import best_expected_geoscore, densest_mode
from geobench_flow.config import RiemannianConfig
from geobench_flow.field import NetworkField
from geobench_flow.method import RiemannianFlow
from geobench_flow.network import FieldNetwork


def around(place, count, *, km, seed=0):
    rng = np.random.default_rng(seed)
    return geo.destination(
        np.broadcast_to(place, (count, 2)), rng.uniform(0, 360, count), rng.uniform(0, km, count)
    )


def test_the_mode_is_where_most_draws_lie_and_no_draw_itself():
    crowd, others = around([48.0, 179.9], 30, km=60), around([-20.0, 30.0], 20, km=30)
    draws = np.concatenate([crowd, others])[None]
    found = densest_mode(draws, bandwidth_km=100.0)
    assert geo.distance_km(found, [[48.0, 179.9]]).item() < 20
    assert geo.distance_km(found, draws[0]).min() > 0.1
    # At a mode the kernel density has no slope.
    concentration = geo.concentration_of(100.0)

    def density(place):
        angle = geo.distance_km(place, draws[0]) / geo.EARTH_RADIUS_KM
        return np.exp(concentration * (np.cos(angle) - 1)).sum()

    for bearing in (0.0, 90.0, 180.0, 270.0):
        assert density(geo.destination(found, bearing, 3.0)) < density(found)


def test_a_mode_depends_on_a_photo_s_own_draws_alone():
    draws = np.stack([around([10.0, 20], 12, km=800), around([-40.0, 70], 12, km=50, seed=1)])
    together = densest_mode(draws, bandwidth_km=100.0)
    for row in range(2):
        alone = densest_mode(draws[row : row + 1], bandwidth_km=100.0)
        np.testing.assert_array_equal(together[row : row + 1], alone)


def test_the_bayes_answer_is_the_draw_with_the_best_mean_score_over_all_draws():
    draws = geo.uniform((5, 12), np.random.default_rng(0))
    found = best_expected_geoscore(draws)
    for place, row in zip(found, draws, strict=True):
        scores = [5000 * np.exp(-geo.distance_km(one, row) / 1492.7).mean() for one in row]
        np.testing.assert_array_equal(place, row[np.argmax(scores)])


def test_guidance_goes_on_from_what_is_said_without_the_photo():
    config = RiemannianConfig(width=16, depth=1)
    network = FieldNetwork(3, config).eval()
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.tensor(rng.standard_normal(parameter.shape) / 3))
        told = network.told(torch.ones(2, 3))
        points = torch.tensor(geo.unit_vectors(geo.uniform((2, 5), rng)), dtype=torch.float32)

        def velocities(told, guidance):
            made = NetworkField(network, told, divergence=False, guidance=guidance)
            return made.on_sphere(points, 0.4).velocities

        seen, blind = velocities(told, 0.0), velocities(network.nothing(told), 0.0)
        torch.testing.assert_close(velocities(told, 2.0), 3 * seen - 2 * blind)
        # What is said without the photo is what is said of features that are all average.
        torch.testing.assert_close(network.nothing(told), network.told(torch.zeros(2, 3)))


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    points = geo.uniform(60, rng)
    features = Rows([geo.unit_vectors(points).astype(np.float32)])
    photos = Labelled(np.array([f"p{k}" for k in range(60)]), points, pooled=features)
    method = RiemannianFlow(
        RiemannianConfig(width=16, depth=1, steps=60, sampling_steps=6, batch=32)
    )
    method.fit(photos, photos.take(np.arange(0)), Context(seed=0))
    return method, photos


def answered(fitted, **settings):
    method, photos = fitted
    config = method.config.model_copy(update={"draws": 8, **settings})
    own = RiemannianFlow(config)
    own.restore(method.state(), photos, Context(seed=0))
    return own.predict(photos.take(np.arange(6)), Context(seed=0))


def test_guidance_moves_answers_and_neither_draws_nor_densities(fitted):
    plain, guided = answered(fitted), answered(fitted, guidance=2.0)
    assert geo.distance_km(plain.point(), guided.point()).min() > 0.1
    rngs = np.random.default_rng(0), np.random.default_rng(0)
    np.testing.assert_array_equal(plain.sample(3, rngs[0]), guided.sample(3, rngs[1]))
    queries = geo.uniform((6, 2), rngs[0])
    np.testing.assert_array_equal(plain.log_prob(queries), guided.log_prob(queries))


def test_the_likeliest_of_several_draws_is_likelier_than_one(fitted):
    one, likeliest = answered(fitted), answered(fitted, answer="likeliest")
    of_one, of_likeliest = (one.log_prob(each.point()[:, None]) for each in (one, likeliest))
    assert (of_likeliest >= of_one - 1e-6).all()
    assert of_likeliest.mean() > of_one.mean()


def test_without_validation_photos_half_of_the_density_is_the_floor(fitted):
    assert answered(fitted).share == 0.5


@pytest.mark.parametrize(
    "settings",
    [
        {"draws": 4},
        {"bandwidth_km": 50.0},
        {"bandwidth_km": 50.0, "answer": "bayes"},
        {"guidance": 1.0, "hidden_photos": 0.0},
        {"guidance": 1.0, "answer": "likeliest"},
        {"density_steps": 16},
        {"width": 20},
        {"width": 8},
    ],
)
def test_keys_that_contradict_each_other_or_are_out_of_range_are_refused(settings):
    with pytest.raises(ValidationError, match=next(iter(settings))):
        RiemannianConfig.model_validate(settings)
