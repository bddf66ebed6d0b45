"""euclidean-flow and euclidean-diffusion: closed forms in space, rays, and a known distribution."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from geobench import Context, geo
from geobench_flow.config import EuclideanFlowConfig
from geobench_flow.processes import Diffused, Straight
from geobench_flow.space import Radii, SpaceFlow
from geobench_flow.space_method import EuclideanDiffusion, EuclideanFlow
from known_mixture import TRUTH, photos, told_apart, weighted

MEAN, SPREAD = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64), 0.2


class Normal:
    """What a network would say that knows the data to be N(MEAN, SPREAD^2): linear in y, so that
    its divergence is thrice its factor."""

    def __init__(self, process):
        self.process = process
        self.steps = [torch.nn.ModuleDict({"widen": torch.nn.Linear(1, 4)})]
        self.steps[0].widen.out_features = 4

    def modulations(self, told, gamma):
        self.gamma = gamma
        return self

    def each(self, count):
        return self

    def factor(self):
        g, square = self.gamma, SPREAD**2
        if isinstance(self.process, Straight):
            # E[x - n | y] = m + (g s^2 - (1 - g)) / (g^2 s^2 + (1 - g)^2) (y - g m)
            return (g * square - (1 - g)) / (g**2 * square + (1 - g) ** 2), g * MEAN, MEAN
        # E[n | y] = sqrt(1 - g) / (g s^2 + 1 - g) (y - sqrt(g) m)
        return (1 - g).sqrt() / (g * square + 1 - g), g.sqrt() * MEAN, 0 * MEAN

    def __call__(self, points, modulations):
        factor, centre, shift = self.factor()
        return shift + factor * (points - centre)

    def with_divergence(self, points, modulations):
        return self(points, modulations), 3 * self.factor()[0].expand(points.shape[:-1])


def flow_of(process, **settings):
    config = EuclideanFlowConfig(**{"sampling_steps": 64, "density_steps": 64, **settings})
    told = torch.zeros(2, 1, dtype=torch.float64)
    return SpaceFlow(Normal(process), config, told, process=process, radii=Radii(0.0, 0.1, 0.1))


PROCESSES = pytest.mark.parametrize("process", [Straight(), Diffused()], ids=["flow", "diffusion"])


def at_the_end(process):
    """Mean and deviation of what the process makes of the data at gamma = 1 - 1e-3."""
    g = 1 - 1e-3
    if isinstance(process, Straight):
        return g * MEAN.numpy(), np.hypot(g * SPREAD, 1 - g)
    return np.sqrt(g) * MEAN.numpy(), np.sqrt(g * SPREAD**2 + 1 - g)


@PROCESSES
def test_noise_is_carried_to_the_data_s_distribution(process):
    flow = flow_of(process)
    noise = np.random.default_rng(0).standard_normal((2, 5000, 3))
    mean, deviation = at_the_end(process)
    found = flow.carried(np.arange(2), noise).points
    # A normal distribution goes to another by one linear map, whose ends are known; where it
    # begins, some of the data is in what is taken for noise.
    error = np.linalg.norm(found - mean - deviation * noise, axis=-1)
    assert np.median(error) < (0.003 if isinstance(process, Straight) else 0.03)
    answers = flow.answers(np.arange(2), noise, guidance=0.0)
    # A last step takes away what is left of the noise.
    wanted = geo.from_vectors(MEAN.numpy() + SPREAD * noise)
    assert np.median(geo.distance_km(answers, wanted)) < 0.01 * geo.EARTH_RADIUS_KM


@PROCESSES
@pytest.mark.parametrize(("order", "ratio"), [("euler", 4), ("heun", 16)])
def test_lower_orders_need_more_steps_for_the_same_places(process, order, ratio):
    noise = np.random.default_rng(0).standard_normal((2, 50, 3))
    fine = flow_of(process, sampling_steps=256).carried(np.arange(2), noise).points
    errors = [
        np.abs(
            flow_of(process, order=order, sampling_steps=n).carried(np.arange(2), noise).points
            - fine
        ).mean()
        for n in (32, 128)
    ]
    assert errors[0] / errors[1] == pytest.approx(ratio, rel=0.3)
    assert errors[1] < 0.02


@PROCESSES
def test_densities_are_those_of_the_normal_distribution_s_rays(process):
    flow = flow_of(process)
    queries = geo.destination(
        np.broadcast_to(geo.from_vectors(MEAN.numpy()), (12, 2)), 30.0 * np.arange(12), 1500.0
    )
    mean, deviation = at_the_end(process)

    def along(vector):
        def density(radius):
            axes = stats.norm.pdf(radius * vector, mean, deviation)
            return radius**2 * axes.prod()

        return integrate.quad(density, 0, 4, points=[1.0], limit=200)[0]

    wanted = np.log([along(vector) for vector in geo.unit_vectors(queries)])
    found = flow.log_prob(np.arange(2), np.broadcast_to(queries, (2, 12, 2)))
    np.testing.assert_allclose(found, np.broadcast_to(wanted, (2, 12)), atol=0.02)


@pytest.mark.parametrize("narrower", [1.0, 3.0])
def test_the_rule_integrates_radii_that_are_spread_as_draws_or_less(narrower):
    logs = np.random.default_rng(0).logistic(0, 1, 20_000)
    logs = 0.01 + np.where(logs < 0, 0.08, 0.05) * logs
    found = Radii.of(np.exp(logs)[:, None] * np.array([0.0, 0, 1]))
    assert found.middle == pytest.approx(0.01, abs=2e-3)
    assert found.below == pytest.approx(0.08, rel=0.05)
    assert found.above == pytest.approx(0.05, rel=0.05)
    at, weights = found.rule(16)
    # Of a log-normal distribution with the standard deviation of that logistic one, or a third.
    deviation = 0.05 * np.pi / np.sqrt(3) / narrower
    values = stats.lognorm.pdf(at, deviation, scale=np.exp(0.01))
    assert (values * np.exp(weights)).sum() == pytest.approx(1, abs=0.01)


@PROCESSES
def test_a_step_from_true_noise_leads_along_the_process_itself(process):
    rng = torch.manual_seed(0)
    noise, data = (torch.randn(7, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    here, there = (
        process.task(noise, data, torch.full((7, 1), gamma, dtype=torch.float64))
        for gamma in (0.3, 0.8)
    )
    torch.testing.assert_close(process.step(here.points, here.wanted, 0.3, 0.8), there.points)


@pytest.fixture(scope="module", params=[EuclideanFlow, EuclideanDiffusion], ids=lambda m: m.name)
def learnt(request):
    sizes = {"width": 64, "depth": 2, "steps": 1100, "learning_rate": 6e-3, "evaluations": 5}
    method = request.param(request.param.Config(**sizes, hidden_photos=0.0))
    context = Context(seed=0)
    method.fit(photos(20_000, seed=0), photos(60, seed=1), context)
    return method, context


def test_it_learns_a_known_mixture_and_its_draws_are_of_its_density(learnt):
    method, context = learnt
    density = method.predict(photos(1, seed=2), context).density
    points, weights = weighted(density, 600, seed=3)
    error = weights.std() / len(weights) ** 0.5
    assert weights.mean() == pytest.approx(1, abs=0.01 + 2 * error)
    # The divergence of the truth from what is learnt, by the same places.
    rng = np.random.default_rng(5)
    chosen = rng.choice(len(points), 300, p=weights / weights.sum())
    assert not told_apart(points[chosen], density.sample(300, rng)[0], rng)
    some = TRUTH.sample(150, rng)
    difference = (TRUTH.log_prob(some) - density.log_prob(some)).mean()
    # A diffusion ends with noise of 200 km per axis, a ninth of the variance of a mode.
    assert abs(difference) < (0.05 if method.name == "euclidean-flow" else 0.08)


def test_what_finer_solves_change_is_said(learnt):
    facts = learnt[1].facts
    assert 0 < facts["density's change under step doubling"].value < 0.05
    assert 0 < facts["density's change under node doubling"].value < 0.05
    assert facts["radius of draws"].value == pytest.approx(1, abs=0.02)


def test_a_restored_method_says_the_same(learnt):
    method, context = learnt
    again = type(method)(method.config)
    again.restore(method.state(), photos(5, seed=4), context)
    asked, queries = photos(2, seed=2), geo.uniform((2, 3), np.random.default_rng(0))
    said, same = method.predict(asked, context), again.predict(asked, context)
    np.testing.assert_array_equal(said.point(), same.point())
    np.testing.assert_array_equal(said.log_prob(queries), same.log_prob(queries))
