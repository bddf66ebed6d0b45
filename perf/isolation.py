"""What a process of its own costs a training: a run of quick ones with and without.

    python perf/isolation.py
    python perf/isolation.py --cells 40 --turns 3

Each run is a process of its own in a fresh workspace, in turns; `uniform` is trained under as many
seeds as there are cells, so that next to all of a cell is what is around it.
"""

import argparse
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, final

import yaml

COMMAND = (sys.executable, "-m", "geobench.cli", "run", "quick.yaml", "--no-figures")
MODES = ("never", "always")


@final
class Cost(NamedTuple):
    """Seconds that a run took on the clock, and the most memory that one of its cells held."""

    seconds: float
    memory_mib: float


def main() -> None:
    """Run them in turns, and say what each way took and what a cell costs more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=40, help="trainings of a run")
    parser.add_argument("--turns", type=int, default=1, help="runs of each way")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found: dict[str, list[Cost]] = {mode: [] for mode in MODES}
    for _ in range(wanted.turns):
        for mode in MODES:
            found[mode].append(cost_of(mode, wanted.cells))
            seconds, memory = found[mode][-1]
            logging.info("%-6s %6.1f s, %4.0f MiB in a cell at most", mode, seconds, memory)
    medians = {mode: statistics.median(cost.seconds for cost in found[mode]) for mode in MODES}
    more = (medians["always"] - medians["never"]) / wanted.cells
    logging.info("each cell takes %.2f s more: %.1f %% of one of 30 s", more, more / 30 * 100)


def cost_of(mode: str, cells: int) -> Cost:
    """What a run of so many cells costs."""
    benchmark = {
        "name": "quick",
        "dataset": {"name": "toy-planet", "photos": 200},
        "splits": ["random"],
        "methods": ["uniform"],
        "metrics": ["distance", "geoscore"],
        "seeds": list(range(cells)),
    }
    with tempfile.TemporaryDirectory() as name:
        Path(name, "quick.yaml").write_text(yaml.safe_dump({"benchmarks": [benchmark]}))
        begin = time.perf_counter()
        subprocess.run([*COMMAND, "--isolate", mode], cwd=name, check=True, capture_output=True)
        seconds = time.perf_counter() - begin
        records = [json.loads(path.read_text()) for path in Path(name).rglob("record.json")]
    return Cost(seconds, max(record["peak_memory_mib"] for record in records))


if __name__ == "__main__":
    main()
