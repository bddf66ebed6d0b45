"""Why a method failed, on a page and in table.csv: never with a folder of this machine, and of a
dataset that publishes scores only without a photo."""

import json
import re
from pathlib import Path

import pytest
from pydantic import Field

import small_run
import told_answers
from geobench import Config, DataError, Method, Prediction, load
from geobench.catalogue import installed
from geobench.pages.verification import verify
from lent_plugins import lent

FOLDER = "/home/Anna Maria/my photos"
IDS = [f"p{photo:02d}" for photo in range(told_answers.PHOTOS)]
SAID = [
    DataError(
        f"79 photos have no row (first: {', '.join(IDS[:3])}; 2 more (of p05.jpg))",
        where=f"{FOLDER}/gpt 4.csv",
        remedy="Say what stands in for them by `missing`.",
    ),
    ValueError(f"no answer to '{IDS[3]}' in {FOLDER}/run_2/answers.parquet"),
    OSError(2, "No such file or directory", f"{FOLDER}/gpt.csv"),
    RuntimeError(f"photo {IDS[4]} is odd, see C:\\Users\\anna\\gpt.csv and file://{FOLDER}/x.csv"),
]


class FailingConfig(Config):
    """Which of `SAID` it fails with."""

    fault: int = Field(0, description="its position")


class Failing(Method):
    """Fails as it is told to."""

    name = "failing"
    Config = FailingConfig
    predicts = Prediction
    needs_training = False

    def fit(self, train, val, context):
        raise SAID[self.config.fault]

    def predict(self, examples, context):
        raise AssertionError

    def state(self):
        return {}

    def restore(self, state, train, context):
        raise AssertionError


@pytest.fixture(scope="module", params=["coordinates", "scores"])
def board(request, tmp_path_factory):
    """What its dataset publishes, and the folder of a board on which all but `told` failed."""
    root = tmp_path_factory.mktemp("faults")
    more = [f"{{name: failing, label: gpt_4o-{n}, fault: {n}}}" for n in range(len(SAID))]
    with lent(Failing):
        text = told_answers.files(root, more=more, publishes=request.param)
        (benchmark,) = small_run.read(root, text)
        folder = small_run.run(benchmark, root).board
        assert verify(folder, installed()) == []
    return request.param, folder


def notes(folder):
    """Label -> the note of its rows, which are one."""
    table = load(folder)
    failed = table[table.status == "failed"]
    assert (failed.groupby("label").note.nunique() == 1).all()
    return dict(zip(failed.label, failed.note, strict=True))


def test_no_note_names_a_folder_and_each_says_what_is_wrong(board):
    publishes, folder = board
    found = notes(folder)
    assert len(found) == len(SAID)
    for text in [*found.values(), (folder / "README.md").read_text(encoding="utf-8")]:
        assert "anna" not in text.lower()
        assert "/home" not in text
        assert "my photos" not in text
    wanted = ["79 photos have no row", "no answer to", "No such file or directory", "is odd, see"]
    for label, said, words in zip(found, found.values(), wanted, strict=True):
        assert said.startswith(f"method {label}: ")
        assert words in said
    if publishes != "scores":
        assert "gpt 4.csv" in found["gpt_4o-0"]
        assert "(first: p00, p01, p02; 2 more (of p05.jpg))" in found["gpt_4o-0"]
        assert "'p03' in answers.parquet" in found["gpt_4o-1"]
        assert "'gpt.csv'" in found["gpt_4o-2"]
        assert "photo p04 is odd, see gpt.csv and file:x.csv" in found["gpt_4o-3"]


@pytest.mark.parametrize("board", ["scores"], indirect=True)
def test_where_only_scores_may_be_published_no_note_names_a_photo_or_a_file(board):
    _, folder = board
    for text in [*notes(folder).values(), (folder / "README.md").read_text(encoding="utf-8")]:
        assert not [photo for photo in IDS if photo in text]
        assert ".csv:" not in text
        assert "gpt.csv" not in text


def test_a_record_and_its_traceback_tell_no_more_than_the_table(board):
    publishes, folder = board
    manifest = json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))
    rows = [row for row in manifest["rows"] if row["label"].startswith("gpt")]
    assert len(rows) == len(SAID)
    found = notes(folder)
    for row in rows:
        text = (folder / "runs" / row["folder"] / "record.json").read_text("utf-8")
        record = json.loads(text)
        assert record["error"] == found[row["label"]]
        assert 'test_told_faults.py", line ' in record["traceback"]
        assert not re.search(r"anna|/home|my photos|/tmp|site-packages/pytest", text, re.IGNORECASE)
        assert str(Path(__file__).parent) not in text
        if publishes == "scores":
            assert not [photo for photo in IDS if photo in text]
