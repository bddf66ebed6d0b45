"""How fast harmonics are made, and how fast codes are decoded, against how else one would.

    python perf/harmonics.py harmonics
    python perf/harmonics.py decoding

Harmonics are made of degree 47 at 10,000 points: by geobench; by scipy, order by order, sine
and cosine of one call; by the recurrence of Numerical Recipes, degree by degree and order by order,
as public location encoders do; and beside them stands the matrix product that takes them,
(10,000 x 2,304) by (2,304 x 256) in float32. Decoding is of 256 codes in
noise of twice their size, against their values at 200,000 places by a matrix product with harmonics
that are there already.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Mapping
from math import factorial, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import sph_harm_y
from torch import Tensor

from geobench import Points, geo
from geobench_locdiffusion.codes import encode
from geobench_locdiffusion.decoder import Decoder
from geobench_locdiffusion.harmonics import count, harmonics

log = logging.getLogger("harmonics")

DEGREE = 47
POINTS = 10_000
PLACES = 200_000
CODES = 256
SECONDS = 3.0
"""How long each has turns; the least time counts."""


def main() -> None:
    """Time what is asked for."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["harmonics", "decoding"])
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    log.info("torch on %d threads", torch.get_num_threads())
    with torch.no_grad():
        making() if wanted.what == "harmonics" else decoding()


def making() -> None:
    """Harmonics at many points."""
    points = geo.uniform(POINTS, np.random.default_rng(0))
    vectors = torch.tensor(geo.unit_vectors(points))
    made, weights = harmonics(vectors, DEGREE), torch.randn(count(DEGREE), CODES)
    log.info(
        "float64: at most %.1e from scipy, %.1e from the textbook's recurrence; float32: %.1e",
        *(
            float((harmonics(vectors[:50], DEGREE, dtype=dtype) - other).abs().max())
            for dtype, other in (
                (torch.float64, torch.tensor(by_scipy(points[:50]))),
                (torch.float64, by_textbook(torch.tensor(points[:50]), DEGREE)),
                (torch.float32, torch.tensor(by_scipy(points[:50]))),
            )
        ),
    )
    compare(
        "geobench",
        {
            "geobench": lambda: harmonics(vectors, DEGREE),
            "geobench in float64": lambda: harmonics(vectors, DEGREE, dtype=torch.float64),
            "the matrix product that takes them": lambda: made @ weights,
            "scipy, order by order": lambda: by_scipy(points),
            "textbook in float32": lambda: by_textbook(torch.tensor(points).float(), DEGREE),
            "textbook in float64": lambda: by_textbook(torch.tensor(points), DEGREE),
        },
    )


def decoding() -> None:
    """Codes back to places."""
    rng = np.random.default_rng(0)
    truths, places = geo.uniform(CODES, rng), geo.uniform(PLACES, rng)
    codes = encode(truths, DEGREE)
    codes += 2 * torch.randn(codes.shape, generator=torch.Generator().manual_seed(0))
    known, decoder = encode(places, DEGREE), Decoder(DEGREE, radius_km=0)
    coarse = places[(known @ codes.T).argmax(dim=0).numpy()]
    for who, answers in (("geobench", decoder.decode(codes)), ("the product", coarse)):
        log.info("%s: median error %.1f km", who, np.median(geo.distance_km(answers, truths)))
    compare(
        "geobench",
        {
            "geobench": lambda: decoder.decode(codes),
            "a product with all places": lambda: (known @ codes.T).argmax(dim=0),
        },
    )


class Taken(NamedTuple):
    """Seconds by the clock, and of the processor."""

    wall: float
    cpu: float


def by_scipy(points: Points) -> NDArray[np.float64]:
    """Harmonics at points (N, 2), (N, C), order by order, sine and cosine of one call."""
    colatitudes, lons = np.deg2rad(90 - points[:, 0]), np.deg2rad(points[:, 1])
    out = np.empty((len(points), count(DEGREE)))
    for degree in range(DEGREE + 1):
        middle = degree * (degree + 1)
        for order in range(degree + 1):
            value = (-1) ** order * sph_harm_y(degree, order, colatitudes, lons)
            out[:, middle + order] = value.real if order == 0 else sqrt(2) * value.real
            if order:
                out[:, middle - order] = sqrt(2) * value.imag
    return out


def by_textbook(points: Tensor, degree: int) -> Tensor:
    """Harmonics at points (N, 2), (N, C), each by a recurrence of its own from the start.

    In float32 it overflows from order 28 on.
    """
    lat, lon = torch.deg2rad(points).unbind(dim=1)
    sine, cosine = lat.sin(), lat.cos()
    found = []
    for each in range(degree + 1):
        for order in range(-each, each + 1):
            size = abs(order)
            scale = sqrt(
                (2 * each + 1) / (4 * pi) * factorial(each - size) / factorial(each + size)
            )
            values = scale * _legendre(each, size, sine, cosine)
            if order:
                values = (
                    sqrt(2) * values * ((size * lon).sin() if order < 0 else (size * lon).cos())
                )
            found.append(values)
    return torch.stack(found, dim=1)


def _legendre(degree: int, order: int, sine: Tensor, cosine: Tensor) -> Tensor:
    """The associated Legendre function of the sine of the latitude (Numerical Recipes, section
    6.7), without the sign (-1)^m."""
    last = torch.ones_like(sine)
    for k in range(order):
        last = last * (2 * k + 1) * cosine
    if degree == order:
        return last
    value = sine * (2 * order + 1) * last
    for k in range(order + 2, degree + 1):
        value, last = ((2 * k - 1) * sine * value - (k + order - 1) * last) / (k - order), value
    return value


def compare(ours: str, calls: Mapping[str, Callable[[], Any]]) -> None:
    """The least time of each, in turns, and how many times that of `ours` it is, by the clock and
    of the processor; the latter says more where other processes run."""
    times: dict[str, list[Taken]] = {name: [] for name in calls}
    while any(sum(each.wall for each in taken) < SECONDS for taken in times.values()):
        for name, call in calls.items():
            if sum(each.wall for each in times[name]) < SECONDS:
                wall, cpu = time.perf_counter(), time.process_time()
                call()
                taken = Taken(time.perf_counter() - wall, time.process_time() - cpu)
                times[name].append(taken)
    least = {
        name: Taken(min(each.wall for each in taken), min(each.cpu for each in taken))
        for name, taken in times.items()
    }
    for name, (wall, cpu) in least.items():
        log.info(
            "%s: %.4f s, %.2f times as long; %.4f s of the processor, %.2f times as much",
            name,
            wall,
            wall / least[ours].wall,
            cpu,
            cpu / least[ours].cpu,
        )


if __name__ == "__main__":
    main()
