"""The method keeps every promise of the conformance kit, and finds what is linear."""

import numpy as np
from geobench_antipode import Antipode

from geobench import Context, Labelled, Rows, distance_km, geo
from geobench.testing import parametrize_with_checks


@parametrize_with_checks([Antipode])
def test_it_conforms(subject, check):
    check(subject)


def test_it_finds_places_that_are_linear_in_the_features():
    rng = np.random.default_rng(0)
    places = geo.uniform(300, rng)
    turned = geo.unit_vectors(places) @ np.linalg.qr(rng.standard_normal((3, 3))).Q
    photos = Labelled(np.arange(300).astype(str), places, pooled=Rows([turned + 5]))
    method, context = Antipode(Antipode.Config(penalty=1e-6)), Context(seed=0)
    method.fit(photos.take(np.arange(200)), photos.take(np.arange(200, 250)), context)
    answers = method.predict(photos.take(np.arange(250, 300)), context).point()
    assert distance_km(answers, places[250:]).max() < 1


def test_the_spread_is_that_of_the_validation_photos():
    rng = np.random.default_rng(0)
    scattered = geo.destination(np.array([10.0, 20.0]), rng.uniform(0, 360, 2000), 500.0)
    photos = Labelled(np.arange(2000).astype(str), scattered, pooled=Rows([np.zeros((2000, 1))]))
    method, context = Antipode(), Context(seed=0)
    method.fit(photos, photos, context)
    # All are 500 km away: the likeliest standard deviation per axis is 500 / sqrt 2.
    assert abs(context.facts["spread"].value / (500 / np.sqrt(2)) - 1) < 0.05


def test_where_the_regression_points_nowhere_it_answers_with_a_training_place():
    places = np.array([[0.0, 0.0], [0.0, -180.0]])
    photos = Labelled(np.array(["a", "b"]), places, pooled=Rows([np.zeros((2, 1))]))
    method, context = Antipode(), Context(seed=0)
    method.fit(photos, photos, context)
    answers = method.predict(photos, context).point()
    assert np.allclose(answers, places[0])
