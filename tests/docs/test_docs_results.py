"""docs/results.md: what it says of a leaderboard's files is what a run really writes."""

import json
import re
import shutil
from dataclasses import fields
from fnmatch import fnmatchcase
from typing import get_args

import numpy as np
import pytest

from documented_fields import fields_of, plain
from geobench import Component, Dataset, assignments, records, statistics
from geobench.board import contrast_rows
from geobench.board.ranks import FEW_UNITS, UNRANKED
from geobench.board.tables import (
    CONSTANT,
    FEW_DRAWS,
    OUT_OF_REACH,
    RANKED,
    REFUSALS,
    ROW_COLUMNS,
    Cost,
    CurvePoint,
    Resolution,
)
from geobench.catalogue import installed
from geobench.metrics import NOT_APPLICABLE, NOT_SAMPLED, SCORED
from geobench.records import Status, files
from geobench.records.manifest import StoredComponent
from geobench.scoring.slices import LEFT_OUT, views
from geobench.scoring.summaries import AT_AN_END
from pages import Page, tables
from small_board import make

RESULTS = Page.read("docs/results.md")
OF_CONTRASTS = (
    contrast_rows.OTHER_PHOTOS,
    "the twin * has *",
    "the twin * was trained on * photos, *",
    "the twin * was validated on * photos, *",
    "*/* has *",
    contrast_rows.NO_VARIANCE,
    contrast_rows.NO_DIFFERENCE,
)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return make(tmp_path_factory.mktemp("board"))


def documented(title):
    """The first table of a section."""
    return tables(RESULTS.section(title))[0]


def steps(name):
    """`rows[].part` -> rows, [], part."""
    return tuple(name.replace("[]", ".[]").split("."))


def paths(value, above=()):
    """The way to every value in JSON data, an entry of a list being `[]`."""
    inside = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = [("[]", each) for each in value]
    below = set().union(*(paths(each, (*above, key)) for key, each in inside))
    return below | ({above} if above else set())


def fits(path, pattern):
    """Whether a path is this one or on the way to it; `*` is any key."""
    pairs = zip(path, pattern, strict=False)
    return len(path) <= len(pattern) and all(b in ("*", a) for a, b in pairs)


def check_fields(title, found, *, absent=()):
    """Every field is in a table, or inside one whose inside is not; and there are no others, but
    for `absent` ones."""
    patterns = [steps(name) for name in documented(title)]
    there = set().union(*map(paths, found))
    for path in there:
        inside = [p for p in patterns if len(p) < len(path) and fits(path[: len(p)], p)]
        assert inside or any(fits(path, p) for p in patterns), ".".join(path)
    for pattern in (steps(name) for name in documented(title) if name not in absent):
        assert any(len(p) == len(pattern) and fits(p, pattern) for p in there), ".".join(pattern)


def check_arrays(title, found, sizes):
    """Every array is documented with its type and shape; and there are no others."""
    rows = documented(title)
    used = set()
    for arrays in found:
        for name, array in arrays.items():
            exact = [row for row in rows if row == name]
            (row,) = exact or [row for row in rows if fnmatchcase(name, row)]
            used.add(row)
            kind = {"U": "string", "i": "integer"}.get(array.dtype.kind, array.dtype.name)
            assert rows[row]["type"] == "any" or kind in rows[row]["type"], name
            shape = rows[row]["shape"]
            for letter, size in sizes.items():
                shape = shape.replace(letter, str(size))
            assert str(array.shape) == shape, name
    optional = {name for name, row in rows.items() if "absent where" in row["meaning"]}
    assert set(rows) - optional <= used <= set(rows)


def test_every_field_of_the_documents_is_in_its_table_with_its_description():
    shown = set()
    for title, document in (
        ("A component", StoredComponent),
        ("benchmark.json", records.Manifest),
        ("record.json", records.Record),
        ("state.json", records.Fit),
    ):
        rows, found = documented(title), fields_of(document, shown)
        stamp = [files.STAMP] if document is records.Record else []  # of the file
        assert list(rows) == [*found, *stamp]
        for name, description in found.items():
            assert plain(rows[name]["meaning"]) == plain(description), name


def test_every_field_of_a_state_is_documented(board):
    states = (board.folder.parent.parent / ".geobench/states").glob("*/state.json")
    check_fields("state.json", [json.loads(path.read_text()) for path in states])


def test_every_field_of_benchmark_json_is_documented(board):
    manifest = board.manifest()
    weights = ("rows[].components[].method", "rows[].components[].trained_on")
    check_fields("benchmark.json", [manifest], absent=weights)  # no method here has any
    assert all(
        part["dataset"].keys() == manifest["dataset"].keys() for part in manifest["parts"].values()
    )
    wanted = documented("A component").keys() - {"content"}  # none here has any
    bench = manifest["benchmark"]
    assert all(
        each.keys() == wanted for key in ("splits", "methods", "metrics") for each in bench[key]
    )
    assert bench["dataset"].keys() == bench["encoder"].keys() == wanted - {"label"}


def test_every_field_of_a_record_is_documented(board):
    records = board.records()
    assert {record["status"] for record in records} == {"ok", "failed", "deadline", "not-answered"}
    check_fields("record.json", records)


def test_fields_of_certain_records_are_documented_as_theirs(board):
    shared = set.intersection(*(set(record) for record in board.records()))
    by_status = {}
    for record in board.records():
        by_status.setdefault(record["status"], set()).update(set(record) - shared)
    for name, row in documented("record.json").items():
        field = name.partition(".")[0]
        said = re.match(r"of (`[^:]*`):", row["meaning"])
        found = {status for status, names in by_status.items() if field in names}
        told = set(re.findall(r"`([\w-]+)`", said[1]) if said else ())
        assert told <= set(get_args(Status)), name
        assert told & set(by_status) == found, name  # no method is absent from this machine


def test_every_array_is_documented_with_its_shape(board):
    for part in board.manifest()["parts"].values():
        folder = f"runs/{part['folder']}"
        (arrays,) = board.arrays(f"{folder}/part.npz")
        n = {"N": len(arrays["truth"]), "B": len(arrays["truth"]) * len("so it seems")}
        check_arrays("part.npz", [arrays], n)
        check_arrays("answer.npz", board.arrays(f"{folder}/*/answer.npz"), n)
        check_arrays("The scores of a metric", board.arrays(f"{folder}/*/nll-*.npz"), n)
        check_arrays("map.npz", board.arrays(f"{folder}/*/map.npz"), {"K": 3})
    for arrays in board.arrays("runs/*.npz"):
        check_arrays("The map of a split", [arrays], {"M": len(arrays["role"])})


def test_the_codes_of_the_mask_are_documented(board):
    said = documented("The scores of a metric")["mask"]["meaning"]
    for code, word in ((SCORED, "scored"), (NOT_APPLICABLE, "not applicable")):
        assert f"{code}: {word}" in said
    assert f"{NOT_SAMPLED}: not sampled" in said
    for arrays in board.arrays("runs/*/*/nll-*.npz"):
        assert (np.isnan(arrays["nll"]) == (arrays["mask"] != SCORED)).all()
        assert (arrays["mask"] == SCORED).sum() <= 20


def test_every_field_of_a_failure_is_documented(board):
    found = [json.loads(path.read_text()) for path in board.folder.glob("runs/*/*/*.failed.json")]
    _, fields_of_failure = tables(RESULTS.section("The scores of a metric"))
    assert found
    assert all(set(failure) == set(fields_of_failure) for failure in found)


def test_every_column_of_the_tables_is_documented(board):
    assert list(documented("table.csv")) == list(ROW_COLUMNS) == list(board.rows("table.csv")[0])
    kinds = {"curves.csv": CurvePoint, "costs.csv": Cost, "resolution.csv": Resolution}
    for title, kind in kinds.items():
        names = [field.name for field in fields(kind)]
        assert list(documented(title)) == names == list(board.rows(title)[0])


def test_every_value_of_a_column_of_words_is_documented(board):
    columns, statuses, *_ = tables(RESULTS.section("table.csv"))
    rows = board.rows("table.csv")
    for name in ("slice", "average", "unit", "better"):
        said = re.findall(r"`([^`]+)`", columns[name]["meaning"])
        for value in {row[name] for row in rows} - {""}:  # of `better`: what only describes
            assert any(fnmatchcase(value, pattern) for pattern in said), (name, value)
    assert {row["status"] for row in rows} <= set(statuses)
    assert set(statuses) == {*get_args(records.Status), *RANKED, "ceiling"}
    assert {name for name, row in statuses.items() if row["ranked"] == "yes"} == set(RANKED)


def test_every_note_is_documented(board):
    *_, weak, empty = tables(RESULTS.section("table.csv"))
    rows = [row for row in board.rows("table.csv") if row["status"] == "ok"]
    units = np.arange(30)

    def slope(weights):
        return weights.each(lambda row: np.nan if row[0] == 0 else 1.0)

    estimates = [
        statistics.estimate_mean([[1, 2]], [0, 0]),
        statistics.estimate_mean([[1, 2, 3]], [0, 1, 2]),
        statistics.estimate_mean(np.eye(1, 30), units),
        statistics.estimate_share([units == 0], units),
        *statistics.estimate_statistic([slope], units),
    ]
    (left_out,) = (note for note in weak if LEFT_OUT in note)
    places = {"truth": np.repeat([[1.0, 1], [41, 1], [81, 1]], [5, 5, 2], axis=0)}
    averages = views(places | {"neighbours": np.zeros(12)})
    assert [view.note for view in averages if fnmatchcase(view.note, left_out)]
    notes = {each.note for each in estimates}
    found = {note for row in rows if row["value"] for note in row["note"].split("; ") if note}
    shy = f"{REFUSALS}* of * photos are not answered, and scored as *"
    few = f"{FEW_DRAWS}* of *, not ranked by metrics of draws"  # see board/test_few_draws.py
    other = (*OF_CONTRASTS, UNRANKED, OUT_OF_REACH, FEW_UNITS, few, left_out, "gallery: *", shy)
    other += (AT_AN_END, f"{CONSTANT} on * of the photos, not ranked")
    assert notes == {name for name in weak if name not in other}
    assert {"gallery: training places", OUT_OF_REACH} <= found
    assert all(any(fnmatchcase(note, pattern) for pattern in weak) for note in found)
    lost = {note for row in rows if not row["value"] for note in row["note"].split("; ")}
    assert any("fitted" in note for note in lost)
    about_labels = ("gallery: *", few, shy)
    assert all(any(fnmatchcase(n, pattern) for pattern in (*empty, *about_labels)) for n in lost)
    met = {pattern for pattern in empty if any(fnmatchcase(note, pattern) for note in lost)}
    other = {  # of a board with slices that none is in, and with twins trained otherwise
        "no photo of this slice can be scored",
        "the twin * has no number",
        "the twin * was trained with other seeds",
        "other photos of the twin * could be scored",
    }
    assert met | other == set(empty)


def test_every_quantity_that_the_harness_measures_is_documented(board):
    _, quantities = tables(RESULTS.section("costs.csv"))
    facts = {
        (name, unit) for r in board.records() for name, (_, unit) in r.get("facts", {}).items()
    }
    found = {(row["quantity"], row["unit"]) for row in board.rows("costs.csv")} - facts
    on_cuda = {(n, r["unit"]) for n, r in quantities.items() if r["meaning"].startswith("on CUDA")}
    assert found | on_cuda == {(name, row["unit"]) for name, row in quantities.items()}
    assert on_cuda == {("peak_device_memory", "MiB")}
    assert ("floor share", "share") in facts  # the page's example


def test_every_fact_of_a_part_is_documented(monkeypatch):
    monkeypatch.setattr(Dataset, "view_km", 50.0)
    planet = installed().find("dataset", "toy-planet")
    elsewhere = Component[Dataset].of(planet(planet.Config(seed=1)))
    found = {}
    for name, settings in (
        ("unseen-cells", {"train_share": 0.5, "val_ratio": 0.1}),
        ("unseen-cells", {"surroundings": "train"}),
        ("unseen-cells", {"val_unseen": 0.5}),
        ("unseen-regions", {}),
        ("density-shift", {}),
        ("temporal", {"attribute": "scene"}),
        ("by-group", {}),
        ("transfer", {"test": [elsewhere]}),
    ):
        split = installed().find("split", name)
        drawn = split(split.Config(**settings)).assign(planet())
        drawn = assignments.without(drawn, {drawn.train.dataset.digest: drawn.train.rows[:1]})
        for part in drawn.parts:
            facts = assignments.describe(drawn, part)
            found |= {fact: about.unit for fact, about in facts.items()}
    rows = documented("Facts of a part")
    used = set()
    for fact, unit in found.items():
        (row,) = [row for row in rows if fnmatchcase(fact, row)]
        assert rows[row]["unit"] == unit, fact
        used.add(row)
    assert used == set(rows)


def test_every_file_of_a_leaderboard_is_in_the_tree(board):
    (tree,) = RESULTS.blocks("")
    names, folder = [], ""
    for line in tree.splitlines()[1:]:
        *shown, _ = re.split(r" {2,}", line.strip())
        names += [folder + name if line.startswith("    ") else name for name in shown]
        folder = shown[-1] if shown[-1].endswith("/") else folder
    patterns = {name: re.sub(r"<[^>]+>", "[^/]+", name.replace(".", r"\.")) for name in names}
    there = [p.relative_to(board.folder).as_posix() for p in board.folder.rglob("*") if p.is_file()]
    folders = tuple(name for name in names if name.endswith("/") and "<" not in name)
    for path in there:
        known = any(re.fullmatch(pattern, path) for pattern in patterns.values())
        assert known or path.startswith(folders), path
    for name, pattern in patterns.items():
        assert any(re.match(pattern, path) for path in there), name


def test_the_python_of_the_page_gives_the_published_numbers(board, monkeypatch, capsys):
    monkeypatch.chdir(board.folder.parent.parent)
    compute, keys = RESULTS.blocks("python")
    exec(compute, {})
    answered = {
        (row["part"], row["label"])
        for row in board.rows("table.csv")
        if row["summary"] == "geoscore" and row["status"] == "ok"
    }
    assert len(answered) == 15
    assert len(capsys.readouterr().out.splitlines()) == 2 * len(answered)
    exec(keys, {})


def test_the_python_of_the_page_notices_another_number(board, monkeypatch, tmp_path):
    copy = tmp_path / "leaderboards/toy"
    shutil.copytree(board.folder, copy)
    monkeypatch.chdir(tmp_path)
    compute, keys = RESULTS.blocks("python")
    for path in copy.glob("runs/*/*/answer.npz"):
        arrays = dict(np.load(path))
        np.savez(path, **arrays | {"answer": -arrays["answer"]})
    with pytest.raises(AssertionError):
        exec(compute, {})
    for path in copy.glob("runs/*/*/record.json"):
        path.write_text(path.read_text().replace('"seed": 0', '"seed": 3'))
    with pytest.raises(AssertionError):
        exec(keys, {})


def test_the_numbers_of_the_layout_are_those_of_the_code():
    for title in ("benchmark.json", "record.json"):
        assert f"layout, {records.LAYOUT}" in documented(title)["schema"]["meaning"]
    assert f"{records.MAP_ROWS:,} photos" in RESULTS.section("The map of a split")
