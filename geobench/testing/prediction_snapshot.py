"""What a prediction says, written down, so that two predictions can be compared."""

from dataclasses import dataclass
from typing import Self, final

import numpy as np

from geobench import geo
from geobench.geo import Floats, Points
from geobench.predictions import Density, Prediction
from geobench.testing.check import ensure

TOLERANCE = 1e-4
"""Relative: of log-densities, and of answers in Earth radii (0.64 km)."""


@final
@dataclass(frozen=True, slots=True)
class PredictionSnapshot:
    """Answers, and log-densities if there are any, of N photos.

    Args:
        point: the answers, (N, 2).
        log_prob: at fixed places and at the answers, (N, m), nats per steradian; None if the
            prediction has no density.
    """

    point: Points
    log_prob: Floats | None

    @classmethod
    def of(cls, prediction: Prediction) -> Self:
        """Ask a prediction for its answers, and for its density at a few places and there."""
        point = geo.wrap(prediction.point(), name="answers")
        if not isinstance(prediction, Density):
            return cls(point, None)
        # Three points a photo: every second check asks for this, of all photos.
        fixed = geo.uniform(2, np.random.default_rng(0))
        fixed = np.broadcast_to(fixed, (len(prediction), 2, 2))
        queries = np.concatenate([fixed, point[:, None]], axis=1)
        return cls(point, np.asarray(prediction.log_prob(queries)))

    def take(self, order: np.ndarray) -> "PredictionSnapshot":
        """What was said of these photos."""
        log_prob = None if self.log_prob is None else self.log_prob[order]
        return PredictionSnapshot(self.point[order], log_prob)

    @classmethod
    def joined(cls, pieces: "list[PredictionSnapshot]") -> "PredictionSnapshot":
        """What was said of several batches, laid end to end."""
        densities = [piece.log_prob for piece in pieces if piece.log_prob is not None]
        point = np.concatenate([piece.point for piece in pieces])
        return PredictionSnapshot(point, np.concatenate(densities) if densities else None)

    def difference(self, other: "PredictionSnapshot", *, tolerance: float = TOLERANCE) -> str:
        """Where `other` says something else, in words; "" if it nowhere does.

        Args:
            other: of the same photos.
            tolerance: relative; 0 asks for the same numbers.
        """
        if self.point.shape != other.point.shape:
            return f"{len(self.point)} answers became {len(other.point)}"
        away = geo.distance_km(self.point, other.point)
        bad = ~(away <= tolerance * geo.EARTH_RADIUS_KM)
        if bad.any():
            photo = int(bad.argmax())
            return f"the answer of photo {photo} moved by {away[photo]:.3g} km"
        if self.log_prob is None or other.log_prob is None:
            return ""
        apart = np.abs(self.log_prob - other.log_prob)
        bad = ~(apart <= tolerance * np.maximum(1, np.abs(self.log_prob)))
        bad &= self.log_prob != other.log_prob  # minus infinity twice is the same
        # At an answer that moved within its tolerance, a narrow density may differ by more.
        bad[:, -1] &= away == 0
        if bad.any():
            photo, place = (int(index) for index in np.argwhere(bad)[0])
            return (
                f"a log-density of photo {photo} was {self.log_prob[photo, place]:.6g} "
                f"and became {other.log_prob[photo, place]:.6g}"
            )
        return ""


def ensure_same(
    first: PredictionSnapshot,
    second: PredictionSnapshot,
    why: str,
    remedy: str,
    *,
    exactly: bool = False,
) -> None:
    """Raise Failure, with `why` and what differs, if two predictions say different things."""
    difference = first.difference(second, tolerance=0 if exactly else TOLERANCE)
    ensure(not difference, f"{why}: {difference}", remedy)
