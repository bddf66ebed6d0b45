"""What a density promises: one unit, one distribution in samples and density, finite everywhere."""

from dataclasses import dataclass
from typing import final

import numpy as np

from geobench import geo
from geobench.geo import Floats
from geobench.predictions import Density
from geobench.testing.bridge import Bridge
from geobench.testing.check import ensure
from geobench.testing.integration import LARGEST_ERROR, Probe, energy_p_value, heights_p_value
from geobench.testing.method_subject import MethodSubject
from geobench.toy_planet import World

_PHOTOS = 2  # looked at closely
_LEAST_P = 0.001
_DRAWS = 600


def density_has_no_atoms(subject: MethodSubject) -> None:
    """Samples of a density never repeat."""
    samples = _some(subject).sample(500, np.random.default_rng(0))
    for photo, own in enumerate(samples):
        distinct = len(np.unique(own, axis=0))
        ensure(
            distinct == len(own),
            f"{len(own)} samples of photo {photo} lie at {distinct} places",
            "Finitely many places are no density: return geobench.Atoms, or kernels around them.",
        )


def draws_come_with_their_density(subject: MethodSubject) -> str:
    """`sample_and_log_prob` gives the draws of `sample`, and their densities by `log_prob`."""
    density = _some(subject)
    points, log_prob = density.sample_and_log_prob(16, np.random.default_rng(3))
    plain = density.sample(16, np.random.default_rng(3))
    away = float(geo.distance_km(points, plain).max())
    remedy = "Both draw the same points of the same generator; the density is that of log_prob."
    ensure(
        away <= _SAME_DRAW_KM, f"sample_and_log_prob draws points {away:.3g} km elsewhere", remedy
    )
    apart = np.abs(log_prob - density.log_prob(points))
    apart[log_prob == density.log_prob(points)] = 0  # minus infinity twice is the same
    ensure(
        bool((apart <= _SAME_DENSITY).all()),
        f"log-densities that come with draws are {apart.max():.3g} nats from those of log_prob",
        remedy,
    )
    return "in one go" if density.density_comes_with_draws else "one after the other"


def a_floor_lies_beneath_the_shape(subject: MethodSubject) -> str:
    """`log_prob` is that of the `shape` with the `floor` beneath it.

    `nll` is of the one, and `nll.hedged` of the other.
    """
    density, rng = _some(subject).take(np.arange(1)), np.random.default_rng(5)
    # Where a draw lies, and where hardly any does: there a floor is nearly all.
    points = np.concatenate([density.sample(1, rng), geo.uniform(1, rng)[:, None]], axis=1)
    shape, floor = density.shape.log_prob(points), density.floor
    with np.errstate(divide="ignore"):
        wanted = np.logaddexp(np.log1p(-floor) + shape, np.log(floor) + geo.LOG_UNIFORM)
    for what, found in (
        ("log_prob", density.log_prob(points)),
        ("floored", density.floored(shape)),
    ):
        apart = np.abs(found - wanted)
        apart[found == wanted] = 0
        ensure(
            bool((apart <= _SAME_DENSITY).all()),
            f"{what} is {apart.max():.3g} nats from what `shape` and a `floor` of {floor:.3g} make",
            "Leave `shape`, `floor` and `floored` out, or return geobench.Floored.",
        )
    return f"a floor of {floor:.3g}"


_SAME_DRAW_KM = 0.1
_SAME_DENSITY = 0.05  # nats: a solver goes forwards for the one and backwards for the other


def density_of_every_photo(subject: MethodSubject) -> str:
    """Of every photo the density is that of its samples: no scale, temperature or mix-up in any."""
    found = Bridge.of(subject.density, np.random.default_rng(11))
    if found.p_value <= _LEAST_P:
        # One honest method in a thousand comes here by chance, and none twice.
        found = Bridge.of(subject.density, np.random.default_rng(12))
    ensure(
        found.p_value > _LEAST_P,
        f"not every photo's density is that of its samples (p = {found.p_value:.2g}); the "
        f"farthest off is photo {found.worst}, by {abs(found.scores[found.worst]):.1f} standard "
        "errors",
        "Normalise each photo's density by itself, and give each its own.",
    )
    return f"p = {found.p_value:.3f} over {len(found.scores)} photos"


def density_integrates_to_one(subject: MethodSubject) -> str:
    """The density is per steradian: its integral over the sphere is one."""
    measured = []
    for photo in range(_PHOTOS):
        probe = _probe(subject, photo)
        ensure(np.isfinite(probe.weights).all(), f"the density of photo {photo} is not finite")
        away = abs(probe.integral - 1)
        text = f"{probe.integral:.4f} ± {probe.error:.4f}"
        measured.append(f"{text} at {len(probe.points):,} points")
        remedy = (
            "log_prob is in nats per steradian: check the unit, the normalisation, and that "
            "samples and density are of one distribution."
        )
        ensure(
            away <= 3 * probe.error,
            f"the density of photo {photo} has the integral {text} over the sphere, not 1",
            remedy,
        )
        ensure(
            probe.error <= LARGEST_ERROR,
            f"the integral of the density of photo {photo} cannot be measured well: {text}",
            remedy,
        )
    return ", ".join(measured)


def samples_agree_with_density(subject: MethodSubject) -> str:
    """Samples and density are of one distribution."""
    measured = []
    for photo in range(_PHOTOS):
        found = _agreement(subject, photo, attempt=0)
        if found.least <= _LEAST_P:
            # One honest method in some hundreds comes here by chance, and hardly one twice.
            found = _agreement(subject, photo, attempt=1)
        measured.append(f"p = {found.least:.3f}")
        ensure(
            found.least > _LEAST_P,
            f"samples of photo {photo} are not distributed as its density says "
            f"(p = {found.where:.2g} for where they lie, {found.height:.2g} for how dense it is "
            "there)",
            "No guidance, temperature or rounding in one of the two only.",
        )
    return ", ".join(measured)


@final
@dataclass(frozen=True, slots=True)
class _Agreement:
    """P-values of two tests that samples and draws from the density are of one distribution: the
    energy distance sees where the mass lies; the heights, how it is concentrated."""

    where: float
    height: float

    @property
    def least(self) -> float:
        return min(self.where, self.height)


def _agreement(subject: MethodSubject, photo: int, *, attempt: int) -> _Agreement:
    own = subject.density.take(np.array([photo]))
    rng = np.random.default_rng([1 + attempt, photo])
    probe = _probe(subject, photo) if attempt == 0 else Probe.of(own, rng)
    # Of several photos together, as the harness draws.
    together = subject.density.take(np.arange(_PHOTOS))
    drawn, samples = probe.draws(_DRAWS, rng), together.sample(_DRAWS, rng)[photo]
    heights = [own.log_prob(points[None])[0] for points in (drawn, samples)]
    return _Agreement(energy_p_value(drawn, samples, rng), heights_p_value(*heights))


def _probe(subject: MethodSubject, photo: int) -> Probe:
    density = subject.density.take(np.array([photo]))
    return subject.memo(
        f"probe {photo}", lambda: Probe.of(density, np.random.default_rng([0, photo]))
    )


def _some(subject: MethodSubject) -> Density:
    """The density of a few photos, spread over all: solved point by point, each point costs."""
    count = len(subject.density)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _FEW)).astype(int))
    return subject.density.take(chosen)


_FEW = 8


def nll_finite_everywhere(subject: MethodSubject) -> None:
    """Log-densities are finite all over the Earth, at the antipodes of training places, too."""
    density, train = _some(subject), subject.train.points
    train = train[:: max(1, len(train) // 60)]
    places = {
        "places all over the Earth": geo.uniform(100, np.random.default_rng(0)),
        "the poles": np.array([(90.0, 0.0), (90.0, 77.0), (-90.0, 0.0), (-90.0, -120.0)]),
        "the date line": np.array(
            [(lat, lon) for lat in (-17.0, 0.0, 60.0) for lon in (-180, 180)]
        ),
        "training places": train,
        "the antipodes of training places": geo.antipodes(train),
    }
    for what, points in places.items():
        finite = np.isfinite(density.log_prob(points[None]))
        if not finite.all():
            _, place = np.argwhere(~finite)[0]
            lat, lon = points[place]
            ensure(
                False,
                f"a log-density at {lat:.3f}, {lon:.3f} ({what}) is not finite",
                _FLOOR,
            )
    opposite = geo.wrap(subject.snapshot.point * (-1, 1) + (0, 180))
    finite = np.isfinite(subject.density.log_prob(opposite[:, None]))[:, 0]
    ensure(
        finite.all(),
        f"{int((~finite).sum())} log-densities at the antipode of the answer are not finite",
        _FLOOR,
    )


_FLOOR = "geobench.Floored mixes in a share of the uniform, fitted on validation."


def longitudes_wrap(subject: MethodSubject) -> None:
    """The density is the same at a longitude and 360 degrees further."""
    density, points = _some(subject), geo.uniform(50, np.random.default_rng(0))
    turned = points + np.where(points[:, 1:] < 0, (0, 360), (0, -360))
    here, there = (density.log_prob(p[None]) for p in (points, turned))
    ensure(
        np.allclose(here, there, rtol=1e-4, atol=1e-4),
        "the density changes where 360 degrees are added to a longitude",
        "Work with unit vectors, or wrap longitudes.",
    )


def nll_no_better_than_possible(subject: MethodSubject) -> str:
    """Its negative log-likelihood is not below that of the true conditional density."""
    density = subject.density
    rows = subject.rows(subject.part)
    features = subject.planet.features(rows).pooled
    assert features is not None
    truth = subject.truth[:, None]
    best = -World(subject.planet.config).density(features.astype(np.float64)).log_prob(truth)[:, 0]
    own: Floats = -density.log_prob(truth)[:, 0]
    gain = best - own
    error = float(gain.std(ddof=1) / np.sqrt(len(gain)))
    measured = f"{own.mean():.3f} nats per steradian, {best.mean():.3f} at best"
    ensure(
        gain.mean() <= 4 * error + 1e-9,
        f"a negative log-likelihood below the smallest possible ({measured})",
        "Does it know the test photos' places, or is log_prob no density per steradian?",
    )
    return measured


CHECKS = (
    density_has_no_atoms,
    draws_come_with_their_density,
    a_floor_lies_beneath_the_shape,
    density_of_every_photo,
    density_integrates_to_one,
    samples_agree_with_density,
    nll_finite_everywhere,
    longitudes_wrap,
    nll_no_better_than_possible,
)
