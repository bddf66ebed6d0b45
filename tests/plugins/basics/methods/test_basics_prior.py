"""The method prior against closed forms, and on places where it did not train."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import vonmises_fisher

from drawn_places import Places
from geobench import (
    Context,
    DataError,
    Examples,
    Floored,
    Labelled,
    NotFittedError,
    distance_km,
    geo,
)
from geobench.catalogue import installed
from geobench.predictions import LOG_UNIFORM
from geobench_basics.methods.prior import PriorConfig, PriorMethod

RNG = np.random.default_rng
NONE = Labelled(np.empty(0, "U1"), np.empty((0, 2)))


def examples(points, *, name="photo"):
    ids = np.array([f"{name}-{index}" for index in range(len(points))])
    return Labelled(ids, np.asarray(points, np.float64))


def clusters(count, *, seed, width_km=150.0):
    """Places of a von Mises-Fisher mixture, two thirds of them in Europe."""
    rng = RNG(seed)
    centres = np.array([[48.0, 10.0], [52.0, 20.0], [-33.0, 151.0]])[rng.integers(0, 3, count)]
    kappa = (geo.EARTH_RADIUS_KM / width_km) ** 2
    spread = geo.from_vectors(vonmises_fisher([1.0, 0, 0], kappa).rvs(count, random_state=seed))
    north = geo.destination(centres, 0, spread[:, 0] * 111.2)
    return geo.destination(north, 90, spread[:, 1] * 111.2)


def fitted(train, val, **config):
    context = Context(seed=0)
    method = PriorMethod(PriorConfig(**config))
    method.fit(train, val, context)
    return method, context.facts


def density(train, val, **config):
    """What is said of one photo."""
    return fitted(train, val, **config)[0].predict(Examples(np.array(["a"])), Context(seed=0))


def test_prior_is_a_mixture_of_kernels_and_the_uniform_of_the_weights_that_its_facts_say():
    # So far apart that no two share a cell of the widths.
    train = examples(geo.uniform(12, RNG(3)))
    val = examples(geo.destination(train.points[:8], 45, 150), name="val")
    method, facts = fitted(train, val, bandwidths_km=(50, 150, 400), away_km=1000)
    queries = geo.uniform(50, RNG(2))
    photos = Examples(np.array(["a", "b"]))
    found = method.predict(photos, Context(seed=0)).log_prob(queries[None])
    assert found.shape == (2, 50)
    expected = np.full(50, facts["floor share"].value / (4 * np.pi))
    for width in (50, 150, 400):
        kappa = (geo.EARTH_RADIUS_KM / width) ** 2
        kernels = [
            vonmises_fisher(mean, kappa).pdf(geo.unit_vectors(queries))
            for mean in geo.unit_vectors(train.points)
        ]
        share = facts[f"weight of kernels of {width} km"].value
        expected += share * np.mean(kernels, axis=0)
    np.testing.assert_allclose(found, np.stack([np.log(expected)] * 2), rtol=1e-6)
    assert sum(fact.value for fact in facts.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("split", "parts"),
    [("unseen-cells", ["unseen"]), ("unseen-regions", ["unseen"]), ("density-shift", ["sparse"])],
)
def test_prior_knows_more_than_the_uniform_near_training_and_not_less_away_from_it(split, parts):
    rng = RNG(5)
    towns = geo.uniform(150, rng)
    sizes = rng.geometric(0.03, 150)  # from a few photos to more than a hundred
    points = geo.destination(
        np.repeat(towns, sizes, axis=0),
        rng.uniform(0, 360, sizes.sum()),
        rng.gamma(1, 40, sizes.sum()),
    )
    plugin = installed().find("split", split)
    drawn = plugin(plugin.Config()).assign(Places(points))
    found = density(
        *(Labelled(part.ids, part.points) for part in (drawn.train, drawn.val)), candidates=1
    )
    for part in drawn.parts:
        gain = found.log_prob(part.points[None])[0] - LOG_UNIFORM
        error = gain.std() / np.sqrt(len(np.unique(part.units)))
        assert gain.mean() > (-2 * error if part.name in parts else 1), part.name


def test_prior_does_not_trust_photos_taken_where_another_one_trains():
    train = examples(geo.uniform(300, RNG(0)))
    near = geo.destination(train.points[:40], 45, 200)
    others = examples(near, name="val")
    copies = examples(train.points[40:140], name="copy")
    both = examples(np.concatenate([near, copies.points]), name="val")
    _, facts = fitted(train, copies)
    assert facts["weight of kernels of 25 km"].value == 0
    _, mixed = fitted(train, both)
    _, alone = fitted(train, others)
    assert alone["weight of kernels of 200 km"].value > 0.1
    assert mixed["weight of kernels of 25 km"].value == alone["weight of kernels of 25 km"].value
    # Three km from where another one trains, a photo says that kernels are narrow.
    beside = examples(geo.destination(copies.points, 0, 3), name="val")
    assert fitted(train, beside)[1]["weight of kernels of 25 km"].value > 0.2


def test_the_uniform_weighs_at_least_one_of_n_plus_1_in_prior():
    train, val = examples(clusters(200, seed=0)), examples(clusters(50, seed=1), name="val")
    for count in (1, 2, 50):
        _, facts = fitted(train, val.take(np.arange(count)))
        assert facts["floor share"].value >= 1 / (count + 1) * (1 - 1e-12)


def test_of_many_widths_that_reach_no_photo_one_stays():
    here, there = geo.uniform(20, RNG(1)), geo.uniform(60, RNG(2))
    widths = tuple(range(10, 130, 10))
    _, facts = fitted(examples(here), examples(there, name="val"), bandwidths_km=widths)
    shares = [fact.value for name, fact in facts.items() if name.startswith("weight of kernels")]
    assert sum(shares) == pytest.approx(1 - facts["floor share"].value)
    assert max(shares) > 0


def test_prior_depends_on_no_order_of_photos():
    train, val = examples(clusters(300, seed=0)), examples(clusters(80, seed=1), name="val")
    queries = geo.uniform(50, RNG(0))[None]
    first = density(train, val)
    second = density(train.take(RNG(1).permutation(300)), val.take(RNG(2).permutation(80)))
    np.testing.assert_allclose(second.log_prob(queries), first.log_prob(queries), rtol=1e-9)
    np.testing.assert_allclose(second.point(), first.point())


@pytest.mark.parametrize("point", ["geoscore", "densest", "median"])
def test_prior_s_answer_is_the_best_training_place_by_its_rule(point):
    train, val = examples(clusters(150, seed=0)), examples(clusters(50, seed=1), name="val")
    (answer,) = density(train, val, point=point, bandwidths_km=(200,), away_km=750).point()
    distance = distance_km(train.points[:, None], train.points[None])
    gains = {
        "geoscore": np.exp(-distance / 1492.7),
        "densest": np.exp((geo.EARTH_RADIUS_KM / 200) ** 2 * (np.cos(distance / 6371.0088) - 1)),
        "median": -distance,
    }
    gain = gains[point].mean(axis=1)
    (here,) = np.flatnonzero((train.points == answer).all(axis=1))
    if point == "densest":  # the kernels stand around cells
        assert gain[here] > 0.98 * gain.max()
    else:
        assert here == gain.argmax()


def test_prior_is_restored_from_its_state_and_keeps_to_its_number_of_places():
    train, val = examples(clusters(300, seed=0)), examples(clusters(50, seed=1), name="val")
    method, _ = fitted(train, val, places=100, candidates=20)
    state = method.state()
    assert len(state["positions"]) == 100
    assert sum(array.nbytes for array in state.values()) < 1000
    again = PriorMethod(method.config)
    again.restore(state, train, Context(seed=0))
    queries = geo.uniform(20, RNG(0))[None]
    photos = Examples(np.array(["a", "b", "c"]))
    first, second = (each.predict(photos, Context(seed=0)) for each in (method, again))
    np.testing.assert_array_equal(first.log_prob(queries), second.log_prob(queries))
    np.testing.assert_array_equal(first.point(), second.point())
    assert second.sample(5, RNG(0)).shape == (3, 5, 2)


@pytest.mark.parametrize("count", [1, 3])
def test_prior_trains_on_a_place_or_three(count):
    train = examples(clusters(count, seed=0))
    found = density(train, examples(clusters(5, seed=1), name="val"))
    assert np.isfinite(found.log_prob(geo.uniform(20, RNG(0))[None])).all()


def test_prior_without_validation_falls_back_and_without_training_is_an_error(caplog):
    context = Context(seed=0)
    method = PriorMethod()
    method.fit(examples(clusters(5, seed=0)), NONE, context)
    shares = {name: fact.value for name, fact in context.facts.items()}
    assert shares.pop("floor share") == 0.5
    assert list(shares.values()) == [0.5 / 8] * 8
    assert "no validation photos" in caplog.text
    with pytest.raises(DataError, match="no training places"):
        PriorMethod().fit(NONE, NONE, context)
    with pytest.raises(NotFittedError, match="before it is fitted"):
        PriorMethod().predict(Examples(np.array(["a"])), context)
    assert isinstance(method.predict(Examples(np.array(["a"])), context), Floored)


@pytest.mark.parametrize(
    ("widths", "said"),
    [([], "at least 1"), ([100, 100], "once"), ([5], "10 km or more"), ([np.inf], "10 km or more")],
)
def test_widths_that_kernels_cannot_have_are_refused(widths, said):
    with pytest.raises(ValidationError, match=said):
        PriorConfig(bandwidths_km=widths)
