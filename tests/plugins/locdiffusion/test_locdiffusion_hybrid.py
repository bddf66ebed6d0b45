"""Which places of a gallery may answer, and which of them does."""

from types import SimpleNamespace

import numpy as np
import pytest

from geobench import Cells, Context, EqualAreaGrid, Examples, Floored, geo
from geobench_locdiffusion.hybrid import LocDiffusionHybrid, LocDiffusionHybridConfig, padded
from geobench_locdiffusion.restriction import Restriction, likeliest_cells

GRID = EqualAreaGrid(24)


def cells_of(masses):
    with np.errstate(divide="ignore"):
        return Cells(GRID, np.log(masses))


def random_masses(photos, seed=0):
    shares = np.random.default_rng(seed).gamma(0.1, size=(photos, len(GRID)))
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("mass", [0.3, 0.9, 1.0])
def test_the_likeliest_cells_are_the_fewest_that_hold_the_mass(mass):
    masses = random_masses(4)
    taken = likeliest_cells(cells_of(masses), mass)
    for row, own in zip(masses, taken, strict=True):
        assert row[own].sum() >= mass - 1e-9
        assert row[own].min() >= row[~own].max(initial=0)
        assert row[own].sum() - row[own].min() <= mass


def test_a_place_is_allowed_near_the_centre_of_a_likely_cell_or_in_it():
    gallery = geo.uniform(300, np.random.default_rng(1))
    cells = cells_of(random_masses(3))
    found = Restriction(gallery, GRID, radius_km=500).allowed(cells, 0.5)
    likely = likeliest_cells(cells, 0.5)
    apart = geo.distance_km(gallery[:, None], GRID.centres[None])
    for row, own in zip(found, likely, strict=True):
        expected = (apart[:, own] <= 500).any(axis=1) | own[GRID.assign(gallery)]
        np.testing.assert_array_equal(row, expected)


def test_short_rows_of_candidates_end_with_their_first():
    allowed = np.array([[0, 1, 0, 1, 1], [0, 0, 1, 0, 0], [1, 0, 0, 0, 1]], bool)
    np.testing.assert_array_equal(padded(allowed), [[1, 3, 4], [2, 2, 2], [0, 4, 0]])


class _Diffusion:
    """Puts all mass into one cell of each photo, and answers at its centre."""

    cells = GRID

    def __init__(self, chosen):
        self.chosen = chosen

    def predict(self, examples, context):
        masses = np.full((len(examples), len(GRID)), 1e-12)
        masses[np.arange(len(examples)), self.chosen[: len(examples)]] = 1
        return Floored(cells_of(masses / masses.sum(axis=1, keepdims=True)), 0.1)


class _Retriever:
    """A photo called "late" likes late places of its gallery, any other early ones."""

    def __init__(self, gallery):
        self._gallery = gallery

    def gallery(self):
        return self._gallery

    def similarity(self, examples, places, context):
        every = np.broadcast_to(places, (len(examples), places.shape[-1]))
        return np.where(examples.ids[:, None] == "late", 1.0, -1.0) * every


def hybrid(chosen, gallery, radius_km):
    config = LocDiffusionHybridConfig.model_construct(
        diffusion=None, retriever=None, mass=0.5, radius_km=radius_km
    )
    method = LocDiffusionHybrid(config)
    parts = iter([_Diffusion(chosen), _Retriever(gallery)])
    method.restore({}, None, SimpleNamespace(component=lambda reference: next(parts)))
    return method


@pytest.mark.parametrize("pairs", [1, 1000])
def test_the_most_similar_place_near_the_mass_answers_or_the_mode_where_none_is(pairs, monkeypatch):
    monkeypatch.setattr("geobench_locdiffusion.hybrid._PAIRS", pairs)
    chosen = np.array([40, 200, 333])
    centres = GRID.centres[chosen]
    near = geo.destination(centres[:, None], [[0.0, 90.0]], [[100.0, 150.0]])  # two of each
    gallery = np.concatenate([near[[0, 2], 0], near[[0, 2], 1]])  # none of the second photo
    method = hybrid(chosen, gallery, radius_km=200)
    examples = Examples(ids=np.array(["late", "none", "early"]))
    said = method.predict(examples, Context(seed=0))
    np.testing.assert_allclose(said.point(), [near[0, 1], centres[1], near[2, 0]])
    alone = _Diffusion(chosen).predict(examples, None)
    there = geo.uniform((3, 20), np.random.default_rng(0))
    np.testing.assert_allclose(said.log_prob(there), alone.log_prob(there))
