"""Where in its cell a photo lies: offsets in half-cell units, and the density that they make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import Points, VonMisesFisherMixture, geo
from geobench_cells import KeptPartition

UNFITTED_WIDTH = 0.5
"""A kernel's width in cells where no validation photo tells it."""

_NARROWEST, _WIDEST = 1e-3, 1e3  # kernels' widths in cells that are looked at
_LOOKS = 25  # evenly spaced on a logarithmic scale; the best of them is refined
_CONCENTRATIONS = (1e-6, 1e6)  # what the mixture is exact for; the latter is 6 km wide


@final
@dataclass(frozen=True, slots=True)
class CellFrames:
    """Coordinates of K cells: north and east of the centre, in halves of the cell's extent.

    They lie in the tangent plane at the centre and come to the sphere by its exponential map:
    `offset * half_km` says how far to go and whereto, along a great circle. So poles and the date
    line are no case apart.

    Args:
        centres: (K, 2).
        half_km: half the extent to north and to east at the centre, in km, (K, 2).
        scales: the square root of the area, in radians, (K,).
    """

    centres: Points
    half_km: geo.Floats
    scales: geo.Floats

    @classmethod
    def of(cls, partition: KeptPartition, cells: NDArray[np.intp], places: Points) -> "CellFrames":
        """The frames of `cells` (K,): of rectangles by their sides, of others as if square.

        They reach at least as far as `places` (K, 2), which in a cell as wide as a continent may
        lie further along a great circle than half its sides.
        """
        from geobench_cells.quadtree import Quadtree

        centres, scales = partition.centres[cells], np.sqrt(partition.areas[cells])
        half = np.repeat(scales[:, None] / 2, 2, axis=1)
        if isinstance(partition, Quadtree):
            half = np.deg2rad(partition.half_widths[cells])
            half[:, 1] *= np.cos(np.deg2rad(centres[:, 0]))
        half = np.maximum(half * geo.EARTH_RADIUS_KM, np.abs(_north_east_km(centres, places)))
        return cls(centres, half, scales)

    def offsets(self, classes: NDArray[np.intp], points: Points) -> geo.Floats:
        """Offsets (..., 2) of points (..., 2) in the cells of `classes` (...,)."""
        return _north_east_km(self.centres[classes], points) / self.half_km[classes]

    def places(self, classes: NDArray[np.intp], offsets: geo.Floats) -> Points:
        """Points (..., 2) at offsets (..., 2) in the cells of `classes` (...,)."""
        north, east = np.moveaxis(offsets * self.half_km[classes], -1, 0)
        bearing = np.rad2deg(np.arctan2(east, north))
        return geo.destination(self.centres[classes], bearing, np.hypot(north, east))


def _north_east_km(centres: Points, points: Points) -> geo.Floats:
    """Where points (..., 2) lie in the tangent planes at centres (..., 2), in km, (..., 2)."""
    bearing = np.deg2rad(geo.initial_bearing(centres, points))
    north_east = np.stack([np.cos(bearing), np.sin(bearing)], axis=-1)
    return np.asarray(geo.distance_km(centres, points)[..., None] * north_east)


@final
@dataclass(frozen=True, slots=True)
class LikeliestPlaces:
    """The k likeliest classes of N photos, likeliest first, and where in them each photo lies.

    Args:
        classes: (N, k).
        masses: their probabilities, (N, k); the rest to one is that of the other classes.
        places: (N, k, 2).
        scales: the square root of each cell's area, in radians, (N, k).
    """

    classes: NDArray[np.intp]
    masses: geo.Floats
    places: Points
    scales: geo.Floats

    def density(self, width: float, point: Points | None = None) -> VonMisesFisherMixture:
        """A kernel at each place, as wide as `width` times its cell; the masses are made to sum to
        one.

        Args:
            width: standard deviation per axis, in square roots of the cell's area.
            point: the answers, (N, 2); the likeliest class's places if left out.
        """
        concentrations = np.clip((width * self.scales) ** -2.0, *_CONCENTRATIONS)
        answers = self.places[:, 0] if point is None else point
        return VonMisesFisherMixture(self.places, concentrations, self.masses, point=answers)


def least(loss: Callable[[float], float]) -> float:
    """The width, in cells, that `loss` is least at, to 0.1 %: the best of several, refined by
    Brent's bounded search on a logarithmic scale."""
    from scipy.optimize import minimize_scalar

    logs = np.linspace(np.log(_NARROWEST), np.log(_WIDEST), _LOOKS)
    best = int(np.argmin([loss(float(np.exp(log))) for log in logs]))
    found = minimize_scalar(
        lambda log: loss(float(np.exp(log))),
        bounds=(logs[max(best - 1, 0)], logs[min(best + 1, _LOOKS - 1)]),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))
