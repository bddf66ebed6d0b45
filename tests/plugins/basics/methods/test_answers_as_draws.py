"""Several rows of a photo in an answers file: draws where they weigh alike, else places."""

import numpy as np
import pytest
from scipy import stats

from geobench import Atoms, Context, Examples, Labelled, Truth, distance_km, geo
from geobench.scoring.score_part import Protocol, score_part
from geobench_basics.methods.predictions_file import PredictionsConfig, PredictionsMethod
from geobench_basics.metrics.energy import EnergyMetric

PART = "official/test"
SAMPLES = 16
NONE = Labelled(np.empty(0, "U1"), np.empty((0, 2)))
MEAN_KM = np.pi / 2 * geo.EARTH_RADIUS_KM
"""Between two places that are uniform on the sphere; half of it is the energy of the uniform."""


def ids_of(count):
    return np.array([f"p{photo:05d}" for photo in range(count)])


def method_of(folder, places, weights=None):
    """The method that reads a file with these rows of each photo, a list of places per photo, and
    their weights."""
    lines = ["id,sample,lat,lon" + ("" if weights is None else ",weight")]
    for photo, (name, rows) in enumerate(zip(ids_of(len(places)), places, strict=True)):
        for row, (lat, lon) in enumerate(np.asarray(rows).tolist()):
            share = "" if weights is None else f",{float(weights[photo][row])!r}"
            lines.append(f"{name},{row},{lat!r},{lon!r}{share}")
    path = folder / "answers.csv"
    path.write_text("\n".join(lines) + "\n")
    method = PredictionsMethod(PredictionsConfig(file=path))
    method.fit(NONE, NONE, context_of(len(places)))
    return method


def context_of(count):
    return Context(seed=0, part=PART, part_ids={PART: ids_of(count)})


def prediction(folder, places, weights=None):
    asked = Examples(ids=ids_of(len(places)))
    return method_of(folder, places, weights).predict(asked, context_of(len(places)))


def scored(folder, truth, places, weights=None):
    """What a run stores of these rows: energies of SAMPLES draws, and the fewest draws."""
    metric, count = EnergyMetric(), len(truth)
    scores = score_part(
        method_of(folder, places, weights),
        Examples(ids=ids_of(count)),
        Truth(truth, {}, np.full(count, np.nan)),
        context=context_of(count),
        protocol=Protocol(seed=0, task="0" * 64, chunk=512, photos="all", samples=SAMPLES),
        metrics=[metric],
    )
    return scores.columns[metric.file_stem]["energy"].astype(float), scores.fewest_draws


def standard_errors(values, expected):
    return (values.mean() - expected) / (values.std() / np.sqrt(len(values)))


@pytest.mark.parametrize("order", ["nearest first", "farthest first"])
@pytest.mark.parametrize("rows", [SAMPLES, 2 * SAMPLES])
def test_the_uniform_as_rows_of_equal_weight_has_the_energy_of_the_uniform(tmp_path, rows, order):
    rng = np.random.default_rng(4)
    truth, places = geo.uniform(3000, rng), geo.uniform((3000, rows), rng)
    away = distance_km(places, truth[:, None])
    by_distance = np.argsort(away if order == "nearest first" else -away, axis=1)
    places = np.take_along_axis(places, by_distance[..., None], axis=1)
    energies, fewest = scored(tmp_path, truth, places)
    # With replacement it is 313 and 156 km more, which are ten and five standard errors.
    assert abs(standard_errors(energies, MEAN_KM / 2)) < 3
    assert fewest == rows


def test_weighted_rows_stay_places_and_cost_half_the_spread_times_the_squared_shares(tmp_path):
    rng = np.random.default_rng(5)
    truth, places = geo.uniform(3000, rng), geo.uniform((3000, 12), rng)
    shares = rng.dirichlet(np.ones(12), size=3000)
    energies, fewest = scored(tmp_path, truth, places, shares)
    cost = MEAN_KM / 2 * (shares**2).sum(axis=1).mean()
    assert cost > 700
    assert abs(standard_errors(energies, MEAN_KM / 2 + cost)) < 3
    assert fewest is None
    said = prediction(tmp_path, places[:1], shares[:1])
    assert isinstance(said, Atoms)
    drawn = said.sample(20_000, np.random.default_rng(6))[0]
    counts = (drawn[:, None] == geo.wrap(places[0])).all(axis=-1).sum(axis=0)
    assert stats.chisquare(counts, 20_000 * shares[0]).pvalue > 1e-3


def test_every_row_is_drawn_alike_wherever_it_stands_and_none_twice(tmp_path):
    places = np.stack([np.linspace(-80, 80, 40), np.arange(40.0)], axis=-1)
    drawn = prediction(tmp_path, [places] * 500).sample(SAMPLES, np.random.default_rng(7))
    row = np.rint(drawn[..., 1]).astype(int)
    assert all(len(set(each)) == SAMPLES for each in row.tolist())
    for draws in (row[:, 0], row[:, -1]):
        assert stats.chisquare(np.bincount(draws, minlength=40)).pvalue > 1e-3
    # Of a simple random sample, counts vary less than independent draws do: by 1 - 16 / 40.
    counts = np.bincount(row.ravel(), minlength=40)
    statistic = ((counts - 200) ** 2 / 200).sum() / ((1 - SAMPLES / 40) * 40 / 39)
    assert 1e-3 < stats.chi2.sf(statistic, 39) < 1 - 1e-3


def test_a_photo_with_fewer_rows_is_drawn_with_replacement_and_counted(tmp_path):
    near, far = [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)], [(-7.0, 8.0)]
    many = geo.uniform(20, np.random.default_rng(8)).tolist()
    said = prediction(tmp_path, [near, far, many])
    assert said.draws_given.tolist() == [3, 1, 20]
    drawn = said.sample(SAMPLES, np.random.default_rng(9))
    for own, rows, places in zip(drawn, [near, far, many], [3, 1, SAMPLES], strict=True):
        found = {tuple(place) for place in own.round(9).tolist()}
        assert len(found) == places
        assert found <= {tuple(np.round(place, 9)) for place in rows}
    assert scored(tmp_path, np.zeros((3, 2)), [near, far, many])[1] == 1


def test_photos_that_are_taken_keep_their_own_rows(tmp_path):
    said = prediction(tmp_path, [[(photo, row) for row in range(photo + 2)] for photo in range(5)])
    some = said.take(np.array([4, 1]))
    assert some.draws_given.tolist() == [6, 3]
    drawn = some.sample(3, np.random.default_rng(1))
    assert (drawn[..., 0] == [[4], [1]]).all()
    np.testing.assert_array_equal(some.point(), said.point()[[4, 1]])
    assert some.take(np.array([], dtype=int)).sample(4, np.random.default_rng(1)).shape == (0, 4, 2)
    assert said.sample(0, np.random.default_rng(1)).shape == (5, 0, 2)


TWO, THREE = [(1, 2), (3, 4)], [(1, 2), (3, 4), (5, 6)]


@pytest.mark.parametrize(
    ("places", "weights", "given"),
    [
        ([TWO, TWO[:1]], None, [2, 1]),
        ([TWO, THREE], [[0.5, 0.5], [0.2, 0.2, 0.2]], [2, 3]),
        # A row without weight is none.
        ([TWO, THREE], [[1, 0], [2, 0, 2]], [1, 2]),
        # One photo whose rows are not alike says what the file's weights are.
        ([TWO, THREE], [[0.5, 0.5], [0.2, 0.3, 0.5]], None),
        # One row of each is where the photo was taken, for certain.
        ([TWO[:1], THREE[:1]], None, None),
        ([TWO[:1], THREE[:1]], [[1], [2]], None),
        ([TWO, THREE], [[1, 0], [0, 0, 2]], None),
    ],
)
def test_rows_are_draws_where_those_of_each_photo_weigh_alike(tmp_path, places, weights, given):
    found = prediction(tmp_path, places, weights).draws_given
    assert (found if found is None else found.tolist()) == given
