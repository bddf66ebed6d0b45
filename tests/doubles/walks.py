"""A method that draws step by step, without a density."""

import numpy as np

from geobench import Method, Sampled, geo


def paths(indices, n, rng):
    """Straight ways from a random place to one near the equator, 100 steps."""
    count = len(indices)
    ends = geo.uniform(count * n, rng).reshape(count, n, 2) * [0.1, 1]
    begins = geo.uniform(count * n, rng).reshape(count, n, 2)
    return geo.interpolate(begins[:, :, None], ends[:, :, None], np.linspace(0, 1, 100))


class Walks(Method):
    """Draws step by step, without a density."""

    name = "walks"
    predicts = Sampled
    elsewhere = False

    def fit(self, train, val, context):
        pass

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass

    def predict(self, examples, context):
        answer = np.tile([0.0, 90.0 if self.elsewhere else 0.0], (len(examples), 1))
        return Sampled(answer, lambda i, n, rng: paths(i, n, rng)[:, :, -1], trace=paths)
