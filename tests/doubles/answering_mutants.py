"""Mutants of what a method answers: places, types, numbers; what it reads and when it stops."""

import time

import numpy as np

from geobench import Atoms, Density, Floored
from sound_method import Sound


class Radians(Sound):
    """Answers in radians."""

    def predict(self, examples, context):
        point = np.radians(self.mixture(examples).point())
        return Floored(self.mixture(examples, point), float(self.learnt.share))


class Swapped(Sound):
    """Answers longitude first."""

    def predict(self, examples, context):
        point = self.mixture(examples).point()[:, ::-1]
        return Floored(self.mixture(examples, point), float(self.learnt.share))


class MutatesInput(Sound):
    """Wraps longitudes in the array that it was given."""

    def fit(self, train, val, context):
        train.points[:, 1] %= 360
        super().fit(train, val, context)


class IgnoresDeadline(Sound):
    """Loops without looking at the deadline."""

    def steps(self, context):
        return range(self.config.steps)


class SwallowsDeadline(Sound):
    """Looks at the deadline, and goes on."""

    def steps(self, context):
        for step in range(self.config.steps):
            try:
                context.check_deadline()
            except Exception:
                context.log.warning("late")
            yield step


class ClockBudget(Sound):
    """Trains for a time, not for a number of steps."""

    def steps(self, context):
        begin = time.monotonic()
        for step in context.progress(range(self.config.steps)):
            if time.monotonic() - begin > 600:
                return
            yield step


class DropsNaN(Sound):
    """Leaves out photos whose cosine similarity is not a number."""

    def predict(self, examples, context):
        norm = np.linalg.norm(np.asarray(examples.pooled), axis=1)
        return super().predict(examples.take(np.flatnonzero(norm > 0)), context)


class Constant(Sound):
    """Answers every photo alike."""

    def shares(self, examples):
        return np.tile(super().shares(examples)[:1] * 0 + 1, (len(examples), 1))


class ReadsTestPoints(Sound):
    """Answers with the truth where it can get at it."""

    def predict(self, examples, context):
        if not hasattr(examples, "points"):
            return super().predict(examples, context)
        return Floored(self.mixture(examples, examples.points), float(self.learnt.share))


class KnowsPartNames(Sound):
    """Is less sure of photos that it knows to be ambiguous."""

    def predict(self, examples, context):
        if context.part.endswith("ambiguous"):
            return Floored(self.mixture(examples), 0.9)
        return super().predict(examples, context)


class DeclaresAtoms(Sound):
    """Says that it predicts places, and predicts a density."""

    @property
    def predicts(self):
        return Atoms


class AveragesLongitudes(Sound):
    """Answers with the mean latitude and the mean longitude of its places."""

    def predict(self, examples, context):
        point = self.shares(examples) @ self.learnt.places
        return Floored(self.mixture(examples, point), float(self.learnt.share))


class DividesBySpread(Sound):
    """Scales places by how far they are spread."""

    def fit(self, train, val, context):
        super().fit(train, val, context)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.ptp(train.points, axis=0)
            self.learnt.places = self.learnt.places / spread * spread


class NeedsValidation(Sound):
    """Cannot do without validation photos."""

    def fit(self, train, val, context):
        super().fit(train, val, context)
        self.learnt.share = np.array(1 / len(val))


class WritesIntoPoints(Sound):
    """Wraps the longitudes that it is asked for in place."""

    def predict(self, examples, context):
        return Wrapping(super().predict(examples, context))


class Wrapping(Density):
    """A density that changes its queries."""

    def __init__(self, density):
        self.density = density

    def __len__(self):
        return len(self.density)

    def point(self):
        return self.density.point()

    def sample(self, n, rng):
        return self.density.sample(n, rng)

    def log_prob(self, points):
        points[..., 1] %= 360
        return self.density.log_prob(points)

    def take(self, indices):
        return Wrapping(self.density.take(indices))


class HasRoomForHundreds(Sound):
    """Answers as many photos as its table has rows, and those beyond like the first."""

    def shares(self, examples):
        shares = super().shares(examples)
        shares[1000:] = shares[0]
        return shares


ANSWERING = [
    (DeclaresAtoms, "declared-types"),
    (DropsNaN, "one-prediction-per-photo"),
    (Radians, "answers-are-in-degrees"),
    (Swapped, "latitude-comes-first"),
    (Constant, "beats-chance"),
    (WritesIntoPoints, "inputs-untouched"),
    (MutatesInput, "inputs-untouched"),
    (ReadsTestPoints, "labels-unseen"),
    (KnowsPartNames, "labels-unseen"),
    (AveragesLongitudes, "poles-and-date-line"),
    (DividesBySpread, "single-training-place"),
    (NeedsValidation, "single-training-photo"),
    (IgnoresDeadline, "deadline-obeyed"),
    (SwallowsDeadline, "deadline-obeyed"),
    (ClockBudget, "clock-changes-nothing"),
    (HasRoomForHundreds, "a-thousand-photos-at-once"),
]
"""Each with the check that must catch it."""
