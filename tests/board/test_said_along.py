"""What a file says along with its answers: kept as written, in costs.csv, and withheld."""

import json

import numpy as np
import pytest

import small_run
import told_answers
from geobench import Answers, Atoms, Method, Prediction, Remark, hashes, load
from geobench.board import tables
from geobench.catalogue import installed
from geobench.figures import cost
from geobench.pages.verification import verify
from geobench.records import files
from lent_plugins import lent
from told_answers import PART, PHOTOS, SECRET, TOLD, told_rows, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return told_answers.board(tmp_path_factory.mktemp("told"), more=["uniform"], figures=True)


def kept(folder, label="told"):
    """record.json and the arrays of answer.npz of a label, by id of the photo."""
    manifest = json.loads((folder / "benchmark.json").read_text())
    (row,) = (row for row in manifest["rows"] if row["label"] == label)
    record = folder / "runs" / row["folder"]
    data = json.loads((record / "record.json").read_text())
    ids = np.load(record.parent / "part.npz")["id"].tolist()
    with np.load(record / "answer.npz") as arrays:
        return data, {name: arrays[name] for name in arrays.files}, ids


def explanations(arrays):
    ends = np.cumsum(arrays["explanation.length"]).tolist()
    text = arrays["explanation.utf8"].tobytes()
    return [text[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)]


def whole(folder):
    """The rows of table.csv about all photos of the part, each counting once."""
    table = load(folder)
    return table[(table["slice"] == "all") & (table.average == "photo")]


def numbers_of(cells):
    return np.array([np.nan if cell in ("", "N/A") else float(cell) for cell in cells])


def test_the_record_holds_what_the_file_says_and_nothing_where_it_says_nothing(folder):
    data, arrays, ids = kept(folder)
    by_id = {row[0]: dict(zip(TOLD, row, strict=True)) for row in told_rows()}
    written = [by_id[photo] for photo in ids]
    assert data["along"] == {
        "confidence": "share",
        "seconds": "s",
        "cost": "EUR",
        "explanation": "",
    }
    refused = np.array([row["lat"] == "NA" for row in written])
    assert data["refused"] == refused.sum() == 4
    np.testing.assert_array_equal(arrays["answered"], ~refused)
    for name in ("seconds", "cost"):
        np.testing.assert_array_equal(arrays[name], numbers_of(row[name] for row in written))
        assert np.isnan(arrays[name]).any()
    confidence = numbers_of(row["confidence"] for row in written)
    assert np.isnan(confidence[refused]).all()
    np.testing.assert_array_equal(arrays["confidence"], np.where(refused, 0, confidence))
    assert explanations(arrays) == [str(row["explanation"]) for row in written]
    assert "" in explanations(arrays)
    silent, nothing, _ = kept(folder, "silent")
    assert "along" not in silent
    assert set(nothing) - {files.STAMP} == {"answer", "sample"}


def test_costs_csv_has_the_mean_and_the_sum_of_what_is_stated(folder):
    found = {
        (c.label, c.quantity): c for c in tables.read(folder).costs if c.quantity[:7] == "answer_"
    }
    assert {label for label, _ in found} == {"told"}
    for name, unit in (("seconds", "s"), ("cost", "EUR")):
        said = numbers_of(row[TOLD.index(name)] for row in told_rows())
        mean, total = found["told", f"answer_{name}_per_photo"], found["told", f"answer_{name}"]
        assert mean.value == pytest.approx(np.nanmean(said), rel=1e-5)
        assert total.value == pytest.approx(np.nansum(said), rel=1e-5)
        assert {mean.unit, total.unit} == {unit}
        assert {mean.device, total.device} == {""}


def test_stated_seconds_have_a_place_in_the_picture_of_costs_marked_as_stated(folder):
    (panel,) = cost.panels(tables.read(folder))
    assert panel.part == PART
    assert set(panel.spent) == {"told", "uniform"}
    assert panel.stated == {"told"}
    said = np.nanmean(numbers_of(row[TOLD.index("seconds")] for row in told_rows()))
    assert panel.spent["told"] == pytest.approx(PHOTOS * said, rel=1e-5)
    (axes, *_) = cost.draw_cost(tables.read(folder), stamp="").axes
    dots = {line.get_label(): line for line in axes.lines if line.get_label() in panel.spent}
    assert dots["told"].get_markerfacecolor() == "white"
    assert dots["uniform"].get_markerfacecolor() != "white"
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "Hollow dots are what answers made elsewhere state of themselves" in page
    assert "as measured when the records were made" in page


def test_two_files_that_state_seconds_and_money_are_compared_by_both(tmp_path):
    rows = [[*row[:4], 2 * row[4] if row[4] else "", *row[5:]] for row in told_rows()]
    write(tmp_path / "slow.csv", rows)
    more = ["{name: predictions, label: slow, file: slow.csv, missing: farthest, cost_unit: EUR}"]
    folder = told_answers.board(tmp_path, more=more, figures=True)
    time, money = cost.panels(tables.read(folder))
    assert time.spent["slow"] == pytest.approx(2 * time.spent["told"], rel=1e-5)
    assert time.stated == money.stated == {"told", "slow"}
    assert money.axis == "cost of an answer (EUR)"
    assert money.spent["slow"] == money.spent["told"]
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "Hollow dots" in page
    assert "as measured when the records were made" not in page


def test_money_of_two_currencies_is_not_compared(tmp_path):
    write(tmp_path / "dollars.csv", told_rows())
    more = ["{name: predictions, label: dollars, file: dollars.csv, missing: farthest}"]
    folder = told_answers.board(tmp_path, more=more)
    assert [panel.axis for panel in cost.panels(tables.read(folder))] == [
        "time to fit and answer (s)"
    ]
    units = {c.label: c.unit for c in tables.read(folder).costs if c.quantity == "answer_cost"}
    assert units == {"told": "EUR", "dollars": "USD"}


def test_stated_confidence_is_scored_for_who_states_it_and_verified(folder):
    table = whole(folder)
    rows = table[table.summary.str.startswith("stated-confidence")]
    assert set(rows.label) == {"told"}
    assert set(rows.summary) == {"stated-confidence.area", "stated-confidence.ece@200km"}
    assert np.isfinite(rows.value).all()
    assert (rows.photos == PHOTOS).all()
    assert verify(folder, installed()) == []


def test_a_photo_without_a_stated_confidence_is_counted_and_not_scored(tmp_path):
    rows = [
        [*row[:3], "" if i % 4 == 1 and row[1] != "NA" else row[3], *row[4:]]
        for i, row in enumerate(told_rows())
    ]
    write(tmp_path / "doubting.csv", rows)
    more = ["{name: predictions, label: doubting, file: doubting.csv, missing: farthest}"]
    table = whole(told_answers.board(tmp_path, more=more)).set_index(["label", "summary"])
    row = table.loc["doubting", "stated-confidence.area"]
    blank = sum(row[3] == "" and row[1] != "NA" for row in rows)
    assert blank > 5
    assert (row.photos, row.not_applicable) == (PHOTOS - blank, blank)
    assert table.loc["told", "stated-confidence.area"].not_applicable == 0
    # As many state it otherwise: who is on other photos than most is not ranked.
    notes = {table.loc[label, "stated-confidence.area"].note for label in ("told", "doubting")}
    assert any("scored on other photos than most" in note for note in notes)
    assert table.loc["doubting", "distance.mean"].photos == PHOTOS


def everything(folder):
    """All bytes of a board, arrays as they are read."""
    for path in folder.rglob("*"):
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                yield from (arrays[name].tobytes() for name in arrays.files)
        if path.is_file():
            yield path.read_bytes()


@pytest.mark.parametrize("publishes", ["coordinates", "scores"])
def test_explanations_are_withheld_where_only_scores_may_be_published(tmp_path, publishes):
    folder = told_answers.board(tmp_path, publishes=publishes, figures=True)
    spoken = any(SECRET.encode() in content for content in everything(folder))
    assert spoken == (publishes == "coordinates")
    _, arrays, _ = kept(folder)
    assert ("explanation.utf8" in arrays) == (publishes == "coordinates")
    assert {"confidence", "seconds", "cost"} < set(arrays)  # numbers tell no place
    assert verify(folder, installed()) == []


def test_of_several_rows_of_a_photo_seconds_and_costs_add_up_and_the_answer_speaks(tmp_path):
    rows, expected = [], {}
    for row in told_rows():
        if row[1] == "NA":
            rows.append([*row, 0, 1])
            continue
        photo, lat, lon, *_ = row
        for sample, weight in enumerate((1, 5, 2)):
            own = [photo, lat + sample / 10, lon, sample / 4, 1 + sample, "" if sample else 3]
            rows.append([*own, f"reason {sample} of {photo}", sample, weight])
        expected[photo] = [lat + 0.1, 0.25, 6, 3, f"reason 1 of {photo}"]
    write(tmp_path / "many.csv", rows, [*TOLD, "sample", "weight"])
    more = ["{name: predictions, label: many, file: many.csv, missing: uniform}"]
    _, arrays, ids = kept(told_answers.board(tmp_path, more=more), "many")
    why = explanations(arrays)
    for place, photo in enumerate(ids):
        if photo in expected:
            lat, *numbers, reason = expected[photo]
            assert arrays["answer"][place, 0] == pytest.approx(lat)
            assert [arrays[n][place] for n in ("confidence", "seconds", "cost")] == numbers
            assert why[place] == reason


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("confidence", ["1.5", "high", "-0.1", "120%"], "4 of an improper confidence"),
        ("confidence", ["inf", "1e9", "2", "nan?"], "4 of an improper confidence"),
        ("seconds", ["-1", "soon", "inf", "1e300"], "4 of an improper seconds"),
        ("cost", ["-0.01", "free", "1e13", "$3"], "4 of an improper cost"),
    ],
)
def test_improper_values_are_counted_with_three_examples(tmp_path, column, values, said):
    rows = told_rows()
    for row, value in zip(rows[10:], values, strict=False):
        row[TOLD.index(column)] = value
    told_answers.write(tmp_path / "wrong.csv", rows)
    more = ["{name: predictions, label: wrong, file: wrong.csv, missing: farthest}"]
    path = told_answers.files(tmp_path, more=more)
    (benchmark,) = small_run.read(tmp_path, path)
    outcome = small_run.run(benchmark, tmp_path)
    record = next(r for r in load(outcome.board).itertuples() if r.label == "wrong")
    assert record.status == "failed"
    assert f"{said}" in record.note
    shown = "; ".join(f"p{10 + place}: {value!r}" for place, value in enumerate(values[:3]))
    assert f"(first: {shown})" in record.note
    assert "p13" not in record.note
    if column == "confidence":
        assert "confidence_scale: 100" in record.note


def test_a_column_that_is_left_empty_throughout_says_nothing(tmp_path):
    rows = [[*row[:3], "", "", "N/A", ""] for row in told_rows() if row[1] != "NA"]
    rows += [[row[0], 0, 0, "", "", "", ""] for row in told_rows() if row[1] == "NA"]
    write(tmp_path / "mute.csv", rows)
    more = ["{name: predictions, label: mute, file: mute.csv}"]
    folder = told_answers.board(tmp_path, more=more, figures=True)
    mine = whole(folder).set_index("label").loc["mute"].set_index("summary")
    assert np.isfinite(mine.loc["distance.mean"].value)
    for summary in ("stated-confidence.area", "stated-confidence.ece@200km"):
        row = mine.loc[summary]
        assert np.isnan(row.value)
        assert (row.photos, row.not_applicable) == (0, PHOTOS)
        assert row.note
    assert not [
        c for c in tables.read(folder).costs if c.label == "mute" and "answer" in c.quantity
    ]
    assert verify(folder, installed()) == []


class Wavering(Method):
    """Trained anew it is sure of other photos, and says nothing of those that it is not sure of."""

    name = "wavering"
    predicts = Prediction
    needs_training = False

    def fit(self, train, val, context):
        self.seed = context.seed

    def predict(self, examples, context):
        sure = hashes(examples.ids) % 3 != self.seed
        said = Remark(np.where(sure, 0.5, np.nan), "share")
        return Answers(Atoms(np.zeros((len(sure), 1, 2))), along={"confidence": said})

    def state(self):
        return {"seed": np.array(self.seed)}

    def restore(self, state, train, context):
        self.seed = int(state["seed"])


def test_a_photo_of_which_one_training_says_nothing_is_scored_for_none(tmp_path):
    with lent(Wavering):
        text = told_answers.files(tmp_path, more=["wavering"]).replace(
            "splits:", "seeds: [0, 1], splits:"
        )
        folder = small_run.board(tmp_path, text)
        row = whole(folder).set_index(["label", "summary"]).loc["wavering"]
        ids = np.array([f"p{photo:02d}" for photo in range(PHOTOS)])
        scored = int((hashes(ids) % 3 == 2).sum())
        area = row.loc["stated-confidence.area"]
        assert (area.seeds, area.photos, area.not_applicable) == (2, scored, PHOTOS - scored)
        assert np.isfinite(area.value)
        assert verify(folder, installed()) == []
