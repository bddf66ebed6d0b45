"""perf/against.py shows of every method what `geobench compare` says of it and the one."""

import sys
from pathlib import Path

import pytest

from geobench.board.comparison import differences
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.readable import number

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "leaderboards/blue-marble-density-shift"


@pytest.fixture
def against(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "perf")
    import against

    return against


def test_every_difference_is_that_of_compare(against):
    board = Leaderboard(BOARD, installed())
    head, _, *rows = against.as_table(
        board, "grid", ["grid", "im2gps"], summary="nll.hedged"
    ).splitlines()
    parts = list(board.manifest.parts)
    assert [word.strip() for word in head.strip("|").split("|")] == [
        "method",
        *(each for part in parts for each in (part, "less grid")),
        "training, s",
    ]
    own, other = ([cell.strip() for cell in row.strip("|").split("|")] for row in rows)
    assert own[2::2] == [""] * len(parts)
    for part, value, shown in zip(parts, other[1::2], other[2::2], strict=False):
        (found,) = differences(board, "im2gps", "grid", part=part, summary="nll.hedged")
        assert value == number(found.a)
        assert shown.startswith(f"{number(found.paired.difference)} (")


@pytest.mark.parametrize("words", [["grit"], ["grid", "--summary", "geoscor"]])
def test_a_label_or_summary_that_there_is_not_is_an_error_in_a_sentence(
    against, words, monkeypatch, caplog
):
    monkeypatch.setattr(sys, "argv", ["against.py", str(BOARD), *words])
    assert against.main() == 2
    assert "did you mean" in caplog.text.lower()
