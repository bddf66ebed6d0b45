"""geoclip recovers distributions that are known, and embeds a gallery once."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax

from geobench import Context, Floored, Gallery, Labelled, VonMisesFisherMixture, geo
from geobench_geoclip import embedding, gallery
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.method import UNFITTED_KM, GeoClip
from regions_with_looks import asked, photos, planet

QUICK = {
    "k": 32,
    "scales": (1.0, 4.0),
    "frequencies": 32,
    "location_hidden": (64,),
    "image_hidden": (64,),
    "width": 32,
    "dropout": 0.0,
    "queue": 256,
    "steps": 200,
    "batch": 128,
    "learning_rate": 5e-3,
}


def fitted(train, val, context=None, **config):
    method = GeoClip(GeoClipConfig(**{**QUICK, **config}))
    method.fit(train, val, context or Context(seed=0))
    return method


def two_regions(count, seed):
    """Photos of three looks; each look's photos lie in two regions, in known shares."""
    rng = np.random.default_rng(seed)
    centres = np.array([[50.0, 10.0], [-30.0, 140.0], [5.0, -70.0], [-40.0, -20.0]])
    shares = np.array([[0.7, 0.3, 0, 0], [0, 0.2, 0.8, 0], [0, 0, 0.5, 0.5]])
    look = rng.integers(3, size=count)
    region = np.array([rng.choice(4, p=shares[each]) for each in look])
    means = centres[region][:, None]
    points = VonMisesFisherMixture(means, [[3000.0]]).sample(1, rng)[:, 0]
    features = np.eye(3)[look] + 0.05 * rng.standard_normal((count, 3))
    return photos(features, points, f"two-{seed}"), look, centres, shares


def test_the_mass_of_every_region_is_the_share_of_the_photos_that_look_so():
    train, *_ = two_regions(600, 0)
    val, *_ = two_regions(100, 1)
    test, look, centres, shares = two_regions(150, 2)
    method = fitted(train, val, k=600, steps=300, evaluations=2)
    draws = method.predict(asked(test), Context(seed=0)).sample(200, np.random.default_rng(0))
    nearest = geo.distance_km(draws[:, :, None], centres).argmin(axis=-1)
    near = geo.distance_km(draws[:, :, None], centres).min(axis=-1) < 1000
    for kind in range(3):
        of_kind = nearest[look == kind][near[look == kind]]
        found = np.bincount(of_kind, minlength=4) / len(of_kind)
        np.testing.assert_allclose(found, shares[kind], atol=0.08)


def test_what_it_says_of_new_photos_is_nearly_as_likely_as_the_truth_allows():
    train, val, test = planet(800, 0), planet(150, 1), planet(300, 2)
    prediction = fitted(train, val, k=100, steps=300, evaluations=2).predict(
        asked(test), Context(seed=0)
    )
    found = prediction.log_prob(test.points[:, None]).mean()
    # The regions of `planet` are von Mises-Fisher of concentration 2,000, told apart by features.
    best = np.log(2000 / (2 * np.pi)) - 1
    assert best - 0.35 < found < best + 0.1


def test_weights_are_the_softmax_of_the_most_similar_places_and_the_answer_is_the_best():
    train, val, test = planet(300, 0), planet(60, 1), planet(20, 2)
    method = fitted(train, val, k=5)
    prediction = method.predict(asked(test), Context(seed=0))
    cosine = method.similarity(asked(test), np.arange(300), Context(seed=0))
    order = np.argsort(-cosine, axis=1)[:, :5]
    np.testing.assert_array_equal(prediction.point(), train.points[order[:, 0]])
    temperature = method._network.temperature
    weights = softmax(np.take_along_axis(cosine, order, axis=1) / temperature, axis=1)
    state = method.state()
    mixture = VonMisesFisherMixture(train.points[order], [[float(state["concentration"])]], weights)
    expected = Floored(mixture, float(state["share"]))
    places = np.broadcast_to(train.points[None, :50], (20, 50, 2))
    np.testing.assert_allclose(
        prediction.log_prob(places), expected.log_prob(places), rtol=1e-9, atol=1e-9
    )


def test_the_tail_that_the_density_leaves_out_is_that_of_the_softmax_over_the_gallery(monkeypatch):
    monkeypatch.setattr(embedding, "_LOGITS", 700)  # two photos at once
    rng = np.random.default_rng(0)
    photo, place = (
        (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        for rows in (rng.standard_normal((9, 6)), rng.standard_normal((300, 6)))
    )
    cosine = photo.astype(np.float64) @ place.T
    top = np.argsort(-cosine, axis=1)[:, :20]
    found = embedding.tail_masses(photo, place, top, scale=12.0)
    masses = softmax(12.0 * cosine, axis=1)
    expected = 1 - np.take_along_axis(masses, top, axis=1).sum(axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_facts_tell_the_gallery_and_what_was_fitted():
    context = Context(seed=0)
    fitted(planet(300, 0), planet(60, 1), context, k=5, gallery=Gallery(source="both", rows=10))
    facts = context.facts
    assert facts["places of the gallery"].value == 300 + len(
        Gallery(source="grid", rows=10).fixed()
    )
    assert 0 < facts["probability left out of the density"].value < 1
    assert {"temperature", "concentration", "floor share"} <= set(facts)


@pytest.mark.parametrize("source", ["grid", "both"])
def test_with_a_grid_it_can_answer_where_nobody_has_trained(source):
    train, val, test = planet(300, 0), planet(60, 1), planet(20, 2)
    method = fitted(train, val, gallery=Gallery(source=source, rows=40))
    answers = method.predict(asked(test), Context(seed=0)).point()
    apart = geo.Places(method.gallery()).nearest(answers).distance_km
    np.testing.assert_allclose(apart, 0, atol=1e-6)
    assert len(method.gallery()) == len(method.places(train))
    assert np.median(geo.distance_km(answers, test.points)) < 600


def test_a_gallery_is_embedded_once_for_the_same_weights_and_places(tmp_path, monkeypatch):
    train, val, test = planet(300, 0), planet(60, 1), planet(20, 2)
    context = Context(seed=0, cache_root=tmp_path, method="geoclip", fit_key="a" * 64)
    method = fitted(train, val, context, steps=20)
    state, answers = method.state(), method.predict(asked(test), context).point()

    def refuse(*_, **__):
        raise AssertionError("the gallery is embedded again")

    with monkeypatch.context() as patched:
        patched.setattr(gallery, "of_places", refuse)
        again = GeoClip(method.config)
        again.restore(state, train, context)
        np.testing.assert_array_equal(again.predict(asked(test), context).point(), answers)
    fitted(train, val, replace(context, seed=1, facts={}), steps=20)
    elsewhere = GeoClip(
        method.config.model_copy(update={"gallery": Gallery(source="grid", rows=9)})
    )
    elsewhere.restore(state, train, context)  # the same weights, other places
    found = elsewhere.predict(asked(test), context).point()
    nearest = geo.Places(elsewhere.places(train)).nearest(found).distance_km
    np.testing.assert_allclose(nearest, 0, atol=1e-6)
    kept = [path for path in (tmp_path / "geoclip/shared").iterdir() if path.is_dir()]
    assert len(kept) == 3


def test_the_index_of_a_quick_search_is_kept_too(tmp_path, monkeypatch):
    train, val, test = planet(300, 0), planet(60, 1), planet(20, 2)
    context = Context(seed=0, cache_root=tmp_path, method="geoclip", fit_key="a" * 64)
    method = fitted(train, val, context, steps=20, search="lists", k=3)

    def refuse(*_):
        raise AssertionError("the index is made again")

    monkeypatch.setattr(gallery, "candidate_index", refuse)
    again = GeoClip(method.config)
    again.restore(method.state(), train, context)
    answers = (each.predict(asked(test), context).point() for each in (method, again))
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("search", ["half", "lists"])
def test_a_quicker_search_finds_the_same_places_and_says_how_many_it_misses(search):
    train, val, test = planet(600, 0), planet(60, 1), planet(20, 2)
    exact = fitted(train, val, steps=40)
    context = Context(seed=0)
    quick = fitted(train, val, context, steps=40, search=search, probes=1000)
    assert context.facts["recall of the search"].value == 1.0
    found, expected = (m.predict(asked(test), Context(seed=0)) for m in (quick, exact))
    np.testing.assert_array_equal(found.point(), expected.point())
    places = test.points[:, None]
    np.testing.assert_allclose(found.log_prob(places), expected.log_prob(places), rtol=1e-9)
    missing = Context(seed=0)
    fitted(train, val, missing, steps=40, search="lists", probes=1, k=3)
    assert 0 < missing.facts["recall of the search"].value < 1


def test_the_state_holds_the_network_and_no_gallery():
    method = fitted(
        planet(300, 0), planet(60, 1), steps=20, gallery=Gallery(source="grid", rows=100)
    )
    state = method.state()
    assert sum(array.nbytes for array in state.values()) < 150_000
    assert not any("queue" in name for name in state)


def test_without_validation_photos_kernels_have_the_documented_width(caplog):
    train = planet(200, 0)
    nobody = Labelled(train.ids[:0], train.points[:0])  # as in a run: without features, too
    with caplog.at_level(logging.WARNING):
        method = fitted(train, nobody, steps=20)
    state = method.state()
    assert float(state["concentration"]) == pytest.approx(float(geo.concentration_of(UNFITTED_KM)))
    assert float(state["share"]) == 0.5
    assert "no validation photo" in caplog.text


def test_k_beyond_the_gallery_takes_all_of_it():
    train, val = planet(20, 0), planet(10, 1)
    prediction = fitted(train, val, k=500, steps=20).predict(asked(val), Context(seed=0))
    assert np.isfinite(prediction.log_prob(val.points[:, None])).all()


def test_the_paper_has_the_parameters_of_the_released_package():
    config = GeoClip.Config(**GeoClip.presets["paper"])
    from geobench_geoclip.network import GeoClipNetwork

    with torch.device("meta"):
        network = GeoClipNetwork(768, config)
    count = sum(p.numel() for p in network.parameters())
    capsule = 512 * 1024 + 1024 + 2 * (1024**2 + 1024) + 1024 * 512 + 512
    image = 768 * 768 + 768 + 768 * 512 + 512
    assert count == 3 * capsule + image + 1
