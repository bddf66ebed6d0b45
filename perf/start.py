"""What a start costs: CPU time of `import geobench`, `geobench list` and `geobench --help`.

    python perf/start.py
    python perf/start.py --as-is

Each is a process of its own, and they take turns; the median counts. It is set against a process
that imports numpy, pydantic, typer and rich. The first finds bytecode of everything, as after an
installation. The second leaves the environment as it is: a checkout under PYTHONDONTWRITEBYTECODE
is compiled anew in every process, and only geobench is.
"""

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile

BESIDE = "import numpy, pydantic, typer, rich"
STARTS = {
    BESIDE: ("-c", BESIDE),
    "import geobench": ("-c", "import geobench"),
    "geobench list": ("-m", "geobench.cli", "list"),
    "geobench --help": ("-m", "geobench.cli", "--help"),
}

log = logging.getLogger("start")


def main() -> None:
    """Print the seconds of each start, and how many times those of the four packages they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=15, help="of each start")
    parser.add_argument("--as-is", action="store_true", help="leave the environment as it is")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        bytecode = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        environment = os.environ | ({} if wanted.as_is else bytecode)
        for words in STARTS.values():
            _seconds(words, environment)  # writes the bytecode, and warms the disk
        turns = [
            {name: _seconds(words, environment) for name, words in STARTS.items()}
            for _ in range(wanted.turns)
        ]
    taken = {name: statistics.median(turn[name] for turn in turns) for name in STARTS}
    for name, seconds in taken.items():
        log.info("%s: %.3f s, ratio %.2f", name, seconds, seconds / taken[BESIDE])


def _seconds(words: tuple[str, ...], environment: dict[str, str]) -> float:
    """The CPU seconds, user's and system's, of one start."""
    start = subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.DEVNULL)
    # By wait4, which alone says what this one process used.
    _, status, used = os.wait4(start.pid, 0)
    start.returncode = os.waitstatus_to_exitcode(status)
    if start.returncode:
        raise SystemExit(f"python {' '.join(words)} ended with exit code {start.returncode}")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
