"""Noise levels and the steps between them, against closed forms of normal distributions."""

import numpy as np
import pytest
import torch

from geobench_locdiffusion.schedule import FIRST, LAST, Schedule

TIMES = torch.linspace(LAST, FIRST, 41, dtype=torch.float64)


@pytest.mark.parametrize("shift", [0.0, -4.2, -7.7])
def test_the_ratio_of_signal_to_noise_is_the_shifted_cosine_schedule(shift):
    schedule = Schedule(shift)
    signal, noise = schedule.signal(TIMES), schedule.noise(TIMES)
    torch.testing.assert_close(signal**2 + noise**2, torch.ones_like(TIMES))
    cotangent = 1 / np.tan(np.pi * TIMES.numpy() / 2)
    np.testing.assert_allclose((signal / noise).numpy(), cotangent * np.exp(shift / 2))


def test_a_step_without_fresh_noise_keeps_the_noise_that_was_there():
    schedule = Schedule(-4.2)
    rng = torch.Generator().manual_seed(0)
    code, noise = torch.randn(2, 3, 5, generator=rng, dtype=torch.float64)
    now, then = TIMES[30], TIMES[12]
    seen = schedule.signal(now) * code + schedule.noise(now) * noise
    expected = schedule.signal(then) * code + schedule.noise(then) * noise
    torch.testing.assert_close(schedule.step(seen, code, now, then), expected)


def test_a_step_with_all_noise_fresh_is_the_conditional_normal_distribution():
    schedule = Schedule(-4.2)
    now, then = TIMES[30], TIMES[12]
    (a, s), (b, r) = ((schedule.signal(t), schedule.noise(t)) for t in (now, then))
    code, seen = torch.tensor([[0.7]], dtype=torch.float64), torch.tensor([[1.9]]).double()
    # x_then ~ N(b c, r^2) and x_now | x_then ~ N(a / b x_then, s^2 - (a r / b)^2), conditioned.
    gain = (a / b) * r**2 / s**2
    mean = b * code + gain * (seen - a * code)
    deviation = (r**2 * (1 - (a / b) * gain)).sqrt()
    for fresh in (-1.0, 0.0, 2.0):
        given = torch.tensor([[fresh]], dtype=torch.float64)
        found = schedule.step(seen, code, now, then, eta=1.0, fresh=given)
        torch.testing.assert_close(found, mean + deviation * fresh)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_whatever_part_of_the_noise_is_fresh_the_level_is_that_of_the_time(eta):
    schedule = Schedule(-4.2)
    now, then = TIMES[35], TIMES[20]
    rng = torch.Generator().manual_seed(1)
    code, noise, fresh = torch.randn(3, 200_000, generator=rng, dtype=torch.float64)[:, None]
    seen = schedule.signal(now) * code + schedule.noise(now) * noise
    found = schedule.step(seen, code, now, then, eta=eta, fresh=fresh)
    left = found - schedule.signal(then) * code
    assert float(left.std()) == pytest.approx(float(schedule.noise(then)), rel=0.01)
