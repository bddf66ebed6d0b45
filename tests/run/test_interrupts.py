"""Ctrl-C finishes the cell, twice stops now, and the signals that end a process leave tables."""

import os
import signal
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import geobench
from geobench import Atoms, Config, Prediction, interrupts
from geobench.board import tables
from geobench.errors import Interrupted
from geobench.run import runner
from lent_plugins import lent
from struck_runs import strike

YAML = """\
benchmarks:
  - name: one
    isolate: never
    dataset: {name: toy-planet, photos: 60}
    splits: [random]
    methods: [uniform, {name: struck, sent: SENT}, prior]
    metrics: [distance]
  - name: two
    dataset: {name: toy-planet, photos: 60}
    splits: [random]
    methods: [uniform]
    metrics: [distance]
"""


class StruckConfig(Config):
    sent: list[Literal["SIGINT", "SIGTERM", "SIGHUP"]]


class Struck(geobench.Method):
    """Sends signals to its own process while it is fitted, as a terminal does."""

    name = "struck"
    version = 1
    Config = StruckConfig
    predicts = Prediction
    swallows = False

    def fit(self, train, val, context):
        for name in self.config.sent:
            try:
                os.kill(os.getpid(), getattr(signal, name))
            except BaseException:
                if not self.swallows:
                    raise

    def predict(self, examples, context):
        return Atoms(np.zeros((len(examples), 1, 2)))

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Where we are: a file of two benchmarks will be written here."""
    monkeypatch.chdir(tmp_path)
    with lent(Struck):
        yield tmp_path


def run(ask, sent):
    """A run of two benchmarks, whose second training of the first sends these."""
    Path("two.yaml").write_text(YAML.replace("SENT", f"[{sent}]"))
    return ask("run", "two.yaml", "--no-figures")


def statuses(folder, name="one"):
    """The labels of a leaderboard's methods and how each stands."""
    rows = tables.read_overall(folder / "leaderboards" / name)
    return {row.label: row.status for row in rows if row.status != "ceiling"}


def test_ctrl_c_finishes_the_cell_and_says_what_is_kept(here, ask, monkeypatch):
    told = []
    monkeypatch.setattr(interrupts, "_tell", told.append)
    answer = run(ask, "SIGINT")
    assert (answer.code, answer.err) == (130, "stopped by Ctrl-C\n")
    assert told == ["finishing random / struck / seed 0; Ctrl-C again stops now"]
    assert "finished and kept: 2 of 3 trainings; the same command goes on" in answer.out
    assert statuses(here) == {"uniform": "ok", "struck": "ok"}
    assert not (here / "leaderboards" / "two").exists()


@pytest.mark.parametrize(
    ("sent", "code", "name"),
    [
        ("SIGINT, SIGINT", 130, "Ctrl-C"),
        ("SIGTERM", 143, "SIGTERM"),
        ("SIGHUP", 129, "SIGHUP"),
        ("SIGINT, SIGTERM", 130, "Ctrl-C"),
    ],
)
def test_what_stops_now_leaves_tables_of_what_is_finished(sent, code, name, here, ask):
    answer = run(ask, sent)
    assert answer.code == code
    assert answer.err.endswith(f"stopped by {name}\n")
    assert "finished and kept: 1 of 3 trainings; the same command goes on" in answer.out
    assert statuses(here) == {"uniform": "ok"}
    assert not list(here.rglob(".geobench-draft-*"))
    assert not (here / "leaderboards" / "two").exists()


def test_tables_are_left_where_one_more_signal_comes_while_they_are_written(here, ask, monkeypatch):
    def written(*arguments, **options):
        os.kill(os.getpid(), signal.SIGHUP)  # as a terminal that closes sends both
        return write(*arguments, **options)

    write = runner.manifest.write
    monkeypatch.setattr(runner.manifest, "write", written)
    assert run(ask, "SIGTERM").code == 143
    assert statuses(here) == {"uniform": "ok"}


def test_a_signal_that_a_method_catches_stops_the_run_after_its_cell(here, ask, monkeypatch):
    monkeypatch.setattr(Struck, "swallows", True)
    answer = run(ask, "SIGTERM")
    assert answer.code == 143
    assert statuses(here).keys() == {"uniform", "struck"}


def test_what_is_finished_first_is_told_at_once(capfd):
    def hear():
        with interrupts.heard(), interrupts.finishing("a caf\xe9\x1b"):
            os.kill(os.getpid(), signal.SIGINT)
            said.append(capfd.readouterr().err)

    said = []
    with pytest.raises(Interrupted):
        hear()
    assert said == ["\nfinishing a caf\\xe9\\x1b; Ctrl-C again stops now\n"]


def test_more_signals_do_not_stop_the_tables_but_ctrl_c_does():
    with interrupts.heard():
        with pytest.raises(Interrupted) as first:
            os.kill(os.getpid(), signal.SIGTERM)
        with interrupts.closing():
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            with pytest.raises(Interrupted) as again:
                os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            interrupts.check()
    assert first.value.code == again.value.code == 143
    interrupts.check()  # what a command was asked does not hold for the next


def test_what_a_process_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with interrupts.heard():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_while_photos_are_encoded_keeps_shards_and_says_so(fresh, small_shards, tmp_path):
    done = fresh("run", "benchmarks.yaml", **strike("faulty.encoding", "", 3, sent="SIGINT"))
    assert done.code == 130
    assert "features of toy-planet: 44 photos are left to encode; the others are kept" in done.out
    assert done.err == "stopped by Ctrl-C\n"
    assert len(list(tmp_path.rglob("shard-*"))) == 4  # two of each kind
    assert not list(tmp_path.rglob(".geobench-draft-*"))
