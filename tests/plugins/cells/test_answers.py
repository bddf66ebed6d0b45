"""From probabilities of cells to densities and answers."""

import numpy as np
import pytest

from geobench import geo
from geobench_cells import AdaptiveS2, Answering, answers, likeliest

PLACES = np.array([[0.0, 0.0], [0.0, 60.0], [0.0, 62.0], [50.0, -100.0]])
MASSES = np.log([[0.4, 0.3, 0.25, 0.05], [0.01, 0.01, 0.01, 0.97]])


def answering(rule, top_k=3):
    partition = AdaptiveS2.fit(np.repeat(PLACES, 2, axis=0), max_photos=2)
    return Answering(partition, partition.assign(PLACES), PLACES, rule, top_k, 300.0)


def test_rules_answer_with_the_best_cell_the_mean_or_the_densest_place():
    def points(rule, top_k):
        return answering(rule, top_k).points(MASSES)

    np.testing.assert_array_equal(points("cell", 1), PLACES[[0, 3]])
    np.testing.assert_array_equal(points("densest", 3), PLACES[[1, 3]])
    np.testing.assert_allclose(points("mean-of-top-k", 1), PLACES[[0, 3]], atol=1e-12)
    expected = geo.mean_point(PLACES[:2], np.array([0.4, 0.3]))
    np.testing.assert_allclose(points("mean-of-top-k", 2)[0], expected, atol=1e-9)


@pytest.mark.parametrize("rule", ["cell", "mean-of-top-k", "densest"])
def test_places_of_each_photo_are_chosen_among_as_those_of_classes_are(rule):
    own = answering(rule, top_k=3)
    top = likeliest(MASSES, 3)
    weights = np.exp(np.take_along_axis(MASSES, top, axis=-1))
    np.testing.assert_array_equal(own.among(PLACES[top], weights), own.points(MASSES))


def test_answers_do_not_depend_on_how_many_are_worked_out_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    masses = np.log(rng.dirichlet(np.ones(4), 50))
    whole = answering("densest").points(masses)
    monkeypatch.setattr(answers, "_TRIPLES", 3 * 9)
    np.testing.assert_array_equal(answering("densest").points(masses), whole)


def test_cells_that_are_no_class_have_no_mass():
    own = answering("cell")
    prediction = own.prediction(MASSES)
    inside = own.partition.centres
    density = np.exp(prediction.log_prob(inside[None]))
    expected = np.zeros_like(density)
    expected[:, own.cells] = np.exp(MASSES) / own.partition.areas[own.cells]
    assert len(own.partition) > len(own.cells)
    np.testing.assert_allclose(density, expected, rtol=1e-9)
    np.testing.assert_array_equal(prediction.point(), PLACES[[0, 3]])


def test_log_densities_at_points_are_those_of_the_prediction():
    own = answering("cell")
    points = np.array([[0.0, 60.0], [-80.0, 10.0]])
    found = own.log_densities(MASSES, points)
    np.testing.assert_array_equal(found, own.prediction(MASSES).log_prob(points[:, None])[:, 0])
    assert np.isfinite(found[0])
    assert found[1] == -np.inf


@pytest.mark.parametrize("count", [1, 2, 7, 40, 41, 100])
def test_the_likeliest_are_the_first_of_a_whole_stable_sort(count):
    rng = np.random.default_rng(count)
    masses = rng.integers(0, 9, (200, 41)).astype(float)  # nine values: many are equal
    masses[0], masses[1, :40] = 3.0, -np.inf
    expected = np.argsort(-masses, axis=-1, kind="stable")[:, :count]
    np.testing.assert_array_equal(likeliest(masses, count), expected)
    assert likeliest(masses[:0], count).shape == (0, min(count, 41))
