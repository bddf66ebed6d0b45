"""A training in a process of its own: however it ends, it is a row, and nothing of it is left."""

import csv
import json
import math
import os
import time
from contextlib import redirect_stderr
from io import StringIO

import psutil
import pytest
from filelock import FileLock

from command_line import Command
from geobench.board import tables
from geobench.records.files import read_arrays
from geobench.run import cell_process, cell_watch
from geobench.run.isolation import in_tree
from lent_plugins import lent
from wild_methods import SLEEPS, Wild
from wild_runs import Told, name, offspring, run, text_of, wild

SAID = {
    ("segfault", "fit"): r"was killed by signal 11 (SIGSEGV) while it was fitted",
    ("segfault", "predict"): "was killed by signal 11 (SIGSEGV) while it answered random/test",
    ("abort", "fit"): "was killed by signal 6 (SIGABRT) while it was fitted",
    ("exit 0", "fit"): "left with exit code 0, as os._exit does, while it was fitted",
    ("exit 3", "restore"): "left with exit code 3, as os._exit does, while it answered random/test",
    (
        "killed",
        "fit",
    ): "was killed by signal 9 (SIGKILL), which this run did not send, while it was "
    "fitted: the system may have run out of memory",
    ("eat", "fit"): "took more than 0.5 GiB of memory while it was fitted",
    ("child", "fit"): "was killed by signal 9 (SIGKILL)",
    ("litter", "fit"): "was killed by signal 9 (SIGKILL)",
    ("GeneratorExit", "fit"): "GeneratorExit: gone",
    ("CancelledError", "predict"): "CancelledError: gone",
    ("KeyboardInterrupt", "fit"): "KeyboardInterrupt: no user did",
    ("BaseException", "restore"): "BaseException: gone",
    ("SystemExit", "fit"): "SystemExit: gone",
    ("unspeakable", "fit"): "UnspeakableError: (what it says cannot be had",
    ("megabytes", "fit"): r"RuntimeError: \ud800word word",
    ("files", "fit"): "OSError: [Errno 24] Too many open files: '/dev/null'",
    ("closed", "fit"): "closed the pipe by which its run hears of it, while it was fitted",
    ("garbled", "fit"): "wrote to the pipe by which its run hears of it, while it was fitted",
    ("server", "fit"): "ended the process that it was forked from, while it was fitted",
}
TAME = [("", "fit"), ("changed", "fit"), ("two", "fit"), ("two", "predict"), ("scream", "fit")]


@pytest.fixture(scope="module")
def wilderness(tmp_path_factory):
    """A run of every fault that needs no clock; what was printed; and what lives on."""
    before = {each.pid for each in offspring()}
    methods = ["uniform", *(wild(*each) for each in [*SAID, *TAME]), "prior"]
    with redirect_stderr(StringIO()) as printed:
        found = run(
            tmp_path_factory.mktemp("wilderness"), text_of(methods, keys="    memory: 0.5\n")
        )
    found.printed = printed.getvalue()
    found.left = [each for each in psutil.process_iter() if each.pid not in before and _ours(each)]
    return found


def _ours(process):
    try:
        return process.ppid() == os.getpid() or SLEEPS in process.cmdline()
    except psutil.Error:
        return False


@pytest.mark.parametrize(("fault", "when"), SAID, ids=map(": ".join, SAID))
def test_a_training_that_dies_is_a_failed_row_that_says_how(wilderness, fault, when):
    record = wilderness.record(name(fault, when))
    assert record["status"] == "failed"
    assert record["error"].startswith(f"method {name(fault, when)}: {SAID[fault, when]}")
    assert any(record["error"] in each for each in wilderness.failures)


@pytest.mark.parametrize("label", ["uniform", "prior", *(name(*each) for each in TAME)])
def test_the_others_of_its_run_are_recorded(wilderness, label):
    assert wilderness.record(label)["status"] == "ok"


def test_its_table_is_written_and_reads_back(wilderness):
    rows = tables.read_overall(wilderness.board)
    assert {row.label for row in rows if row.status == "failed"} == {name(*each) for each in SAID}
    with (wilderness.board / "table.csv").open(newline="") as stream:
        assert all(len(row["note"]) < 10_000 for row in csv.DictReader(stream))


def test_a_crash_is_recorded_with_where_in_the_code_it_was(wilderness):
    for label in ("segfault @ fit", "segfault @ predict", "abort @ fit"):
        assert "wild_methods.py" in wilderness.record(label)["traceback"]


def test_nothing_of_it_lives_on_and_no_draft_is_left(wilderness):
    assert wilderness.left == []
    assert wilderness.drafts() == []
    assert not (wilderness.root / ".geobench" / "states" / "half").exists()


def test_each_has_a_process_and_a_session_of_its_own(wilderness):
    facts = [wilderness.facts(name(*each)) for each in TAME]
    processes = {fact["process"] for fact in facts}
    assert len(processes) == len(TAME)
    assert os.getpid() not in processes
    assert all(fact["session"] == fact["process"] for fact in facts)


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(cell_watch, "GRACE", 0.3)
    monkeypatch.setattr(cell_process, "_ENDS", 5.0)


@pytest.mark.usefixtures("short_grace")
def test_a_method_that_does_not_look_at_the_deadline_is_stopped(tmp_path):
    faults = ["sleep", "loop in C", "half a message"]
    ended = run(tmp_path, text_of(["prior", *map(wild, faults)], keys="    deadline: 2\n"))
    for fault in faults:
        record = ended.record(name(fault))
        assert record["status"] == "deadline"
        assert "ran past the deadline of 2 s and did not stop, while it was fit" in record["error"]
        assert "wild_methods.py" in record["traceback"]
    assert ended.record("prior")["status"] == "ok"
    assert ended.drafts() == []


def test_what_is_printed_goes_to_the_error_stream_without_codes_of_terminals(wilderness):
    assert "line 0 \\x1b[2Jxxx" in wilderness.printed
    assert "\x1b" not in wilderness.printed
    assert len(wilderness.printed) < 2 << 20  # of more it is said that it was printed


def without_costs(record):
    """A record without what a clock, or the size of a process, goes into."""
    for field in ("timings", "peak_memory_mib", "latency_photos", "sha256"):
        record.pop(field)
    return record


def test_a_training_gives_the_same_record_in_whatever_process(tmp_path):
    methods = ["uniform", wild("changed", label="a"), "prior"]
    text = text_of(methods, metrics="distance, accuracy, nll, energy")
    here, apart = (run(tmp_path / each, text, isolate=each) for each in ("never", "always"))
    assert here.failures == apart.failures == []
    for label in ("uniform", "a", "prior"):
        one, other = without_costs(here.record(label)), without_costs(apart.record(label))
        for each in (one, other):  # whose values are processes
            each["facts"] = list(each["facts"])
        assert one == other
        for path in here.folder(label).glob("*.npz"):
            assert path.read_bytes() == (apart.folder(label) / path.name).read_bytes()
    assert (here.board / "table.csv").read_bytes() == (apart.board / "table.csv").read_bytes()


def test_which_trainings_are_isolated(tmp_path):
    never = run(tmp_path / "never", text_of([wild()], keys="    isolate: never\n"))
    assert never.facts("tame @ fit")["process"] == os.getpid()
    flag = run(tmp_path / "flag", text_of([wild()], keys="    isolate: never\n"), isolate="always")
    assert flag.facts("tame @ fit")["process"] != os.getpid()
    assert {"geobench", "geobench_basics", "geobench_grid"} <= in_tree()


def test_a_metric_from_elsewhere_scores_in_a_process_of_its_own_too(tmp_path):
    first = run(tmp_path, text_of(["uniform"]))
    before = (first.folder("uniform") / "record.json").read_bytes()
    again = run(tmp_path, text_of(["uniform"], metrics="distance, only-here"))
    assert (again.folder("uniform") / "record.json").read_bytes() == before
    (path,) = again.folder("uniform").glob("only-here-*.npz")
    scored = read_arrays(path)
    assert os.getpid() not in scored["process"][scored["mask"] == 1]


def test_a_method_that_cannot_be_sent_runs_here_and_is_said_to(tmp_path):
    class Local(Wild):
        """No other process can import it."""

        name = "local"

    entry = json.dumps({"name": "local"})
    with lent(Local):
        here = run(tmp_path / "here", text_of([entry]))
        assert here.facts("local")["process"] == os.getpid()
        assert any("cannot be sent to a process of its own" in each for each in here.told.lines)
        refused = run(tmp_path / "refused", text_of([entry]), isolate="always")
    assert "cannot be sent to a process of its own" in refused.record("local")["error"]


class Stopping(Told):
    """A user who stops the run once a method is at work."""

    def track(self, items, total, what):
        if what == "busy @ fit: wait":
            raise KeyboardInterrupt
        yield from items


def test_what_stops_the_run_ends_the_training_and_leaves_nothing(tmp_path):
    before = offspring()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, text_of(["uniform", wild("busy")]), reporter=Stopping())
    assert offspring() == before
    assert list(tmp_path.rglob(".geobench-draft-*")) == []
    for lock in (tmp_path / ".geobench" / "locks").glob("training-*"):
        FileLock(lock, timeout=0).acquire()
    (record,) = tmp_path.rglob("record.json")
    assert json.loads(record.read_text())["method"]["name"] == "uniform"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"bar": 1, "steps": 1e9}',
        b'{"bar": 1, "steps": 1000000000}',
        b'{"stage": 3, "until": 1}',
        b'{"done": null}',
        b"[" * 100_000,
        b'{"say": "\xff"}',
        b'{"failed": "x", "late": 1, "traceback": ""}',
    ],
)
def test_what_no_cell_says_is_not_heard(line):
    with pytest.raises(cell_watch.GarbledError):
        watched().hear(line)


def watched(**more):
    return cell_watch.Watch(
        Told(), **{"began": 0.0, "deadline": 60.0, "parts": 2, "memory": None} | more
    )


@pytest.mark.parametrize("until", [1e300, float("inf"), float("nan"), None])
def test_no_cell_puts_its_deadline_off_for_ever(until):
    watch = watched()
    watch.hear(json.dumps({"stage": "was fitted", "until": until}).encode())
    assert watch.until <= cell_watch.STARTING + 3 * 60 + 3
    endless = watched(deadline=None)
    endless.hear(b'{"stage": "was fitted", "until": null}')
    assert math.isinf(endless.until)


def test_progress_is_shown_as_the_training_tells_it():
    watch = watched()
    watch.hear(b'{"bar": 1, "what": "uniform: fit", "total": 7}')
    watch.hear(b'{"bar": 1, "steps": 3}')
    watch.hear(b'{"bar": 2, "steps": 3}')
    watch.hear(b'{"bar": 1, "ends": true}')
    watch.hear(b'{"done": ""}')
    assert watch.reporter.bars == [("uniform: fit", 7)]
    assert watch.told


ENDLESS = """\
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 60}
    splits: [random]
    methods: [{name: faulty, fault: deadline}]
    metrics: [distance]
"""


@pytest.mark.slow
def test_a_training_ends_with_a_run_that_is_killed(tmp_path):
    (tmp_path / "b.yaml").write_text(ENDLESS)
    process = Command(tmp_path).start("run", "b.yaml", "--isolate", "third-party")
    begin, below = time.monotonic(), []
    while len(below) < 2 and time.monotonic() < begin + 60:
        time.sleep(0.1)
        below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=60)
    assert len(below) == 2
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
