"""Mutants of draws from a density, and the sound method that they are broken from."""

import numpy as np

from geobench import Floored, LazyDensity, VonMisesFisherMixture, geo
from sound_method import Sound


class Lazy(Sound):
    """The sound method's density behind functions, so that one of them can be broken."""

    @property
    def predicts(self):
        return LazyDensity

    def predict(self, examples, context):
        sound = super().predict(examples, context)

        def draw(indices, n, rng):
            return self.draw(sound.take(indices), n, rng)

        def log_prob(indices, points):
            return self.log_prob(sound.take(indices), points)

        return LazyDensity(sound.point(), draw, log_prob)

    def draw(self, sound, n, rng):
        return sound.sample(n, rng)

    def log_prob(self, sound, points):
        return sound.log_prob(points)


class SamplesOffTheGlobe(Lazy):
    """Moves samples without looking at the poles."""

    def draw(self, sound, n, rng):
        return sound.sample(n, rng) + [30, 0]


class SamplesInRadians(Lazy):
    """Draws in radians."""

    def draw(self, sound, n, rng):
        return np.radians(sound.sample(n, rng))


class SamplesOfOthers(Lazy):
    """Gives each photo the samples of the photo before it."""

    def draw(self, sound, n, rng):
        return np.roll(sound.sample(n, rng), 1, axis=0)


class IgnoresGenerator(Lazy):
    """Draws the same samples whatever generator it is given."""

    def draw(self, sound, n, rng):
        return sound.sample(n, np.random.default_rng(7))


class AntipodalPairs(Lazy):
    """Draws every second point opposite the one before it."""

    def draw(self, sound, n, rng):
        samples = sound.sample(n, rng)
        before = samples[:, 0 : n - n % 2 : 2]
        samples[:, 1::2] = geo.wrap(before * (-1, 1) + (0, 180))[:, : n // 2]
        return samples


class AntitheticHalves(AntipodalPairs):
    """Draws the second half opposite the first."""

    def draw(self, sound, n, rng):
        samples = sound.sample(n, rng)
        samples[:, n - n // 2 :] = geo.wrap(samples[:, : n // 2] * (-1, 1) + (0, 180))
        return samples


class PairsWhereFew(AntipodalPairs):
    """Pairs its draws where it is asked for eight or fewer."""

    def draw(self, sound, n, rng):
        return super().draw(sound, n, rng) if n <= 8 else sound.sample(n, rng)


class PairsForSome(AntipodalPairs):
    """Pairs the draws of one photo in eight."""

    def draw(self, sound, n, rng):
        some = (sound.density.weights[:, 0] * 1e6 % 8 < 1)[:, None, None]
        return np.where(some, super().draw(sound, n, rng), sound.sample(n, rng))


class SortsDraws(Lazy):
    """Gives its draws in the order of their density, so that the first are the best."""

    def draw(self, sound, n, rng):
        samples = sound.sample(n, rng)
        order = np.argsort(-sound.log_prob(samples), axis=1)
        return np.take_along_axis(samples, order[..., None], axis=1)


class SpreadsDraws(Lazy):
    """Takes from each of its places as many draws as it can, instead of drawing how many."""

    def draw(self, sound, n, rng):
        shares = sound.density.weights
        edges = np.cumsum(shares, axis=1)
        at = (np.arange(n) + rng.random((len(sound), n))) / n
        chosen = (at[:, :, None] > edges[:, None]).sum(axis=-1).clip(max=shares.shape[1] - 1)
        order = rng.permuted(np.tile(np.arange(n), (len(sound), 1)), axis=1)
        means = self.learnt.places[np.take_along_axis(chosen, order, axis=1)]
        kernels = VonMisesFisherMixture(
            means.reshape(-1, 1, 2), self.learnt.kappa, count=means.shape[0] * n
        )
        samples = kernels.sample(1, rng).reshape(len(sound), n, 2)
        floor = rng.random(samples.shape[:2]) < sound.share
        samples[floor] = geo.uniform(int(floor.sum()), rng)
        return samples


class RepeatsDraws(Lazy):
    """Draws one point a photo and call, and gives it again and again."""

    def draw(self, sound, n, rng):
        return np.repeat(sound.sample(1, rng), n, axis=1)


class WalksFromDrawToDraw(Lazy):
    """Stays where the draw before was half of the time, as a Markov chain does."""

    def draw(self, sound, n, rng):
        samples = sound.sample(n, rng)
        for step in range(1, n):
            stays = rng.random(len(samples)) < 0.5
            samples[stays, step] = samples[stays, step - 1]
        return samples


class OtherDensityWithDraws(Lazy):
    """Gets log-densities along with its draws by a formula that lacks the floor."""

    def predict(self, examples, context):
        sound = Floored(self.mixture(examples), float(self.learnt.share))

        def both(indices, n, rng):
            chosen = sound.take(indices)
            points = chosen.sample(n, rng)
            return points, chosen.density.log_prob(points)

        return LazyDensity(
            sound.point(),
            lambda indices, n, rng: sound.take(indices).sample(n, rng),
            lambda indices, points: sound.take(indices).log_prob(points),
            draw_with_log_prob=both,
        )


class OtherDrawsWithDensity(Lazy):
    """Draws other points where it is asked for their densities, too."""

    def predict(self, examples, context):
        sound = Floored(self.mixture(examples), float(self.learnt.share))

        def both(indices, n, rng):
            return sound.take(indices).sample_and_log_prob(
                n, np.random.default_rng(rng.integers(9))
            )

        return LazyDensity(
            sound.point(),
            lambda indices, n, rng: sound.take(indices).sample(n, rng),
            lambda indices, points: sound.take(indices).log_prob(points),
            draw_with_log_prob=both,
        )


class FlooredInSecret(Floored):
    """A floored density that says that it has no floor."""

    @property
    def floor(self):
        return 0.0

    def floored(self, log_p):
        return log_p

    def take(self, indices):
        return FlooredInSecret(self.density.take(indices), self.share)


class HidesItsFloor(Lazy):
    """Says of its density without a floor that it is the whole."""

    def predict(self, examples, context):
        return FlooredInSecret(self.mixture(examples), float(self.learnt.share))


DRAWING = [
    (SamplesOffTheGlobe, "points-on-the-globe"),
    (SamplesInRadians, "answers-are-in-degrees"),
    (SamplesOfOthers, "samples-beat-chance"),
    (IgnoresGenerator, "samples-follow-the-generator"),
    (AntipodalPairs, "draws-are-independent"),
    (AntitheticHalves, "draws-are-independent"),
    (PairsWhereFew, "draws-are-independent"),
    (PairsForSome, "draws-are-independent"),
    (SortsDraws, "draws-are-independent"),
    (SpreadsDraws, "draws-are-independent"),
    (RepeatsDraws, "draws-are-independent"),
    (WalksFromDrawToDraw, "draws-are-independent"),
    (OtherDensityWithDraws, "draws-come-with-their-density"),
    (OtherDrawsWithDensity, "draws-come-with-their-density"),
    (HidesItsFloor, "a-floor-lies-beneath-the-shape"),
]
"""Each with the check that must catch it."""
