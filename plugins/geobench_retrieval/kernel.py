"""From neighbours to a density: softmax weights, one von Mises-Fisher kernel, and their fit."""

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.optimize import minimize

from geobench import Floored, Points, VonMisesFisherMixture, geo

_CONCENTRATIONS = (1.0, 1e6)  # from half the globe down to 6 km per axis
_TEMPERATURES = (1e-3, 1e3)  # in units of the similarity that the k neighbours span


@final
@dataclass(frozen=True, slots=True)
class Kernel:
    """What turns neighbours into a density.

    Args:
        temperature: of the softmax over similarities, in their unit.
        concentration: of the kernel around each neighbour's place, per squared radian.
        share: of the floor.
    """

    temperature: float
    concentration: float
    share: float

    def weights(self, similarity: geo.Floats) -> geo.Floats:
        """softmax(similarity / temperature) of neighbours (N, k), nearest first."""
        votes = np.exp((similarity - similarity[:, :1]) / self.temperature)
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    def mixture(
        self, places: Points, similarity: geo.Floats, answers: Points
    ) -> VonMisesFisherMixture:
        """The mixture around places (N, k, 2), answering with `answers` (N, 2), without floor."""
        weights = self.weights(similarity)
        return VonMisesFisherMixture(places, [[self.concentration]], weights, point=answers)

    def density(self, places: Points, similarity: geo.Floats, answers: Points) -> Floored:
        """The same mixture with its floor."""
        return Floored(self.mixture(places, similarity, answers), self.share)

    @classmethod
    def fit(
        cls,
        places: Points,
        similarity: geo.Floats,
        truth: Points,
        *,
        temperature: float | None = None,
    ) -> "Kernel":
        """The kernel under which photos taken at `truth` (N, 2) are likeliest, N at least 1.

        Args:
            places: of the neighbours, (N, k, 2), nearest first.
            similarity: theirs, (N, k).
            truth: where the photos were taken, (N, 2).
            temperature: where it is known; fitted, too, if left out.

        The profile likelihood over the floor's share is maximised by the simplex method of Nelder
        and Mead from the best of a coarse grid: with the floor in the likelihood, photos whose
        neighbours are all wrong do not flatten the kernel of those that are found.
        """
        span = float((similarity[:, 0] - similarity[:, -1]).mean()) or 1.0
        concentrations = (1e2, 1e3, 1e4, 1e5)
        limits = [_CONCENTRATIONS]
        starts = [np.log([each]) for each in concentrations]
        if temperature is None:
            limits = [(_TEMPERATURES[0] * span, _TEMPERATURES[1] * span), _CONCENTRATIONS]
            parts = (0.03, 0.1, 0.3, 1.0)
            starts = [np.log([span * part, each]) for part in parts for each in concentrations]

        def at(logarithms: geo.Floats) -> Kernel:
            *found, concentration = np.exp(logarithms).tolist()
            return cls(found[0] if temperature is None else temperature, concentration, 1.0)

        def log_likelihoods(logarithms: geo.Floats) -> geo.Floats:
            unfloored = at(logarithms).mixture(places, similarity, truth)
            return unfloored.log_prob(truth[:, None, :])[:, 0]

        def cost(logarithms: geo.Floats) -> float:
            log_p = log_likelihoods(logarithms)
            return -float(Floored.mix(log_p, Floored.fit(log_p)).mean())

        best = minimize(
            cost,
            min(starts, key=cost),
            method="Nelder-Mead",
            bounds=[(math.log(low), math.log(high)) for low, high in limits],
            options={"xatol": 1e-3, "fatol": 1e-6, "maxiter": 200},
        )
        return replace(at(best.x), share=Floored.fit(log_likelihoods(best.x)))
