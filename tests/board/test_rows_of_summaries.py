"""Rows and curves of every type of summary, recounted from the stored arrays."""

import numpy as np
import pytest

from dots_board import GOOD, RADII
from geobench.names import CEILING
from recount import Recount, close, jackknife, north, the


def test_a_metric_of_densities_has_no_row_for_what_is_none(rows):
    labels = {
        row["label"] for row in rows if (row["part"], row["summary"]) == ("halves/old", "nll")
    }
    assert labels == {"close", "far", "released", "broken"}


def test_a_metric_of_densities_is_computed_from_the_stored_columns(rows, folder, manifest):
    recount = Recount(folder, manifest, "halves/old", "far")
    stored = []
    for place in recount.folders:
        (path,) = place.glob("nll-*.npz")
        arrays = np.load(path)
        scored = arrays["mask"] == 0
        assert scored.sum() == 12
        stored.append(arrays["nll"][scored].astype(float))
    row = the(rows, "halves/old", "far", "nll")
    low, high = jackknife(np.array(stored), recount.units[scored])
    assert row["photos"] == "12"
    assert close(row["value"], np.mean(stored))
    assert close(row["low"], low)
    assert close(row["high"], high)


@pytest.mark.parametrize(("part", "label"), GOOD)
def test_a_metric_that_applies_to_some_photos_counts_the_others(
    part, label, rows, folder, manifest
):
    recount = Recount(folder, manifest, part, label)
    inside = north(recount)
    errors, units = recount.errors[:, inside], recount.units[inside]
    mean = the(rows, part, label, "probe.mean")
    assert (mean["photos"], mean["not_applicable"]) == (str(inside.sum()), str((~inside).sum()))
    assert close(mean["value"], errors.mean())
    assert close(mean["low"], jackknife(errors, units)[0])
    share = the(rows, part, label, "probe@100km")
    assert close(share["value"], (errors <= 100).mean())
    quantile = the(rows, part, label, "probe.worst-tenth")
    assert close(quantile["value"], np.mean([np.quantile(seed, 0.9) for seed in errors]))


@pytest.mark.parametrize(("part", "label"), GOOD)
def test_a_statistic_that_is_a_mean_has_the_interval_of_a_mean(part, label, rows):
    mean, weighted = (the(rows, part, label, f"probe.{name}") for name in ("mean", "weighted"))
    for column in ("value", "low", "high", "seed_sd", "photos", "effective_units"):
        if mean[column] == "":
            assert weighted[column] == ""
        else:
            assert close(weighted[column], float(mean[column]))
    assert (mean["rank_low"], mean["rank_high"]) == (weighted["rank_low"], weighted["rank_high"])


def test_a_statistic_sees_the_truth_of_the_scored_photos(rows, folder, manifest):
    recount = Recount(folder, manifest, "halves/old", "far")
    lat = recount.part["truth"][:, 0]
    row = the(rows, "halves/old", "far", "probe.north")
    assert close(row["value"], (lat[lat > 0] > 30).mean())
    ranks = {
        (r["rank_low"], r["rank_high"])
        for r in rows
        if r["part"] == "halves/old" and r["summary"] == "probe.north" and r["rank_low"]
    }
    assert ranks == {("1", "5")}  # the same number for all


def test_what_is_undefined_is_an_empty_cell_without_a_rank(rows, folder):
    row = the(rows, "halves/old", "close", "probe.undefined")
    for column in ("value", "low", "high", "rank_low", "rank_high"):
        assert row[column] == ""
    assert row["status"] == "ok"
    assert row["note"]
    assert "nan" not in (folder / "table.csv").read_text().lower()


def test_a_difference_is_paired_by_photo_and_seed(rows, folder, manifest):
    far = Recount(folder, manifest, "halves/old", "far")
    inside = north(far)
    for label in ("close", "released", CEILING):
        other = Recount(folder, manifest, "halves/old", label)
        difference = (other.errors - far.errors)[:, inside]
        row = the(rows, "halves/old", label, "probe.against")
        low, high = jackknife(difference, far.units[inside])
        assert float(row["value"]) == pytest.approx(difference.mean(), rel=1e-5)
        assert float(row["low"]) == pytest.approx(low, rel=1e-5)
        assert float(row["high"]) == pytest.approx(high, rel=1e-5)
    own = [r for r in rows if (r["label"], r["summary"]) == ("far", "probe.against")]
    assert not own


def test_a_difference_to_nobody_is_a_row_that_says_so(rows):
    for label in ("close", "far", "released"):
        row = the(rows, "halves/old", label, "probe.alone")
        assert (row["value"], row["rank_low"]) == ("", "")
        assert row["note"] == "nothing on the same photos to compare with"


@pytest.mark.parametrize(("part", "label"), GOOD)
def test_the_points_of_a_curve_are_in_a_table_of_their_own(
    part, label, curves, rows, folder, manifest
):
    recount = Recount(folder, manifest, part, label)
    inside = north(recount)
    own = [c for c in curves if (c["part"], c["label"], c["curve"]) == (part, label, "probe-curve")]
    assert tuple(float(point["x"]) for point in own) == RADII
    for point in own:
        hits = (recount.errors[:, inside] <= float(point["x"])).astype(float)
        assert close(point["value"], hits.mean())
        if 0 < hits.mean() < 1:
            low, high = jackknife(hits, recount.units[inside])
            low, high = max(low, 0.0), min(high, 1.0)  # it is a share
            assert float(point["low"]) == pytest.approx(low, rel=1e-5, abs=1e-7)
            assert float(point["high"]) == pytest.approx(high, rel=1e-5, abs=1e-7)


def test_a_curve_has_no_row_in_the_table(rows, curves, folder):
    names = {row["summary"] for row in rows}
    assert not names & {"probe-curve", "accuracy", "nowhere-curve"}
    named = {c["curve"] for c in curves if ".novelty" not in c["curve"]}
    assert named == {"probe-curve", "accuracy"}
    header = (folder / "curves.csv").read_text().split("\n")[0]
    assert header == "benchmark,part,slice,label,curve,x,value,low,high"


def test_a_metric_that_applies_to_no_photo_says_so(rows):
    row = the(rows, "halves/old", "close", "nowhere")
    assert (row["value"], row["photos"], row["not_applicable"]) == ("", "0", "40")
    assert row["note"] == "no photo of this part can be scored"
    assert row["status"] == "ok"


def test_a_novelty_curve_of_distances_never_reaches_below_zero(curves):
    lows = [row["low"] for row in curves if row["curve"].startswith("distance.mean.novelty")]
    assert min(float(low) for low in lows if low) == 0  # by t alone it would be negative
