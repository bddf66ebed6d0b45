"""Densities in space of `euclidean-flow` against the way the authors' package has, in one run.

    pip install --no-deps --target plonk 'diff-plonk==0.4' geoopt einops torchdiffeq
    PYTHONPATH=plonk python perf/flow_density.py

The package solves by `dopri5` of torchdiffeq, both tolerances 1e-6, with divergences by vmap and
jacrev, on its own network and schedule; here steps are of fourth order, with derivatives written
out. One network is trained on photos whose places are known and has the same weights in both; both
go from the places, at gamma 0.999, to noise: the package to gamma 0, here to 0.001. Errors are
against 1,024 steps here in double precision, to gamma 1e-6. It takes some minutes.
"""

import logging
import sys
import time
import warnings
from functools import partial
from typing import Any

import numpy as np
import torch
from flow import official, scheduler, told_apart
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm
from torch import Tensor, nn
from torch.func import jacrev, vmap

from geobench import Context, geo
from geobench_flow.config import EuclideanFlowConfig
from geobench_flow.learning import trained_network
from geobench_flow.processes import Straight
from geobench_flow.space import Radii, SpaceFlow

log = logging.getLogger("flow_density")

PLACES = 32
TOLERANCES = (1e-6, 1e-5, 1e-4)  # of the package, and looser ones
STEPS = (16, 32, 64, 128, 256)


def main() -> None:
    """Print seconds and errors of every way."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    photos, others = told_apart(20_000, rng), told_apart(PLACES, rng)
    config = EuclideanFlowConfig(
        width=256, depth=4, steps=600, learning_rate=3e-3, dropout=0.0, batch=512
    )
    network = trained_network(Straight(), photos, others, config, Context(seed=0))
    features = torch.tensor(others.pooled[np.arange(PLACES)])
    rows, vectors = np.arange(PLACES), geo.unit_vectors(others.points)

    def ours(steps: int, *, exact: bool = False) -> NDArray[np.float64]:
        cast, process = (torch.float64 if exact else torch.float32), Straight()
        if exact:
            process.begins = 1e-6
        network.to(cast)
        with torch.no_grad():
            told = network.told(features.to(cast))
            flow = SpaceFlow(network, config, told, process=process, radii=Radii(0, 1, 1))
            reached = flow.returned(rows, vectors[:, None], steps=steps)
        assert reached.spread is not None
        return (normal(reached.points) + reached.spread)[:, 0]

    exact = ours(1024, exact=True)
    network.float()
    theirs = official(network)
    # The same way: what standardises features here is not in the package's network.
    seen = network.standardise(features)
    places = torch.tensor(vectors, dtype=torch.float32)
    log.info("%d places on %d threads", PLACES, torch.get_num_threads())
    ways: dict[str, Any] = {
        f"dopri5 of the package, tolerance {tolerance:g}": partial(
            by_package, theirs, places, seen, tolerance, 1 - config.remaining
        )
        for tolerance in TOLERANCES
    }
    ways |= {f"{steps} steps of fourth order here": partial(ours, steps) for steps in STEPS}
    for name, way in ways.items():
        begin = time.perf_counter()
        error = np.abs(way() - exact)
        log.info(
            "%s: %.3f s; %.2g nats off (mean), %.2g (most)",
            *(name, time.perf_counter() - begin, error.mean(), error.max()),
        )


def normal(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log-density of standard normal noise at points (..., 3), (...)."""
    return np.asarray(norm.logpdf(points).sum(axis=-1))


def by_package(
    network: nn.Module, places: Tensor, features: Tensor, tolerance: float, gamma: float
) -> NDArray[np.float64]:
    """Log-densities (N,) of places (N, 3) by the package's network, schedule and solver."""
    from torchdiffeq import odeint

    times = scheduler()
    first = torch.tensor(brentq(lambda t: float(times(torch.tensor(t))) - gamma, 0, 1))

    def motion(time: Tensor, state: Tensor) -> Tensor:
        points, at = state[:, :3], times(time)

        def field(point: Tensor, seen: Tensor) -> Tensor:
            given = {"y": point[None], "emb": seen[None], "gamma": at.reshape(-1)}
            said: Tensor = times.derivative(time) * network(given)[0]
            return said

        velocity = times.derivative(time) * network(
            {"y": points, "emb": features, "gamma": at.reshape(-1)}
        )
        jacobians = vmap(jacrev(field))(points, features)
        spread = jacobians.diagonal(dim1=1, dim2=2).sum(dim=-1, keepdim=True)
        return torch.cat([velocity, spread], dim=-1)

    begin = torch.cat([places, torch.zeros(len(places), 1)], dim=-1)
    with torch.no_grad():
        end = odeint(
            motion, begin, torch.stack([first, torch.tensor(1.0)]), rtol=tolerance, atol=tolerance,
            method="dopri5", options={"min_step": 1e-5},
        )[-1].double().numpy()  # fmt: skip
    return np.asarray(normal(end[:, :3]) + end[:, 3])


if __name__ == "__main__":
    main()
