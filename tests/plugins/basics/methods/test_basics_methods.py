"""The methods uniform and prior against closed forms, and what the plugin registers."""

import numpy as np
import pytest
from scipy.stats import vonmises_fisher

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
from geobench_basics.methods.prior import PriorConfig, PriorMethod
from geobench_basics.methods.uniform import UniformMethod

RNG = np.random.default_rng
NONE = Labelled(np.empty(0, "U1"), np.empty((0, 2)))


def examples(points, *, name="photo"):
    ids = np.array([f"{name}-{index}" for index in range(len(points))])
    return Labelled(ids, np.asarray(points, np.float64))


def unlabelled(ids):
    return Examples(ids=np.asarray(ids))


def restored(method, train):
    again = type(method)(method.config)
    again.restore(method.state(), train, Context(seed=0))
    return again


def test_uniform_is_flat_and_answers_differ_by_photo_and_seed_alone():
    ids = [f"photo-{index}" for index in range(2000)]
    method = UniformMethod()
    method.fit(NONE, NONE, Context(seed=0))
    found = method.predict(unlabelled(ids), Context(seed=0))
    assert len(found) == 2000
    np.testing.assert_allclose(found.log_prob(np.zeros((1, 3, 2))), -np.log(4 * np.pi), rtol=1e-12)
    part = method.predict(unlabelled(ids[700:710]), Context(seed=0))
    np.testing.assert_array_equal(part.point(), found.point()[700:710])
    other = method.predict(unlabelled(ids), Context(seed=1))
    assert distance_km(other.point(), found.point()).mean() > 9000
    # Uniform by area: sine of latitude and longitude are each uniform.
    for values in (np.sin(np.deg2rad(found.point()[:, 0])), found.point()[:, 1] / 180):
        assert abs(values.mean()) < 4 / (3 * 2000) ** 0.5
        assert abs((values**2).mean() - 1 / 3) < 0.03
    again = restored(method, NONE)
    np.testing.assert_array_equal(
        again.predict(unlabelled(ids), Context(seed=0)).point(), found.point()
    )


def clusters(count, *, seed, width_km=150.0):
    """Places of a von Mises-Fisher mixture, two thirds of them in Europe."""
    rng = RNG(seed)
    centres = np.array([[48.0, 10.0], [52.0, 20.0], [-33.0, 151.0]])[rng.integers(0, 3, count)]
    kappa = (geo.EARTH_RADIUS_KM / width_km) ** 2
    spread = geo.from_vectors(vonmises_fisher([1.0, 0, 0], kappa).rvs(count, random_state=seed))
    north = geo.destination(centres, 0, spread[:, 0] * 111.2)
    return geo.destination(north, 90, spread[:, 1] * 111.2)


def fitted_prior(train, val, **config):
    method = PriorMethod(PriorConfig(**config))
    method.fit(train, val, Context(seed=0))
    return method


def test_prior_is_a_kernel_mixture_with_a_floor():
    train, val = examples(clusters(60, seed=0)), examples(clusters(80, seed=1), name="val")
    context = Context(seed=0)
    method = PriorMethod(PriorConfig())
    method.fit(train, val, context)
    bandwidth = context.facts["bandwidth"].value
    share = context.facts["floor share"].value
    queries = geo.uniform(50, RNG(2))
    found = method.predict(unlabelled(["a", "b"]), context).log_prob(queries[None])
    assert found.shape == (2, 50)
    kappa = (geo.EARTH_RADIUS_KM / bandwidth) ** 2
    kernels = [
        vonmises_fisher(mean, kappa).pdf(geo.unit_vectors(queries))
        for mean in geo.unit_vectors(train.points)
    ]
    expected = np.log((1 - share) * np.mean(kernels, axis=0) + share / (4 * np.pi))
    np.testing.assert_allclose(found, np.stack([expected] * 2), rtol=1e-9)


def test_prior_s_bandwidth_is_the_likeliest_on_validation():
    train, val = examples(clusters(400, seed=0)), examples(clusters(300, seed=1), name="val")

    def likelihood(**config):
        density = fitted_prior(train, val, **config).predict(unlabelled(["a"]), Context(seed=0))
        return float(density.log_prob(val.points[None]).mean())

    best = likelihood()
    others = [likelihood(bandwidth_km=width) for width in np.geomspace(5, 3000, 40)]
    assert best > max(others) - 1e-3


def test_prior_does_not_trust_kernels_that_repeated_places_make_too_narrow():
    # Half of the photos share exact places with training; the others are somewhere near.
    places = geo.uniform(30, RNG(0))
    near = geo.destination(places, 45, 60)
    train = examples(np.concatenate([places, places]))
    val = examples(np.concatenate([places[:10], near]), name="val")
    context = Context(seed=0)
    PriorMethod().fit(train, val, context)
    assert 1 <= context.facts["bandwidth"].value < 500
    assert 0 < context.facts["floor share"].value < 1


@pytest.mark.parametrize("point", ["geoscore", "densest", "median"])
def test_prior_s_answer_is_the_best_training_place_by_its_rule(point):
    train, val = examples(clusters(150, seed=0)), examples(clusters(50, seed=1), name="val")
    method = fitted_prior(train, val, point=point, bandwidth_km=200)
    (answer,) = method.predict(unlabelled(["a"]), Context(seed=0)).point()
    distance = distance_km(train.points[:, None], train.points[None])
    gains = {
        "geoscore": np.exp(-distance / 1492.7),
        "densest": np.exp((geo.EARTH_RADIUS_KM / 200) ** 2 * (np.cos(distance / 6371.0088) - 1)),
        "median": -distance,
    }
    np.testing.assert_array_equal(answer, train.points[gains[point].mean(axis=1).argmax()])


def test_prior_is_restored_from_its_state_and_keeps_to_its_number_of_places():
    train, val = examples(clusters(300, seed=0)), examples(clusters(50, seed=1), name="val")
    method = fitted_prior(train, val, places=100, candidates=20)
    state = method.state()
    assert len(state["positions"]) == 100
    assert sum(array.nbytes for array in state.values()) < 1000
    queries = geo.uniform(20, RNG(0))[None]
    first, second = (
        each.predict(unlabelled(["a", "b", "c"]), Context(seed=0))
        for each in (method, restored(method, train))
    )
    np.testing.assert_array_equal(first.log_prob(queries), second.log_prob(queries))
    np.testing.assert_array_equal(first.point(), second.point())
    assert second.sample(5, RNG(0)).shape == (3, 5, 2)


def test_prior_without_validation_falls_back_and_without_training_is_an_error(caplog):
    context = Context(seed=0)
    method = PriorMethod()
    method.fit(examples(clusters(5, seed=0)), NONE, context)
    assert context.facts["bandwidth"].value == 100
    assert context.facts["floor share"].value == 0.5
    assert "no validation photos" in caplog.text
    with pytest.raises(DataError, match="no training places"):
        PriorMethod().fit(NONE, NONE, context)
    with pytest.raises(NotFittedError, match="before it is fitted"):
        PriorMethod().predict(unlabelled(["a"]), context)
    assert isinstance(method.predict(unlabelled(["a"]), context), Floored)


def test_the_plugin_registers_every_component_once_under_its_name():
    import geobench_basics as plugin

    found = {
        "dataset": plugin.register_datasets(),
        "split": plugin.register_splits(),
        "encoder": plugin.register_encoders(),
        "method": plugin.register_methods(),
        "metric": plugin.register_metrics(),
    }
    names = {kind: [c.name for c in classes] for kind, classes in found.items()}
    assert names == {
        "dataset": ["folder", "table"],
        "split": [
            "random",
            "official",
            "by-group",
            "transfer",
            "unseen-cells",
            "unseen-regions",
            "density-shift",
            "temporal",
            "inside",
        ],
        "encoder": ["given"],
        "method": ["uniform", "prior", "predictions"],
        "metric": [
            "distance",
            "accuracy",
            "geoscore",
            "continent-accuracy",
            "country-accuracy",
            "region-accuracy",
            "town-accuracy",
            "energy",
            "energy-chordal",
            "nll",
            "nll-smoothed",
            "calibration",
            "calibration-sampled",
            "sharpness",
            "localizability",
            "risk-coverage",
            "bayes-geoscore",
            "prdc",
        ],
    }


def test_importing_the_plugin_loads_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys, geobench_basics; "
        "print(*{m.split('.')[0] for m in sys.modules} & "
        "{'pandas', 'scipy', 'pyarrow', 'PIL', 'torch', 'sklearn', 'faiss', 'matplotlib'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
