"""What all methods that choose among cells do alike, on places that their pictures give away."""

import numpy as np
import pytest

from geobench import Context, EqualAreaGrid, Floored, Labelled, NotFittedError, StoreError, geo
from geobench_grid.hierarchical import HierarchicalGrid
from geobench_grid.hybrid import HybridGrid
from photos_of_towns import METHODS, TOWNS, coded, fitted, photos, small

pytest.importorskip("torch")

methods = pytest.mark.parametrize("method", METHODS, ids=lambda each: each.name)
KINDS = {
    "s2": {"partition": "s2", "max_photos": 60},
    "quadtree": {"partition": "quadtree", "max_photos": 20},
    "healpix": {"partition": "healpix", "depth": 3},
    "k-means": {"partition": "k-means", "cells": 20},
}
kinds = pytest.mark.parametrize("kind", KINDS)


def answer(method, count=50, seed=2, *, blurred=0.1):
    test = photos(count, seed, blurred=blurred)
    return method.predict(test.unlabelled(), Context(seed=0))


def places(count=40):
    return geo.uniform((1, count), np.random.default_rng(0))


@methods
@kinds
def test_photos_of_known_towns_are_found(method, kind):
    context = Context(seed=0)
    made = fitted(method, context=context, **KINDS[kind])
    said, test = answer(made, 200), photos(200, 2)
    assert isinstance(said, Floored)
    assert np.median(geo.distance_km(said.point(), test.points)) < 100
    uniform = -np.log(4 * np.pi)
    assert said.log_prob(test.points[:, None]).mean() > uniform + 2
    assert context.facts["classes"].value <= context.facts["cells"].value
    assert context.facts["floor share"].value == float(made.state()["share"])
    assert context.facts["parameters"].value == sum(
        array.size
        for name, array in made.state().items()
        if name.startswith("network.") and "standardise" not in name
    )


@methods
@kinds
def test_a_restored_method_answers_as_the_fitted_one(method, kind, tmp_path):
    changes = KINDS[kind] | {"average": True, "soft_labels_km": 200, "point": "densest"}
    made = fitted(method, **changes)
    np.savez(tmp_path / "state.npz", **made.state())
    again = method(small(method, **changes))
    with np.load(tmp_path / "state.npz") as stored:
        again.restore(dict(stored), photos(400), Context(seed=0))
    one, two = answer(made, blurred=0.5), answer(again, blurred=0.5)
    assert one.point().tobytes() == two.point().tobytes()
    assert one.log_prob(places()).tobytes() == two.log_prob(places()).tobytes()
    draws = [each.sample(5, np.random.default_rng(0)).tobytes() for each in (one, two)]
    assert draws[0] == draws[1]
    kept, kept_again = made.state(), again.state()
    assert {name: a.tobytes() for name, a in kept.items()} == {
        name: a.tobytes() for name, a in kept_again.items()
    }


@methods
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(method):
    states = [fitted(method, context=Context(seed=seed)).state() for seed in (0, 0, 1)]
    first, second, other = (b"".join(s[k].tobytes() for k in sorted(s)) for s in states)
    assert first == second
    assert first != other


@methods
@pytest.mark.parametrize("rule", ["cell", "mean-of-top-k", "densest"])
def test_every_rule_finds_known_towns(method, rule):
    said = answer(fitted(method, partition="s2", point=rule, top_k=3), 200)
    assert np.median(geo.distance_km(said.point(), photos(200, 2).points)) < 150


@methods
def test_without_validation_the_share_is_a_half_and_the_log_says_so(method, caplog):
    made = fitted(method, val=photos(10, 1).take(np.arange(0)))
    assert "no validation photo" in caplog.text
    assert made.state()["share"] == 0.5
    assert answer(made, 5).share == 0.5


@methods
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("soft_labels_km", [None, 50.0])
def test_a_few_training_photos_are_enough(method, count, soft_labels_km):
    made = fitted(
        method,
        train=photos(count),
        val=photos(1, 1),
        max_photos=1,
        soft_labels_km=soft_labels_km,
    )
    assert np.isfinite(answer(made, 4).log_prob(places())).all()


@methods
@kinds
@pytest.mark.parametrize("place", [(48.9, 2.4), (90.0, 0.0), (-90.0, 77.0), (12.0, -180.0)])
def test_photos_of_a_single_place_are_answered_with_it(method, kind, place):
    def taken(count, seed):
        return coded(np.tile([place], (count, 1)), np.zeros(count, int), seed)

    # More photos than a cell may hold: it is split as far as it can be.
    finer = {"s2": {"max_level": 20}, "quadtree": {"max_level": 20}, "healpix": {"depth": 6}}
    changes = KINDS[kind] | finer.get(kind, {}) | {"hidden": (8,)}
    if "max_photos" in changes:
        changes["max_photos"] = 7
    made = fitted(method, train=taken(70, 0), val=taken(20, 1), **changes)
    said = made.predict(taken(5, 2).unlabelled(), Context(seed=0))
    away = geo.distance_km(said.point(), place).max()
    partition = made._answering.partition
    (area,) = partition.areas[partition.assign(np.array([place]))]
    # An offset is right to a tenth of its cell, which may be the whole sphere of a quadtree.
    assert away < (0.1 * np.sqrt(area) * geo.EARTH_RADIUS_KM if method is HybridGrid else 1e-3)
    assert np.isfinite(said.log_prob(places())).all()
    # A quadtree has a single cell where all photos are at the south pole.
    assert (said.log_prob(np.array([[place]])) > -np.log(4 * np.pi) - 1e-9).all()


@methods
def test_no_photo_to_answer_is_no_prediction(method):
    said = answer(fitted(method), 0)
    assert len(said) == 0
    assert said.point().shape == (0, 2)


@methods
def test_photos_of_a_cell_that_is_no_class_are_counted_and_take_another_label(method):
    far = np.array([[-75.0, 0.0], [-75.1, 0.1]])
    train = photos(300)
    points = np.concatenate([far, train.points[2:]])
    lonely = Labelled(train.ids, points, pooled=train.pooled)
    context = Context(seed=0)
    made = fitted(method, train=lonely, context=context, partition="s2")
    assert context.facts["photos labelled with another cell"].value >= 2
    said = answer(made, 3)
    floor = np.log(said.share) - np.log(4 * np.pi)
    np.testing.assert_allclose(said.log_prob(far[None]), floor, atol=1e-6)


@methods
@pytest.mark.parametrize(
    "changes",
    [
        {"partition": "s2", "max_photos": 1, "max_level": 30},
        {"partition": "quadtree", "max_photos": 1, "max_level": 30},
        {"partition": "healpix", "depth": 6},
        {"partition": "k-means", "cells": 20_000},
    ],
    ids=lambda changes: changes["partition"],
)
def test_many_cells_and_few_photos_work(method, changes):
    context = Context(seed=0)
    # Repeated places make every adaptive partition split as deep as it may.
    train = photos(25).take(np.repeat(np.arange(25), 2))
    made = fitted(method, train=train, context=context, min_photos=1, **changes)
    if changes["partition"] == "healpix":
        assert context.facts["cells"].value > 20_000
    assert context.facts["classes"].value <= 25
    said = answer(made, 100)
    near = geo.distance_km(said.point()[:, None], TOWNS).min(axis=1)
    assert np.median(near) < 500
    assert np.isfinite(said.log_prob(places())).all()


@methods
def test_log_densities_that_the_floor_is_fitted_to_are_those_of_the_prediction(method):
    made, test = fitted(method), photos(60, 2, blurred=0.6)
    # First, since the width of the hybrid's kernels is fitted to these very photos.
    found = made._at_truths(made._network, test, Context(seed=0))
    said = made.predict(test.unlabelled(), Context(seed=0))
    np.testing.assert_allclose(found, said.density.log_prob(test.points[:, None])[:, 0], atol=1e-6)


@methods
def test_the_density_integrates_to_one_and_agrees_with_its_samples(method):
    made = fitted(method, partition="s2", max_photos=150)
    said = answer(made, 3, blurred=0.6)
    fine = EqualAreaGrid(600)  # cells 33 km wide
    parts = np.array_split(fine.centres, 20)
    heights = np.concatenate([np.exp(said.log_prob(part[None])) for part in parts], axis=1)
    np.testing.assert_allclose(heights @ fine.areas, 1, atol=5e-3)
    coarse = EqualAreaGrid(12)
    cell = coarse.assign(fine.centres)
    drawn = coarse.assign(said.sample(4000, np.random.default_rng(0)))
    for photo in range(3):
        expected = np.bincount(cell, heights[photo] * fine.areas, minlength=len(coarse))
        shares = np.bincount(drawn[photo], minlength=len(coarse)) / 4000
        assert np.abs(shares - expected).max() < 5 * 0.5 / np.sqrt(4000)


def test_without_the_product_the_finest_level_answers_alone():
    both, alone = (fitted(HierarchicalGrid, product=product) for product in (True, False))
    assert both.state()["network.heads.0.weight"].shape[0] == alone._sizes[0]
    masses = [
        made._log_masses(made._network, photos(20, 2, blurred=0.6), Context(seed=0))
        for made in (both, alone)
    ]
    assert masses[0].shape == masses[1].shape
    assert np.abs(masses[0] - masses[1]).max() > 0.1
    for each in masses:
        np.testing.assert_allclose(np.exp(each).sum(axis=1), 1, atol=1e-9)


@methods
def test_asking_before_fitting_is_an_error(method):
    with pytest.raises(NotFittedError, match="before it is fitted"):
        answer(method(small(method)))


@methods
def test_a_state_of_an_earlier_geobench_is_an_error_with_its_remedy(method):
    old = {name: a for name, a in fitted(method).state().items() if name != "ancestors"}
    with pytest.raises(StoreError, match=r"earlier geobench(.|\n)*--force"):
        method(small(method)).restore(old, photos(400), Context(seed=0))


def test_a_partition_of_an_unknown_kind_is_an_error_that_names_it():
    (method, *_) = METHODS
    state = fitted(method).state() | {"partition.kind": np.array("hexagons")}
    with pytest.raises(StoreError, match="'hexagons'"):
        method(small(method)).restore(state, photos(400), Context(seed=0))


@methods
def test_presets_are_valid_configurations(method, tmp_path):
    for preset in method.presets.values():
        method.Config(**preset)
    assert isinstance(method.tiny(tmp_path), method.Config)
