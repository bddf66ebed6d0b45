"""Documents: what is committed and what is older is read, and what is written is what was given."""

import json
from pathlib import Path

import pytest

from geobench import StoreError, records
from geobench.data import Fact
from geobench.records import Fit, Manifest, Record, StoredRecord, files
from geobench.records.documents import OLDEST_LAYOUT
from geobench.records.manifest import StoredPicture

BOARDS = Path(__file__).parents[2] / "leaderboards"
MANIFESTS = sorted(BOARDS.glob("*/benchmark.json"))
BOARD = BOARDS / "blue-marble-galleries"
RECORD = sorted(BOARD.glob("runs/*/*/record.json"))[0]
FIT = {
    "fit_key": "0" * 64,
    "fit_seconds": 1,
    "facts": {"parameters": [3, "parameters"], "loss": [0.1, "nats"]},
    "sha256": "1" * 64,
}
by_name = pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)


def text(data):
    """As files.write_json writes it, with the order of keys and the types of numbers."""
    return json.dumps(data, indent=1) + "\n"


def changed(data, *steps, value=None):
    """A copy of JSON data with another value at the end of the steps, or without it where None."""
    copy = json.loads(json.dumps(data))
    *way, last = steps
    place = copy
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return dict(copy)


def refused(document, data):
    with pytest.raises(StoreError) as caught:
        document.of(data, Path("there.json"))
    said = str(caught.value)
    assert said.startswith("there.json: ")
    assert "\n" not in said
    assert "pydantic" not in said
    return said


@by_name
def test_a_committed_leaderboard_is_read_and_written_as_it_was(path):
    manifest = Manifest.read(path)
    assert manifest.benchmark.name == path.parent.name
    assert len(manifest.pictures) == len(list((path.parent / "figures").iterdir()))
    assert text(manifest.data) == path.read_text()


def test_a_leaderboard_of_the_oldest_layout_is_read_and_written_as_it_was():
    path = Path(__file__).parent / f"layout-{OLDEST_LAYOUT}" / "benchmark.json"
    manifest = Manifest.read(path)
    assert manifest.layout == OLDEST_LAYOUT
    assert manifest.left_out is manifest.rows[0].trained_on is None  # of layout 4
    assert text(manifest.data) == path.read_text()


@by_name
def test_every_committed_record_is_read_and_written_as_it_was(path, tmp_path):
    for row in Manifest.read(path).rows:
        record = StoredRecord.read(path.parent / "runs" / row.folder)
        assert record is not None
        assert record.content.record_key == row.record_key
        files.write_stamped(tmp_path / "record.json", record.content.data)
        written = (tmp_path / "record.json").read_bytes()
        assert written == (record.folder / "record.json").read_bytes()


def test_a_record_of_the_oldest_layout_is_read_and_written_as_it_was(tmp_path):
    path = Path(__file__).parent / f"layout-{OLDEST_LAYOUT}" / "record.json"
    record = Record.read(path)
    assert record.layout == OLDEST_LAYOUT
    assert record.method is record.fewest_draws is None  # of layouts 4 and 5
    files.write_stamped(tmp_path / "record.json", record.data)
    assert (tmp_path / "record.json").read_bytes() == path.read_bytes()


def test_a_state_of_an_earlier_version_has_no_device(tmp_path):
    path = tmp_path / "state.json"
    files.write_json(path, FIT)
    fit = Fit.read(path)
    assert fit.device is None
    assert fit.facts["parameters"] == Fact(3, "parameters")
    assert text(fit.data) == path.read_text()


def test_a_document_made_in_python_is_what_is_read_back_of_it(tmp_path):
    facts = {"parameters": Fact(3, "parameters"), "loss": Fact(0.1, "nats")}
    fit = Fit(fit_key="0" * 64, fit_seconds=1, facts=facts, sha256="1" * 64)
    assert text(fit.data) == text(FIT)
    assert Fit.of(fit.data, tmp_path) == fit


def test_a_picture_given_as_a_document_is_written_as_its_fields():
    manifest = Manifest.read(BOARD / "benchmark.json")
    again = manifest.changed(figures=manifest.pictures)
    assert again == manifest
    assert text(again.data) == text(manifest.data)


def test_what_is_no_number_of_a_field_keeps_its_kind_in_the_data():
    data = files.read_json(RECORD)
    whole = changed(data, "timings", "fit_seconds", value=2)
    record = Record.of(whole, RECORD)
    assert record.timings is not None
    assert record.timings.fit_seconds == 2
    assert '"fit_seconds": 2,' in text(record.data)


@pytest.mark.parametrize("document", [Manifest, Record], ids=lambda each: each.__name__)
@pytest.mark.parametrize("found", [records.LAYOUT + 1, OLDEST_LAYOUT - 1, "4", None])
def test_another_layout_is_a_sentence_whatever_else_is_in_it(document, found):
    said = refused(document, {"schema": found, "unheard of": 1})
    assert f"is of layout {found}, and " in said
    assert ("install that" in said) == (found == records.LAYOUT + 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: changed(d, "parts"), "lacks the field parts"),
        (lambda d: changed(d, "rows", 2, "seed"), "lacks the field rows[2].seed"),
        (lambda d: changed(d, "rows", 2, "seed", value="0"), "has a wrong rows[2].seed: input"),
        (lambda d: changed(d, "rows", 0, "origin", value="bought"), "a wrong rows[0].origin: inp"),
        (
            lambda d: changed(d, "parts", "unseen-cells/seen", "facts", "units", value=7),
            "has a wrong parts.unseen-cells/seen.facts.units: a fact is a list of its value and",
        ),
        (
            lambda d: changed(d, "benchmark", "photos", value="most"),
            "has a wrong benchmark.photos: ",
        ),
        (lambda d: d | {"more": 1}, "has a field more, which is not known"),
        (
            lambda d: changed(d, "dataset", "more", value=1),
            "has a field dataset.more, which is not known",
        ),
    ],
)
def test_a_damaged_leaderboard_is_a_sentence_that_names_the_field(change, said):
    assert said in refused(Manifest, change(files.read_json(BOARD / "benchmark.json")))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: changed(d, "task", "split", "config"), "lacks the field task.split.config"),
        (lambda d: changed(d, "status", value="fine"), "has a wrong status: input"),
        (lambda d: changed(d, "check", value=3), "has a wrong check: "),
        (lambda d: changed(d, "timings", "lost_seconds", value="3"), "wrong timings.lost_seconds"),
        (lambda d: d | {"more": 1}, "has a field more, which is not known"),
    ],
)
def test_a_damaged_record_is_a_sentence_that_names_the_field_and_counts_as_none(
    change, said, tmp_path, caplog
):
    data = change(files.read_stamped(RECORD))
    assert said in refused(Record, data)
    files.write_stamped(tmp_path / "record.json", data)
    assert StoredRecord.read(tmp_path) is None
    assert said in caplog.text
    assert "it will be made again" in caplog.text


def test_what_is_open_takes_what_it_does_not_know():
    data = files.read_json(RECORD)
    for steps, value in (
        (("timings", "upload_seconds"), 1.5),
        (("facts", "recall"), [0.5, "share"]),
        (("environment", "packages", "more"), "1.0"),
        (("task", "split", "config", "more"), {"anything": None}),
    ):
        more = changed(data, *steps, value=value)
        del more[files.STAMP]
        assert text(Record.of(more, RECORD).data) == text(more)


@pytest.mark.parametrize(
    "figures",
    [
        "none",
        [3],
        [{"file": "figures/a.png"}],
        [{**dict.fromkeys(StoredPicture.model_fields, ""), "file": "../../a.png"}],
        [{**dict.fromkeys(StoredPicture.model_fields, ""), "file": "figures/.a.png"}],
    ],
)
def test_what_is_listed_as_a_picture_and_is_none_is_no_reason_to_read_nothing(figures):
    data = files.read_json(BOARD / "benchmark.json") | {"figures": figures}
    manifest = Manifest.of(data, BOARD)
    assert manifest.pictures == []
    assert len(manifest.figures or []) == 1
    assert manifest.data == data
