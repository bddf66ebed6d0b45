"""Runs that are killed in a phase of theirs go on where they were, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from command_line import Command
from struck_runs import (
    ENCODED_AGAIN,
    FITTED_AGAIN,
    YAML,
    board,
    forget_scores,
    is_draft,
    problems,
    results,
    strike,
    work,
)

pytestmark = pytest.mark.usefixtures("small_shards")

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
    "a state in place": ("open", r"/states/\w+/state\.json ", 2, []),
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


def records(folder):
    """Every file of a complete record: modification time and content."""
    folders = [path.parent for path in board(folder).rglob("record.json") if not is_draft(path)]
    paths = [path for place in folders for path in place.iterdir() if path.is_file()]
    return {str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes()) for p in paths}


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
