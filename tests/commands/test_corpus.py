"""The corpus of damaged inputs: each ends in a result or in a sentence, within the workspace."""

import json
import os
import shutil
from pathlib import Path

import pytest

from fuzz_child import Case, run
from fuzz_material import BOARD, DOORS, make
from fuzz_mutations import KINDS, Mutation
from geobench import config
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.pages import report, verification

CORPUS = Path(__file__).parents[1] / "fuzz/corpus/cases.json"
CASES = [
    Case(one["door"], one["verb"], one["file"], tuple(Mutation(*m) for m in one["mutations"]))
    for one in json.loads(CORPUS.read_text())
]
forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(scope="module")
def template(workspace, tmp_path_factory):
    """The material of `make fuzz`, with the leaderboard that these tests share."""
    base = tmp_path_factory.mktemp("material")
    make(base)
    shutil.copytree(workspace, base / "work", dirs_exist_ok=True)
    config.read(base / "work/tabled.yaml", installed())  # forks find in memory what that imports
    board = Leaderboard(base / "work" / BOARD, installed())
    assert verification.stale(board, report.contents(board, board.tables())) == []
    return base


@pytest.fixture
def base(tmp_path, monkeypatch):
    for name in ("outside", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside/victim.txt").write_text("stays")
    for name in ("TMPDIR", "HOME", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@forks
def test_every_input_of_the_corpus_ends_in_a_result_or_a_sentence(template, base):
    for case in CASES:
        outcome = run(case, base, template)
        assert not outcome.fault, (case, outcome)


def test_the_corpus_has_every_door_and_most_kinds_of_change():
    assert {case.door for case in CASES} == {door.name for door in DOORS}
    kinds = {each.kind for case in CASES for each in case.mutations}
    assert len(set(KINDS) - kinds) <= 4


BREAKS = {
    "raise KeyError('a')": "KeyError in",
    "print('Traceback (most recent call last)')": "shows Traceback",
    "open('../outside/new', 'w')": "writes ",
    "import os; os.remove('../outside/victim.txt')": "os.remove outside",
    "import os; os.symlink('x', '../y')": "os.symlink outside",
    "import socket; socket.getaddrinfo('localhost', 1)": "socket.getaddrinfo",
    "import os; os.abort()": "dies of SIGABRT",
    "raise SystemExit(3)": "ends with 3",
    "raise SystemExit(2)": "fails without a word",
    "x = bytearray(1 << 40)": "MemoryError in",
}


@forks
@pytest.mark.parametrize("code", BREAKS)
def test_what_breaks_a_rule_is_seen(code, template, base, monkeypatch):
    monkeypatch.setattr("geobench.cli.main", lambda: exec(code))
    outcome = run(Case("yaml", "list", "tiny.yaml", ()), base, template)
    assert BREAKS[code] in outcome.fault


@forks
@pytest.mark.slow
@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)"])
def test_what_hangs_is_ended_and_said(code, template, base, monkeypatch):
    monkeypatch.setattr("geobench.cli.main", lambda: exec(code))
    outcome = run(Case("yaml", "list", "tiny.yaml", ()), base, template)
    assert outcome.fault == "hangs in list"
    assert os.listdir(base / "outside") == ["victim.txt"]
