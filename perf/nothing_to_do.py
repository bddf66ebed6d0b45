"""What a run costs that has nothing to do: 60 methods on four parts of the toy planet.

    python perf/nothing_to_do.py
    python perf/nothing_to_do.py --again 5

Each command is a process of its own: `geobench list`, which is what it takes to start, the first
run, and then runs of what is recorded. Pictures are drawn unless --no-figures says otherwise.
"""

import argparse
import logging
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, final

import yaml

COMMAND = (sys.executable, "-m", "geobench.cli")


@final
class Cost(NamedTuple):
    """What a process took: seconds on the clock and of processors, and its peak memory in MB."""

    clock: float
    processors: float
    memory_mb: float

    def __str__(self) -> str:
        return (
            f"{self.processors:6.2f} s of processors, {self.clock:6.2f} s, {self.memory_mb:.0f} MB"
        )


def main() -> None:
    """Write the benchmark, run it twice or more, and say what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", type=int, default=60, help="rows of each table")
    parser.add_argument("--photos", type=int, default=2000, help="photos of the planet")
    parser.add_argument("--again", type=int, default=1, help="runs of what is recorded")
    parser.add_argument("--no-figures", action="store_true", help="draw no pictures")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    flags = ["--no-figures"] if wanted.no_figures else []
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "many.yaml")
        file.write_text(yaml.safe_dump(many_methods(wanted.methods, wanted.photos)))
        logging.info("start     %s", cost_of("list", folder=file.parent))
        logging.info("first run %s", cost_of("run", file.name, *flags, folder=file.parent))
        for _ in range(wanted.again):
            logging.info("again     %s", cost_of("run", file.name, *flags, folder=file.parent))
            logging.info("start     %s", cost_of("list", folder=file.parent))


def many_methods(methods: int, photos: int) -> dict[str, object]:
    """The file of a benchmark of as many methods, which differ in their settings, on four parts."""
    priors = [
        {"name": "prior", "label": f"prior-{number}", "places": 20 + number}
        for number in range(methods - 2)
    ]
    twin = {"name": "unseen-cells", "label": "surroundings", "surroundings": "train"}
    benchmark = {
        "name": "many",
        "dataset": {"name": "toy-planet", "photos": photos},
        "encoder": "given",
        "splits": ["unseen-cells", twin, "random"],
        "methods": ["uniform", "toy-oracle", *priors],
        "metrics": ["distance", "accuracy", "geoscore", "nll"],
        "samples": 4,
        "photos": 100,
    }
    return {"benchmarks": [benchmark]}


def cost_of(*words: str, folder: Path) -> Cost:
    """Run `geobench` with these words in a folder, and say what it took.

    Raises:
        CalledProcessError: it failed.
    """
    began = time.perf_counter()
    peak = math.nan
    with subprocess.Popen([*COMMAND, *words], cwd=folder, stdout=subprocess.DEVNULL) as process:
        # Of this one process: what `getrusage` says of children is their sum, and the largest peak,
        # that of this process, which they were a copy of, included.
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak = _peak_mb(process.pid, peak)
            time.sleep(0.01)
        _, status, used = ended
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    seconds = time.perf_counter() - began
    return Cost(seconds, used.ru_utime + used.ru_stime, peak)


def _peak_mb(process: int, before: float) -> float:
    """The peak memory of a process, as Linux tells it while it runs; else what was known before."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return before
    found = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return found[0] if found else before


if __name__ == "__main__":
    main()
