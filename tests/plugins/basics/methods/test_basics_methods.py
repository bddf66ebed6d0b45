"""The method uniform against closed forms, and what the plugin registers."""

import numpy as np

from geobench import Context, Examples, Labelled, distance_km
from geobench_basics.methods.uniform import UniformMethod

NONE = Labelled(np.empty(0, "U1"), np.empty((0, 2)))


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
            "stated-confidence",
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
