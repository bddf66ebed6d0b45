"""Two runs at once wait for each other, and share what is made."""

import os
import signal
from collections import Counter

import pytest

from struck_runs import ENCODED_AGAIN, FITTED_AGAIN, board, problems, results, strike, work

pytestmark = pytest.mark.usefixtures("small_shards")

# Where one run is while another comes: how it is started, where it stops, and the lock that it
# holds then; and what is done again if it is killed there.
MEETINGS = {
    "encoding": ([], ("faulty.encoding", "", 2), r"-pooled-\w+\.lock", ENCODED_AGAIN),
    "fitting": ([], ("faulty.fitting", "a", 1), r"/training-\w+\.lock", FITTED_AGAIN),
    "writing tables": (
        ["--only", "uniform"],
        ("os.rename", r"/curves\.csv$", 1),
        r"/board-small\.lock",
        [],
    ),
}
ATTEMPTS = 6  # to take a lock; who makes as many is waiting for it


@pytest.fixture
def stopped(fresh):
    """Starts a run that stops itself, and waits until it has."""
    started = []

    def start(*words, **variables):
        process = fresh.start("run", "benchmarks.yaml", *words, **variables)
        started.append(process)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), process.communicate()
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("fate", [signal.SIGCONT, signal.SIGKILL], ids=["ends", "is killed"])
@pytest.mark.parametrize(("words", "where", "lock", "again"), MEETINGS.values(), ids=MEETINGS)
def test_a_run_waits_for_another_and_goes_on_when_that_ends_or_is_killed(
    fresh, stopped, undisturbed, tmp_path, words, where, lock, again, fate
):
    killed = fate == signal.SIGKILL
    first = stopped(*words, **strike(*where, sent="SIGSTOP"))
    second = stopped(**strike("open", lock, ATTEMPTS, sent="SIGSTOP"))
    first.send_signal(fate)
    if killed:
        first.wait()
    second.send_signal(signal.SIGCONT)
    texts = [process.communicate(timeout=60) for process in (first, second)]
    assert first.returncode == (-signal.SIGKILL if killed else 0), texts
    assert second.returncode == 0, texts
    assert work(fresh) == work(undisturbed) + Counter(again if killed else [])
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_two_runs_that_start_together_share_the_trainings(fresh, undisturbed, tmp_path):
    processes = [fresh.start("run", "benchmarks.yaml") for _ in range(2)]
    texts = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], texts
    assert work(fresh) == work(undisturbed)
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_a_report_and_a_run_take_turns_at_the_tables(finished, undisturbed, tmp_path):
    (board(tmp_path) / "table.csv").unlink()
    first = finished.start(
        "report", board(tmp_path), **strike("os.rename", r"/table\.csv$", 1, sent="SIGSTOP")
    )
    assert os.WIFSTOPPED(os.waitpid(first.pid, os.WUNTRACED)[1])  # the report holds the lock
    second = finished.start(
        "run", "benchmarks.yaml", **strike("open", r"/board-small\.lock", ATTEMPTS, sent="SIGSTOP")
    )
    assert os.WIFSTOPPED(os.waitpid(second.pid, os.WUNTRACED)[1])  # the run waits for it
    for process in (first, second):
        process.send_signal(signal.SIGCONT)
    texts = [process.communicate(timeout=60) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], texts
    mine, wanted = results(tmp_path), results(undisturbed.folder)
    tables = [name for name in wanted if name.endswith(".csv") or "/runs/" in name]
    assert {name: mine[name] for name in tables} == {name: wanted[name] for name in tables}
    assert finished("verify", board(tmp_path)).code == 0  # the pictures of the report, too
    assert problems(tmp_path) == []
