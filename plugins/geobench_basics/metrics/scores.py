"""Scores as a metric returns them: a column per number, a row per photo."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from geobench import Range, geo

Scores = NDArray[np.float32]

Columns: TypeAlias = Mapping[str, geo.Floats]
"""The scores of one training by column name, (N,) each, as a summary's function gets them."""

DISTANCES = Range(0.0, float(np.pi * geo.EARTH_RADIUS_KM))
"""The values of distances on the Earth, in km."""


def as_column(values: geo.Floats) -> Scores:
    """Scores (N, 1) of one number per photo, (N,)."""
    return values.astype(np.float32)[:, None]
