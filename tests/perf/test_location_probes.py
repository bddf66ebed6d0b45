"""perf/location_probes.py reads off a place what is there to be read, and no more."""

import sys
from dataclasses import replace
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
    x = probes.embedded(drawn, geo.unit_vectors)
    number, scene, nothing = (
        float(probes.probed(task, drawn, x)["test"].mean()) for task in probes.TASKS
    )
    assert number > 0.999
    assert scene > 0.9
    assert 0.35 < nothing < 0.65


def test_the_penalty_is_chosen_on_validation(probes, drawn):
    rng = np.random.default_rng(0)
    noise = {part.name: rng.normal(size=(len(part), 400)) for part in drawn.all_parts}
    task = probes.TASKS[0]
    honest = probes.probed(task, drawn, noise)["test"].mean()
    assert -0.1 < honest < 0.05
    # Of validation photos whose features are those of training, the weakest penalty is best.
    told = replace(drawn, val=replace(drawn.train, name="val"))
    overfitted = probes.probed(task, told, noise | {"val": noise["train"]})["test"].mean()
    assert overfitted < honest - 0.5


def test_features_are_standardised_by_those_of_training(probes, drawn):
    x = probes.embedded(drawn, lambda points: 5 + 3 * points)
    np.testing.assert_allclose(x["train"].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x["train"].std(axis=0), 1)
    expected = (drawn.val.points - drawn.train.points.mean(axis=0)) / drawn.train.points.std(axis=0)
    np.testing.assert_allclose(x["val"], expected)


def test_a_row_says_what_training_adds(probes, drawn):
    sets = [
        probes.FeatureSet(name="known", makers=[geo.unit_vectors] * 3, less="nothing"),
        probes.FeatureSet(name="nothing", makers=[lambda points: np.zeros((len(points), 2))] * 3),
    ]
    rows = probes.table_rows(drawn, sets, split="random")
    assert [row[:4] for row in rows[:2]] == [
        ["log population, R2", "random/test", "known", "3"],
        ["log population, R2", "random/test", "nothing", "2"],
    ]
    assert rows[0][5].startswith("1.0")
    assert rows[1][5] == ""


def test_what_is_not_trained_is_a_sentence(probes, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sys, "argv", ["location_probes.py", "--workspace", str(tmp_path)])
    monkeypatch.chdir(ROOT)
    assert probes.main() == 2
    assert "geobench run" in caplog.text
