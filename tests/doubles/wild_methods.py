"""A method from elsewhere that goes wrong in ways that a process does not survive."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from geobench import Atoms, Config, Mean, Method, Metric, Prediction, geo

SLEEPS = "86397"  # seconds: as no other process on the machine does
HELD = []  # for as long as the process lives


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class WildConfig(Config):
    fault: str = ""
    when: str = "fit"
    tag: str = ""


class Wild(Method):
    """Answers with the mean training place, unless it does something else first."""

    name = "wild"
    Config = WildConfig
    predicts = Prediction

    def fit(self, train, val, context):
        self.centre = geo.mean_point(train.points)
        self.perhaps("fit", context)
        context.fact("process", os.getpid(), "number")
        context.fact("session", os.getsid(0), "number")

    def predict(self, examples, context):
        self.perhaps("predict", context)
        wiggle = context.noise(examples.ids, (4, 2), "wiggle") + np.random.normal(0, 0.1, 2)
        return Atoms(np.clip(self.centre + wiggle, -80, 80))

    def state(self):
        return {"centre": self.centre}

    def restore(self, state, train, context):
        self.centre = state["centre"]
        self.perhaps("restore", context)

    def perhaps(self, when, context):
        if self.config.when == when and self.config.fault:
            FAULTS[self.config.fault](context)


def spin(context):
    while True:
        pass


def loop_in_c(context):
    sum(iter(int, 1))


def eat(context):
    for _ in range(16):
        HELD.append(np.ones(1 << 23))  # 64 MiB
    time.sleep(600)


def use_up_files(context):
    while True:
        HELD.append(open(os.devnull))  # noqa: SIM115


def close_all(context):
    os.closerange(3, 4096)
    HELD.extend(open(os.devnull, "w") for _ in range(64))  # noqa: SIM115
    context.log.warning("are you there?")


def scream(context):
    for number in range(20_000):
        sys.stdout.write(f"line {number} \x1b[2J{'x' * 100}\n")
    sys.stderr.write("half a character \ud800 and no end")


def leave_a_child(context):
    subprocess.Popen(["sleep", SLEEPS], start_new_session=True)
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def part_in_two(context):
    """Both go on."""
    os.fork()


def garble(context):
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, b'{"bar": 1e999, \xff\xff' * 10 + b"\n")
        except OSError:
            continue


def half_a_message(context):
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, b"\x00\x00\x00\xff{")
        except OSError:
            continue
    time.sleep(600)


def change_all(context):
    os.chdir("/")
    os.environ["HOME"] = "/nowhere"
    np.seterr(all="raise")
    sys.setrecursionlimit(4000)
    warnings.simplefilter("error")
    np.random.seed(5)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def litter(context):
    """As if killed while something is written."""
    (context.scratch / "begun").write_text("half")
    draft = Path(context.cache_root.parent / "states")
    from geobench import drafts

    with drafts.folder(draft / "half"):
        os.kill(os.getpid(), signal.SIGKILL)


def be_busy(context):
    for _ in context.progress(range(600), total=600, what="wait"):
        time.sleep(1)


def end_the_server(context):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


def raiser(error):
    def fault(context):
        raise error

    return fault


class OnlyHere(Metric):
    """Scores every photo by the process that it is scored in."""

    name = "only-here"
    needs = Prediction
    columns = ("process",)
    summaries = (Mean(name="only-here", unit="number", better="lower", column="process"),)

    def score(self, prediction, truth, context):
        return np.full((len(truth), 1), os.getpid())


FAULTS = {
    "segfault": lambda context: ctypes.string_at(1),
    "abort": lambda context: os.abort(),
    "exit 0": lambda context: os._exit(0),
    "exit 3": lambda context: os._exit(3),
    "killed": lambda context: os.kill(os.getpid(), signal.SIGKILL),
    "sleep": lambda context: time.sleep(600),
    "loop": spin,
    "loop in C": loop_in_c,
    "eat": eat,
    "GeneratorExit": raiser(GeneratorExit("gone")),
    "CancelledError": raiser(asyncio.CancelledError("gone")),
    "KeyboardInterrupt": raiser(KeyboardInterrupt("no user did")),
    "BaseException": raiser(BaseException("gone")),
    "SystemExit": raiser(SystemExit("gone")),
    "unspeakable": raiser(UnspeakableError()),
    "megabytes": raiser(RuntimeError("\ud800" + "word " * 1_000_000)),
    "files": use_up_files,
    "closed": close_all,
    "scream": scream,
    "child": leave_a_child,
    "two": part_in_two,
    "garbled": garble,
    "half a message": half_a_message,
    "changed": change_all,
    "litter": litter,
    "ctrl-c": lambda context: signal.raise_signal(signal.SIGINT),
    "busy": be_busy,
    "server": end_the_server,
}
