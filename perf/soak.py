"""Whether kills lose anything: a benchmark of 40 quick cells, killed at random moments, for hours.

    python perf/soak.py
    python perf/soak.py --kills 200 --seed 1 --isolate always

Most signals are SIGKILL, some SIGTERM and Ctrl-C, each sent to the whole process group; at times a
second run works on the same workspace. A finished workspace is thrown away, and the next begins.
The soak fails where a finished record or state is lost or made again, a file is damaged, a process
stays, a traceback is printed, or a finished table is not, byte for byte, that of a run which nobody
disturbed.
"""

import argparse
import hashlib
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, final

import yaml

COMMAND = (sys.executable, "-c", "from geobench_geolocation import main; main()")
_SIGNALS = {signal.SIGKILL: 0.7, signal.SIGTERM: 0.15, signal.SIGINT: 0.15}
_WITHIN = 0.5  # of an undisturbed run's time is when the latest signals come
_TWO = 0.2  # of the turns have a second run at the same time
_WEEK = 8 * 24 * 3600
_PATIENCE = 120.0  # seconds in which whatever was asked to end has ended
_TIMED = ("record.json", "benchmark.json", "costs.csv", "README.md")


def main() -> None:
    """Soak, say what was found, and exit with 1 if that is anything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="signals that meet a run")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the signals")
    parser.add_argument("--cells", type=int, default=40, help="trainings of the benchmark")
    parser.add_argument("--isolate", help="the key of the benchmark: never, third-party or always")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as name:
        soak = Soak(Path(name), random.Random(wanted.seed), benchmark(wanted.cells, wanted.isolate))
        soak.prepare()
        while soak.sent.total() < wanted.kills:
            soak.turn()
        soak.conclude()
    logging.info("%d signals in %d laps: %s", soak.sent.total(), soak.laps, dict(soak.sent))
    logging.info("lost, made again or otherwise wrong: %d", len(soak.troubles))
    sys.exit(bool(soak.troubles))


def benchmark(cells: int, isolate: str | None) -> dict[str, object]:
    """Ten quick methods on as many splits as these cells take, a multiple of ten."""
    near = [{"name": "im2gps", "label": f"near-{k}", "k": k} for k in (1, 2, 4, 8, 16)]
    points = ("geoscore", "median", "densest")
    methods = [
        *("uniform", "toy-oracle"),
        *({"name": "prior", "label": f"prior-{point}", "point": point} for point in points),
        *near,
    ]
    own = {} if isolate is None else {"isolate": isolate}
    return {
        "name": "soak",
        "dataset": {"name": "toy-planet", "photos": 120},
        "encoder": "given",
        "splits": [
            {"name": "random", "label": f"random-{seed}", "seed": seed}
            for seed in range(cells // 10)
        ],
        "methods": methods,
        "metrics": ["distance", "geoscore", "energy"],
        "samples": 2,
        "photos": 5,
    } | own


class Mark(NamedTuple):
    """What tells whether a file was written again: its inode, time and content."""

    inode: int
    written: int
    digest: str


@final
@dataclass
class Soak:
    """The workspace that is killed, and what was found so far.

    Args:
        folder: where it and the undisturbed one lie.
        rng: chooses moments and signals.
        content: the benchmark.
    """

    folder: Path
    rng: random.Random
    content: dict[str, object]
    sent: Counter[str] = field(default_factory=Counter)
    laps: int = 0
    troubles: list[str] = field(default_factory=list)
    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)

    @property
    def place(self) -> Path:
        """The workspace that is killed."""
        return self.folder / "killed"

    def prepare(self) -> None:
        """Run the benchmark undisturbed, and see how long that takes."""
        calm = self.folder / "calm"
        self.begin(calm)
        began = time.monotonic()
        code, said = ended(start(calm))
        self.seconds = time.monotonic() - began
        if code:
            sys.exit(f"the undisturbed run failed:\n{said}")
        cells = sum(1 for line in said.splitlines() if is_done(line))
        logging.info("%d cells in %.1f s, undisturbed", cells, self.seconds)
        self.begin(self.place)

    def begin(self, place: Path) -> None:
        """An empty workspace."""
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        self.done.clear()
        (place / "soak.yaml").write_text(yaml.safe_dump({"benchmarks": [self.content]}))

    def trouble(self, text: str) -> None:
        """Tell of what must not be."""
        self.troubles.append(text)
        logging.error("TROUBLE %s", text)

    def turn(self) -> None:
        """Start a run or two, send a signal, and look at what is left."""
        before = kept(self.place)
        two = self.rng.random() < _TWO
        runs = [start(self.place) for _ in range(1 + two)]
        kind = self.rng.choices(list(_SIGNALS), list(_SIGNALS.values()))[0]
        time.sleep(self.rng.uniform(0, _WITHIN * self.seconds))
        struck = runs[: 1 if two and self.rng.random() < 0.5 else 2]
        met = [run for run in struck if run.poll() is None]
        for run in met:
            os.killpg(run.pid, kind)
        if met and kind == signal.SIGINT and self.rng.random() < 0.3:
            time.sleep(self.rng.uniform(0, 0.5))
            for run in met:
                if run.poll() is None:
                    os.killpg(run.pid, kind)
        self.sent[signal.Signals(kind).name] += bool(met)
        codes = [self.heard(run, kind if run in met else None) for run in runs]
        self.compare(before)
        if 0 in codes:
            self.finish()

    def heard(self, run: subprocess.Popen[bytes], kind: signal.Signals | None) -> int:
        """The exit code of a run that was sent this, when it has ended as it should."""
        code, said = ended(run)
        lines = [line for line in said.splitlines() if is_done(line)]
        self.done.update(line.split(": done")[0].split("] ")[1] for line in lines)
        right = {None: {0}, signal.SIGKILL: {-9, 0}}.get(kind, set())
        right = right or {128 + (kind or 0), -(kind or 0), 0}
        if code not in right:
            self.trouble(f"{kind!r} ended a run with {code}:\n{said}")
        # Python itself prints one where Ctrl-C comes before it has begun with geobench.
        if ("Traceback" in said and "geobench" in said) or "Aborted" in said:
            self.trouble(f"{kind!r} printed\n{said}")
        return code

    def compare(self, before: dict[str, Mark]) -> None:
        """Whether all that was finished is there as it was, and can be read."""
        after = kept(self.place)
        for path, mark in before.items():
            if path not in after:
                self.trouble(f"{path} is lost")
            elif after[path] != mark:
                self.trouble(f"{path} was made again")
        left = living(self.place)
        until = time.monotonic() + _PATIENCE
        while left and time.monotonic() < until:
            time.sleep(0.1)
            left = living(self.place)
        if left:
            self.trouble(f"processes stayed: {left}")

    def finish(self) -> None:
        """Compare a finished workspace with the undisturbed one, and begin the next."""
        self.laps += 1
        calm, now = results(self.folder / "calm"), results(self.place)
        for path in sorted(calm.keys() | now.keys()):
            if calm.get(path) != now.get(path):
                self.trouble(f"{path} is not that of an undisturbed run")
        for name, times in self.done.items():
            if times > 1:
                self.trouble(f"{name} was done {times} times")
        code, said = ended(start(self.place, "verify", "soak"))
        if code:
            self.trouble(f"verify says\n{said}")
        self.sweep()
        logging.info(
            "lap %d: %s, troubles so far: %d",
            self.laps,
            ", ".join(f"{n} {name}" for name, n in self.sent.items()),
            len(self.troubles),
        )
        self.begin(self.place)

    def sweep(self) -> None:
        """Let what kills left be a week old, and see it swept."""
        old = time.time() - _WEEK
        for draft in self.place.rglob(".geobench-draft-*"):
            for path in [*draft.rglob("*"), draft]:
                os.utime(path, (old, old))
        ended(start(self.place))
        if left := list(self.place.rglob(".geobench-draft-*")):
            self.trouble(f"drafts were not swept: {left}")

    def conclude(self) -> None:
        """Let the last workspace be finished, too."""
        before = kept(self.place)
        if self.heard(start(self.place), None) == 0:
            self.compare(before)
            self.finish()


def start(place: Path, *words: str) -> subprocess.Popen[bytes]:
    """A command in a process group of its own; without words a run."""
    words = words or ("run", "soak.yaml", "--no-figures")
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    said: str


def ended(run: subprocess.Popen[bytes]) -> Ended:
    """Wait until it has ended; one that does not is killed."""
    try:
        out, _ = run.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        out, _ = run.communicate()
        return Ended(1000, f"did not end in {_PATIENCE:.0f} s:\n{out.decode()}")
    return Ended(run.returncode, out.decode())


def is_done(line: str) -> bool:
    """Whether a line of a run tells of a training that is done."""
    return line.startswith("[") and ": done in " in line


def kept(place: Path) -> dict[str, Mark]:
    """Every finished record and state, which no later run may touch.

    Raises:
        ValueError: one of them is no JSON.
    """
    found = dict[str, Mark]()
    for path in [*place.rglob("record.json"), *place.rglob("state.json")]:
        if ".geobench-draft-" in str(path):
            continue
        content = path.read_bytes()
        json.loads(content)
        status = path.stat()
        mark = Mark(status.st_ino, status.st_mtime_ns, hashlib.sha256(content).hexdigest())
        found[str(path.relative_to(place))] = mark
    return found


def results(place: Path) -> dict[str, bytes]:
    """Every file of the leaderboard, with its content where no clock goes into it."""
    board = place / "leaderboards" / "soak"
    paths = [path for path in board.rglob("*") if path.is_file()]
    paths = [path for path in paths if ".geobench-draft-" not in str(path)]
    return {
        str(path.relative_to(board)): b"" if path.name in _TIMED else path.read_bytes()
        for path in paths
    }


def living(place: Path) -> list[int]:
    """The processes whose current folder this is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")) == place:
                found.append(int(process.name))
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return found


if __name__ == "__main__":
    main()
