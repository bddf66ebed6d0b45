"""What many classes and photos cost: python perf/classes.py [--photos 1000000 100000]."""

import argparse
import logging
import resource
import subprocess
import sys
import time
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import Context, Labelled, Rows, geo
from geobench_grid.method import Grid, GridConfig

WIDTH = 32
_BATCH = 128


@final
class Made:
    """Features (N, 32) that are worked out when they are asked for, and lie nowhere."""

    def __init__(self, count: int) -> None:
        self.shape = (count, WIDTH)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, positions: NDArray[np.intp], /) -> NDArray[np.float32]:
        angles = (np.asarray(positions)[:, None] + 1) * np.arange(1, WIDTH + 1)
        return np.asarray(np.sin(angles * 0.618), dtype=np.float32)


def main() -> None:
    """Train `grid` for a few steps at each number of photos, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--classes", type=int, default=20_000, help="places of photos")
    parser.add_argument("--steps", type=int, default=20, help="updates of the weights")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if len(wanted.photos) == 1:
        _train(*wanted.photos, classes=wanted.classes, steps=wanted.steps)
        return
    for photos in wanted.photos:  # the peak of a process is that of all it has done
        settings = {"photos": photos, "classes": wanted.classes, "steps": wanted.steps}
        flags = [str(part) for key, value in settings.items() for part in (f"--{key}", value)]
        subprocess.run([sys.executable, __file__, *flags], check=True)


def _train(photos: int, *, classes: int, steps: int) -> None:
    train, val = labelled(photos, classes, "train"), labelled(5000, classes, "val")
    config = GridConfig(
        max_photos=1,  # every place is a class
        steps=steps,
        batch=_BATCH,
        soft_labels_km=50,
        label_smoothing=0.1,
        evaluations=1,
    )
    before, start = _peak_mb(), time.perf_counter()
    context, method = Context(seed=0), Grid(config)
    method.fit(train, val, context)
    fitted, seconds = _peak_mb(), time.perf_counter() - start
    test = labelled(1024, classes, "test").unlabelled()
    start = time.perf_counter()
    method.predict(test, context).point()
    facts: dict[str, Any] = {name: fact.value for name, fact in context.facts.items()}
    logging.info(
        "%9d photos, %d classes of %d cells: %d steps and %d looks at validation in %.0f s, "
        "1,024 answers in %.1f s; peak %.0f MB: %.0f before, %.0f more to fit, %.0f more to answer",
        photos,
        facts["classes"],
        facts["cells"],
        steps,
        2,
        seconds,
        time.perf_counter() - start,
        _peak_mb(),
        before,
        fitted - before,
        _peak_mb() - fitted,
    )


def labelled(count: int, classes: int, name: str) -> Labelled:
    """So many photos of so many places, the same in every run."""
    places = geo.uniform(classes, np.random.default_rng(0))
    rng = np.random.default_rng(list(name.encode()))
    ids = np.char.add(name, np.arange(count).astype(str))
    return Labelled(ids, places[rng.integers(classes, size=count)], pooled=Rows([Made(count)]))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
