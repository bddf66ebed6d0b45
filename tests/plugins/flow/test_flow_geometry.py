"""Geodesics, steps on the sphere and schedules: closed forms, and order of convergence."""

from functools import partial

import numpy as np
import pytest
import torch

from geobench import geo
from geobench_flow.geodesics import frames, interpolant, tangential
from geobench_flow.schedule import Schedule
from geobench_flow.solver import STEPS, Motion, Space, Sphere, solve

POLES = [[0.0, 0, 1], [0, 0, -1], [1, 0, 0], [0, -1, 0]]


def units(count, *, seed=0):
    points = geo.unit_vectors(geo.uniform(count, np.random.default_rng(seed)))
    return torch.tensor(np.concatenate([points, POLES]))


@pytest.mark.parametrize("kind", ["sigmoid", "linear"])
def test_gamma_falls_from_data_to_noise_and_its_rate_is_its_derivative(kind):
    schedule = Schedule(kind)
    times = torch.linspace(0, 1, 201, dtype=torch.float64)
    gamma = schedule.gamma(times)
    assert gamma[0] == 1
    assert gamma[-1] == 0
    assert (gamma.diff() < 0).all()
    numeric = np.gradient(gamma.numpy(), times.numpy(), edge_order=2)
    np.testing.assert_allclose(schedule.rate(times).numpy(), numeric, atol=2e-3)


def test_the_sigmoid_is_the_published_one():
    def s(x):
        return 1 / (1 + np.exp(-x))

    found = Schedule().gamma(torch.tensor([0.3, 0.8], dtype=torch.float64)).numpy()
    wanted = [(s(3) - s(10 * t - 7)) / (s(3) - s(-7)) for t in (0.3, 0.8)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_an_interpolant_is_the_geodesic_that_geo_draws_and_its_velocity_the_derivative():
    noise, data = units(200), units(200, seed=1)
    gamma = torch.rand(len(noise), 1, dtype=torch.float64, generator=torch.manual_seed(0))
    points, velocities = interpolant(noise, data, gamma)
    a, b = geo.from_vectors(noise.numpy()), geo.from_vectors(data.numpy())
    wanted = geo.interpolate(a[:200], b[:200], gamma[:200, 0].numpy())
    assert geo.distance_km(geo.from_vectors(points[:200].numpy()), wanted).max() < 1e-6
    assert (points * velocities).sum(dim=-1).abs().max() < 1e-12
    step = 1e-6
    ahead, behind = (interpolant(noise, data, gamma + d).points for d in (step, -step))
    np.testing.assert_allclose((ahead - behind).numpy() / (2 * step), velocities, atol=1e-6)
    length = geo.distance_km(a, b) / geo.EARTH_RADIUS_KM
    np.testing.assert_allclose(velocities.norm(dim=-1), length, atol=1e-7)


def test_equal_places_and_antipodes_have_an_interpolant():
    noise = units(5)
    for data in (noise, -noise):
        start, end = (interpolant(noise, data, torch.full((9, 1), g).double()) for g in (0.0, 1.0))
        np.testing.assert_allclose(start.points, noise, atol=1e-7)
        np.testing.assert_allclose(end.points, data, atol=1e-7)
        assert torch.isfinite(start.velocities).all()


def solved(field, points, times, *, order="rk4", geometry=None, **options):
    step = partial(STEPS[order], geometry or Sphere())
    return solve(field, points, times, step=step, **options)


def test_a_move_on_the_sphere_leads_as_far_as_its_tangent_is_long():
    points, sphere = units(100), Sphere()
    for length in (0.0, 1e-9, 1e-3, 1.0, 3.0):
        reached = sphere.moved(points, sphere.increment(points, length * frames(points)[0]))
        angle = torch.atan2(
            torch.linalg.cross(points, reached).norm(dim=-1), (points * reached).sum(dim=-1)
        )
        np.testing.assert_allclose(angle, length, atol=1e-12)
        along = tangential(points, reached) - np.sin(length) * frames(points)[0]
        assert along.abs().max() < 1e-12


def test_frames_are_perpendicular_unit_tangents():
    points = units(100)
    first, second = frames(points)
    for a, b, wanted in [(first, first, 1), (second, second, 1), (first, second, 0)]:
        np.testing.assert_allclose((a * b).sum(dim=-1), wanted, atol=1e-12)
    for each in (first, second):
        np.testing.assert_allclose(tangential(points, each), each, atol=1e-12)


AXIS = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)


def gathering(points, time):
    """Towards AXIS, faster as time goes; what is not tangent is for the solver to leave out."""
    cosine = points @ AXIS
    return Motion(2 * time * AXIS.expand_as(points), -4 * time * cosine)


def gathered(points, times):
    """Where it leads from times[0] to times[1], and the integral of the divergence: with u the
    cosine to the axis, du/dt = 2 t (1 - u^2), so that artanh(u) grows by the square of time."""
    before = points @ AXIS
    after = torch.tanh(torch.atanh(before) + times[1] ** 2 - times[0] ** 2)
    return after, torch.log((1 - after**2) / (1 - before**2))


@pytest.mark.parametrize("times", [(0.0, 1.0), (1.0, 0.0)])
def test_runge_kutta_is_of_fourth_order_on_the_sphere_and_in_the_divergence(times):
    points = units(50)
    after, spread = gathered(points, times)
    errors = []
    for steps in (4, 8, 16):
        found = solved(gathering, points, torch.linspace(*times, steps + 1, dtype=torch.float64))
        np.testing.assert_allclose(found.points.norm(dim=-1), 1, atol=1e-12)
        errors.append(
            [
                (found.points @ AXIS - after).abs().max().item(),
                (found.spread - spread).abs().max().item(),
            ]
        )
    assert max(errors[-1]) < 2e-5
    halved = np.array(errors[:-1]) / np.array(errors[1:])
    assert (halved > 12).all(), halved  # 16 in the limit


def test_runge_kutta_follows_a_field_that_turns_and_twists():
    # Rotations do not commute, so that a wrong commutator shows.
    def field(points, time):
        turn = torch.stack(
            [points.new_tensor(2.0), 3 * points[..., 0].new_tensor(time), 0 * AXIS[0]]
        )
        return Motion(torch.linalg.cross(turn.expand_as(points), points))

    points = units(20)
    fine = solved(field, points, torch.linspace(0, 1, 2001, dtype=torch.float64)).points
    errors = [
        (solved(field, points, torch.linspace(0, 1, n + 1, dtype=torch.float64)).points - fine)
        .abs()
        .max()
        .item()
        for n in (8, 16, 32)
    ]
    assert errors[0] / errors[1] > 12
    assert errors[1] / errors[2] > 12


def test_euler_is_of_first_order_and_keeps_its_path():
    points = units(20)
    after, _ = gathered(points, (0.0, 1.0))
    errors = []
    for steps in (50, 100):
        times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        found = solved(gathering, points, times, order="euler", keep_path=True)
        assert found.path.shape == (len(points), steps + 1, 3)
        np.testing.assert_array_equal(found.path[:, 0], points)
        np.testing.assert_array_equal(found.path[:, -1], found.points)
        errors.append((found.points @ AXIS - after).abs().max().item())
    assert 1.8 < errors[0] / errors[1] < 2.2


def test_heun_is_of_second_order_on_the_sphere_and_in_the_divergence():
    points = units(20)
    after, spread = gathered(points, (0.0, 1.0))
    errors = []
    for steps in (20, 40):
        times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        found = solved(gathering, points, times, order="heun")
        off = (found.points @ AXIS - after).abs().max(), (found.spread - spread).abs().max()
        errors.append(np.array(off))
    assert (errors[0] / errors[1] > 3.6).all()
    assert (errors[0] / errors[1] < 4.4).all()


def spiralling(points, time):
    """A linear field in space: it turns, and shrinks by exp(-time)."""
    turned = torch.linalg.cross(AXIS.expand_as(points), points)
    return Motion(turned - points, points.new_full(points.shape[:-1], -3.0))


@pytest.mark.parametrize(("order", "ratio"), [("euler", 2), ("heun", 4), ("rk4", 16)])
def test_steps_in_space_are_of_their_order(order, ratio):
    points = 2 * units(20)
    sphere = Sphere()
    turned = sphere.moved(points / 2, AXIS.expand_as(points))
    wanted = 2 * np.exp(-1) * turned
    errors = []
    for steps in (32, 64):
        times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        found = solved(spiralling, points, times, order=order, geometry=Space())
        np.testing.assert_allclose(found.spread, -3.0, atol=1e-12)
        errors.append((found.points - wanted).abs().max().item())
    assert errors[0] / errors[1] == pytest.approx(ratio, rel=0.1)
