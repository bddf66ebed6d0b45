"""The flow's network, steps and densities against the authors' package, in one run.

    pip install --no-deps --target plonk 'diff-plonk==0.4' geoopt einops
    PYTHONPATH=plonk python perf/flow.py training        # a step, 1,024 photos, 36 million weights
    PYTHONPATH=plonk python perf/flow.py sampling        # 256 photos, 16 steps of first order
    PYTHONPATH=plonk python perf/flow.py quality         # 16 steps here against 250 of theirs
    python perf/flow.py density                          # against derivatives by torch.func

Training and sampling are of the paper's sizes: width 512, depth 12, 1,024 features. The package's
own face is not imported: it wants an old scipy. `density` takes the divergence as the package does,
by vmap and jacrev, in the same steps on the sphere; the package's own solver leaves the sphere.
"""

import argparse
import logging
import sys
import types
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import jacrev, jvp, vmap
from turns import compare

from geobench import Context, Labelled, Points, Rows, VonMisesFisherMixture, geo
from geobench_basics.metrics.distance import geoscore
from geobench_flow.config import RiemannianConfig
from geobench_flow.geodesics import frames
from geobench_flow.learning import ProcessLoss, trained_network
from geobench_flow.network import FieldNetwork, Modulations
from geobench_flow.presets import PAPER
from geobench_flow.processes import OnSphere
from geobench_flow.release import as_ours
from geobench_flow.sphere import SphereFlow
from geobench_torch import Batch

log = logging.getLogger("flow")

FEATURES = 1024


def main() -> None:
    """Measure what is asked for."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    whats = {"training": training, "sampling": sampling, "quality": quality, "density": density}
    parser.add_argument("what", choices=whats)
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    log.info("torch on %d threads", torch.get_num_threads())
    whats[wanted.what]()


def training() -> None:
    """Forward, backward and the optimizer's step."""
    config = RiemannianConfig(**PAPER, hidden_photos=0.0)
    ours = FieldNetwork(FEATURES, config)
    theirs = official(ours)
    points = geo.uniform(config.batch, np.random.default_rng(0))
    loss = ProcessLoss(OnSphere(), points, config, device="cpu")
    batch = Batch(torch.arange(config.batch), torch.randn(config.batch, FEATURES))
    official_loss = losses().RiemannianFlowMatchingLoss(scheduler(), conditioning_key="emb")

    def of_theirs() -> Tensor:
        given = {"x_0": loss.vectors, "emb": batch.features}
        return torch.as_tensor(official_loss(lambda net, b: net(b), theirs, given))

    def step(network: nn.Module, cost: Callable[[], Tensor], *, half: bool) -> Callable[[], None]:
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

        def once() -> None:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                found = cost()
            optimizer.zero_grad()
            found.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()

        return once

    of_ours = partial(loss, ours, batch)
    for half in (False, True):
        compare(
            f"a step of training, ours in {'bfloat16' if half else 'float32'}",
            step(theirs, of_theirs, half=False),
            step(ours, of_ours, half=half),
        )


def sampling() -> None:
    """Steps of first order, with and without guidance, from the same noise."""
    config = RiemannianConfig(width=512, depth=12, dropout=0.0, order="euler")
    ours = drawn(FieldNetwork(FEATURES, config))
    features, noise = torch.randn(256, FEATURES), torch.randn(256, 3)
    with torch.no_grad():
        flow, rows = SphereFlow(ours, config, ours.told(features)), np.arange(256)
    for guidance in (0.0, 2.0):
        compare(
            f"drawing for 256 photos, guidance {guidance:g}",
            partial(official_draws, official(ours), features, noise, 16, guidance),
            partial(flow.answers, rows, noise[:, None].double().numpy(), guidance=guidance),
        )


def quality() -> None:
    """GeoScore and energy score of draws where the truth is known, from one trained network."""
    rng = np.random.default_rng(0)
    photos, others = told_apart(20_000, rng), told_apart(2000, rng)
    config = RiemannianConfig(width=128, depth=3, steps=1500, learning_rate=3e-3, dropout=0.0)
    network = trained_network(OnSphere(), photos, others, config, Context(seed=0))
    with torch.no_grad():
        features = torch.tensor(others.pooled[np.arange(len(others))])
        told = network.told(features)
        standardised = network.standardise(features)
    noise = rng.standard_normal((len(others), 8, 3))
    theirs = official(network)

    def theirs_by(steps: int) -> Points:
        draws = [
            official_draws(
                theirs, standardised, torch.tensor(noise[:, k]).float(), steps, guidance=0.0
            )
            for k in range(noise.shape[1])
        ]
        return geo.from_vectors(torch.stack(draws, dim=1).double().numpy())

    def ours_by(order: str, steps: int) -> Points:
        own = RiemannianConfig.model_validate(
            config.model_dump() | {"order": order, "sampling_steps": steps},
            context={"stored": True},
        )
        flow = SphereFlow(network, own, told)
        return flow.answers(np.arange(len(others)), noise, guidance=0.0)

    exact = ours_by("rk4", 256)
    for steps in (16, 250):
        show("official, Euler", steps, steps, theirs_by(steps), others, exact)
    for order, each in (("euler", 1), ("heun", 2), ("rk4", 4)):
        for steps in (8, 16, 32, 64):
            show(f"ours, {order}", steps, each * steps, ours_by(order, steps), others, exact)


def show(
    what: str, steps: int, evaluations: int, draws: Points, photos: Labelled, exact: Points
) -> None:
    """One line of the table of `quality`."""
    away = geo.distance_km(draws, photos.points[:, None])
    score = geoscore(away).mean()
    vectors, truth = geo.unit_vectors(draws), geo.unit_vectors(photos.points)
    to_truth = np.linalg.norm(vectors - truth[:, None], axis=-1).mean()
    among = np.linalg.norm(vectors[:, :, None] - vectors[:, None], axis=-1)
    count = draws.shape[1]
    energy = to_truth - among.sum() / len(draws) / (2 * count * (count - 1))
    log.info(
        "%-16s %3d steps, %3d evaluations: GeoScore %.1f, chordal energy score %.5f, "
        "%.1f km from exact draws (median %.2f)",
        *(what, steps, evaluations, score, energy),
        *(geo.distance_km(draws, exact).mean(), np.median(geo.distance_km(draws, exact))),
    )


def density() -> None:
    """The divergence on the sphere, written out here, and by torch.func, in the same solves."""
    config = RiemannianConfig(width=256, depth=4, dropout=0.0)
    network = drawn(FieldNetwork(FEATURES, config))
    with torch.no_grad():
        told = network.told(torch.randn(64, FEATURES))
    points, rows = geo.uniform((64, 1), np.random.default_rng(0)), np.arange(64)
    log.info("64 places, 32 steps of fourth order, width 256, depth 4")
    for name, kind in (("jacrev, as the package", ByJacobian), ("jvp", ByJvp)):
        flow = SphereFlow(network, config, told)
        other = SphereFlow(kind(network), config, told)  # type: ignore[arg-type]  # stands in
        with torch.no_grad():
            apart = np.abs(flow.log_prob(rows, points) - other.log_prob(rows, points)).max()
        log.info("%s: at most %.2g nats apart", name, apart)
        compare(
            f"64 densities, {name}",
            partial(other.log_prob, rows, points),
            partial(flow.log_prob, rows, points),
        )


class _ByFunc:
    """A network whose divergence is worked out by torch.func."""

    def __init__(self, network: FieldNetwork) -> None:
        self.network = network

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    def field(self, modulations: Modulations) -> Callable[[Tensor], Tensor]:
        """What is tangent of the vectors at points of any length, constant along rays."""

        def field(points: Tensor) -> Tensor:
            on = points / points.norm(dim=-1, keepdim=True)
            vectors: Tensor = self.network(on, modulations)
            tangent: Tensor = vectors - (vectors * on).sum(dim=-1, keepdim=True) * on
            return tangent

        return field


class ByJvp(_ByFunc):
    """By two Jacobian-vector products."""

    def with_surface_divergence(
        self, points: Tensor, modulations: Modulations
    ) -> tuple[Tensor, Tensor]:
        """As that of `FieldNetwork`."""
        field = self.field(modulations)
        vectors = self.network(points, modulations)
        changes = [(t * jvp(field, (points,), (t,))[1]).sum(dim=-1) for t in frames(points)]
        return vectors, changes[0] + changes[1]


class ByJacobian(_ByFunc):
    """By the trace of a Jacobian of each point."""

    def with_surface_divergence(
        self, points: Tensor, modulations: Modulations
    ) -> tuple[Tensor, Tensor]:
        """As that of `FieldNetwork`."""

        def of_one(point: Tensor, *numbers: Tensor) -> Tensor:
            return self.field(Modulations(numbers[:-1], numbers[-1]))(point)

        each = [one.transpose(0, 1) for one in (*modulations.blocks, modulations.last)]
        jacobians = vmap(jacrev(of_one))(points, *each)
        # of_one sees (n, 3); its Jacobian is (n, 3, n, 3), and only n with itself is not 0.
        traces = torch.einsum("pncnc->pn", jacobians)
        return self.network(points, modulations), traces


def told_apart(count: int, rng: np.random.Generator) -> Labelled:
    """Photos of eight places and their surroundings that say which of two places they are of."""
    places = geo.uniform(8, np.random.default_rng(1))
    pair = rng.integers(0, 4, count)
    which = 2 * pair + rng.integers(0, 2, count)
    spread = VonMisesFisherMixture(places[:, None], geo.concentration_of(np.full((8, 1), 300.0)))
    drawn_there = spread.sample(count, rng)
    points = drawn_there[which, np.arange(count)]
    features = np.eye(4, dtype=np.float32)[pair]
    ids = np.array([f"photo-{number}" for number in range(count)])
    return Labelled(ids, points, pooled=Rows([features]))


def drawn(network: FieldNetwork) -> FieldNetwork:
    """With last layers that are not zero, so that it bends."""
    with torch.no_grad():
        for block in network.steps:
            block.narrow.weight.normal_(std=0.02)
    return network.eval()


@torch.no_grad()
def official_draws(
    network: nn.Module, features: Tensor, noise: Tensor, steps: int, guidance: float
) -> Tensor:
    """Where the package's sampler leads, (N, 3)."""
    from plonk.models.samplers.riemannian_flow_sampler import riemannian_flow_sampler

    batch = {"y": noise / noise.norm(dim=1, keepdim=True), "emb": features}
    found: Tensor = riemannian_flow_sampler(
        network, batch, conditioning_keys="emb", scheduler=scheduler(), num_steps=steps,
        cfg_rate=guidance,
    )  # fmt: skip
    return found


def official(ours: FieldNetwork) -> nn.Module:
    """The package's network with the weights of ours."""
    package()
    from plonk.models.networks.mlp import GeoAdaLNMLP

    width, features = ours.out.in_features, ours.photo.in_features
    found: nn.Module = GeoAdaLNMLP(3, width, len(ours.steps), 4, features)
    weights = ours.state_dict()
    found.load_state_dict({name: weights[as_ours(name)] for name in found.state_dict()})
    return found


def losses() -> Any:
    """The package's module of losses."""
    package()
    from plonk.models import losses as found

    return found


def scheduler() -> Any:
    """The package's schedule, as published."""
    package()
    from plonk.models.schedulers import SigmoidScheduler

    return SigmoidScheduler(-7, 3, 1.0)


def package() -> None:
    """Make the package's modules importable without what its own __init__ imports."""
    if "plonk" in sys.modules:
        return
    spec = find_spec("plonk")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            "The package diff-plonk is not installed: pip install --no-deps --target plonk "
            "'diff-plonk==0.4' geoopt einops, and PYTHONPATH=plonk"
        )
    root = Path(next(iter(spec.submodule_search_locations)))
    folders = ("", "models", "models.networks", "models.samplers", "utils")
    for folder in folders:
        name = f"plonk.{folder}".rstrip(".")
        module = types.ModuleType(name)
        module.__path__ = [str(root / folder.replace(".", "/"))]
        sys.modules[name] = module


if __name__ == "__main__":
    main()
