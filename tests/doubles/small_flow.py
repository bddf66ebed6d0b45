"""A small flow with exact densities, as expensive as such methods are: for what the kit costs.

A velocity field on the sphere, a network of width 32 projected on the tangent plane, moves uniform
points by eight steps of Runge and Kutta. Its divergence is taken exactly, by two Jacobian-vector
products in an orthonormal frame of the tangent plane at each stage; the log-density follows it
(Chen et al., "Neural Ordinary Differential Equations", NeurIPS 2018, equation 8; on manifolds
Mathieu and Nickel, NeurIPS 2020).
"""

import numpy as np
import torch
from pydantic import Field

from geobench import Config, Drawn, Floored, LazyDensity, Method, geo


class FlowConfig(Config):
    """How large it is, and how long it trains."""

    width: int = Field(32, description="units of each hidden layer")
    solver_steps: int = Field(8, description="steps of the solver")
    steps: int = Field(300, description="training steps")


class Network(torch.nn.Module):
    def __init__(self, features, width):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(features + 4, width),
            torch.nn.SiLU(),
            torch.nn.Linear(width, width),
            torch.nn.SiLU(),
            torch.nn.Linear(width, 3),
        )

    def forward(self, x, time, features):
        moment = torch.full_like(x[:, :1], time) if isinstance(time, float) else time
        speed = self.layers(torch.cat([x, moment, features], dim=1))
        return speed - (speed * x).sum(dim=1, keepdim=True) * x / (x * x).sum(dim=1, keepdim=True)


class SmallFlow(Method):
    """Riemannian flow matching with geodesics (Chen and Lipman, ICLR 2024)."""

    name = "small-flow"
    Config = FlowConfig
    requires = ("torch",)
    predicts = Floored
    wants = frozenset({"pooled"})
    solved = {False: 0, True: 0}
    """Points that were solved without and with their density, by all instances."""

    def fit(self, train, val, context):
        features, points = self.tensors(train)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            self.network = Network(features.shape[1], self.config.width)
            optimizer = torch.optim.Adam(self.network.parameters(), 5e-3)
            for _ in context.progress(range(self.config.steps)):
                rows = torch.randint(len(points), (256,))
                loss = self.loss(points[rows], features[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        self.share = Floored.fit([])
        if len(val):
            density = self.density(val.take(np.arange(min(len(val), 250))))
            truths = val.points[: len(density), None]
            self.share = Floored.fit(density.log_prob(truths)[:, 0])

    def tensors(self, examples):
        features = torch.as_tensor(np.array(examples.pooled), dtype=torch.float32)
        vectors = geo.unit_vectors(examples.points)
        return features, torch.as_tensor(vectors, dtype=torch.float32)

    def loss(self, ends, features):
        starts = torch.nn.functional.normalize(torch.randn_like(ends), dim=1)
        cosine = (starts * ends).sum(dim=1, keepdim=True).clamp(-0.9999, 0.9999)
        angle, time = torch.arccos(cosine), torch.rand(len(ends), 1)
        sine = torch.sin(angle)
        x = (torch.sin((1 - time) * angle) * starts + torch.sin(time * angle) * ends) / sine
        way = torch.cos(time * angle) * ends - torch.cos((1 - time) * angle) * starts
        return ((self.network(x, time, features) - way * angle / sine) ** 2).sum(dim=1).mean()

    def rates(self, x, time, features, *, divergence):
        if not divergence:
            return self.network(x, time, features), torch.zeros(len(x))
        axis = torch.nn.functional.one_hot(x.abs().argmin(dim=1), 3).to(x)
        first = torch.nn.functional.normalize(torch.linalg.cross(x, axis), dim=1)
        second = torch.linalg.cross(x, first)
        total = torch.zeros(len(x))
        for tangent in (first, second):
            speed, change = torch.func.jvp(
                lambda at: self.network(at, time, features), (x,), (tangent,)
            )
            total = total + (change * tangent).sum(dim=1)
        return speed, total

    @torch.no_grad()
    def solve(self, x, features, *, backwards, divergence):
        """Where points (m, 3) end up, and the integral of the divergence on the way."""
        count = self.config.solver_steps
        step, total = (-1 if backwards else 1) / count, torch.zeros(len(x))
        for number in range(count):
            time = 1 - number / count if backwards else number / count
            speed, spread, start, speeds, spreads = 0 * x, 0 * total, x, 0 * x, 0 * total
            for ahead, weight in ((0, 1), (0.5, 2), (0.5, 2), (1, 1)):
                at = torch.nn.functional.normalize(start + ahead * step * speed, dim=1)
                moment = float(time + ahead * step)
                speed, spread = self.rates(at, moment, features, divergence=divergence)
                speeds, spreads = speeds + weight * speed, spreads + weight * spread
            x = torch.nn.functional.normalize(start + step / 6 * speeds, dim=1)
            total = total + step / 6 * spreads
        self.solved[divergence] += len(x)
        return x, total

    def density(self, examples):
        pooled = torch.as_tensor(np.array(examples.pooled), dtype=torch.float32)
        count = len(pooled)
        uniform = -float(np.log(geo.SPHERE_AREA))

        def spread(indices, n):
            return pooled[torch.as_tensor(np.array(indices))].repeat_interleave(n, dim=0)

        def drawn(indices, n, rng, *, divergence):
            start = geo.unit_vectors(geo.uniform((len(indices), n), rng)).reshape(-1, 3)
            end, total = self.solve(
                torch.as_tensor(start, dtype=torch.float32),
                spread(indices, n),
                backwards=False,
                divergence=divergence,
            )
            points = geo.from_vectors(end.double().numpy()).reshape(len(indices), n, 2)
            return Drawn(points, uniform - total.double().numpy().reshape(len(indices), n))

        def log_prob(indices, points):
            vectors = torch.as_tensor(geo.unit_vectors(points).reshape(-1, 3), dtype=torch.float32)
            features = spread(indices, points.shape[1])
            _, total = self.solve(vectors, features, backwards=True, divergence=True)
            return uniform + total.double().numpy().reshape(points.shape[:2])

        # From the same points for every photo, so that an answer depends on no other photo.
        starts = geo.unit_vectors(geo.uniform(8, np.random.default_rng(0)))
        ends, _ = self.solve(
            torch.as_tensor(starts, dtype=torch.float32).repeat(count, 1),
            spread(np.arange(count), 8),
            backwards=False,
            divergence=False,
        )
        answers = geo.from_vectors(ends.double().numpy()).reshape(count, 8, 2)
        return LazyDensity(
            geo.mean_point(answers),
            lambda indices, n, rng: drawn(indices, n, rng, divergence=False).points,
            log_prob,
            draw_with_log_prob=lambda indices, n, rng: drawn(indices, n, rng, divergence=True),
        )

    def predict(self, examples, context):
        return Floored(self.density(examples), self.share)

    def state(self):
        arrays = {name: array.numpy() for name, array in self.network.state_dict().items()}
        return arrays | {"share": np.array(self.share)}

    def restore(self, state, train, context):
        arrays = {name: torch.as_tensor(a) for name, a in state.items() if name != "share"}
        width = arrays["layers.0.weight"].shape[1] - 4
        with torch.random.fork_rng(devices=[]):
            self.network = Network(width, self.config.width)
        self.network.load_state_dict(arrays)
        self.share = float(state["share"])
