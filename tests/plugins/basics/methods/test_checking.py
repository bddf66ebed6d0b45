"""Answers files that do not quite fit: what is passed over, what is shown, and what would help."""

import json
import logging
import re

import numpy as np
import pandas as pd
import pytest

from geobench import Context, DataError, Examples, Labelled
from geobench_basics.methods.predictions_file import PredictionsConfig, PredictionsMethod

IDS = np.array([f"p{i:02d}" for i in range(20)])
TRAIN = np.array([f"t{i:02d}.jpg" for i in range(30)])
PART = "official/test"
NONE = Labelled(np.empty(0, "U1"), np.empty((0, 2)))
HEAD = ["id", "lat", "lon"]
ROWS = [[name, 10 + place, 20 + place] for place, name in enumerate(IDS.tolist())]


def context(*, part="", known=IDS, dataset=True):
    everyone = {PART: np.concatenate([IDS, TRAIN])} if dataset else {}
    return Context(seed=0, part=part, part_ids={PART: known}, dataset_ids=everyone)


def method(folder, rows, head=HEAD, **config):
    file = folder / "answers.csv"
    pd.DataFrame(rows, columns=head).to_csv(file, index=False)
    return PredictionsMethod(PredictionsConfig(file=file, **config))


def fitted(*given, **config):
    made = method(*given, **config)
    made.fit(NONE, NONE, context())
    return made


def refused(*given, **config):
    """The error of a file that does not fit."""
    with pytest.raises(DataError) as caught:
        fitted(*given, **config)
    return caught.value


def asked(made):
    return made.predict(Examples(ids=IDS), context(part=PART))


EXTRA = [[f"x{i}", 1, 2] for i in range(5)]


def test_rows_about_photos_that_the_dataset_lacks_are_passed_over_and_said(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        found = asked(fitted(tmp_path, [*EXTRA[:2], *ROWS, *EXTRA[2:]])).point()
    np.testing.assert_array_equal(found, [row[1:] for row in ROWS])
    assert "5 unknown (first: x0; x1; x2)" in caplog.text
    assert "passed over" in caplog.text


@pytest.mark.parametrize("form", [str, lambda name: f"train/{name}", lambda name: name[:-4]])
def test_rows_about_other_photos_of_the_dataset_need_no_word(tmp_path, caplog, form):
    with caplog.at_level(logging.WARNING):
        found = asked(fitted(tmp_path, [*([form(t), 1, 2] for t in TRAIN), *ROWS])).point()
    np.testing.assert_array_equal(found, [row[1:] for row in ROWS])
    assert "unknown" not in caplog.text


def test_what_is_wrong_with_rows_that_are_passed_over_stops_nothing(tmp_path):
    odd = [["x", "mean", "of all"], ["x", 95, 0], ["t00.jpg", 1, 1], ["t00.jpg", 2, 2]]
    found = asked(fitted(tmp_path, [*odd, *ROWS]))
    np.testing.assert_array_equal(found.point(), [row[1:] for row in ROWS])
    # Nor do they make draws of places: each photo has one row.
    assert type(found) is type(asked(fitted(tmp_path, ROWS)))


def test_of_a_file_that_lacks_answers_both_sides_are_counted(tmp_path):
    error = refused(tmp_path, [*ROWS[:-2], *EXTRA])
    assert f"2 missing (first: {PART}, p18; {PART}, p19)" in str(error)
    assert "5 unknown (first: x0; x1; x2)" in str(error)
    fitted(tmp_path, [*ROWS[:-2], *EXTRA], missing="farthest")


@pytest.mark.parametrize("common", [0, 1, 4])
def test_few_ids_in_common_are_an_error_that_shows_some_of_either_side(tmp_path, common):
    strange = [[f"x{i}", 1, 2] for i in range(20)]
    error = refused(tmp_path, [*strange, *ROWS[:common]], missing="farthest")
    count = f"{common} of 20 ids" if common else "no id"
    photos = "; ".join(IDS[common : common + 3])
    assert f"{count} in common (answers: x0; x1; x2; photos: {photos})" in str(error)
    assert "`id_column`" in error.remedy


def test_a_few_answers_alone_are_no_few_ids_in_common(tmp_path):
    answered = asked(fitted(tmp_path, ROWS[:2], missing="farthest")).answered
    assert answered.sum() == 2


def test_answers_to_far_more_photos_than_are_asked_for_do(tmp_path):
    many = [[f"x{i}", 1, 2] for i in range(500)]
    assert len(asked(fitted(tmp_path, [*many, *ROWS]))) == len(IDS)


def test_a_row_of_a_part_about_a_photo_of_none_is_said(tmp_path, caplog):
    rows = [["test", *row] for row in [*ROWS, EXTRA[0], ["t00.jpg", 1, 2]]]
    with caplog.at_level(logging.WARNING):
        fitted(tmp_path, rows, ["part", *HEAD])
    assert "2 unknown (first: test, x0; test, t00.jpg)" in caplog.text


CONFIDENT = [*HEAD, "confidence"]


def confidences(values):
    return [[*row, value] for row, value in zip(ROWS, values, strict=True)]


def stated(folder, values, **config):
    return asked(fitted(folder, confidences(values), CONFIDENT, **config)).along["confidence"]


@pytest.mark.parametrize("scale", [1, 10, 100])
@pytest.mark.parametrize("form", ["{}%", "{} %", "{}.0%", " {}  % "])
def test_a_percent_sign_says_the_scale(tmp_path, form, scale):
    percent = np.arange(20) * 5
    values = [form.format(each) for each in percent]
    found = stated(tmp_path, values, confidence_scale=scale).values
    np.testing.assert_allclose(found, percent / 100)


def test_shares_and_percent_signs_may_stand_in_one_column(tmp_path):
    found = stated(tmp_path, ["0.85", "85%", "", *["0.5"] * 17]).values
    np.testing.assert_allclose(found[:2], 0.85)
    assert np.isnan(found[2])


@pytest.mark.parametrize("value", ["120%", "-5%", "%", "high%", "8 5 %", "50%%"])
def test_a_percentage_that_is_none_is_shown(tmp_path, value):
    error = refused(tmp_path, confidences([value, *["0.5"] * 19]), CONFIDENT)
    assert f"1 of an improper confidence (first: p00: {value!r})" in str(error)


def test_what_helps_depends_on_the_scale_that_is_set(tmp_path):
    rows = confidences(np.arange(20) * 5)
    remedy = refused(tmp_path, rows, CONFIDENT).remedy
    assert "confidence_scale: 100" in remedy
    assert "along" not in remedy
    fitted(tmp_path, rows, CONFIDENT, confidence_scale=100)
    for scale, values in ((100, [150] * 20), (10, ["high"] * 20), (1, ["high"] * 20)):
        remedy = refused(tmp_path, confidences(values), CONFIDENT, confidence_scale=scale).remedy
        assert "confidence_scale: 100" not in remedy
        assert f"from 0 to {scale}" in remedy
        assert '`along: ["seconds","cost","explanation"]`' in remedy


@pytest.mark.parametrize(
    ("column", "value"), [("confidence", "high"), ("seconds", "1.2s"), ("cost", "$0.01")]
)
def test_the_remedy_for_a_column_that_cannot_be_read_leads_to_success(tmp_path, column, value):
    rows, head = [[*row, value, "because"] for row in ROWS], [*HEAD, column, "explanation"]
    error = refused(tmp_path, rows, head)
    assert f"20 of an improper {column} (first: p00: {value!r}; p01: {value!r}" in str(error)
    along = json.loads(re.search(r"`along: (\[.*?\])`", error.remedy)[1])
    found = asked(fitted(tmp_path, rows, head, along=along)).along
    assert set(found) == {"explanation"}


def test_nothing_that_is_said_along_need_be_read(tmp_path):
    rows, head = [[*row, "?", "?", "?"] for row in ROWS], [*HEAD, "conf", "confidence", "cost"]
    assert not hasattr(asked(fitted(tmp_path, rows, head, along=())), "along")


def test_a_list_of_all_that_is_said_along_is_in_no_key(tmp_path):
    names = ["cost", "seconds"]
    identities = [
        method(tmp_path, ROWS, **config).identity()["config"] for config in ({}, {"along": names})
    ]
    assert ["along" in each for each in identities] == [False, True]


@pytest.mark.parametrize("scale", [10, 100])
def test_shares_that_would_be_divided_are_a_fault(tmp_path, scale):
    shares = np.linspace(0, 1, 20)
    error = refused(tmp_path, confidences(shares), CONFIDENT, confidence_scale=scale)
    assert f"all confidences are 1 at most, where {scale} would be certainty" in str(error)
    assert "leave confidence_scale out" in error.remedy
    np.testing.assert_allclose(stated(tmp_path, shares).values, shares)


@pytest.mark.parametrize("values", [[0] * 20, [""] * 20, ["90%"] * 20, [0.5, *[80] * 19]])
def test_no_share_no_suspicion(tmp_path, values):
    stated(tmp_path, values, confidence_scale=100)


SAMPLED = [[*row[:2], row[2] + k] for row in ROWS for k in range(4)]


def test_several_rows_of_a_photo_without_numbers_are_told_of_a_column_sample(tmp_path):
    error = refused(tmp_path, SAMPLED)
    assert "60 doubled (first: p00; p01; p02)" in str(error)
    assert "a column sample numbers them" in error.remedy
    rows = [[*row, place % 4] for place, row in enumerate(SAMPLED)]
    assert asked(fitted(tmp_path, rows, [*HEAD, "sample"])).draws_given.tolist() == [4] * 20


def suggested(error):
    return json.loads(re.search(r"where: (\{.*?\})", error.remedy)[1])


def test_of_several_kinds_of_answers_the_most_frequent_is_suggested(tmp_path):
    kinds = {"often": ROWS, "zz-rarely": ROWS[:3], "aa-rarely": ROWS[4:9]}
    rows = [[kind, *row] for kind, some in list(kinds.items())[::-1] for row in some]
    where = suggested(refused(tmp_path, rows, ["model", *HEAD]))
    assert where == {"model": "often"}
    fitted(tmp_path, rows, ["model", *HEAD], where=where)


def test_of_kinds_alike_one_is_suggested_in_whatever_order_they_stand(tmp_path):
    for kinds in (["hierarchy", "coarse", "fine"], ["coarse", "fine", "hierarchy"]):
        rows = [[kind, *row] for kind in kinds for row in ROWS]
        assert suggested(refused(tmp_path, rows, ["p_key", *HEAD])) == {"p_key": "hierarchy"}


def test_kinds_are_told_apart_beside_samples_too(tmp_path):
    rows = [[kind, *row, place % 4] for kind in ("a", "b") for place, row in enumerate(SAMPLED)]
    head = ["model", *HEAD, "sample"]
    where = suggested(refused(tmp_path, rows, head))
    assert asked(fitted(tmp_path, rows, head, where=where)).draws_given.tolist() == [4] * 20


@pytest.mark.parametrize(
    ("lat", "lon", "shown"),
    [
        ("unknown", "unknown", "'unknown', 'unknown'"),
        ("I'm sorry,\nI can't", "?", "\"I'm sorry, I can't\", '?'"),
        ("48.1°N", "2.3°E", "'48.1°N', '2.3°E'"),
        ("x" * 900, "1", f"'{'x' * 40}...', '1'"),
    ],
)
def test_coordinates_that_are_no_numbers_are_shown_as_written(tmp_path, lat, lon, shown):
    error = refused(tmp_path, [*ROWS[:-1], ["p19", lat, lon]])
    assert f"1 of coordinates that are no numbers (first: p19: {shown})" in str(error)
    assert "leave both empty, or write NA" in error.remedy
    fitted(tmp_path, [*ROWS[:-1], ["p19", "NA", ""]], missing="uniform")


def test_values_are_shown_of_the_rows_that_were_chosen(tmp_path):
    rows = [["a", *row] for row in ROWS] + [["b", name, "no", "place"] for name in IDS]
    error = refused(tmp_path, rows, ["model", *HEAD], where={"model": "b"})
    assert "20 of coordinates that are no numbers (first: p00: 'no', 'place'" in str(error)


@pytest.mark.parametrize("value", [np.inf, 1e300, -np.inf])
@pytest.mark.parametrize("column", ["lat", "lon", "confidence", "cost"])
def test_floats_beyond_all_names_are_shown_as_any_other(tmp_path, column, value):
    frame = pd.DataFrame(ROWS, columns=HEAD).assign(confidence=0.5, cost=0.1)
    frame[column] = frame[column].astype(float)
    frame.loc[3, column] = value
    frame.loc[[5, 6], "cost"] = np.nan
    frame.to_parquet(tmp_path / "answers.parquet")
    made = PredictionsMethod(PredictionsConfig(file=tmp_path / "answers.parquet"))
    with pytest.raises(DataError, match="answers do not fit") as caught:
        made.check(context())
    shown = [str(value) if name == column else str(frame.loc[3, name]) for name in ("lat", "lon")]
    shown = shown if column in ("lat", "lon") else [str(value)]
    assert f"(first: p03: {', '.join(map(repr, shown))})" in str(caught.value)


def test_percent_signs_are_read_in_categories_too(tmp_path):
    values = [f"{i}%" for i in range(20)]
    frame = pd.DataFrame(ROWS, columns=HEAD).assign(confidence=pd.Categorical(values))
    frame.to_parquet(tmp_path / "answers.parquet")
    made = PredictionsMethod(PredictionsConfig(file=tmp_path / "answers.parquet"))
    made.fit(NONE, NONE, context())
    np.testing.assert_allclose(asked(made).along["confidence"].values, np.arange(20) / 100)
