"""What a method may change of the process that it runs in is put back, whatever it raises."""

import os
import random
import signal
import sys
import warnings

import numpy as np
import pytest

from geobench import copies
from geobench.run import surroundings
from wild_runs import name, run, text_of, wild

RAISED = ["GeneratorExit", "CancelledError", "KeyboardInterrupt", "BaseException", "SystemExit"]


def state():
    return {
        "folder": os.getcwd(),
        "home": os.environ["HOME"],
        "errors": np.geterr(),
        "recursion": sys.getrecursionlimit(),
        "filters": list(warnings.filters),
        "random": random.getstate(),
        "numpy": str(np.random.get_state()),
        "signals": [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)],
        "path": list(sys.path),
        "streams": (sys.stdout, sys.stderr),
    }


def change_everything():
    os.chdir("/")
    os.environ["HOME"] = "/nowhere"
    np.seterr(all="raise")
    sys.setrecursionlimit(4000)
    warnings.simplefilter("ignore")
    random.seed(5)
    np.random.seed(5)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    sys.path.clear()
    sys.stdout = sys.stderr = None


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_what_a_method_changes_is_put_back(error):
    def ended():
        with surroundings.kept(0):
            change_everything()
            raise error

    before = state()
    with pytest.raises(error):
        ended()
    assert state() == before


def test_global_generators_begin_with_the_seed_of_the_training():
    drawn = []
    for seed in (3, 3, 4):
        with surroundings.kept(seed):
            drawn.append((random.random(), float(np.random.random())))
    assert drawn[0] == drawn[1] != drawn[2]


def test_files_can_be_opened_after_a_method_has_used_up_all(tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    held = []

    def use_up_all():
        with surroundings.kept(0):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))

    try:
        with pytest.raises(OSError, match="Too many open files"):
            use_up_all()
        (tmp_path / "table.csv").write_text("written")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in held:
            os.close(each)


def test_whatever_a_method_raises_here_is_a_failed_row(tmp_path):
    methods = ["uniform", *map(wild, RAISED), wild("GeneratorExit", "predict")]
    ended = run(tmp_path, text_of(methods), isolate="never")
    for label in [*map(name, RAISED), name("GeneratorExit", "predict")]:
        record = ended.record(label)
        assert record["status"] == "failed"
        assert label.partition(" @")[0] in record["error"]
    assert ended.record("uniform")["status"] == "ok"


def test_a_ctrl_c_of_the_user_stops_the_run_all_the_same(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, text_of([wild("ctrl-c")]), isolate="never")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_copy_of_the_process_ends_where_the_code_that_made_it_does():
    for leave in (lambda: None, lambda: 1 / 0):
        pid = 0
        try:
            with copies.ended():
                pid = os.fork()
                leave()
        except ZeroDivisionError:
            pass
        assert os.waitpid(pid, 0)[1] == 0
