"""The split temporal: what is earlier, what is later, and how dates are read."""

import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_places import Places, everything, far_and_wide, sizes
from geobench import DataError, GeobenchError, Strings
from geobench_basics.splits.dates import dates_of
from geobench_basics.splits.temporal import TemporalConfig, TemporalSplit


def split(dates, *, people=None, name="date", **config):
    dataset = Places(far_and_wide(len(dates)), groups=people, attributes={name: dates})
    return TemporalSplit(TemporalConfig(**config)).assign(dataset)


@settings(max_examples=150, deadline=None)
@given(
    days=st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=6, max_size=200),
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0.05, 0.9),
    later=st.sampled_from([1, 10, 2000]),
    iso=st.booleans(),
)
def test_what_is_learnt_from_is_before_the_cutoff_and_later_is_not(days, seed, share, later, iso):
    count = len(days)
    day = np.array([np.nan if d is None else d for d in days], dtype=float)
    start = datetime(2019, 12, 20)
    texts = ["" if d is None else (start + timedelta(days=d)).date().isoformat() for d in days]
    column = np.array(texts) if iso else day
    known = np.sort(day[np.isfinite(day)])
    drawn = None
    with suppress(DataError):
        drawn = split(column, seed=seed, share=share, later=later)
    if drawn is None:
        few = len(known) == 0 or (known < known.max()).sum() < 2
        fitting = [d for d in set(known) if (known >= d).sum() <= share * len(known)]
        assert few or (fitting and (known < min(fitting)).sum() < 2)
        return
    assert everything(drawn) == list(range(count))
    missing = np.flatnonzero(np.isnan(day))
    assert drawn.left_out.get("no date", np.empty(0)).tolist() == missing.tolist()
    before, after = drawn.parts
    assert (before.name, after.name) == ("earlier", "later")
    learnt = np.concatenate([drawn.train.rows, drawn.val.rows, before.rows])
    rest = drawn.left_out.get("set-aside", np.empty(0, np.intp))
    from_cutoff = np.concatenate([after.rows, rest])
    assert day[learnt].max() < day[from_cutoff].min()
    # As early as the share allows, and the last date alone where it allows none.
    cutoff = day[from_cutoff].min()
    assert len(from_cutoff) <= share * len(known) + 1e-6 or cutoff == known[-1]
    previous = known[known < cutoff].max()
    assert (known >= previous).sum() > share * len(known)
    assert len(after) == min(later, len(from_cutoff))
    assert after.units.tolist() == after.groups.tolist()
    again = split(column, seed=seed, share=share, later=later)
    assert [p.digest for p in again.all_parts] == [p.digest for p in drawn.all_parts]


def test_later_photos_are_resampled_by_group():
    drawn = split(np.arange(100), people=np.arange(100) // 10, groups="shared")
    assert drawn.parts[1].units.tolist() == [8] * 6 + [9] * 10


@pytest.mark.parametrize("cutoff", ["2015-06-30", "2015-06", "2015-06-01T00:00:00+00:00"])
def test_iso_dates_of_every_precision_are_put_in_order(cutoff):
    dates = ["2014", "2015", "2015-05-31", "2015-05-31T23:59:59.5Z", " ", "2015-06-30"]
    dates += ["20150701", "2015-07-01 10:00", "2016-01", "", "2015-07-01T00:30:00+01:00"]
    drawn = split(np.array(dates), cutoff=cutoff)
    learnt = np.concatenate([drawn.train.rows, drawn.val.rows, drawn.parts[0].rows])
    assert set(learnt) == {0, 1, 2, 3}
    assert set(drawn.parts[1].rows) == {5, 6, 7, 8, 10}
    assert drawn.left_out["no date"].tolist() == [4, 9]


def test_a_zone_counts():
    dates = ["2020-01-01T00:30:00+01:00", "2019-12-31T23:45:00", "2019-12-31T20:00:00-05:00"]
    drawn = split(np.array(["2019-01-01", "2019-01-02", *dates]), cutoff="2020-01-01")
    assert drawn.parts[1].rows.tolist() == [4]


@pytest.mark.parametrize(
    ("column", "cutoff"),
    [
        (np.arange(2000, 2020), 2015),
        (np.arange(2000, 2020) + 0.0, 2015.0),
        (np.arange(2000, 2020), "2015"),
        (np.arange(2000, 2020).astype(str), 2015),
        (np.arange(2000, 2020).astype(str), "2015"),
        (np.array([f"{year}-01-01" for year in range(2000, 2020)]), 2015),
        (np.array([f"{year}-01-01" for year in range(2000, 2020)]), "2015"),
    ],
)
def test_years_and_numbers_are_cut_where_the_cutoff_says(column, cutoff):
    drawn = split(column, cutoff=cutoff)
    assert drawn.parts[1].rows.tolist() == [15, 16, 17, 18, 19]
    assert drawn.facts["cutoff"].value == 2015
    assert (drawn.facts["first date"].value, drawn.facts["last date"].value) == (2000, 2019)


def test_dates_that_cannot_be_read_are_left_out_and_counted():
    dates = [f"{year}-01-01" for year in range(2000, 2020)]
    drawn = split(np.array([*dates, "May 2003", "0000-00-00", ""]))
    assert drawn.left_out["unreadable date"].tolist() == [20, 21]
    assert drawn.left_out["no date"].tolist() == [22]
    assert drawn.facts["photos with a date"].value == 20
    numbers = np.array([1.0, 2, 3, 4, 5, 6, np.nan, np.inf])
    drawn = split(numbers)
    assert drawn.left_out["unreadable date"].tolist() == [7]
    assert drawn.left_out["no date"].tolist() == [6]


@pytest.mark.parametrize(
    "write",
    [
        lambda year: f"{year}:04:11 15:47:53",
        lambda year: f"{year}:04:11",
        lambda year: f"{year}:04:11 15:47:53.25+02:00",
        lambda year: f"{year}/04/11 15:47",
        lambda year: f"{year}-04-11 15:47:53 UTC",
        lambda year: f"{year}-04-11T15:47:53.000000000",
        lambda year: f"{year}-04-11 15:47:53+0000",
    ],
)
def test_dates_of_exif_and_of_programs_are_read(write):
    iso = [f"{year}-04-11" for year in range(2000, 2020)]
    drawn = split(np.array([write(year) for year in range(2000, 2020)]), cutoff="2015-04-11")
    assert drawn.parts[1].rows.tolist() == [15, 16, 17, 18, 19]
    moment = split(np.array(iso)).facts["last date"].value
    assert moment <= drawn.facts["last date"].value < moment + 1 / 365
    assert "unreadable date" not in drawn.left_out


@pytest.mark.parametrize(
    "missing",
    ["NA", "N/A", "null", "None", "nan", "NULL", "-", "  ", "0000:00:00 00:00:00", "    :  :  "],
)
@pytest.mark.parametrize("kind", ["dates", "seconds"])
def test_what_stands_for_no_date_is_left_out_and_counted(missing, kind):
    dates = [f"{year}-01-01" for year in range(2000, 2020)]
    epochs = [str(946684800 + 31557600 * n) for n in range(20)]
    column = np.array([*(dates if kind == "dates" else epochs), missing, "someday"])
    drawn = split(column)
    assert drawn.left_out["no date"].tolist() == [20]
    assert drawn.left_out["unreadable date"].tolist() == [21]
    assert drawn.facts["photos with a date"].value == 20
    np.testing.assert_array_equal(dates_of(Strings.of(column)).times, dates_of(column).times)


@pytest.mark.parametrize("per_second", [1, 1000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("as_text", [True, False])
def test_seconds_since_1970_are_cut_at_a_date(per_second, as_text):
    years = [datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in range(2000, 2020)]
    column = np.array([int(second) * per_second for second in years])
    drawn = split(column.astype(str) if as_text else column, cutoff="2015-01-01")
    assert drawn.parts[1].rows.tolist() == [15, 16, 17, 18, 19]
    assert drawn.facts["cutoff"].value == years[15] * per_second


def test_the_first_date_that_cannot_be_read_is_in_the_log(caplog):
    split(np.array([*[f"{year}-01-01" for year in range(2000, 2020)], "May 2003", "June"]))
    assert "2 photos: unreadable date (first: id 'photo-20', 'May 2003')" in caplog.text


def test_one_long_text_among_dates_does_not_make_all_of_them_wide():
    dates = [f"{2000 + n % 20}-01-01" for n in range(20_000)]
    column = Strings.of(np.array(dates))
    codes = np.append(column.codes, np.int32(column.codes.max() + 1))
    long = np.frombuffer(b"x" * 3_000_000, np.uint8)
    starts = np.append(column._starts, column._starts[-1] + len(long))
    wide = Strings(codes, np.concatenate([column._data, long]), starts)
    tracemalloc.start()
    found = dates_of(wide)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.flatnonzero(found.unreadable).tolist() == [20_000]
    assert peak < 200e6  # an array of them takes 240 GB


def test_an_attribute_that_is_not_there_is_named_with_those_that_are():
    dataset = Places(far_and_wide(30), attributes={"taken": np.arange(30), "scene": np.arange(30)})
    with pytest.raises(DataError, match=r"no attribute 'date'.*there is taken, scene"):
        TemporalSplit().assign(dataset)
    assert sizes(TemporalSplit(TemporalConfig(attribute="taken")).assign(dataset))["later"] == 5
    with pytest.raises(DataError, match="no attributes at all"):
        TemporalSplit().assign(Places(far_and_wide(30)))


@pytest.mark.parametrize(
    ("column", "config", "problem"),
    [
        (np.array(["red", "", "blue"]), {}, "no value of the attribute date is a date: .*'red'"),
        (np.array(["", "", ""]), {}, "is a date: it is empty"),
        (np.full(3, np.nan), {}, "is a date: it is empty"),
        (np.full(9, 2015), {}, "9 photos with a date, 0 are before the cutoff 2015"),
        (np.arange(9), {"cutoff": 9}, "and 0 are not"),
        (np.arange(9), {"cutoff": "2015-06-30"}, "'2015-06-30' is none of the numbers"),
        (np.array(["2015-06-30", "2016-06-30"]), {"cutoff": "then"}, "'then' is none of the dates"),
    ],
)
def test_dates_that_do_not_divide_are_an_error(column, config, problem):
    with pytest.raises(GeobenchError, match=problem) as raised:
        split(column, **config)
    assert raised.value.remedy
