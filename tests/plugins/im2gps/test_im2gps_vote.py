"""The vote of im2gps: which place answers, of training photos and of a gallery."""

import numpy as np
import pytest
from scipy.stats import vonmises_fisher

from geobench import Context, Gallery, geo
from geobench_im2gps.method import Im2gpsMethod
from regions_with_looks import asked, fitted, photos, planet


def test_the_answer_is_a_training_place_and_the_densest_among_the_neighbours():
    train, test = planet(500, 0), asked(planet(20, 2))
    method = fitted(train, planet(100, 1), k=15, bandwidth_km=300.0)
    answers = method.predict(test, Context(seed=0)).point()
    gallery, everything = method.gallery(), np.tile(np.arange(500), (20, 1))
    similarity = method.similarity(test, everything, Context(seed=0))
    temperature = float(method.state()["temperature"])
    for row in range(20):
        nearest = np.argsort(-similarity[row])[:15]
        votes = np.exp((similarity[row][nearest] - similarity[row].max()) / temperature)
        apart = geo.distance_km(gallery[nearest][:, None], gallery[nearest])
        kernel = np.exp(geo.concentration_of(300.0) * (np.cos(apart / 6371.0088) - 1))
        best = nearest[(kernel * votes).sum(axis=1).argmax()]
        np.testing.assert_array_equal(answers[row], gallery[best])


@pytest.mark.parametrize("votes", ["similarity", "equal"])
@pytest.mark.parametrize("source", ["grid", "both"])
@pytest.mark.parametrize(("rows", "bandwidth"), [(40, 300.0), (12, 40.0), (40, 2500.0)])
def test_the_answer_from_a_grid_is_the_place_of_which_most_weight_lies_around(
    source, votes, rows, bandwidth
):
    train, test = planet(500, 0), asked(planet(60, 2))
    gallery = Gallery(source=source, rows=rows)
    config = {"k": 15, "bandwidth_km": bandwidth, "votes": votes}
    method = fitted(train, planet(100, 1), gallery=gallery, **config)
    assert method.gallery_source == gallery
    answers = method.predict(test, Context(seed=0)).point()
    near = method._search(test, 15)
    weights = np.ones((60, 15)) if votes == "equal" else method._kernel.weights(near.similarity)
    grid = gallery.places(np.empty((0, 2)))
    bandwidth = max(bandwidth, np.pi * 6371.0088 / rows / 2)
    for row in range(60):
        voters = train.points[near.index[row]]
        electable = np.concatenate([voters, grid]) if source == "both" else grid
        apart = geo.distance_km(electable[:, None], voters)
        kernel = np.exp(geo.concentration_of(bandwidth) * (np.cos(apart / 6371.0088) - 1))
        best = (kernel * weights[row]).sum(axis=1)
        chosen = geo.distance_km(electable, answers[row]).argmin()
        assert geo.distance_km(electable[chosen], answers[row]) < 1e-3
        # Beyond four bandwidths a kernel counts as nothing.
        assert best[chosen] >= best.max() - 15 * np.exp(-8.0)


@pytest.mark.parametrize("source", ["grid", "both"])
@pytest.mark.parametrize("rows", [2, 7, 30])
def test_a_kernel_narrower_than_the_grid_still_elects_a_place_near_the_voters(source, rows):
    train, test = planet(200, 0), asked(planet(40, 2))
    gallery = Gallery(source=source, rows=rows)
    method = fitted(train, planet(40, 1), k=1, bandwidth_km=1.0, gallery=gallery)
    together = method.predict(test, Context(seed=0)).point()
    voters = fitted(train, planet(40, 1), k=1).predict(test, Context(seed=0)).point()
    if source == "both":
        np.testing.assert_array_equal(together, voters)
    else:
        nearest = geo.Places(gallery.fixed()).nearest(voters)
        np.testing.assert_allclose(geo.distance_km(together, voters), nearest.distance_km)
    for photo in range(0, 40, 5):
        alone = method.predict(test.take(np.array([photo])), Context(seed=0)).point()
        np.testing.assert_array_equal(alone[0], together[photo])


def test_with_a_fine_grid_photos_are_elected_a_few_at_a_time(monkeypatch):
    from geobench_im2gps import vote

    train, test = planet(300, 0), asked(planet(30, 2))
    gallery = Gallery(source="grid", rows=90)
    method = fitted(train, planet(40, 1), k=5, bandwidth_km=200.0, gallery=gallery)
    whole = method.predict(test, Context(seed=0)).point()
    monkeypatch.setattr(vote, "_PAIRS", 1000)
    np.testing.assert_array_equal(method.predict(test, Context(seed=0)).point(), whole)


def test_a_wide_kernel_elects_the_same_by_pairs_and_by_looking_at_all_places(monkeypatch):
    from geobench_im2gps import vote

    train, test = planet(300, 0), asked(planet(40, 2))
    gallery = Gallery(source="grid", rows=60)
    method = fitted(train, planet(40, 1), k=7, bandwidth_km=900.0, gallery=gallery)
    found = []
    for dense in (0.0, 1.0):
        monkeypatch.setattr(vote, "_DENSE", dense)
        found.append(method.predict(test, Context(seed=0)).point())
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("bandwidth", [200.0, 1000.0, 3200.0])
def test_where_all_places_of_a_file_are_out_of_reach_the_nearest_is_elected(tmp_path, bandwidth):
    from geobench_im2gps.vote import Electorate

    np.save(tmp_path / "far.npy", [[0.0, -175.0], [60.0, 180.0], [20.0, -160.0]])
    gallery = Gallery(source="file", file=tmp_path / "far.npy")
    elected = Electorate(gallery, bandwidth_km=bandwidth).elect(
        np.zeros((1, 3, 2)), np.ones((1, 3))
    )
    np.testing.assert_allclose(geo.distance_km(elected.places, [[60.0, 180.0]]), 0, atol=1e-6)


def test_with_a_grid_answers_leave_the_training_places_and_the_density_stays():
    train, val, test = planet(500, 0), planet(100, 1), planet(60, 2)
    gallery = Gallery(source="both", rows=300)
    plain, wider = fitted(train, val, k=15), fitted(train, val, k=15, gallery=gallery)
    before, after = (m.predict(asked(test), Context(seed=0)) for m in (plain, wider))
    at = test.points[:, None]
    np.testing.assert_array_equal(before.log_prob(at), after.log_prob(at))
    away = geo.Places(plain.gallery()).nearest(after.point()).distance_km
    assert (away > 1).mean() > 0.5
    error = [geo.distance_km(p.point(), test.points).mean() for p in (before, after)]
    assert error[1] < 1.1 * error[0]
    assert len(wider.gallery()) == 500 + len(gallery.fixed())


def test_similarity_to_places_of_a_grid_is_the_density_of_the_votes_there():
    train, test = planet(300, 0), asked(planet(5, 2))
    gallery = Gallery(source="both", rows=30)
    method = fitted(train, planet(60, 1), k=6, bandwidth_km=500.0, gallery=gallery)
    places = np.random.default_rng(0).integers(len(method.gallery()), size=(5, 40))
    found = method.similarity(test, places, Context(seed=0))
    near = method._search(test, 6)
    weights = method._kernel.weights(near.similarity)
    concentration = float(geo.concentration_of(500.0))
    for row in range(5):
        density = sum(
            weight
            * vonmises_fisher(geo.unit_vectors(method.gallery()[voter]), concentration).pdf(
                geo.unit_vectors(method.gallery()[places[row]])
            )
            for weight, voter in zip(weights[row], near.index[row], strict=True)
        )
        inside = density > 1e-250
        np.testing.assert_allclose(found[row][inside], np.log(density[inside]), rtol=1e-6)
    assert np.isfinite(found).all()


def test_the_preset_of_the_paper_counts_neighbours_and_does_not_weigh_them():
    preset = Im2gpsMethod.presets["paper"]
    assert preset["k"] == 120
    features = np.array([[0.0], [1.0], [1.1], [1.2]])
    points = np.array([[50.0, 10.0], [-30.0, 20.0], [-30.0, 20.1], [-30.0, 20.2]])
    train, val = photos(features, points), photos(features[:1], points[:1], "val")
    test = photos(np.zeros((1, 1)), name="test")
    weighed = fitted(train, val).predict(test, Context(seed=0)).point()
    counted = fitted(train, val, **preset).predict(test, Context(seed=0)).point()
    np.testing.assert_array_equal(weighed, [[50.0, 10.0]])
    np.testing.assert_array_equal(counted, [[-30.0, 20.1]])
