"""The method predictions: files of answers, checked against the photos and answered from."""

import re

import numpy as np
import pytest

from geobench import (
    ConfigError,
    Context,
    DataError,
    Examples,
    Labelled,
    Prediction,
    distance_km,
    geo,
)
from geobench_basics.methods.answers import read_answers
from geobench_basics.methods.predictions_file import PredictionsConfig, PredictionsMethod

RNG = np.random.default_rng
NONE = Labelled(np.empty(0, "U1"), np.empty((0, 2)))


def unlabelled(ids):
    return Examples(ids=np.asarray(ids))


PARTS = {"cells/seen": np.array(["1", "2", "003"]), "cells/unseen": np.array(["4", "5"])}


def predictions(folder, text, **config):
    file = folder / "answers.csv"
    file.write_text(text)
    return PredictionsMethod(PredictionsConfig(file=file, **config))


def checked(method, parts=PARTS):
    method.fit(NONE, NONE, Context(seed=0, part_ids=parts))
    return method


def answer(method, part, ids):
    return method.predict(unlabelled(ids), Context(seed=0, part=part, part_ids=PARTS))


WHOLE = "id,lat,lon\n1,1,10\n2,2,20\n003,3,30\n4,4,40\n5,5,200\n"


def test_answers_are_given_as_written_in_any_order_and_chunk(tmp_path):
    method = checked(predictions(tmp_path, WHOLE))
    assert answer(method, "cells/seen", ["003", "1"]).point().tolist() == [[3, 30], [1, 10]]
    assert answer(method, "cells/unseen", ["5"]).point().tolist() == [[5, -160]]
    assert len(answer(method, "cells/unseen", [])) == 0
    again = PredictionsMethod(method.config)
    again.restore(method.state(), NONE, Context(seed=0))
    assert answer(again, "cells/seen", ["2"]).point().tolist() == [[2, 20]]
    assert method.predicts is Prediction
    assert (method.origin, method.needs_training, method.deterministic) == ("external", False, True)


@pytest.mark.parametrize("seen", ["seen", "cells/seen"])
def test_parts_are_written_with_the_split_or_without(tmp_path, seen):
    text = "part,id,lat,lon\n" + "".join(
        f"{part},{photo},{lat},1\n"
        for part, photo, lat in [
            *((seen, photo, 10) for photo in PARTS["cells/seen"]),
            *(("cells/unseen", photo, 20) for photo in PARTS["cells/unseen"]),
            # Of other splits, or other parts: none of this method's business here.
            ("random/test", "1", 30),
            ("test", "99", 30),
        ]
    )
    method = checked(predictions(tmp_path, text))
    assert answer(method, "cells/seen", ["1", "2"]).point().tolist() == [[10, 1]] * 2
    assert answer(method, "cells/unseen", ["4"]).point().tolist() == [[20, 1]]


def test_a_part_written_in_both_ways_is_ambiguous(tmp_path):
    text = "part,id,lat,lon\nseen,1,0,0\ncells/seen,2,0,0\n"
    with pytest.raises(DataError, match="cells/seen, others of seen"):
        checked(predictions(tmp_path, text))


def test_only_the_configured_parts_are_answered(tmp_path):
    text = "id,lat,lon\n4,4,40\n5,5,50\n"
    for parts in (["unseen"], ["cells/unseen"]):
        method = checked(predictions(tmp_path, text, parts=parts))
        assert method.answers("cells/unseen")
        assert not method.answers("cells/seen")
    assert not predictions(tmp_path, text, parts=["other/unseen"]).answers("cells/unseen")
    assert predictions(tmp_path, text).answers("cells/seen")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "id,lat,lon\n1,0,0\n4,0,0\n5,0,0\n",
            r"2 missing \(first: cells/seen and .*, 2; .*, 003\)",
        ),
        (WHOLE + "5,0,0\n1,0,0\n1,0,1\n", r"3 doubled \(first: 5; 1\)"),
        (WHOLE.replace("5,5,200", "5,95,0"), r"1 off the globe \(first: 5: '95', '0'\)"),
        (
            WHOLE.replace("5,5,200", "5,nan,0"),
            r"1 of coordinates .* no numbers \(first: 5: 'nan', '0'\)",
        ),
        (
            WHOLE.replace("5,5,200", "5,north,0"),
            r"1 of coordinates .* no numbers \(first: 5: 'north', '0'\)",
        ),
        (WHOLE.replace("5,5,200", "5,N/A,"), r"1 declined .* \(first: .*cells/unseen, 5\)"),
        (WHOLE.replace("4,4,40", "4,4,360.5"), r"1 off the globe \(first: 4: '4', '360.5'\)"),
        (WHOLE.replace("4,4,40", "4,4,-1e9"), r"1 off the globe \(first: 4: '4', '-1e9'\)"),
        (
            WHOLE.replace("4,4,40", "4,4,inf"),
            r"1 of coordinates .* no numbers \(first: 4: '4', 'inf'\)",
        ),
        ("id,lat,lon\n6,0,0\n", r"5 missing .*; 1 unknown \(first: 6\)"),
        (
            "part,id,lat,lon\nseen,4,0,0\n",
            r"3 missing \(first: cells/seen, 1; .*, 2; .*, 003\).*seen, 4",
        ),
        ("part,id,lat,lon\ncells/sean,1,0,0\n", r"1 of an unknown part \(first: cells/sean, 1\)"),
        (
            "id,sample,lat,lon\n4,0,0,0\n4,1,0,0\n4,1,0,0\n5,0,0,0\n",
            r"1 doubled \(first: 4, sample 1\)",
        ),
        ("id,sample,weight,lat,lon\n4,0,-1,0,0\n4,1,x,0,0\n", "2 of an improper weight"),
        ("id,sample,weight,lat,lon\n4,0,0,0,0\n4,1,0,0,0\n", "1 without weight"),
    ],
)
def test_a_file_that_does_not_fit_the_photos_is_counted_before_anything_is_predicted(
    tmp_path, text, problem
):
    with pytest.raises(DataError, match=problem) as caught:
        checked(predictions(tmp_path, text))
    assert "answers.csv" in caught.value.where
    assert "`parts`" in caught.value.remedy


def test_a_stored_state_is_checked_against_the_photos_as_they_are_now(tmp_path):
    method = checked(predictions(tmp_path, WHOLE))
    grown = {**PARTS, "cells/unseen": np.array(["4", "5", "6"])}
    others = {"cells/seen": np.array(["8", "9"])}
    for parts, problem in [(grown, "1 missing .*, 6"), (others, "2 missing .*; 5 unknown")]:
        context = Context(seed=0, part_ids=parts)
        with pytest.raises(DataError, match=problem):
            method.restore(method.state(), NONE, context)


@pytest.mark.parametrize("part", ["", "seen", "cells/seen"])
def test_photos_that_a_limit_or_a_broken_picture_took_away_may_be_answered(tmp_path, part, caplog):
    known = {"cells/seen": PARTS["cells/seen"]}
    head = "part,id,lat,lon\n" if part else "id,lat,lon\n"
    start = f"{part}," if part else ""

    def fitted(*ids):
        text = head + "".join(f"{start}{photo},{photo},7\n" for photo in ids)
        method = predictions(tmp_path, text, parts=["seen"])
        limited = {"cells/seen": np.array(["2"]), "cells/unseen": np.array(["4"])}
        method.fit(NONE, NONE, Context(seed=0, part_ids=limited, known_ids=known))
        return method

    method = fitted("1", "2", "003")
    assert answer(method, "cells/seen", ["2"]).point().tolist() == [[2, 7]]
    fitted("2")  # the others need no answer
    with pytest.raises(DataError, match=r"1 missing \(first: cells/seen, 2\)"):
        fitted("1", "003")
    caplog.clear()
    fitted("2", "9")
    assert re.search(r"1 unknown \(first: .*9\)", caplog.text)
    with pytest.raises(DataError, match="1 doubled"):
        fitted("2", "2")


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("sean", "Did you mean seen"),
        ("cells/unsen", "Did you mean cells/unseen"),
        ("x", "There are: cells/seen"),
    ],
)
def test_a_configured_part_that_the_split_lacks_is_an_error_that_names_it(tmp_path, entry, hint):
    with pytest.raises(ConfigError, match=f"'{entry}'") as caught:
        checked(predictions(tmp_path, WHOLE, parts=["seen", entry]))
    assert caught.value.remedy.startswith(hint)


def test_a_configured_part_of_another_split_is_let_be_and_logged(tmp_path, caplog):
    text = "id,lat,lon\n4,4,40\n5,5,50\n"
    checked(predictions(tmp_path, text, parts=["unseen", "random/test"]))
    assert "random/test is of another split" in caplog.text
    assert "cells/seen, cells/unseen" in caplog.text


def test_a_folder_or_a_damaged_file_is_an_error_that_names_it(tmp_path):
    folder, damaged = tmp_path / "folder.csv", tmp_path / "answers.csv.gz"
    folder.mkdir()
    damaged.write_bytes(b"not compressed at all")
    for path, problem in [(folder, "is a folder"), (damaged, "cannot be read")]:
        with pytest.raises(DataError, match=problem) as caught:
            read_answers(path)
        assert caught.value.where == str(path)
        assert "Parquet" in caught.value.remedy


def test_ids_that_two_parts_share_need_a_column_part(tmp_path):
    parts = {"transfer/a": np.array(["1"]), "transfer/b": np.array(["1"])}
    with pytest.raises(DataError, match="Add a column `part`"):
        checked(predictions(tmp_path, "id,lat,lon\n1,0,0\n"), parts)
    checked(predictions(tmp_path, "id,lat,lon\n1,0,0\n", parts=["transfer/b"]), parts)


def test_a_file_without_the_columns_it_needs_is_one_readable_error(tmp_path):
    for text, problem in [
        ("photo,lat,lon\n1,0,0\n", "the columns are: photo, lat, lon"),
        ("id,lat,latitude,lon\n1,0,0,0\n", "lat and latitude"),
    ]:
        with pytest.raises(ConfigError, match=problem):
            checked(predictions(tmp_path, text))


def sampled(photo, rows):
    return "".join(f"{photo},{k},{lat},{lon},{w}\n" for k, (lat, lon, w) in enumerate(rows))


def test_the_heaviest_sample_is_the_answer_and_at_equal_weights_the_densest(tmp_path):
    near = [(50.0, 8.0, 1.0), (50.3, 8.0, 1.0), (50.1, 8.1, 1.0)]
    far = (-30.0, 140.0, 1.0)
    text = (
        "id,sample,lat,lon,weight\n"
        + sampled("1", [far, *near])  # all equal, some padding
        + sampled("2", [*near, (0, 0, 3.0)])  # one is heaviest
        + sampled("003", [far, *near, (1, 1, 0.5), (2, 2, 0.1)])  # four share the first rank
        + sampled("4", [far])
        + sampled("5", [far, near[0]])  # nothing tells the two apart: the first
    )
    method = checked(predictions(tmp_path, text))
    seen = answer(method, "cells/seen", ["1", "2", "003"])
    assert seen.point().tolist() == [[50.1, 8.1], [0, 0], [50.1, 8.1]]
    unseen = answer(method, "cells/unseen", ["5", "4"])
    assert unseen.point().tolist() == [[-30, 140], [-30, 140]]
    # The distribution is that of the rows, padding and order aside.
    drawn = seen.sample(4000, RNG(0))[1]
    share = (drawn == [0, 0]).all(axis=-1).mean()
    assert abs(share - 0.5) < 0.04
    assert {tuple(place) for place in seen.sample(400, RNG(0))[0]} == {
        place[:2] for place in [far, *near]
    }


def test_samples_without_weights_count_alike_and_agree_with_the_core(tmp_path):
    places = geo.uniform((40, 7), RNG(0))
    places[:, 2:5] = geo.destination(places[:, 1:2], [0, 90, 200], 80)
    ids = np.array([f"p{index}" for index in range(40)])
    rows = [
        f"{photo},{k},{lat!r},{lon!r}"
        for photo, row in zip(ids, places.tolist(), strict=True)
        for k, (lat, lon) in enumerate(row)
    ]
    order = RNG(1).permutation(len(rows))
    text = "\n".join(["id,sample,lat,lon", *(rows[index] for index in order)])
    method = checked(predictions(tmp_path, text), {"official/test": ids})
    found = answer(method, "official/test", ids.tolist())
    np.testing.assert_array_equal(found.draws_given, np.full(40, 7))
    np.testing.assert_array_equal(found.point(), geo.densest_point(places))


def test_fifty_thousand_answers_to_a_table_agree_with_an_independent_computation(tmp_path):
    import pandas as pd

    from geobench_basics.datasets.table import TableDataset
    from geobench_basics.datasets.table_config import TableConfig
    from geobench_basics.splits.official import OfficialSplit

    count = 50_000
    truth, guess = geo.uniform(count, RNG(0)), geo.uniform(count, RNG(1))
    ids = [f"{index:08d}" for index in range(count)]
    photos, answers = tmp_path / "photos.csv", tmp_path / "answers.parquet"
    pd.DataFrame({"id": ids, "lat": truth[:, 0], "lon": truth[:, 1]}).to_csv(photos, index=False)
    shuffled = RNG(2).permutation(count)
    frame = pd.DataFrame({"id": ids, "lat": guess[:, 0], "lon": guess[:, 1]}).iloc[shuffled]
    frame.to_parquet(answers)

    drawn = OfficialSplit().assign(TableDataset(TableConfig(file=photos)))
    (test,) = drawn.parts
    method = PredictionsMethod(PredictionsConfig(file=answers))
    checked(method, {"official/test": test.ids})
    found = answer(method, "official/test", test.ids.tolist()).point()
    a, b = np.deg2rad(test.points), np.deg2rad(found)
    angle = 2 * np.arcsin(
        np.sqrt(
            np.sin((a - b)[:, 0] / 2) ** 2
            + np.cos(a[:, 0]) * np.cos(b[:, 0]) * np.sin((a - b)[:, 1] / 2) ** 2
        )
    )
    np.testing.assert_allclose(distance_km(test.points, found), 6371.0088 * angle, rtol=1e-6)
    np.testing.assert_array_equal(found, geo.wrap(guess))


def test_the_tiny_answers_fit_the_toy_planet(tmp_path):
    from geobench.toy_planet import ToyPlanet
    from geobench_basics.splits.official import OfficialSplit

    parts = {f"official/{part.name}": part for part in OfficialSplit().assign(ToyPlanet()).parts}
    method = PredictionsMethod(PredictionsMethod.tiny(tmp_path))
    checked(method, {name: part.ids for name, part in parts.items()})
    for name, part in parts.items():
        found = answer(method, name, part.ids.tolist()).point()
        assert 0 < distance_km(found, part.points).max() < 112
