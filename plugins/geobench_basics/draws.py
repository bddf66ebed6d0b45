"""What metrics of distributions ask of a prediction: enough samples, and its density at points."""

import numpy as np
from numpy.typing import NDArray

from geobench import Density, Points, Prediction, PredictionError, ScoreContext

Scores = NDArray[np.float32]
Floats = NDArray[np.float64]

PAIRS = 1 << 20
"""At most this many pairs of samples are in memory at once."""


def samples_of(context: ScoreContext, *, metric: str, at_least: int = 1) -> Points:
    """The points (N, S, 2) that were drawn for all metrics.

    Raises:
        PredictionError: there are fewer than `at_least` per photo.
    """
    samples = context.samples
    if samples is None or samples.shape[1] < at_least:
        wanted = {1: "samples", 2: "at least two samples per photo"}
        raise PredictionError(
            f"metric {metric} needs {wanted.get(at_least, f'at least {at_least} samples')}",
            remedy=f"Set the benchmark's `samples` to {at_least} or more (16 by default).",
        )
    return samples


def log_density(prediction: Prediction, points: Points, *, metric: str) -> Floats:
    """Log-density (N, m) of a `Density` at points (N, m, 2), in nats per steradian.

    Raises:
        PredictionError: it is not a number somewhere.
    """
    assert isinstance(prediction, Density)
    found = np.asarray(prediction.log_prob(points), np.float64)
    if (bad := np.isnan(found)).any():
        raise PredictionError(
            f"metric {metric}: {int(bad.sum())} of {bad.size} log-densities are not a number",
            remedy="A density that is zero somewhere has the logarithm -inf there.",
        )
    return found
