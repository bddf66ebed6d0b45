"""What `map.npz` keeps of single photos: which, their pictures, draws, ways and densities."""

import numpy as np
import pytest

from geobench import (
    Atoms,
    BrokenPicture,
    Cells,
    EqualAreaGrid,
    Floored,
    LazyDensity,
    PredictionError,
    Sampled,
)
from geobench.run import mapping
from geobench.run.cell_densities import solved_cell_log_densities
from walks import Walks, paths


def test_draws_and_trajectories_are_those_that_the_generator_gives_first():
    def even(indices, points):
        return np.full(points.shape[:-1], -np.log(4 * np.pi))

    walk = LazyDensity(np.zeros((2, 2)), lambda *given: paths(*given)[:, :, -1], even, trace=paths)
    shown = mapping.shown(walk, np.random.default_rng(3), photos=2)
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(shown["samples"], walk.sample(mapping.SAMPLES, rng))
    ends = walk.trajectories(mapping.PATHS, rng)[:, :, -1]
    np.testing.assert_array_equal(shown["trajectories"][:, :, -1], ends.astype("f4"))
    solved = solved_cell_log_densities(
        walk, mapping.GRID, rng, draws=mapping.SOLVED_DRAWS, solves=mapping.SOLVES
    )
    np.testing.assert_array_equal(shown["log_density"], solved.astype("f4"))
    no_draws = mapping.GRID.centres[:, 0] > 60  # where they do not lie it is the density alone
    np.testing.assert_allclose(shown["log_density"][:, no_draws], -np.log(4 * np.pi), rtol=1e-6)


def test_half_of_the_photos_are_near_training_and_they_come_in_that_order():
    rng = np.random.default_rng(0)
    ids, novelty = np.array([f"photo-{n}" for n in range(101)]), rng.random(101)
    kept = mapping.chosen(ids, novelty, 6)
    assert (np.diff(novelty[kept]) > 0).all()
    assert (novelty[kept] < np.median(novelty)).tolist() == [True] * 3 + [False] * 3
    assert set(mapping.chosen(ids, novelty, 4)) < set(kept)
    assert sorted(mapping.chosen(ids, novelty, 500)) == list(range(101))
    nowhere = mapping.chosen(ids, np.full(101, np.nan), 5)
    assert len(set(nowhere.tolist())) == 5


def test_the_choice_of_photos_does_not_depend_on_their_order():
    rng = np.random.default_rng(1)
    ids, novelty = np.array([f"photo-{n}" for n in range(60)]), rng.random(60)
    other = rng.permutation(60)
    chosen = mapping.chosen(ids, novelty, 6)
    again = mapping.chosen(ids[other], novelty[other], 6)
    assert ids[chosen].tolist() == ids[other][again].tolist()


def test_pictures_are_kept_small_square_and_whole():
    rng = np.random.default_rng(0)
    wide, tiny = (rng.integers(0, 200, (*size, 3), np.uint8) for size in ((100, 400), (20, 20)))
    kept = mapping.small_pictures([wide, BrokenPicture("torn"), tiny])
    assert kept.shape == (3, 96, 96, 3)
    assert (kept[0, [0, 35, 60, 95]] == 255).all()  # above and below it
    assert abs(kept[0, 36:60].mean() - wide.mean()) < 3
    assert (kept[1] == 255).all()
    assert abs(kept[2].mean() - tiny.mean()) < 3
    small = mapping.small_pictures([tiny, tiny])
    np.testing.assert_array_equal(small[1], tiny)
    assert mapping.small_pictures([BrokenPicture("torn")]).shape == (1, 1, 1, 3)
    thin, grey = np.zeros((1, 2000, 3), np.uint8), np.full((50, 50), 100, np.uint8)
    kept = mapping.small_pictures([thin, grey])
    assert kept.shape == (2, 96, 96, 3)
    assert (kept[1] == 100).all()


def test_trajectories_end_where_draws_lie_and_pass_through_the_floor():
    walk = Walks().predict([None] * 2, None)
    ways = walk.take(np.array([1])).trajectories(5, np.random.default_rng(0))
    drawn = walk.take(np.array([1])).sample(5, np.random.default_rng(0))
    assert ways.shape == (1, 5, 100, 2)
    assert (ways[:, :, -1] == drawn).all()
    grid = EqualAreaGrid(2)
    plain = Cells(grid, np.log(np.full((1, len(grid)), 1 / len(grid))))
    assert Floored(plain, 0.5).trajectories(5, np.random.default_rng(0)) is None
    assert Atoms(np.zeros((2, 1, 2))).trajectories(5, np.random.default_rng(0)) is None


def test_trajectories_of_a_wrong_shape_are_refused():
    wrong = Sampled(
        np.zeros((2, 2)),
        lambda i, n, rng: np.zeros((2, n, 2)),
        trace=lambda i, n, rng: np.zeros((1, n, 9, 2)),
    )
    with pytest.raises(PredictionError, match="trajectories of a map have shape"):
        mapping.shown(wrong, np.random.default_rng(0), photos=2)
