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
    """Likes places the more, the later they come in its gallery."""

    def __init__(self, gallery):
        self._gallery = gallery

    def gallery(self):
        return self._gallery

    def similarity(self, examples, places, context):
        return np.broadcast_to(places, (len(examples), places.shape[-1])).astype(float)


def hybrid(chosen, gallery, radius_km):
    config = LocDiffusionHybridConfig.model_construct(
        diffusion=None, retriever=None, mass=0.5, radius_km=radius_km
    )
    method = LocDiffusionHybrid(config)
    parts = iter([_Diffusion(chosen), _Retriever(gallery)])
    method.restore({}, None, SimpleNamespace(component=lambda reference: next(parts)))
    return method


def test_the_most_similar_place_near_the_mass_answers_and_the_density_stays():
    chosen = np.array([40, 333])
    centres = GRID.centres[chosen]
    near = geo.destination(centres[:, None], [[0.0, 90.0]], [[100.0, 150.0]])  # two of each
    far = geo.destination(centres, 0.0, 5000.0)
    gallery = np.concatenate([near[:, 0], near[:, 1], far])
    method = hybrid(chosen, gallery, radius_km=200)
    examples = Examples(ids=np.array(["a", "b"]))
    said = method.predict(examples, Context(seed=0))
    np.testing.assert_allclose(said.point(), near[:, 1])
    alone = _Diffusion(chosen).predict(examples, None)
    there = geo.uniform((2, 20), np.random.default_rng(0))
    np.testing.assert_allclose(said.log_prob(there), alone.log_prob(there))


def test_where_no_place_is_near_the_mode_answers():
    chosen = np.array([40])
    gallery = geo.destination(GRID.centres[chosen], 0.0, 5000.0)
    said = hybrid(chosen, gallery, radius_km=200).predict(
        Examples(ids=np.array(["a"])), Context(seed=0)
    )
    np.testing.assert_allclose(said.point(), GRID.centres[chosen])
