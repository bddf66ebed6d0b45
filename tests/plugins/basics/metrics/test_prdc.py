"""Precision, recall, density and coverage against all pairs of points, and in closed cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import small_run
from geobench import Atoms, PredictionError, ScoreContext, Truth, geo
from geobench_basics.metrics.prdc import PrdcConfig, PrdcMetric
from small_board import Board

RNG = np.random.default_rng
SUMMARIES = ("precision", "recall", "density", "coverage")


def score(real, fake, *, k=3):
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    truth = Truth(real, {}, np.full(len(real), np.nan))
    found = PrdcMetric(PrdcConfig(k=k)).score(Atoms(fake[:, None]), truth, ScoreContext())
    assert found.dtype == np.float32
    assert found.shape == (len(real), 4)
    return found


def angles(a, b):
    """All angles (N, M) by the cross and the dot product."""
    a, b = (geo.unit_vectors(points) for points in (a, b))
    return np.arctan2(np.linalg.norm(np.cross(a[:, None], b), axis=-1), a @ b.T)


def written(real, fake, *, k=3):
    """The four indicators by all pairs; 1 mm is allowed for rounding."""
    rounding = 1e-6 / geo.EARTH_RADIUS_KM
    radii_real = np.sort(angles(real, real), axis=1)[:, k]  # the first is the point itself
    radii_fake = np.sort(angles(fake, fake), axis=1)[:, k]
    between = angles(real, fake)
    in_real = between <= radii_real[:, None] + rounding
    in_fake = between <= radii_fake + rounding
    columns = [in_real.any(axis=0), in_fake.any(axis=1), in_real.sum(axis=0) / k]
    return np.stack([*columns, in_real.any(axis=1)], axis=-1)


def towns(count, rng):
    """Points in clusters of very different sizes, as photos are."""
    centres = geo.uniform(30, rng)[rng.zipf(1.5, count) % 30]
    return geo.destination(centres, rng.uniform(0, 360, count), rng.exponential(30, count))


@pytest.mark.parametrize("k", [1, 3, 10])
def test_every_photo_is_scored_as_all_pairs_say(k):
    for seed in range(4):
        rng = RNG(seed)
        real, fake = towns(600, rng), towns(600, rng)
        fake[:200] = geo.uniform(200, rng)
        real[:20, 0], real[20:40, 0] = 90, -90  # one pole, whatever the longitude
        fake[200:215, 0] = rng.uniform(89.9, 90, 15)
        real[40:120, 1], fake[215:260, 1] = -180, 179.999
        np.testing.assert_allclose(score(real, fake, k=k), written(real, fake, k=k), rtol=1e-6)


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(4, 40),
    degrees=st.sampled_from([0.5, 10.0, 30.0, 90.0]),
)
def test_ties_and_copies_are_decided_as_all_pairs_decide_them(seed, count, degrees):
    """On a lattice many points are in one place, and many distances are equal."""
    rng = RNG(seed)
    real, fake = (np.round(geo.uniform(count, rng) / degrees) * degrees for _ in range(2))
    real, fake = (geo.wrap(np.clip(each, [-90, -180], [90, 180])) for each in (real, fake))
    fake[: count // 2] = real[: count // 2]
    np.testing.assert_allclose(score(real, fake), written(real, fake), rtol=1e-6)


def test_the_truths_in_another_order_are_precise_recalled_and_covered():
    rng = RNG(0)
    real = towns(500, rng)
    found = score(real, real[rng.permutation(500)])
    assert found[:, [0, 1, 3]].min() == 1
    # Without ties a ball of a truth holds k others and the truth itself.
    apart = geo.uniform(500, rng)
    assert score(apart, apart[::-1])[:, 2].astype(float).mean() == pytest.approx(4 / 3)
    assert score(apart, apart[::-1], k=10)[:, 2].astype(float).mean() == pytest.approx(1.1)


def test_draws_on_the_other_side_have_nothing():
    north = geo.destination(np.zeros((50, 2)), RNG(0).uniform(0, 360, 50), RNG(1).gamma(2, 100, 50))
    assert (score(north, north + [0, 150]) == 0).all()


def test_draws_of_one_place_are_precise_and_cover_little():
    real = geo.uniform(400, RNG(0))
    precision, recall, density, coverage = score(real, np.tile(real[:1], (400, 1))).T
    assert precision.min() == 1
    assert recall.tolist() == [1] + [0] * 399  # a ball of copies holds its own place
    assert density.min() == density.max() == pytest.approx(coverage.sum() / 3)
    assert 1 <= coverage.sum() <= 18


def test_truths_of_one_place_are_a_ball_of_that_place():
    real, fake = np.tile([[10.0, 20.0]], (10, 1)), geo.uniform(10, RNG(0))
    fake[:2] = real[:2]
    precision, _, density, coverage = score(real, fake).T
    assert precision.tolist() == [1, 1] + [0] * 8
    assert density[:2].tolist() == pytest.approx([10 / 3] * 2)
    assert coverage.min() == 1


def test_two_draws_of_one_distribution_have_the_expectations_of_the_paper():
    """Density 1; coverage 1 - (N-1)...(N-k) / ((2N-1)...(2N-k)) (Naeem et al., Lemma 2)."""
    real, fake = geo.uniform(20_000, RNG(0)), geo.uniform(20_000, RNG(1))
    precision, recall, density, coverage = score(real, fake).astype(float).mean(axis=0)
    assert density == pytest.approx(1, abs=0.02)
    assert coverage == pytest.approx(1 - 0.5**3, abs=0.01)
    assert precision == pytest.approx(recall, abs=0.01)


def test_a_thousand_balls_at_once_are_as_good_as_one(monkeypatch):
    real, fake = towns(300, RNG(0)), towns(300, RNG(1))
    whole = score(real, fake)
    monkeypatch.setattr("geobench_basics.metrics.prdc._BALLS", 7)
    np.testing.assert_array_equal(score(real, fake), whole)


def test_no_more_photos_than_k_is_an_error_with_a_remedy():
    with pytest.raises(PredictionError, match="more than k = 3 photos, and there are 3"):
        score(geo.uniform(3, RNG(0)), geo.uniform(3, RNG(1)))
    assert len(score(geo.uniform(4, RNG(0)), geo.uniform(4, RNG(1)))) == 4


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A leaderboard of which 20 photos are scored by draws, and all by their first draw."""
    root = tmp_path_factory.mktemp("prdc")
    text = (
        "benchmarks: [{name: toy, dataset: {name: toy-planet, photos: 300}, encoder: given, "
        "splits: [random], methods: [uniform, toy-oracle], "
        "metrics: [prdc, energy, distance], photos: 20, samples: 4}]"
    )
    return Board(small_run.board(root, text))


def plain_rows(board):
    """The rows of the plain means of all photos."""
    rows = board.rows("table.csv")
    return [row for row in rows if (row["slice"], row["average"]) == ("all", "photo")]


def test_tables_compare_the_stored_first_draws_of_all_photos(board):
    (part,) = board.arrays("runs/random-test-*/part.npz")
    rows = {(row["label"], row["summary"]): row for row in plain_rows(board)}
    for label in ("uniform", "toy-oracle"):
        (answer,) = board.arrays(f"runs/random-test-*/{label}-*/answer.npz")
        assert (answer["answer"] != answer["sample"]).any()
        expected = written(part["truth"], answer["sample"]).mean(axis=0)
        for name, value in zip(SUMMARIES, expected, strict=True):
            row = rows[label, f"prdc.{name}"]
            assert float(row["value"]) == pytest.approx(value, rel=1e-5)
            assert row["low"]
            assert row["high"]
            assert int(row["photos"]) == len(part["truth"]) > 20


def test_nothing_of_it_is_stored(board):
    assert not list(board.folder.glob("runs/*/*/prdc*"))
    assert list(board.folder.glob("runs/*/*/energy*"))


def test_the_nearest_training_places_are_no_ceiling_of_draws(board):
    # All draws at the one training place that lies in most balls are denser.
    rng = RNG(5)
    truth, train = towns(200, rng), towns(200, rng)
    nearest = train[angles(truth, train).argmin(axis=1)]
    crowded = max((np.tile(place, (200, 1)) for place in train), key=lambda p: densest(truth, p))
    assert densest(truth, crowded) > densest(truth, nearest) + 0.5
    rows = [row for row in plain_rows(board) if row["label"] == "oracle-training-place"]
    assert {row["summary"] for row in rows} == {"distance.mean", "distance.median"}


def densest(truth, drawn):
    return score(truth, drawn)[:, 2].mean()
