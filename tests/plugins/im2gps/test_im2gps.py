"""The plugin geobench_im2gps as a whole: what it registers, keeps, reports and reaches."""

import subprocess
import sys

import numpy as np
import pytest

from geobench import Context, DataError, Labelled, NotFittedError
from geobench.toy_planet import ToyPlanet, ToyPlanetConfig
from geobench_im2gps import register_encoders, register_methods
from geobench_im2gps.encoder import Im2gpsEncoder
from geobench_im2gps.method import Im2gpsConfig, Im2gpsMethod
from regions_with_looks import asked, fitted, nothing, photos, planet


def test_the_plugin_registers_one_encoder_and_one_method():
    assert list(register_encoders()) == [Im2gpsEncoder]
    assert list(register_methods()) == [Im2gpsMethod]
    assert Im2gpsEncoder.describe().startswith("Classical features")


def test_importing_the_plugin_loads_nothing_heavy():
    code = (
        "import sys, geobench_im2gps; "
        "print(sorted({'skimage', 'scipy', 'faiss', 'torch', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_answer_does_not_depend_on_the_batch_that_the_photo_came_in():
    train, test = planet(2000, 0), planet(600, 2)
    method, context = fitted(train, planet(200, 1)), Context(seed=0)
    together = method.predict(asked(test), context)
    log_p = together.log_prob(test.points[:, None])[:, 0]
    for photo in range(0, 600, 23):
        row = np.array([photo])
        alone = method.predict(asked(test).take(row), context)
        np.testing.assert_allclose(alone.point()[0], together.point()[photo], atol=1e-6)
        own = alone.log_prob(test.points[row][:, None])[0, 0]
        assert own == pytest.approx(log_p[photo], abs=1e-6)


def test_a_restored_method_answers_byte_for_byte_and_its_state_is_three_numbers():
    train, test = planet(300, 0), planet(40, 2)
    method, context = fitted(train, planet(60, 1), k=9), Context(seed=0)
    state = method.state()
    assert {name: array.shape for name, array in state.items()} == {
        "temperature": (),
        "concentration": (),
        "share": (),
    }
    again = Im2gpsMethod(method.config)
    again.restore(state, train, context)
    before, after = (m.predict(asked(test), context) for m in (method, again))
    np.testing.assert_array_equal(before.point(), after.point())
    np.testing.assert_array_equal(
        before.log_prob(test.points[:, None]), after.log_prob(test.points[:, None])
    )
    draws = [p.sample(5, np.random.default_rng(0)) for p in (before, after)]
    np.testing.assert_array_equal(draws[0], draws[1])


def test_what_was_fitted_is_among_the_facts():
    context = Context(seed=0)
    method = Im2gpsMethod(Im2gpsConfig(k=500))
    method.fit(planet(120, 0), planet(50, 1), context)
    assert context.facts["neighbours"].value == 120
    assert context.facts["concentration"].value == float(method.state()["concentration"])
    assert context.facts["concentration"].unit == "per squared radian"
    assert 0 < context.facts["floor share"].value < 1


def test_a_method_that_was_not_fitted_or_got_no_features_says_so():
    train = planet(5, 0)
    with pytest.raises(NotFittedError, match="before it is fitted or restored"):
        Im2gpsMethod().gallery()
    with pytest.raises(NotFittedError, match="before it is fitted or restored"):
        Im2gpsMethod().state()
    with pytest.raises(DataError, match=r"without pooled features.*encoder"):
        fitted(Labelled(train.ids, train.points), nothing(train))


def test_on_the_toy_planet_it_beats_the_uniform_by_far():
    dataset = ToyPlanet(ToyPlanetConfig(photos=900))
    rows = np.arange(900)
    pooled = dataset.features(rows).pooled
    assert pooled is not None
    everything = photos(pooled, dataset.table.points)
    train, val, test = (everything.take(part) for part in np.split(rows, [600, 700]))
    prediction = fitted(train, val).predict(asked(test), Context(seed=0))
    assert prediction.log_prob(test.points[:, None]).mean() > -2.5310 + 0.8
