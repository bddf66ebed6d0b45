"""perf/location_probes.py reads off a place what is there to be read, and no more."""

from pathlib import Path

import numpy as np
import pytest

from geobench import Assignment, Dataset, Part, Table, geo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def probes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "perf")
    import location_probes

    return location_probes


class Towns(Dataset):
    """Places all over the Earth, with a class and a number that their unit vectors give away."""

    name = "towns"

    def load(self):
        rng = np.random.default_rng(0)
        points = _even(900, rng)
        xyz = geo.unit_vectors(points)
        ids = np.array([str(k) for k in range(900)])
        attributes = {
            "scene": np.where(xyz[:, 2] > 0.2, "north", np.where(xyz[:, 0] > 0, "near", "far")),
            "continent": rng.choice(["a", "b"], 900),
            "population": 10 ** (6 + xyz[:, 1]),
        }
        return Table(ids=ids, points=points, groups=ids, attributes=attributes)


def _even(count, rng):
    latitudes = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    return np.stack([latitudes, rng.uniform(-180, 180, count)], axis=1)


@pytest.fixture
def drawn():
    dataset, rows = Towns(), np.arange(900)
    named = zip(("train", "val", "test"), np.split(rows, [600, 750]), strict=True)
    train, val, test = (Part.of(name, dataset, own) for name, own in named)
    return Assignment(train, val, (test,))


def test_harmonics_are_orthonormal_and_obey_the_addition_theorem(probes):
    nodes, weights = np.polynomial.legendre.leggauss(12)
    longitudes = np.linspace(-180, 180, 24, endpoint=False)
    grid = np.stack(np.meshgrid(np.degrees(np.arcsin(nodes)), longitudes, indexing="ij"), -1)
    area = np.repeat(weights, 24) * 2 * np.pi / 24
    found = probes.harmonics(grid.reshape(-1, 2), degree=5)
    assert found.shape == (288, 36)
    np.testing.assert_allclose(found.T @ (area[:, None] * found), np.eye(36), atol=1e-12)
    np.testing.assert_allclose((found**2).sum(axis=1), 36 / (4 * np.pi))


def test_what_a_place_gives_away_is_read_off_it(probes, drawn):
    number, scene, nothing = (
        float(probes.probed(task, drawn, geo.unit_vectors)["test"].mean()) for task in probes.TASKS
    )
    assert number > 0.999
    assert scene > 0.9
    assert 0.35 < nothing < 0.65


def test_the_penalty_is_chosen_on_validation(probes, drawn):
    def noise(points):
        return np.random.default_rng(len(points)).normal(size=(len(points), 400))

    task = probes.TASKS[0]
    assert -0.1 < probes.probed(task, drawn, noise)["test"].mean() < 0.05


def test_a_row_says_what_training_adds(probes, drawn):
    sets = {
        probes.TRAINED: [geo.unit_vectors] * 3,
        probes.RANDOM: [lambda points: np.zeros((len(points), 2))] * 3,
    }
    rows = probes.table_rows("random", drawn, sets)
    assert [row[:4] for row in rows[:2]] == [
        ["log population, R2", "random/test", probes.TRAINED, "3"],
        ["log population, R2", "random/test", probes.RANDOM, "2"],
    ]
    assert rows[0][5].startswith("1.0")
    assert rows[1][5] == ""
