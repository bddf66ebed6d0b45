"""What a distribution scores by its rows in an answers file: python perf/answers_file.py."""

import argparse
import csv
import logging
import tempfile
from pathlib import Path

import numpy as np

from geobench import (
    Atoms,
    Context,
    Examples,
    Labelled,
    Points,
    Prediction,
    ScoreContext,
    Truth,
    geo,
)
from geobench_basics.methods.predictions_file import PredictionsConfig, PredictionsMethod
from geobench_basics.metrics.energy import EnergyMetric

SAMPLES = 16
"""Points that the metric asks for, as a benchmark does unless it says otherwise."""


def main() -> None:
    """Score the uniform distribution drawn afresh, by rows of equal weight and by weighted ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=4000, help="truths, uniform on the sphere")
    count = parser.parse_args().photos
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(0)
    truth = Truth(geo.uniform(count, rng), {}, np.full(count, np.nan))
    _report("drawn afresh", truth, geo.uniform((count, SAMPLES), rng))
    for rows in (SAMPLES, 4 * SAMPLES, SAMPLES // 2):
        said = _answers(geo.uniform((count, rows), rng), weights=None)
        _report(f"{rows} rows of equal weight", truth, said.sample(SAMPLES, rng))
    for rows in (SAMPLES, 4 * SAMPLES, 16 * SAMPLES):
        # Too little apart to matter, and enough to be weights.
        said = _answers(geo.uniform((count, rows), rng), weights=np.linspace(1, 1 + 1e-6, rows))
        assert isinstance(said, Atoms)
        _report(f"{rows} weighted rows", truth, said.sample(SAMPLES, rng))


def _answers(points: Points, *, weights: geo.Floats | None) -> Prediction:
    """What the method says that reads these rows, (N, K, 2), from a file."""
    ids = np.array([f"{photo:06d}" for photo in range(len(points))])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.csv"
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            head = ["id", "sample", "lat", "lon"]
            writer.writerow(head if weights is None else [*head, "weight"])
            for name, places in zip(ids.tolist(), points.tolist(), strict=True):
                for row, place in enumerate(places):
                    share = [] if weights is None else [weights[row]]
                    writer.writerow([name, row, *place, *share])
        method = PredictionsMethod(PredictionsConfig(file=path))
        nothing = Labelled(ids[:0], points[:0, 0])
        context = Context(seed=0, part="uniform/test", part_ids={"uniform/test": ids})
        method.fit(nothing, nothing, context)
        return method.predict(Examples(ids=ids), context)


def _report(what: str, truth: Truth, samples: Points) -> None:
    """Log the mean energy score with its standard error."""
    scores = EnergyMetric().score(Atoms(samples), truth, ScoreContext(samples=samples))
    error = scores.std() / np.sqrt(len(scores))
    logging.info("%s: energy %.0f km (standard error %.0f)", what, scores.mean(), error)


if __name__ == "__main__":
    main()
