"""From raw codes to a density on cells, and its exponent and floor."""

import numpy as np
import torch
from scipy.special import log_softmax, logsumexp

from geobench import Cells, EqualAreaGrid, Floored, geo
from geobench_locdiffusion.codes import encode
from geobench_locdiffusion.density import EXPONENTS, CellLogits, Sharpened
from geobench_locdiffusion.sampling import Codes

DEGREE, SHARPNESS = 7, 10.0


def codes_of(photos=3, samples=4, degree=DEGREE, seed=0):
    rng = torch.Generator().manual_seed(seed)
    raw = 3 * torch.randn(photos, samples, (degree + 1) ** 2, generator=rng)
    return Codes(np.arange(photos), raw, raw)


def logits_of(rows=24, degree=DEGREE):
    scale = SHARPNESS / (degree + 1) ** 2
    return CellLogits(rows, degree=degree, scale=scale, device="cpu")


def test_a_density_is_the_mean_over_codes_of_what_each_says_on_even_cells():
    codes, cells = codes_of(), logits_of()
    harmonics = encode(cells.grid.centres, DEGREE, dtype=torch.float64).numpy()
    said = SHARPNESS * codes.raw.double().numpy() @ harmonics.T / (DEGREE + 1) ** 2
    for exponent in (0.5, 2.0):
        each = log_softmax(exponent * said, axis=-1)
        expected = logsumexp(each, axis=1) - np.log(4)
        np.testing.assert_allclose(cells.log_masses(codes, exponent), expected, atol=1e-4)


def test_a_density_is_normalised_on_one_grid_and_integrates_to_one_on_another():
    codes, cells = codes_of(), logits_of(rows=60)
    density = Cells(cells.grid, cells.log_masses(codes, 1.0))
    other = EqualAreaGrid(143)
    there = np.exp(density.log_prob(other.centres[None]))
    np.testing.assert_allclose(there @ other.areas, 1, atol=0.01)


def test_the_log_density_at_a_truth_is_that_of_the_prediction_there():
    codes, cells = codes_of(photos=5), logits_of()
    truths = geo.uniform(5, np.random.default_rng(2))
    found = cells.at_truths(codes, truths, EXPONENTS)
    for number, exponent in enumerate(EXPONENTS):
        density = Cells(cells.grid, cells.log_masses(codes, exponent))
        np.testing.assert_allclose(
            found[number], density.log_prob(truths[:, None])[:, 0], atol=1e-4
        )


def test_exponent_and_floor_are_the_likeliest_on_validation():
    rng = np.random.default_rng(4)
    at_truths = rng.normal(-2, 2, size=(len(EXPONENTS), 50))
    at_truths[3] += 3
    fitted = Sharpened.fit(at_truths)
    assert fitted == Sharpened(EXPONENTS[3], Floored.fit(at_truths[3]))
