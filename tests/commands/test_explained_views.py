"""What methods say of photos in `geobench worst` and `geobench compare`, and what is withheld."""

import csv
import json
from pathlib import Path

import pytest

import told_answers
from geobench import distance_km
from geobench.board.lines import of_text
from geobench.readable import in_a_line, in_one_line
from told_answers import PHOTOS, SECRET, TOLD, told_rows

HIDDEN = "\x1b[2J\x07"  # clears a terminal, and rings
LONG = "x" * 30_000


def loud(row):
    """A row whose explanation is long, marked up, and moves cursors."""
    text = {"p03": f"[bold red]markup[/] {HIDDEN}", "p06": LONG, "p09": "= 京都, $x$ {}"}
    return [*row[:-1], text.get(row[0], row[-1])]


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    root = tmp_path_factory.mktemp("trip")
    told_answers.write(root / "loud.csv", map(loud, told_rows()))
    more = ["{name: predictions, label: loud, file: loud.csv, missing: uniform}"]
    told_answers.board(root, more=more)
    return root


@pytest.fixture(autouse=True)
def here(trip, monkeypatch):
    monkeypatch.chdir(trip)


def said(file="told.csv"):
    """Id -> the explanation of a file."""
    with Path(file).open(newline="", encoding="utf-8") as stream:
        return {row["id"]: row["explanation"].replace("N/A", "") for row in csv.DictReader(stream)}


def in_lines(words):
    """As cells of CSV hold them: without ends of lines and what moves a cursor."""
    return {photo: in_one_line(text) for photo, text in words.items()}


def declined():
    return {row[0] for row in told_rows() if row[1] == "NA"}


def read(path):
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [{name: of_text(cell) for name, cell in row.items()} for row in rows]


@pytest.mark.parametrize("label", ["told", "loud"])
def test_worst_writes_every_explanation_in_full_and_who_declined(ask, tmp_path, label):
    file = tmp_path / "worst.csv"
    done = ask("worst", "told", "-m", label, "-n", PHOTOS, "--json", "--csv", file)
    rows, words = read(file), said(f"{label}.csv")
    assert {row["id"]: row["explanation"] for row in rows} == in_lines(words)
    assert {row["id"] for row in rows if row["answered"] == "0"} == declined()
    found = json.loads(done.out)["worst"]
    assert {row["id"]: row["explanation"] for row in found} == words
    assert {row["answered"] for row in found} == {0, 1}


def test_worst_says_on_the_terminal_why_in_a_line_and_hides_what_no_terminal_should_get(
    ask, tmp_path
):
    done = ask("worst", "told", "-m", "loud", "-n", PHOTOS, "--output", tmp_path)
    assert done.code == 0, done.text
    assert "not answered: a secret reason №7: a « church », and a sign" in done.out
    assert "[bold red]markup[/] [2J" in done.out
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    assert "(29,000 letters more)" in done.out
    assert LONG not in done.out
    assert "= 京都, $x$ {}" in done.out
    assert list(tmp_path.glob("worst-*.png"))


def test_a_method_that_says_nothing_has_no_column_for_it(ask, tmp_path):
    file = tmp_path / "worst.csv"
    done = ask("worst", "told", "-m", "silent", "--csv", file, "--output", tmp_path)
    assert not {"explanation", "answered"} & set(read(file)[0])
    assert "secret" not in done.text


def test_compare_shows_what_both_say_where_they_differ_most(ask, tmp_path):
    file = tmp_path / "photos.csv"
    done = ask("compare", "told", "told", "silent", "--photos", file, "--output", tmp_path)
    assert done.code == 0, done.text
    truth = told_answers.truth()
    away = distance_km(told_answers.guesses(), truth)
    rows = [row[0] for row in told_rows()]
    spoken = [place for place, row in enumerate(rows) if said()[row] and row not in declined()]
    farthest = sorted(spoken, key=lambda place: -away[place])[:5]
    shown = [line for line in done.out.splitlines() if line.startswith("p") and " km off" in line]
    assert len(shown) == 10
    assert {line.split(",")[0] for line in shown} == {rows[place] for place in farthest}
    for line in shown:
        photo, label, rest = line.split(", ", 2)
        words = " ".join(said()[photo].split())
        assert rest.endswith(f" km off: {words}" if label == "told" else "0.0 km off")
    written = read(file)
    assert {row["id"]: row["a_explanation"] for row in written} == in_lines(said())
    assert "b_explanation" not in written[0]


def test_compare_says_who_declined_and_shows_no_refusal_as_an_answer(ask, tmp_path):
    file = tmp_path / "photos.csv"
    done = ask("compare", "told", "silent", "told", "--photos", file, "--output", tmp_path)
    assert f"told does not answer {len(declined())}, and counts as what stands in" in done.out
    assert "silent does not answer" not in done.out
    written = read(file)
    assert {row["id"] for row in written if row["b_answered"] == "0"} == declined()
    assert {row["b_answered"] for row in written} == {"0", "1"}
    assert "a_answered" not in written[0]


def test_where_only_refusals_are_explained_they_are_shown_as_that(ask, tmp_path):
    quiet = [[*row[:-1], row[-1] if row[0] in declined() else ""] for row in told_rows()]
    told_answers.write(tmp_path / "quiet.csv", quiet)
    more = ["{name: predictions, label: quiet, file: quiet.csv, missing: farthest}"]
    told_answers.board(tmp_path, more=more)
    done = ask("compare", tmp_path / "leaderboards/told", "quiet", "silent", "--output", tmp_path)
    shown = [line for line in done.out.splitlines() if line.startswith("p") and ", quiet, " in line]
    assert {line.split(",")[0] for line in shown} == declined()
    assert all(", quiet, not answered: a secret reason" in line for line in shown)
    assert "20,015" not in "".join(shown)
    found = json.loads(
        ask("compare", tmp_path / "leaderboards/told", "quiet", "silent", "--json").out
    )
    assert {row["a_answered"] for row in found["explained"]} == {0}


def test_compare_prints_explanations_in_full_as_json(ask):
    done = ask("compare", "told", "silent", "loud", "--json")
    found = json.loads(done.out)["explained"]
    assert len(found) == 5
    assert {row["id"]: row["b_explanation"] for row in found}.items() <= said("loud.csv").items()
    assert all("a_explanation" not in row for row in found)


def test_of_two_who_say_nothing_nothing_is_said(ask, tmp_path):
    done = ask("compare", "told", "silent", "silent-too", "--json")
    assert done.code == 2  # there is no such label
    told_answers.write(tmp_path / "quiet.csv", [row[:3] for row in told_rows()], TOLD[:3])
    more = ["{name: predictions, label: quiet, file: quiet.csv, missing: farthest}"]
    told_answers.board(tmp_path, more=more)
    board = tmp_path / "leaderboards/told"
    done = ask("compare", board, "silent", "quiet", "--output", tmp_path)
    assert "What they say" not in done.out
    assert json.loads(ask("compare", board, "silent", "quiet", "--json").out)["explained"] == []


def test_where_only_scores_may_be_published_nobody_reads_an_explanation(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told_answers.board(tmp_path, publishes="scores")
    written = ["--csv", tmp_path / "w.csv", "--output", tmp_path]
    done = [
        ask("worst", "told", "-m", "told", *written),
        ask("worst", "told", "-m", "told", "--json"),
        ask("compare", "told", "told", "silent", "--photos", tmp_path / "p.csv"),
        ask("compare", "told", "told", "silent", "--json"),
    ]
    assert all(each.code == 0 for each in done)
    for text in [*(each.text for each in done), *(p.read_text() for p in tmp_path.glob("?.csv"))]:
        assert SECRET not in text
    assert "not answered" in done[0].out  # which tells no place


def test_a_text_in_a_line_has_no_line_ends_and_no_codes_and_counts_what_it_leaves_out():
    assert in_a_line("a\r\n b\t\x1b[0mc\u2028d", 20) == "a b [0mc d"
    assert in_a_line("abc", 3) == "abc"
    assert in_a_line("a bcd", 2) == "a\N{HORIZONTAL ELLIPSIS} (3 letters more)"
    assert in_a_line("", 5) == ""
