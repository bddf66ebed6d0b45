"""The sphere: points, distances, unit vectors, geodesics, and what summarises a set of points.

Points are latitude and longitude in degrees. Unit vectors and radians stay inside functions,
except where a name says "vectors".
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench.errors import PredictionError

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG R1), in km: the one sphere that geobench measures on."""

SPHERE_AREA = 4 * np.pi
"""Area of the unit sphere in steradians."""

LOG_UNIFORM = -float(np.log(SPHERE_AREA))
"""Log-density of the uniform distribution, -2.5310 nats per steradian."""

Points: TypeAlias = NDArray[np.float64]
"""Latitude and longitude in degrees, shape (..., 2); latitude in [-90, 90], longitude in
[-180, 180)."""

Floats: TypeAlias = NDArray[np.float64]

_FEW_POINTS = 64  # times fewer than the places: these are counted around each for itself
_MANY_POINTS = 1 << 13  # of which a look at their neighbours takes longer than to start threads
_BLOCK = 1 << 15  # distances are worked out in blocks that stay in the processor's cache


def wrap(points: ArrayLike, *, name: str = "points") -> Points:
    """Checked points with longitudes wrapped into [-180, 180).

    Args:
        points: latitude and longitude in degrees, shape (..., 2).
        name: what to call them in an error.

    Raises:
        PredictionError: a wrong shape, a value that is not finite, or a latitude beyond the poles.
    """
    array = np.array(points, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != 2:
        raise PredictionError(
            f"{name} have shape {array.shape}, not (..., 2)",
            remedy="Give latitude and longitude in degrees on the last axis.",
        )
    bad = np.asarray(~np.isfinite(array).all(axis=-1))
    if bad.any():
        raise PredictionError(
            f"{name}: {int(bad.sum())} of {bad.size} are not finite (first at {_first(bad)})",
            remedy="Every photo needs an answer: give a finite latitude and longitude.",
        )
    beyond = np.abs(array[..., 0]) > 90
    if beyond.any():
        where = _first(beyond)
        raise PredictionError(
            f"{name}: latitude {array[(*where, 0)]:g} at {where} is beyond the poles",
            remedy="Latitude comes first, in degrees, within [-90, 90].",
        )
    longitude = array[..., 1]
    outside = (longitude < -180) | (longitude >= 180)
    if outside.any():
        wrapped = np.mod(longitude[outside] + 180, 360) - 180
        longitude[outside] = np.where(wrapped >= 180, -180.0, wrapped)
    return array


def _first(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])


def distance_km(a: ArrayLike, b: ArrayLike) -> Floats:
    """Great-circle distance between `a` and `b`, elementwise with broadcasting.

    With h the haversine of the angle and g the haversine of the angle to b's antipode (so that
    h + g = 1), the angle is 2 atan2(sqrt h, sqrt g): accurate to a micrometre at 1 m as well as
    at the antipode, where the usual asin(sqrt h) loses tens of metres. Exactly symmetric.

    Args:
        a: points, shape (..., 2).
        b: points, shape (..., 2), broadcastable against `a`.

    Returns:
        Distances in km, shape of the broadcast leading axes, in [0, pi * 6371.0088].
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape[-1:] != (2,) or second.shape[-1:] != (2,):
        raise ValueError(f"points need shape (..., 2), not {first.shape} and {second.shape}")
    first, second = np.broadcast_arrays(first, second)
    shape = first.shape[:-1]
    if not shape:
        return np.asarray(_distance_block(first[None], second[None])[0])
    out = np.empty(shape)
    _fill_distances(first, second, out)
    return out


def _fill_distances(a: Points, b: Points, out: Floats) -> None:
    inner = out[0].size if len(out) else 1
    if inner > _BLOCK:
        for row in range(len(out)):
            _fill_distances(a[row], b[row], out[row])
        return
    step = max(1, _BLOCK // max(inner, 1))
    for start in range(0, len(out), step):
        rows = slice(start, start + step)
        out[rows] = _distance_block(a[rows], b[rows])


def _distance_block(a: Points, b: Points) -> Floats:
    half = np.pi / 360
    lat_a, lat_b = a[..., 0], b[..., 0]
    meridian = (b[..., 1] - a[..., 1]) * half
    cosines = np.cos(lat_a * (2 * half)) * np.cos(lat_b * (2 * half))
    near = np.sin((lat_a - lat_b) * half) ** 2 + cosines * np.sin(meridian) ** 2
    far = np.sin((lat_a + lat_b) * half) ** 2 + cosines * np.cos(meridian) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arctan2(np.sqrt(near), np.sqrt(far)))


def antipodes(points: ArrayLike) -> Points:
    """The points of the Earth farthest from points (..., 2), (..., 2)."""
    return wrap(np.asarray(points, dtype=np.float64) * (-1.0, 1.0) + (0.0, 180.0))


def unit_vectors(points: ArrayLike) -> Floats:
    """Unit vectors (..., 3) of points (..., 2); x towards (0, 0), z towards the north pole."""
    radians = np.deg2rad(np.asarray(points, dtype=np.float64))
    lat, lon = radians[..., 0], radians[..., 1]
    cos_lat = np.cos(lat)
    return np.stack([cos_lat * np.cos(lon), cos_lat * np.sin(lon), np.sin(lat)], axis=-1)


def from_vectors(vectors: ArrayLike) -> Points:
    """Points (..., 2) in the direction of vectors (..., 3) of any length but zero."""
    v = np.asarray(vectors, dtype=np.float64)
    lat = np.rad2deg(np.arctan2(v[..., 2], np.hypot(v[..., 0], v[..., 1])))
    lon = np.rad2deg(np.arctan2(v[..., 1], v[..., 0]))
    return np.stack([lat, np.where(lon >= 180, -180.0, lon)], axis=-1)


def tangent_frames(vectors: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors that complete each of `vectors` (..., 3) to a right-handed frame.

    Branch-free construction of Duff et al., "Building an Orthonormal Basis, Revisited" (2017):
    continuous everywhere but at the equator's sign change, defined at the poles.
    """
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    sign = np.copysign(1.0, z)
    a = -1 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=-1)
    second = np.stack([b, sign + y * y * a, -y], axis=-1)
    return first, second


@dataclass(frozen=True, slots=True)
class Compass:
    """Unit vectors towards north and east at points of the sphere, both (..., 3)."""

    north: Floats
    east: Floats


def compass(points: ArrayLike) -> Compass:
    """Where north and east lie at `points` (..., 2); at a pole as its longitude says."""
    radians = np.deg2rad(np.asarray(points, dtype=np.float64))
    lat, lon = radians[..., 0], radians[..., 1]
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], -1)
    return Compass(north, np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], -1))


def destination(points: ArrayLike, bearing: ArrayLike, distance: ArrayLike) -> Points:
    """Where one arrives from `points` (..., 2) after `distance` km along the great circle that
    leaves at `bearing` (degrees clockwise from north); all broadcast."""
    start = np.asarray(points, dtype=np.float64)
    frame = compass(start)
    angle = np.asarray(distance, dtype=np.float64)[..., None] / EARTH_RADIUS_KM
    course = np.deg2rad(np.asarray(bearing, dtype=np.float64))[..., None]
    heading = np.cos(course) * frame.north + np.sin(course) * frame.east
    return from_vectors(np.cos(angle) * unit_vectors(start) + np.sin(angle) * heading)


def initial_bearing(a: ArrayLike, b: ArrayLike) -> Floats:
    """Bearing in degrees [0, 360) at which the great circle from `a` to `b` leaves `a`."""
    first, second = np.deg2rad(np.asarray(a, float)), np.deg2rad(np.asarray(b, float))
    lat_a, lat_b = first[..., 0], second[..., 0]
    meridian = second[..., 1] - first[..., 1]
    east = np.sin(meridian) * np.cos(lat_b)
    north = np.cos(lat_a) * np.sin(lat_b) - np.sin(lat_a) * np.cos(lat_b) * np.cos(meridian)
    bearing = np.mod(np.rad2deg(np.arctan2(east, north)), 360)
    return np.asarray(np.where(bearing >= 360, 0, bearing))  # a hair west of north rounds to 360


def interpolate(a: ArrayLike, b: ArrayLike, fraction: ArrayLike) -> Points:
    """The point at `fraction` of the way along the shortest great circle from `a` to `b`."""
    share = np.asarray(fraction, dtype=np.float64)
    return destination(a, initial_bearing(a, b), share * distance_km(a, b))


def uniform(shape: int | tuple[int, ...], rng: np.random.Generator) -> Points:
    """Points (*shape, 2) drawn uniformly by area."""
    size = (shape,) if isinstance(shape, int) else shape
    z = rng.uniform(-1, 1, size)
    lat = np.rad2deg(np.arctan2(z, np.sqrt((1 - z) * (1 + z))))
    return np.stack([lat, rng.uniform(-180, 180, size)], axis=-1)


def mean_point(points: ArrayLike, weights: ArrayLike | None = None) -> Points:
    """Spherical mean (..., 2) of points (..., K, 2): the direction of their mean unit vector.

    Points that cancel out (two antipodes, say) have no mean: the first point is returned.
    """
    places = np.asarray(points, dtype=np.float64)
    vectors = unit_vectors(places)
    share = np.ones(places.shape[:-1]) if weights is None else np.asarray(weights, float)
    total = (vectors * share[..., None]).sum(axis=-2)
    undefined = np.linalg.norm(total, axis=-1) < 1e-12 * share.sum(axis=-1)
    return np.where(undefined[..., None], places[..., 0, :], from_vectors(total))


def median_point(
    points: ArrayLike, weights: ArrayLike | None = None, *, steps: int = 100
) -> Points:
    """Spherical median (..., 2) of points (..., K, 2): it minimises the mean great-circle distance.

    Weiszfeld's iteration in the tangent plane (Fletcher et al., CVPR 2008), from the best of
    the points themselves, which is kept if no step improves on it.
    """
    places = np.asarray(points, dtype=np.float64)
    share = np.ones(places.shape[:-1]) if weights is None else np.asarray(weights, float)
    costs = np.einsum(
        "...ij,...j->...i", distance_km(places[..., :, None, :], places[..., None, :, :]), share
    )
    index = costs.argmin(axis=-1)[..., None, None]
    best = np.take_along_axis(places, index, axis=-2)[..., 0, :]
    cost = costs.min(axis=-1)
    vectors, current = unit_vectors(places), best
    for _ in range(steps):
        centre = unit_vectors(current)[..., None, :]
        cosine = (vectors * centre).sum(-1, keepdims=True)
        tangent = vectors - cosine * centre
        length = np.linalg.norm(tangent, axis=-1, keepdims=True)
        angle = np.arctan2(length, cosine)
        away = angle > 1e-9
        inverse = np.where(away, share[..., None] / np.where(away, angle, 1), 0)
        direction = np.where(length > 0, tangent / np.where(length > 0, length, 1), 0)
        pull = (direction * angle * inverse).sum(axis=-2)
        step = pull / np.maximum(inverse.sum(axis=-2), 1e-300)
        size = np.linalg.norm(step, axis=-1, keepdims=True)
        moved = np.cos(size) * centre[..., 0, :] + np.sinc(size / np.pi) * step
        current = from_vectors(moved)
        new = (distance_km(places, current[..., None, :]) * share).sum(axis=-1)
        best = np.where((new < cost)[..., None], current, best)
        cost = np.minimum(new, cost)
    return best


def densest_point(
    points: ArrayLike, weights: ArrayLike | None = None, *, bandwidth_km: float = 100.0
) -> Points:
    """The one of points (..., K, 2) around which most weight lies, shape (..., 2).

    The weight near a point is summed under a von Mises-Fisher kernel of standard deviation
    `bandwidth_km` per axis; of equals the first wins. Memory grows with K squared.
    """
    places = np.asarray(points, dtype=np.float64)
    share = np.ones(places.shape[:-1]) if weights is None else np.asarray(weights, float)
    vectors = unit_vectors(places)
    concentration = concentration_of(bandwidth_km)
    drop = np.minimum(vectors @ np.swapaxes(vectors, -1, -2) - 1, 0)
    density = (np.exp(concentration * drop) * share[..., None, :]).sum(axis=-1)
    # Rounding keeps ties ties, so that the first of two equal points wins on every machine.
    density = np.round(density / density.max(axis=-1, keepdims=True), 9)
    index = density.argmax(axis=-1)[..., None, None]
    return np.take_along_axis(places, index, axis=-2)[..., 0, :]


def concentration_of(bandwidth_km: ArrayLike) -> Any:
    """Concentration of the von Mises-Fisher distribution whose standard deviation per axis is
    `bandwidth_km`, in the limit of small bandwidths: (6371.0088 / bandwidth)^2."""
    return (EARTH_RADIUS_KM / np.asarray(bandwidth_km, dtype=np.float64)) ** 2


@dataclass(frozen=True, slots=True)
class Nearest:
    """For each query the index of the nearest place and the distance to it in km, both (N,)."""

    index: NDArray[np.intp]
    distance_km: Floats


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of queries and places by their indices, both (P,)."""

    query: NDArray[np.intp]
    place: NDArray[np.intp]


def workers_for(points: int) -> int:
    """How many threads are to ask a k-d tree of scipy about so many points, -1 being as many as
    there are processors: for few points, threads take longer to begin than to answer."""
    return -1 if points >= _MANY_POINTS else 1


class Places:
    """A set of places that can be asked for neighbours: a k-d tree on unit vectors (scipy).

    Args:
        points: the places, shape (M, 2), M >= 1.
    """

    def __init__(self, points: ArrayLike) -> None:
        from scipy.spatial import cKDTree

        self.points = np.asarray(points, dtype=np.float64)
        if self.points.ndim != 2 or self.points.shape[1] != 2 or len(self.points) == 0:
            raise ValueError(f"Places needs points of shape (M >= 1, 2), not {self.points.shape}")
        self._tree = cKDTree(unit_vectors(self.points))

    def nearest(self, points: ArrayLike) -> Nearest:
        """The place nearest to each of `points` (N, 2)."""
        queries = np.asarray(points, dtype=np.float64)
        _, index = self._tree.query(unit_vectors(queries), workers=workers_for(len(queries)))
        index = np.asarray(index, dtype=np.intp)
        return Nearest(index, distance_km(queries, self.points[index]))

    def within(self, points: ArrayLike, radius_km: float) -> Pairs:
        """All pairs of one of `points` (N, 2) and a place at most `radius_km` from it.

        They come in the order of the points, then of the places.
        """
        found: Any = self._tree.query_ball_point(
            unit_vectors(points), _chord(radius_km), workers=-1, return_sorted=True
        )
        counts = [len(near) for near in found]
        places = np.fromiter(chain.from_iterable(found), np.intp, sum(counts))
        return Pairs(np.repeat(np.arange(len(counts)), counts), places)

    def count_within(self, points: ArrayLike, radius_km: float) -> NDArray[np.intp]:
        """How many places lie within `radius_km` of each of `points` (N, 2)."""
        vectors, chord = unit_vectors(points), _chord(radius_km)
        # The tree visits every place that it counts: it suits few points, which need no more than
        # some of them. Either count is exact.
        if _FEW_POINTS * len(vectors) >= len(self.points):
            from geobench.neighbour_counts import count_within

            return count_within(vectors, unit_vectors(self.points), chord)
        found = self._tree.query_ball_point(vectors, chord, return_length=True, workers=-1)
        return np.asarray(found, dtype=np.intp)


def known_places(points: Points) -> Places:
    """The `Places` of `points` (M, 2), M >= 1, which many ask about: those of the last ten million
    points are kept, some 50 bytes each."""
    key = hashlib.sha256(points.tobytes()).digest()
    found = _trees[key] = _trees.pop(key) if key in _trees else Places(points)
    while len(_trees) > 1 and sum(len(each.points) for each in _trees.values()) > _KEPT_POINTS:
        _trees.popitem(last=False)
    return found


_trees: OrderedDict[bytes, Places] = OrderedDict()
_KEPT_POINTS = 10_000_000


def _chord(distance_km: float) -> float:
    angle = distance_km / EARTH_RADIUS_KM
    return float(2 * np.sin(angle / 2)) if angle < np.pi else np.inf
