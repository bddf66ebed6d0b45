"""What metrics of distributions ask of a prediction: enough samples, and its density at points."""

from geobench import LogDensity, Points, PredictionError, ScoreContext

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


def density_of(context: ScoreContext, *, metric: str) -> LogDensity:
    """The log-density at truth and samples.

    Raises:
        PredictionError: the prediction has none.
    """
    if context.log_density is None:
        raise PredictionError(
            f"metric {metric} needs a density", remedy="Make the context by ScoreContext.of."
        )
    return context.log_density
