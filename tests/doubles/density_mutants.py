"""Mutants of densities: of all photos and of some, of many at once, and where nothing was seen."""

import numpy as np

from drawing_mutants import Lazy
from geobench import Floored, LazyDensity, VonMisesFisherMixture, geo


class BitsPerDim(Lazy):
    """Gives bits per ambient dimension."""

    def log_prob(self, sound, points):
        return sound.log_prob(points) / np.log(2) / 3


class PerSquareKilometre(Lazy):
    """Gives a density per square kilometre."""

    def log_prob(self, sound, points):
        return sound.log_prob(points) - 2 * np.log(geo.EARTH_RADIUS_KM)


class AtomsForDensity(Lazy):
    """Has a density, and samples from a few places."""

    def draw(self, sound, n, rng):
        places = self.learnt.places
        return places[rng.integers(len(places), size=(len(sound), n))]


class SharpensInBatches(Lazy):
    """Samples with a temperature where it is asked for several photos."""

    def draw(self, sound, n, rng):
        samples = sound.sample(n, rng)
        if len(sound) == 1:
            return samples
        return geo.interpolate(samples, np.broadcast_to(sound.point()[:, None], samples.shape), 0.4)


class SharpensSamples(Lazy):
    """Samples with a temperature that its density does not know."""

    def draw(self, sound, n, rng):
        samples = sound.sample(n, rng)
        return geo.interpolate(samples, np.broadcast_to(sound.point()[:, None], samples.shape), 0.4)


class WrongForSome(Lazy):
    """Is wrong for one photo in eight, which its features tell."""

    def predict(self, examples, context):
        features = np.asarray(examples.pooled, np.float64)
        self.wrong = (features[:, 0] * 1000 % 8 < 1)[:, None]  # of the photos last asked for
        sound = Floored(self.mixture(examples), float(self.learnt.share))
        wrong = self.wrong

        def draw(indices, n, rng):
            return self.draw(sound.take(indices), n, rng)

        def log_prob(indices, points):
            right = sound.take(indices)
            return np.where(wrong[indices], self.spoilt(right, points), right.log_prob(points))

        return LazyDensity(sound.point(), draw, log_prob)

    def spoilt(self, sound, points):
        return sound.log_prob(points) + np.log(2)


class HalvesSome(WrongForSome):
    """Gives one photo in eight half its density."""

    def spoilt(self, sound, points):
        return sound.log_prob(points) - np.log(2)


class FlattensSome(WrongForSome):
    """Gives one photo in eight the uniform density."""

    def spoilt(self, sound, points):
        return np.full(points.shape[:2], -np.log(4 * np.pi))


class MixesUpSome(WrongForSome):
    """Gives one photo in eight the mirror image of its density."""

    def spoilt(self, sound, points):
        return sound.log_prob(np.asarray(points) * (-1, 1))


class SharpensSome(WrongForSome):
    """Gives one photo in eight the density of kernels half as wide as those that it draws from."""

    def spoilt(self, sound, points):
        mixture = sound.density
        narrow = VonMisesFisherMixture(
            mixture.means, mixture.concentrations * 2, mixture.weights, count=len(sound)
        )
        return Floored(narrow, sound.share).log_prob(points)


class FloorsSome(WrongForSome):
    """Gives one photo in eight a density that is half uniform, and draws none of it."""

    def spoilt(self, sound, points):
        return Floored(sound.density, 0.5).log_prob(points)


class DoublesTheMiddleOfSome(WrongForSome):
    """Gives one photo in eight twice its density within 800 km of the answer."""

    def spoilt(self, sound, points):
        near = geo.distance_km(points, sound.point()[:, None]) < 800
        return sound.log_prob(points) + np.where(near, np.log(2), 0)


class WrongWithinAThousand(Lazy):
    """Is wrong of the photos in the middle of a large chunk."""

    def predict(self, examples, context):
        sound = Floored(self.mixture(examples), float(self.learnt.share))

        def log_prob(indices, points):
            middle = (indices >= 128) & (indices < 1000)
            return sound.take(indices).log_prob(points) + np.where(middle, 3.0, 0)[:, None]

        return LazyDensity(sound.point(), lambda i, n, rng: sound.take(i).sample(n, rng), log_prob)


class NoFloor(Lazy):
    """Has a density of zero far from its places."""

    def log_prob(self, sound, points):
        near = geo.distance_km(points[:, :, None], self.learnt.places).min(axis=-1) < 4000
        with np.errstate(divide="ignore"):
            return np.where(near, sound.log_prob(points), -np.inf)


class FlatLongitudes(Lazy):
    """Takes longitudes for numbers on a line."""

    def log_prob(self, sound, points):
        return sound.log_prob(np.clip(points, -180, 180))


class Oversold(Lazy):
    """Claims twenty times the density that it has."""

    def log_prob(self, sound, points):
        return sound.log_prob(points) + 3


DENSITIES = [
    (WrongForSome, "density-of-every-photo"),
    (HalvesSome, "density-of-every-photo"),
    (FlattensSome, "density-of-every-photo"),
    (MixesUpSome, "density-of-every-photo"),
    (SharpensSome, "density-of-every-photo"),
    (FloorsSome, "density-of-every-photo"),
    (DoublesTheMiddleOfSome, "density-of-every-photo"),
    (SharpensSamples, "density-of-every-photo"),
    (WrongWithinAThousand, "a-thousand-photos-at-once"),
    (AtomsForDensity, "density-has-no-atoms"),
    (BitsPerDim, "density-integrates-to-one"),
    (PerSquareKilometre, "density-integrates-to-one"),
    (SharpensInBatches, "samples-agree-with-density"),
    (SharpensSamples, "samples-agree-with-density"),
    (NoFloor, "nll-finite-everywhere"),
    (FlatLongitudes, "longitudes-wrap"),
    (Oversold, "nll-no-better-than-possible"),
]
"""Each with the check that must catch it."""
