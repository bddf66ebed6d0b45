"""Write the photos that settings were chosen on: python perf/tuning_photos.py.

Writes benchmarks/blue-marble-tuning-photos.txt: the id of every photo that the split of
benchmarks/blue-marble-tuning.yaml uses, for boards drawn from other towns to leave out.
"""

import sys
from pathlib import Path

import numpy as np

from geobench import config
from geobench.catalogue import installed

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def main() -> None:
    """Write one id a line, sorted."""
    (tuning,) = config.read(BENCHMARKS / "blue-marble-tuning.yaml", installed())
    drawn = tuning.splits[0].plugin.assign(tuning.dataset.plugin)
    ids = np.sort(np.concatenate([part.ids for part in drawn.all_parts]))
    path = BENCHMARKS / "blue-marble-tuning-photos.txt"
    path.write_text("".join(f"{each}\n" for each in ids))
    sys.stdout.write(f"{path}: {len(ids):,} ids\n")


if __name__ == "__main__":
    main()
