"""Predictions, against scipy, closed forms, numerical integration and counts of draws."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import chisquare, kstest

from geobench import (
    Atoms,
    Cells,
    Density,
    Drawn,
    EqualAreaGrid,
    Floored,
    LazyDensity,
    PredictionError,
    Sampled,
    VonMisesFisherMixture,
    distance_km,
    geo,
    predictions,
)
from known_densities import LOG_UNIFORM, cells_prediction, rng


def test_the_heaviest_atom_is_the_answer():
    points = geo.uniform((4, 5), rng())
    weights = rng(1).random((4, 5))
    atoms = Atoms(points, weights)
    np.testing.assert_array_equal(atoms.point(), points[np.arange(4), weights.argmax(axis=1)])
    np.testing.assert_allclose(atoms.weights.sum(axis=1), 1)
    assert len(atoms) == 4


def test_of_equally_heavy_atoms_the_densest_is_the_answer():
    points = np.array(
        [[[0, 0], [50, 50], [50.1, 50], [50.05, 50]], [[9, 9], [0, 1], [0, 1], [5, 5]]]
    )
    assert Atoms(points).point().tolist() == [[50.05, 50], [0, 1]]
    assert Atoms(points, np.full((1, 4), 0.3)).point().tolist() == [[50.05, 50], [0, 1]]
    uneven = Atoms(points, [[1, 1, 1, 1], [2, 1, 1, 1]])
    assert uneven.point().tolist() == [[50.05, 50], [9, 9]]


def test_atoms_are_drawn_as_often_as_they_are_heavy():
    points = geo.uniform((3, 4), rng())
    weights = np.array([[1, 2, 3, 4], [0, 1, 0, 1], [5, 0, 0, 0]])
    drawn = Atoms(points, weights).sample(20_000, rng(2))
    assert drawn.shape == (3, 20_000, 2)
    for row in range(3):
        counts = (drawn[row, :, None] == points[row]).all(-1).sum(0)
        assert counts.sum() == 20_000
        assert (counts[weights[row] == 0] == 0).all()
        inside = weights[row] > 0
        expected = 20_000 * weights[row][inside] / weights[row].sum()
        assert inside.sum() == 1 or chisquare(counts[inside], expected).pvalue > 1e-3


def test_shared_atoms_answer_every_photo():
    points = geo.uniform((1, 6), rng())
    shared = Atoms(points, count=1000)
    assert len(shared) == 1000
    assert shared.point().shape == (1000, 2)
    counts = (shared.sample(30, rng(3))[..., None, :] == points[0]).all(-1).sum((0, 1))
    assert chisquare(counts).pvalue > 1e-3
    weighted = Atoms(points, rng().random((3, 6)))
    assert len(weighted) == 3
    assert (weighted.point() == points[0][weighted.weights.argmax(axis=1)]).all()


def test_draws_of_different_photos_are_independent():
    drawn = Atoms([[[0, 0], [0, 90]]], count=40_000).sample(2, rng(4))[..., 1] > 0
    table = np.bincount(2 * drawn[:, 0] + drawn[:, 1], minlength=4)
    assert chisquare(table).pvalue > 1e-3
    neighbours = np.bincount(2 * drawn[::2, 0] + drawn[1::2, 0], minlength=4)
    assert chisquare(neighbours).pvalue > 1e-3


def draw_indices(indices, n, rng):
    """Photo i's draws lie on parallel i."""
    lon = rng.uniform(-180, 180, (len(indices), n))
    return np.stack([np.broadcast_to(indices[:, None], lon.shape), lon], axis=-1)


def index_density(indices, points):
    return np.asarray(indices[:, None] + 0 * points[..., 0])


def lazy(kind, answers):
    if kind == "sampled":
        return Sampled(answers, draw_indices)
    return LazyDensity(answers, draw_indices, index_density)


@pytest.mark.parametrize("kind", ["sampled", "lazy"])
def test_photos_taken_twice_are_still_themselves(kind):
    answers = geo.uniform(20, rng())
    prediction = lazy(kind, answers)
    assert (prediction.sample(3, rng())[..., 0] == np.arange(20)[:, None]).all()
    chosen = prediction.take(np.array([3, 17, 4, 4, 9]))
    again = chosen.take(np.array([1, 3]))
    assert (len(prediction), len(chosen), len(again)) == (20, 5, 2)
    np.testing.assert_array_equal(again.point(), answers[[17, 4]])
    np.testing.assert_array_equal(again.sample(5, rng())[..., 0], [[17] * 5, [4] * 5])
    if isinstance(again, LazyDensity):
        np.testing.assert_array_equal(again.log_prob(np.zeros((1, 3, 2))), [[17] * 3, [4] * 3])
        np.testing.assert_array_equal(again.log_prob(np.zeros((2, 3, 2))), [[17] * 3, [4] * 3])


@pytest.mark.parametrize("kind", ["sampled", "lazy"])
def test_an_answer_can_be_changed_without_changing_the_prediction(kind):
    prediction = lazy(kind, geo.uniform(3, rng()))
    before = prediction.point()
    prediction.point()[:] = 0
    np.testing.assert_array_equal(prediction.point(), before)


def with_density(indices, n, rng):
    """The draws of `draw_indices`, and minus one more than the photo's number at each."""
    points = draw_indices(indices, n, rng)
    return Drawn(points, np.asarray(-1.0 - indices[:, None] + 0 * points[..., 0]))


def test_a_density_that_comes_with_the_draws_is_not_asked_for_again():
    def forbidden(indices, points):
        raise AssertionError("the density was asked for")

    answers = geo.uniform(9, rng())
    prediction = LazyDensity(answers, draw_indices, forbidden, draw_with_log_prob=with_density)
    assert prediction.density_comes_with_draws
    taken = prediction.take(np.array([4, 4, 8])).take(np.array([1, 2]))
    drawn = taken.sample_and_log_prob(3, rng())
    assert drawn.log_prob.tolist() == [[-5] * 3, [-9] * 3]
    np.testing.assert_array_equal(drawn.points, taken.sample(3, rng()))


def test_a_floor_asks_anew_only_for_the_draws_that_it_replaced():
    asked = []

    def log_prob(indices, points):
        asked.append(points.shape[:2])
        return index_density(indices, points)

    answers = geo.uniform(50, rng())
    density = LazyDensity(answers, draw_indices, log_prob, draw_with_log_prob=with_density)
    floored = Floored(density, 0.3)
    drawn = floored.sample_and_log_prob(8, rng(3))
    on_parallel = drawn.points[..., 0] == np.arange(50)[:, None]
    assert sum(photos * points for photos, points in asked) == (~on_parallel).sum() > 50
    assert len(asked) <= 8
    own = np.where(on_parallel, -1.0 - np.arange(50)[:, None], np.arange(50)[:, None])
    np.testing.assert_array_equal(drawn.log_prob, Floored.mix(own, 0.3))
    np.testing.assert_array_equal(drawn.points, floored.sample(8, rng(3)))


def test_as_many_log_densities_as_points_come_with_the_draws():
    bad = LazyDensity(
        [[0, 0]],
        draw_indices,
        index_density,
        draw_with_log_prob=lambda indices, n, rng: (np.zeros((1, n, 2)), np.zeros(n)),
    )
    with pytest.raises(PredictionError, match=r"log-densities \(3,\) of points \(1, 3, 2\)"):
        bad.sample_and_log_prob(3, rng())


def test_draws_off_the_globe_are_an_error():
    bad = Sampled([[0, 0]], lambda indices, n, rng: np.full((1, n, 2), 95.0))
    with pytest.raises(PredictionError, match="samples: latitude 95"):
        bad.sample(2, rng())


def test_cells_integrate_to_one():
    prediction = cells_prediction()
    centres = prediction.partition.centres[None]
    masses = np.exp(prediction.log_prob(centres)) * prediction.partition.areas
    np.testing.assert_allclose(masses.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(masses, np.exp(prediction.log_masses), rtol=1e-12)
    drawn = np.exp(prediction.log_prob(geo.uniform((1, 200_000), rng(6)))) * 4 * np.pi
    error = drawn.std(axis=1) / np.sqrt(drawn.shape[1])
    assert (np.abs(drawn.mean(axis=1) - 1) < 4 * error).all()


def test_cells_are_drawn_as_often_as_they_are_likely():
    prediction = cells_prediction()
    drawn = prediction.partition.assign(prediction.sample(30_000, rng(7)))
    for row, log_masses in zip(drawn, prediction.log_masses, strict=True):
        counts = np.bincount(row, minlength=len(prediction.partition))
        assert chisquare(counts, 30_000 * np.exp(log_masses)).pvalue > 1e-3


def test_the_answer_is_the_centre_of_the_likeliest_cell_or_what_is_given():
    prediction = cells_prediction()
    best = prediction.log_masses.argmax(axis=1)
    np.testing.assert_array_equal(prediction.point(), prediction.partition.centres[best])
    given = Cells(prediction.partition, prediction.log_masses, [[1.0, 2.0]])
    assert given.point().tolist() == [[1, 2]] * 3
    assert given.take(np.array([2])).point().tolist() == [[1, 2]]


def test_shared_cells_broadcast():
    one = cells_prediction(count=1)
    shared = Cells(one.partition, one.log_masses, count=500)
    points = geo.uniform((500, 3), rng(8))
    np.testing.assert_array_equal(
        shared.log_prob(points), one.log_prob(points.reshape(1, -1, 2)).reshape(500, 3)
    )
    assert shared.log_prob(points[:1]).shape == (500, 3)
    assert shared.sample(2, rng()).shape == (500, 2, 2)
    assert len(shared.take(np.array([1, 400]))) == 2


def test_a_cell_of_no_mass_has_a_density_of_zero_and_is_never_drawn():
    grid = EqualAreaGrid(3)
    log_masses = np.full((1, len(grid)), -np.inf)
    log_masses[0, [2, 5]] = np.log(0.5)
    prediction = Cells(grid, log_masses)
    assert prediction.log_prob(grid.centres[None, [0]])[0, 0] == -np.inf
    drawn = grid.assign(prediction.sample(1000, rng()))
    assert set(np.unique(drawn)) == {2, 5}


@pytest.mark.parametrize("wrong", [0.0, 900.0, np.nan, np.inf])
def test_masses_that_do_not_sum_to_one_are_an_error_that_names_the_photo(wrong):
    good = cells_prediction()
    log_masses = good.log_masses.copy()
    log_masses[1, 3] = wrong
    with pytest.raises(PredictionError, match=r"cells of photo 1 have a total probability of"):
        Cells(good.partition, log_masses)


def test_masses_of_the_wrong_number_of_cells_are_an_error():
    grid = EqualAreaGrid(3)
    for wrong in (np.zeros((2, len(grid) + 1)), np.zeros(len(grid))):
        with pytest.raises(PredictionError, match=rf"not \(N, {len(grid)} cells\)"):
            Cells(grid, wrong)


def test_masses_in_single_precision_are_normalised_exactly():
    good = cells_prediction()
    rough = Cells(good.partition, good.log_masses.astype(np.float32))
    np.testing.assert_allclose(np.exp(rough.log_masses).sum(axis=1), 1, rtol=1e-14)


@pytest.mark.parametrize("shift", [0.0, 800.0, -800.0])
def test_logits_are_the_masses_of_their_softmax_and_kept_in_single_precision(shift):
    good = cells_prediction()
    logits = (good.log_masses + shift).astype(np.float32)
    made = Cells(good.partition, logits, normalised=False)
    np.testing.assert_allclose(np.exp(made.log_masses).sum(axis=1), 1, rtol=1e-13)
    np.testing.assert_allclose(made.log_masses, good.log_masses, atol=1e-4)
    points = geo.uniform((1, 50), rng(9))
    np.testing.assert_allclose(made.log_prob(points), good.log_prob(points), atol=1e-4)
    taken = made.take(np.array([2, 0])).log_prob(points)
    np.testing.assert_array_equal(taken, made.log_prob(points)[[2, 0]])


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_an_error_that_names_the_photo(wrong):
    good = cells_prediction()
    logits = good.log_masses + 5
    logits[1, 3] = wrong
    with pytest.raises(PredictionError, match="largest logit of photo 1 is no finite number"):
        Cells(good.partition, logits, normalised=False)


def test_draws_answers_and_masses_of_cells_are_the_same_however_few_photos_are_held(monkeypatch):
    grid = EqualAreaGrid(6)
    masses = np.log(rng(3).dirichlet(np.ones(len(grid)), size=31))
    whole = Cells(grid, masses)
    monkeypatch.setattr(predictions, "_HELD", 4 * len(grid))
    blocks = Cells(grid, masses)
    np.testing.assert_array_equal(whole.log_masses, blocks.log_masses)
    np.testing.assert_array_equal(whole.point(), blocks.point())
    monkeypatch.undo()
    drawn = whole.sample(500, rng(4))
    monkeypatch.setattr(predictions, "_HELD", 4 * len(grid))
    np.testing.assert_array_equal(drawn, blocks.sample(500, rng(4)))


def test_a_floored_density_is_the_mixture_that_it_says():
    density = VonMisesFisherMixture(geo.uniform((4, 1), rng()), 1e5)
    points = np.concatenate([geo.uniform((4, 5), rng(1)), density.means], axis=1)
    floored = Floored(density, 0.2)
    expected = np.log(0.8 * np.exp(density.log_prob(points)) + 0.2 / (4 * np.pi))
    np.testing.assert_allclose(floored.log_prob(points), expected, rtol=1e-12)
    np.testing.assert_array_equal(floored.point(), density.point())
    np.testing.assert_allclose(
        floored.take(np.array([2, 0])).log_prob(points[[2, 0]]), expected[[2, 0]], rtol=1e-12
    )
    everything = Floored(density, 1.0)
    np.testing.assert_allclose(everything.log_prob(points), LOG_UNIFORM)


def test_a_density_of_zero_is_floored_without_a_warning():
    grid = EqualAreaGrid(3)
    log_masses = np.full((1, len(grid)), -np.inf)
    log_masses[0, 0] = 0
    floored = Floored(Cells(grid, log_masses), 0.01)
    found = floored.log_prob(grid.centres[None, -1:])[0, 0]
    assert found == pytest.approx(np.log(0.01) + LOG_UNIFORM)


def test_a_floors_share_of_the_draws_is_uniform():
    density = VonMisesFisherMixture([[[30.0, 40.0]]], 1e6, count=50)
    drawn = Floored(density, 0.3).sample(1000, rng(5))
    far = distance_km(drawn, [30.0, 40.0]) > 50
    assert far.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / far.size))
    sine, turn = np.sin(np.deg2rad(drawn[far][:, 0])), drawn[far][:, 1]
    assert kstest(sine, "uniform", args=(-1, 2)).pvalue > 1e-3
    assert kstest(turn, "uniform", args=(-180, 360)).pvalue > 1e-3


@pytest.mark.parametrize("seed", range(6))
def test_the_fitted_share_is_the_maximum_of_the_likelihood(seed):
    log_p = rng(seed).normal(LOG_UNIFORM + 1, 3, 200)

    def cost(share):
        return -float(np.log((1 - share) * np.exp(log_p) + share / (4 * np.pi)).mean())

    best = minimize_scalar(cost, bounds=(0, 1), method="bounded", options={"xatol": 1e-12}).x
    assert Floored.fit(log_p) == pytest.approx((200 * best + 0.5) / 201, abs=1e-6)


def test_the_fitted_share_at_its_bounds():
    half = 0.5 / 101
    assert Floored.fit(np.full(100, 5.0)) == pytest.approx(half)
    assert Floored.fit(np.full(100, -5.0)) == pytest.approx(1 - half)
    assert Floored.fit(np.full(100, -np.inf)) == pytest.approx(1 - half)
    assert Floored.fit(np.full(100, 1e6)) == pytest.approx(half)
    assert Floored.fit(np.full(100, LOG_UNIFORM)) == pytest.approx(half)
    assert Floored.fit([]) == 0.5
    # A share of s exactly never hit and the others infinitely sure: the share is s.
    mixed = np.concatenate([np.full(30, -np.inf), np.full(70, 1e6)])
    assert Floored.fit(mixed) == pytest.approx((100 * 0.3 + 0.5) / 101)
    assert Floored.fit(np.full(100_000, -np.inf)) == pytest.approx(1, abs=1e-5)


def test_a_share_fitted_to_draws_of_a_floored_density_is_its_share():
    density = VonMisesFisherMixture([[[30.0, 40.0]]], 1e4, count=5000)
    truths = Floored(density, 0.15).sample(1, rng(6))
    assert Floored.fit(density.log_prob(truths)) == pytest.approx(0.15, abs=0.02)


def test_nan_among_the_log_densities_is_an_error():
    with pytest.raises(PredictionError, match="NaN"):
        Floored.fit([0.0, np.nan])


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, np.nan])
def test_a_share_that_is_none_is_an_error(share):
    with pytest.raises(PredictionError, match=r"outside \(0, 1\]"):
        Floored(VonMisesFisherMixture([[[0, 0]]], 1.0), share)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_mixed_log_density_is_that_of_the_floored_density(share):
    mixed = Floored.mix([0.0, -np.inf, 600.0], share)
    rest = np.log1p(-share) if share < 1 else -np.inf
    floor = np.log(share) + LOG_UNIFORM
    np.testing.assert_allclose(mixed, np.logaddexp([rest, -np.inf, 600 + rest], floor))


def known(indices, n, rng):
    points = draw_indices(indices, n, rng)
    return Drawn(points, index_density(indices, points))


def test_draws_are_the_same_with_their_log_densities():
    densities = [each for each in everything(6) if isinstance(each, Density)]
    assert {type(each) for each in densities} == {
        Cells,
        Floored,
        LazyDensity,
        VonMisesFisherMixture,
    }
    for density in densities:
        drawn = density.sample_and_log_prob(5, rng(2))
        np.testing.assert_array_equal(drawn.points, density.sample(5, rng(2)))
        np.testing.assert_allclose(drawn.log_prob, density.log_prob(drawn.points), rtol=1e-12)
        rest = density.sample_and_log_prob(0, rng())
        assert (rest.points.shape, rest.log_prob.shape) == ((6, 0, 2), (6, 0))


def everything(count):
    answers = geo.uniform(count, rng())
    cells = cells_prediction(count=count)
    mixture = VonMisesFisherMixture(geo.uniform((count, 3), rng()), 9.0)
    return [
        Atoms(geo.uniform((count, 3), rng())),
        Atoms(geo.uniform((count, 4), rng()), np.ones((1, 4))),
        Sampled(answers, draw_indices),
        LazyDensity(answers, draw_indices, index_density),
        LazyDensity(answers, draw_indices, index_density, draw_with_log_prob=known),
        cells,
        mixture,
        VonMisesFisherMixture(geo.uniform((1, 3), rng()), np.full((count, 3), 9.0)),
        Floored(mixture, 0.5),
        Floored(cells, 0.5),
        Floored(LazyDensity(answers, draw_indices, index_density, draw_with_log_prob=known), 0.5),
    ]


def test_shapes_are_those_of_the_contract():
    for prediction in everything(6):
        assert len(prediction) == 6
        assert prediction.point().shape == (6, 2)
        assert prediction.sample(4, rng()).shape == (6, 4, 2)
        assert prediction.sample(0, rng()).shape == (6, 0, 2)
        if isinstance(prediction, Density):
            assert prediction.log_prob(np.zeros((1, 5, 2))).shape == (6, 5)
            assert prediction.log_prob(np.zeros((6, 5, 2))).shape == (6, 5)


def test_taking_no_photos_gives_a_prediction_of_none():
    for prediction in everything(6):
        none = prediction.take(np.array([], dtype=np.intp))
        assert len(none) == 0
        assert none.point().shape == (0, 2)
        assert none.sample(4, rng()).shape == (0, 4, 2)


def test_the_same_generator_gives_the_same_draws():
    for one, two in zip(everything(5), everything(5), strict=True):
        np.testing.assert_array_equal(one.sample(7, rng(9)), two.sample(7, rng(9)))


def test_taken_photos_keep_their_answers():
    some = np.array([3, 1, 3])
    for prediction in everything(6):
        np.testing.assert_array_equal(prediction.take(some).point(), prediction.point()[some])


def test_density_queries_of_a_wrong_shape_are_an_error():
    for prediction in everything(6):
        if isinstance(prediction, Density):
            for shape in ((6, 2), (5, 1, 2), (6, 1, 3)):
                with pytest.raises(
                    PredictionError, match=r"log_prob needs points \(6 or 1, m, 2\)"
                ):
                    prediction.log_prob(np.zeros(shape))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Atoms(np.zeros((4, 2))), r"atoms have shape \(4, 2\), not \(N, K, 2\)"),
        (lambda: Atoms(np.zeros((4, 3, 3))), r"atoms have shape"),
        (lambda: Atoms(np.zeros((4, 0, 2))), "not all zero"),
        (lambda: Atoms(np.zeros((4, 3, 2)), np.ones(3)), r"weights have shape \(3,\)"),
        (lambda: Atoms(np.zeros((4, 3, 2)), np.ones((4, 2))), r"weights have shape \(4, 2\)"),
        (lambda: Atoms(np.zeros((4, 3, 2)), np.ones((3, 3))), r"arrays are of \[3, 4\] photos"),
        (lambda: Atoms(np.zeros((4, 3, 2)), count=5), r"arrays are of \[4\] photos where 5"),
        (lambda: Atoms(np.zeros((1, 2, 2)), [[-1, 2]]), "finite, not negative"),
        (lambda: Atoms(np.zeros((1, 2, 2)), [[np.nan, 2]]), "finite, not negative"),
        (lambda: Atoms(np.zeros((1, 2, 2)), [[0, 0]]), "not all zero"),
        (lambda: Atoms([[[np.nan, 0]]]), "atoms: 1 of 1 are not finite"),
        (lambda: Sampled(np.zeros((4, 1, 2)), draw_indices), r"answers have shape \(4, 1, 2\)"),
        (lambda: LazyDensity([[95, 0]], draw_indices, index_density), "answers: latitude 95"),
        (lambda: VonMisesFisherMixture(np.zeros((4, 2)), 1.0), r"means have shape \(4, 2\)"),
        (lambda: VonMisesFisherMixture(np.zeros((4, 3, 2)), -1.0), "concentrations must be"),
        (lambda: VonMisesFisherMixture(np.zeros((4, 3, 2)), np.inf), "concentrations must be"),
        (lambda: VonMisesFisherMixture(np.zeros((4, 3, 2)), np.ones(2)), r"concentrations are \(2"),
        (lambda: VonMisesFisherMixture(np.zeros((4, 3, 2)), np.ones((4, 1, 3))), "concentrations"),
        (lambda: VonMisesFisherMixture(np.zeros((4, 3, 2)), np.ones((2, 3))), "arrays are of"),
        (lambda: VonMisesFisherMixture(np.zeros((4, 3, 2)), 1.0, [[1, 1]]), "mixture weights"),
        (lambda: VonMisesFisherMixture(np.zeros((4, 3, 2)), 1.0, point=[0, 0]), "answers have"),
    ],
)
def test_wrong_shapes_and_values_are_errors_that_name_them(make, says):
    with pytest.raises(PredictionError, match=says):
        make()
