"""Runs that are killed in a phase of theirs, files that are cut in half, and two runs at once."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from command_line import Command
from geobench.catalogue import installed
from geobench.errors import GeobenchError
from geobench.pages.verification import verify

YAML = """\
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 300}
    encoder: glance
    splits: [striped]
    methods: [uniform, counted, {name: sighted, tag: b}]
    metrics: [distance, geoscore, energy]
    samples: 2
    photos: 10
    seeds: [0]
"""
ENCODED_AGAIN = ["encode 128"]
FITTED_AGAIN = ["start a 0 75"]

# Where the process dies, and what the next run has to do again because of it. Uniform is the first
# training, counted the second, sighted the third; a shard has 128 photos and is written twice, its
# pooled features first.
PHASES = {
    "drawing the split": ("faulty.drawing", "", 1, []),
    "in the middle of the first shard": ("open", r"/broken\.json w", "torn", ENCODED_AGAIN),
    "a shard that is not in place": ("os.rename", r"-pooled-.*/shard-\w+$", 2, ENCODED_AGAIN),
    "a shard without its tokens": ("os.rename", r"-tokens-.*/shard-\w+$", 2, ENCODED_AGAIN),
    "encoding the third shard": ("faulty.encoding", "", 3, ["encode 44"]),
    "fitting": ("faulty.fitting", "a", 1, FITTED_AGAIN),
    "in the middle of a state": ("os.rename", r"/state\.npz$", "torn", []),
    "a state that is not in place": ("os.rename", r"/states/\w+$", 2, FITTED_AGAIN),
    "a state in place": ("open", r"/states/\w+/state\.json r", 2, []),
    "answering": ("faulty.answering", "a", 1, []),
    "in the middle of the truth": ("os.rename", r"/part\.npz$", "torn", []),
    "an answer without scores": ("os.rename", r"/energy-1-\w+\.npz$", 3, []),
    "in the middle of a record": ("os.rename", r"/record\.json$", "torn", []),
    "a record that is not in place": ("os.rename", r"/counted-0-\w+$", 1, []),
    "the first of two records": ("os.rename", r"/counted-0-\w+$", 2, []),
    "in the middle of the map": ("os.rename", r"/runs/striped-\w+\.npz$", "torn", []),
    "in the middle of the manifest": ("os.rename", r"/benchmark\.json$", "torn", []),
    "between two tables": ("os.rename", r"/costs\.csv$", 1, []),
    "tables without their digests": ("os.rename", r"/benchmark\.json$", 2, []),
}


def strike(event, where, nth, *, torn=False, sent="SIGKILL"):
    """The variables that make a run strike itself; "torn": at the first, its file cut in half."""
    if nth == "torn":
        nth, torn = 1, True
    what = {"event": event, "where": where, "nth": nth, "torn": torn, "signal": sent}
    return {"STRIKE": json.dumps(what)}


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setenv("SHARD", "128")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A finished workspace in which nothing went wrong, made once."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "benchmarks.yaml").write_text(YAML)
    command = Command(folder)
    done = command("run", "benchmarks.yaml", SHARD="128")
    assert done.code == 0, done.text
    assert problems(folder) == []
    return command


@pytest.fixture
def fresh(tmp_path):
    """A workspace without any result."""
    (tmp_path / "benchmarks.yaml").write_text(YAML)
    return Command(tmp_path)


@pytest.fixture
def finished(undisturbed, tmp_path):
    """A copy of the undisturbed workspace."""
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    return Command(tmp_path)


def board(folder):
    return folder / "leaderboards" / "small"


def problems(folder):
    """What `geobench verify` says; anything but a sentence of its own fails the test."""
    try:
        return verify(board(folder), installed())
    except GeobenchError as error:
        return [str(error)]


def results(folder):
    """Every file of the leaderboard, with its content where no clock goes into it."""
    timed = ("record.json", "benchmark.json", "costs.csv", "README.md")
    paths = [p for p in board(folder).rglob("*") if p.is_file() and not is_draft(p)]
    return {str(p.relative_to(folder)): b"" if p.name in timed else p.read_bytes() for p in paths}


def is_draft(path):
    """Whether a file lies in a draft, which nobody reads."""
    return any(part.startswith(".geobench-draft-") for part in path.parts)


def records(folder):
    """Every file of a complete record: modification time and content."""
    folders = [path.parent for path in board(folder).rglob("record.json") if not is_draft(path)]
    paths = [path for place in folders for path in place.iterdir() if path.is_file()]
    return {str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes()) for p in paths}


def work(command):
    """How often each batch was encoded and each method fitted."""
    return Counter(line for line in command.fits() if not line.startswith("restored"))


def forget_scores(folder):
    """Remove the columns of a metric, as if it had just been added."""
    for path in board(folder).rglob("energy-1-*.npz"):
        path.unlink()


def unwrapped(done):
    """The text without white space: warnings are wrapped at 80 characters, within words, too."""
    return "".join(done.text.split())


def truncated(path):
    """Cut a file in half, as a full disk or a torn write does."""
    os.truncate(path, path.stat().st_size // 2)
    return path


@pytest.mark.parametrize(("event", "where", "nth", "again"), PHASES.values(), ids=PHASES)
def test_a_run_that_is_killed_goes_on_where_it_was(
    fresh, undisturbed, tmp_path, event, where, nth, again
):
    killed = fresh("run", "benchmarks.yaml", **strike(event, where, nth))
    assert killed.code == -signal.SIGKILL, killed.text
    found, before = problems(tmp_path), records(tmp_path)
    if found:
        assert any(str(board(tmp_path)) in problem for problem in found)
    else:  # it may call sound what is complete, and nothing else
        assert results(tmp_path) == results(undisturbed.folder)
    done = fresh("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert work(fresh) == work(undisturbed) + Counter(again)
    assert before.items() <= records(tmp_path).items()
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


@pytest.mark.parametrize("where", [r"/states/\w+$", r"/uniform-0-\w+$"], ids=["state", "record"])
def test_a_forced_run_that_is_killed_while_it_replaces_something_loses_nothing(
    finished, undisturbed, tmp_path, where
):
    killed = finished("run", "benchmarks.yaml", "--force", **strike("os.rename", where, 1))
    assert killed.code == -signal.SIGKILL, killed.text
    problems(tmp_path)  # whatever it finds, it can say
    assert finished("run", "benchmarks.yaml").code == 0
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_a_run_that_is_killed_while_it_adds_a_metric_adds_the_rest_later(
    finished, undisturbed, tmp_path
):
    forget_scores(tmp_path)
    killed = finished(
        "run", "benchmarks.yaml", **strike("os.rename", r"/energy-1-\w+\.npz$", 2, torn=True)
    )
    assert killed.code == -signal.SIGKILL, killed.text
    assert any("energy-1-" in problem for problem in problems(tmp_path))
    before = records(tmp_path)
    assert finished("run", "benchmarks.yaml").code == 0
    assert before.items() <= records(tmp_path).items()
    assert results(tmp_path) == results(undisturbed.folder)
    assert work(finished) == work(undisturbed)
    assert problems(tmp_path) == []


TRUNCATED = {
    "a record": ["runs/*/counted-0-*/record.json"],
    "its answers": ["runs/*/counted-0-*/answer.npz"],
    "its scores": ["runs/*/counted-0-*/energy-1-*.npz"],
    "the truth": ["runs/*/part.npz"],
    "the map": ["runs/striped-*.npz"],
    "the manifest": ["benchmark.json"],
    "the tables": ["table.csv", "curves.csv", "costs.csv"],
    "the page": ["README.md"],
}


@pytest.mark.parametrize("names", TRUNCATED.values(), ids=TRUNCATED)
def test_a_truncated_result_is_named_and_made_again(finished, undisturbed, tmp_path, names):
    damaged = [truncated(next(board(tmp_path).glob(name))) for name in names]
    found = problems(tmp_path)
    assert all(any(str(path) in problem for problem in found) for path in damaged)
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert work(finished) == work(undisturbed)
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_a_page_that_is_cut_within_a_character_is_made_again(finished, undisturbed, tmp_path):
    page = board(tmp_path) / "README.md"
    content = page.read_bytes()
    page.write_bytes(content[: content.index("↓".encode()) + 1])
    assert problems(tmp_path) == [f"{page} is not what the records give"]
    assert finished("report", "--check", board(tmp_path)).code == 1
    assert finished("run", "benchmarks.yaml").code == 0
    assert problems(tmp_path) == []


@pytest.mark.parametrize("name", ["answer.npz", "energy-1-*.npz", "record.json"])
def test_a_number_that_is_changed_in_a_record_is_not_taken_for_a_result(
    finished, undisturbed, tmp_path, name
):
    path = next(board(tmp_path).glob(f"runs/*/counted-0-*/{name}"))
    if path.suffix == ".npz":
        with np.load(path) as stored:
            arrays = {n: a / 2 if a.dtype.kind == "f" else a for n, a in stored.items()}
        np.savez_compressed(path, **arrays)
    else:
        data = json.loads(path.read_text())
        data["timings"]["fit_seconds"] = 0.001
        path.write_text(json.dumps(data))
    assert any(str(path) in problem for problem in problems(tmp_path))
    assert finished("run", "benchmarks.yaml").code == 0
    assert results(tmp_path) == results(undisturbed.folder)
    assert work(finished) == work(undisturbed)
    assert problems(tmp_path) == []


def test_truncated_shards_are_encoded_again_when_they_are_needed(finished, undisturbed, tmp_path):
    shards = (tmp_path / ".geobench" / "features").glob("*-pooled-*/shard-*")
    for shard, name in zip(shards, ("rows.npy", "values.npy", "broken.json"), strict=True):
        truncated(shard / name)
    assert problems(tmp_path) == []
    forget_scores(tmp_path)
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert unwrapped(done).count("itsphotosareencodedagain") == 3
    assert work(finished) == work(undisturbed) + Counter(["encode 128", "encode 128", "encode 44"])
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_damaged_states_are_fitted_again_when_they_are_needed(finished, undisturbed, tmp_path):
    one, two, three = (tmp_path / ".geobench" / "states").glob("*")
    damaged = [truncated(one / "state.npz"), truncated(two / "state.json"), three / "state.npz"]
    np.savez_compressed(three / "state.npz", centre=np.zeros(2))  # whole, and not what was written
    assert problems(tmp_path) == []
    forget_scores(tmp_path)
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert all(str(path) in unwrapped(done) for path in damaged)
    assert work(finished) == work(undisturbed) + Counter(["start a 0 75", "start b 0 75"])
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


def test_what_is_hidden_may_be_removed_and_the_run_says_what_it_costs(
    finished, undisturbed, tmp_path
):
    shutil.rmtree(tmp_path / ".geobench")
    forget_scores(tmp_path)
    done = finished("run", "benchmarks.yaml")
    assert done.code == 0, done.text
    assert "striped / counted / seed 0: its state is gone, it is fitted again" in done.out
    assert work(finished) == work(undisturbed) + work(undisturbed)
    assert results(tmp_path) == results(undisturbed.folder)
    assert problems(tmp_path) == []


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


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="processes are found by /proc")
def test_workers_end_with_a_run_that_is_killed(tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core has no workers")
    (tmp_path / "benchmarks.yaml").write_text(YAML.replace("photos: 300", "photos: 3000", 1))
    out = (tmp_path / "out.txt").open("w")  # a pipe would be held open by the workers
    run = subprocess.Popen(
        [sys.executable, "-m", "geobench.cli", "run", "benchmarks.yaml"],
        cwd=tmp_path,
        env=Command(tmp_path).environment(**strike("faulty.encoding", "", 1, sent="SIGSTOP")),
        stdout=out,
        stderr=out,
    )
    _, status = os.waitpid(run.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), Path(out.name).read_text()
    stopped = living(tmp_path)
    run.kill()
    assert run.wait(timeout=60) == -signal.SIGKILL
    out.close()
    assert len(stopped) > 2, "no workers"
    deadline = time.monotonic() + 60
    while (left := living(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in left:
        os.kill(int(process), signal.SIGKILL)
    assert left == []


def living(folder):
    """The processes whose current folder this is."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(place / "cwd")) == folder:
                found.append(place.name)
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return found


def test_what_a_killed_run_left_in_a_leaderboard_is_swept_after_a_week(finished, tmp_path):
    left = []
    for name in (r"/benchmark\.json$", r"/uniform-0-\w+$"):
        killed = finished("run", "benchmarks.yaml", "--force", **strike("os.rename", name, 1))
        assert killed.code == -signal.SIGKILL, killed.text
        found = [path for path in tmp_path.rglob(".geobench-draft-*") if path not in left]
        assert found
        left += found
    old = time.time() - 8 * 24 * 3600
    for draft in left[1:]:
        for path in [*draft.rglob("*"), draft]:
            os.utime(path, (old, old))
    assert finished("run", "benchmarks.yaml").code == 0
    assert [draft for draft in left if draft.exists()] == left[:1]
