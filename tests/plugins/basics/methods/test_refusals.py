"""Photos that an answers file declines: an error, or answered by what the key `missing` names."""

import numpy as np
import pytest

from geobench import Answers, Context, DataError, Examples, Labelled, Truth, distance_km, geo
from geobench_basics.methods.predictions_file import PredictionsConfig, PredictionsMethod
from geobench_basics.methods.prior import PriorConfig, PriorMethod

IDS = np.array(["a", "b", "c", "d"])
PARTS = {"official/test": IDS}
NONE = Labelled(np.empty(0, "U1"), np.empty((0, 2)))
# b has no row, c leaves both coordinates empty.
TEXT = "id,lat,lon\na,1,10\nc,{},{}\nd,4,40\n"
EMPTY = [("", ""), ("NA", "N/A"), ("null", "None"), ("nan", "NaN"), (" ", "-")]


BLANK = TEXT.format("", "")


def fitted(folder, text=BLANK, *, train=NONE, parts=PARTS, **config):
    file = folder / "answers.csv"
    file.write_text(text)
    method = PredictionsMethod(PredictionsConfig(file=file, **config))
    method.fit(train, NONE, Context(seed=0, part_ids=parts))
    return method


def asked(method, ids=IDS, part="official/test"):
    return method.predict(Examples(ids=np.asarray(ids)), Context(seed=0, part=part))


@pytest.mark.parametrize(("lat", "lon"), EMPTY)
def test_by_default_they_are_an_error_that_counts_them_and_names_the_key(tmp_path, lat, lon):
    with pytest.raises(DataError) as caught:
        fitted(tmp_path, TEXT.format(lat, lon))
    text = str(caught.value)
    assert "1 missing (first: official/test, b)" in text
    assert "1 declined (coordinates left empty) (first: official/test, c)" in text
    assert "`missing`" in text
    assert all(word in text for word in ("farthest", "uniform", "prior"))


@pytest.mark.parametrize(("lat", "lon"), EMPTY)
@pytest.mark.parametrize("missing", ["farthest", "uniform"])
def test_a_photo_without_a_row_and_one_without_coordinates_are_declined(
    tmp_path, lat, lon, missing
):
    found = asked(fitted(tmp_path, TEXT.format(lat, lon), missing=missing))
    assert isinstance(found, Answers)
    assert found.answered.tolist() == [True, False, False, True]
    assert found.point()[found.answered].tolist() == [[1, 10], [4, 40]]


def test_half_a_place_is_no_refusal_but_a_mistake_that_is_shown(tmp_path):
    with pytest.raises(DataError, match=r"1 of coordinates .* no numbers \(first: c: '3', ''\)"):
        fitted(tmp_path, TEXT.format("3", ""), missing="uniform")
    shown = r"1 of coordinates .* no numbers \(first: c: 'somewhere', 'in Peru'\)"
    with pytest.raises(DataError, match=shown) as caught:
        fitted(tmp_path, TEXT.format("somewhere", "in Peru"), missing="uniform")
    assert "leave both empty, or write NA" in caught.value.remedy
    assert "`missing`" in caught.value.remedy


def test_the_uniform_point_depends_on_the_photo_alone_and_covers_the_earth(tmp_path):
    ids = np.array([f"{i:05d}" for i in range(4000)])
    method = fitted(tmp_path, "id,lat,lon\n", parts={"official/test": ids}, missing="uniform")
    points = asked(method, ids).point()
    np.testing.assert_array_equal(asked(method, ids[::-1]).point(), points[::-1])
    np.testing.assert_array_equal(asked(method, ids[7:9]).point(), points[7:9])
    # Equal areas between latitudes, and equal ones between longitudes.
    bands = np.histogram(np.sin(np.deg2rad(points[:, 0])), bins=10, range=(-1, 1))[0]
    sectors = np.histogram(points[:, 1], bins=10, range=(-180, 180))[0]
    assert (np.abs(np.concatenate([bands, sectors]) - 400) < 5 * 20).all()


def test_draws_of_a_refusal_are_uniform_wherever_its_answer_is(tmp_path):
    for missing in ("farthest", "uniform"):
        method = fitted(tmp_path, missing=missing)
        truth = np.zeros((4, 2))
        drawn = asked(method).facing(truth).sample(4000, np.random.default_rng(1))[1]
        assert abs(np.sin(np.deg2rad(drawn[:, 0])).mean()) < 0.03
        assert abs(distance_km(drawn, (0, 0)).mean() - np.pi * geo.EARTH_RADIUS_KM / 2) < 200


def test_the_prior_stands_in_with_its_answer_and_its_density(tmp_path):
    rng = np.random.default_rng(5)
    places = geo.destination(np.tile([48.0, 2.0], (200, 1)), rng.uniform(0, 360, 200), 150.0)
    train = Labelled(np.array([f"t{i}" for i in range(200)]), places)
    method = fitted(tmp_path, train=train, missing="prior")
    assert method.needs_training
    prior = PriorMethod(PriorConfig())
    prior.fit(train, NONE, Context(seed=0))
    expected = prior.predict(Examples(ids=IDS[1:3]), Context(seed=0)).point()
    np.testing.assert_array_equal(asked(method).point()[1:3], expected)
    again = PredictionsMethod(method.config)
    again.restore(method.state(), train, Context(seed=0, part_ids=PARTS))
    np.testing.assert_array_equal(asked(again).point(), asked(method).point())
    drawn = asked(method).sample(4000, np.random.default_rng(2))[1]
    own = prior.predict(Examples(ids=IDS[:1]), Context(seed=0))
    wanted = own.sample(40_000, np.random.default_rng(3))[0]
    near = [(distance_km(each, (48, 2)) < 1000).mean() for each in (drawn, wanted)]
    assert near[1] > 0.3  # of the uniform it is below 0.01
    assert abs(near[0] - near[1]) < 0.03


def test_a_file_that_answers_all_is_what_it_was_before(tmp_path):
    whole = "id,lat,lon\n" + "".join(f"{name},1,2\n" for name in IDS)
    for missing in ("fail", "farthest"):
        found = asked(fitted(tmp_path, whole, missing=missing))
        assert not isinstance(found, Answers)


def test_some_samples_that_are_declined_leave_the_photo_its_others(tmp_path):
    text = "id,sample,lat,lon\na,0,1,1\na,1,,\nb,0,2,2\nb,1,2,2\nc,0,,\nc,1,,\nd,0,4,4\nd,1,4,4\n"
    found = asked(fitted(tmp_path, text, missing="uniform"))
    assert found.answered.tolist() == [True, True, False, True]
    assert found.point()[[0, 1, 3]].tolist() == [[1, 1], [2, 2], [4, 4]]
    assert found.draws_given[[0, 1, 3]].tolist() == [1, 2, 2]


def test_all_may_be_declined(tmp_path):
    found = asked(fitted(tmp_path, "id,lat,lon\n", missing="farthest"))
    truth = geo.uniform(4, np.random.default_rng(3))
    away = distance_km(found.facing(truth).point(), Truth(truth, {}, np.zeros(4)).points)
    np.testing.assert_allclose(away, np.pi * geo.EARTH_RADIUS_KM, rtol=1e-9)


def test_what_will_be_said_is_foreseen_without_an_error(tmp_path):
    file = tmp_path / "answers.csv"
    file.write_text(TEXT.format("NA", "NA"))
    method = PredictionsMethod(PredictionsConfig(file=file))
    context = Context(seed=0, part_ids=PARTS)
    seen = method.foresee(context)["official/test"]
    np.testing.assert_array_equal(np.isnan(seen).all(axis=1), [False, True, True, False])
    assert seen[3].tolist() == [4, 40]
    with pytest.raises(DataError, match="1 missing"):
        method.check(context)
