"""One pair of coordinates for each place: partitions compare numbers."""

import numpy as np

from geobench import Points


def unique_coordinates(points: Points) -> Points:
    """Points (N, 2) with longitudes in [-180, 180), that of a pole always -180."""
    lat, lon = points.T
    lon = np.where((lon < -180) | (lon >= 180), np.mod(lon + 180, 360) - 180, lon)
    # A hair west of the date line, the remainder is rounded to a whole turn.
    lon = np.where((lon >= 180) | (np.abs(lat) >= 90), -180, lon)
    return np.stack([lat, lon], axis=-1)
