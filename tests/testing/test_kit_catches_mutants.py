"""The kit bites: a sound method passes, and broken in named ways it fails the check for that."""

import time
from typing import ClassVar

import numpy as np
import pytest

from geobench import (
    Atoms,
    Density,
    Floored,
    Gallery,
    LazyDensity,
    PredictionError,
    Retriever,
    VonMisesFisherMixture,
    geo,
)
from geobench.testing import Failure, checks_of, examine, subject_of
from keeping_mutants import KEEPING
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


class GlobalRng(Sound):
    """Seeds numpy's global generator."""

    def generator(self, context):
        np.random.seed(context.seed)
        return np.random.default_rng(np.random.randint(1 << 30))


class OwnGenerator(Sound):
    """Draws from a generator that nobody seeded."""

    def generator(self, context):
        return np.random.default_rng()


class ClaimsDeterminism(Sound):
    """Trains by chance, and says that it does not."""

    deterministic = True


class HashesStrings(Sound):
    """Takes its places in the order of a set, which each process has another of."""

    def fit(self, train, val, context):
        first = list(set(train.ids.tolist()))[: self.config.places]
        rest = [name for name in train.ids.tolist() if name not in first]
        super().fit(train.take(np.argsort(train.ids)[np.argsort(first + rest)]), val, context)


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


class ForgetsState(Sound):
    """Does not store the scale of features."""

    def state(self):
        return {name: array for name, array in super().state().items() if name != "scale"}

    def restore(self, state, train, context):
        super().restore({"scale": np.ones(16), **state}, train, context)


class KeepsStateInTheClass(Sound):
    """Keeps its weights where the last fit of any instance overwrites them."""

    kept = None

    def fit(self, train, val, context):
        super().fit(train, val, context)
        type(self).kept = self.learnt

    def restore(self, state, train, context):
        self.learnt = type(self).kept


class StateInMemory(Sound):
    """Stores where its weights lie in this process, not the weights."""

    kept: ClassVar[dict[str, object]] = {}

    def state(self):
        self.kept[str(id(self))] = self.learnt
        return {"key": np.array(str(id(self)))}

    def restore(self, state, train, context):
        self.learnt = self.kept[str(state["key"])]


class PicklesState(Sound):
    """Has a state that only pickle can store."""

    def state(self):
        return {"learnt": np.array(self.learnt, dtype=object)}


class BatchStatistics(Sound):
    """Standardises features by the batch that it is asked for."""

    def shares(self, examples):
        features = np.asarray(examples.pooled, np.float64)
        x = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
        return self.softmax(self.design(x) @ self.learnt.weights)


class SortsPhotos(Sound):
    """Answers in the order of ids."""

    def predict(self, examples, context):
        return super().predict(examples.take(np.argsort(examples.ids)), context)


class RemembersPhotos(Sound):
    """Moves its centre with every batch that it sees."""

    def predict(self, examples, context):
        prediction = super().predict(examples, context)
        seen = np.asarray(examples.pooled, np.float64).mean(axis=0)
        self.learnt.centre = 0.9 * self.learnt.centre + 0.1 * seen
        return prediction


class ReusesItsBuffer(Sound):
    """Returns an array that its next answers overwrite."""

    def shares(self, examples):
        shares = super().shares(examples)
        if "buffer" not in vars(self):
            self.buffer = np.empty((1000, shares.shape[1]))
        self.buffer[: len(shares)] = shares
        return self.buffer[: len(shares)]

    def predict(self, examples, context):
        shares = self.shares(examples)
        point = self.learnt.places[shares.argmax(axis=1)]

        def log_prob(indices, points):
            return Floored(self.kernels(shares[indices]), 0.1).log_prob(points)

        def draw(indices, n, rng):
            return Floored(self.kernels(shares[indices]), 0.1).sample(n, rng)

        return LazyDensity(point, draw, log_prob)

    def kernels(self, shares):
        return VonMisesFisherMixture(self.learnt.places[None], self.learnt.kappa, shares)

    @property
    def predicts(self):
        return LazyDensity


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


class BitsPerDim(Lazy):
    """Gives bits per ambient dimension."""

    def log_prob(self, sound, points):
        return sound.log_prob(points) / np.log(2) / 3


class PerSquareKilometre(Lazy):
    """Gives a density per square kilometre."""

    def log_prob(self, sound, points):
        return sound.log_prob(points) - 2 * np.log(geo.EARTH_RADIUS_KM)


class IgnoresGenerator(Lazy):
    """Draws the same samples whatever generator it is given."""

    def draw(self, sound, n, rng):
        return sound.sample(n, np.random.default_rng(7))


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


class HasRoomForHundreds(Sound):
    """Answers as many photos as its table has rows, and those beyond like the first."""

    def shares(self, examples):
        shares = super().shares(examples)
        shares[1000:] = shares[0]
        return shares


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


class SoundRetriever(Sound, Retriever):
    """The sound method as a retriever of its places."""

    gallery_source = Gallery()

    def gallery(self):
        return self.learnt.places

    def similarity(self, examples, places, context):
        every = np.broadcast_to(places, (len(examples), places.shape[-1]))
        return np.take_along_axis(np.log(self.shares(examples)), every, axis=1)


class RanksWithinTheCall(SoundRetriever):
    """Gives ranks among the places asked for, which no two calls share."""

    def similarity(self, examples, places, context):
        every = np.broadcast_to(places, (len(examples), places.shape[-1]))
        return np.broadcast_to(np.arange(every.shape[1]), every.shape)


class NamesAnotherGallery(SoundRetriever):
    """Says that it answers with a grid, and answers with training places."""

    gallery_source = Gallery(source="grid")


class CentresSimilarities(SoundRetriever):
    """Subtracts the mean over the photos that are asked for together."""

    def similarity(self, examples, places, context):
        found = super().similarity(examples, places, context)
        return found - found.mean()


class CallsDistanceSimilarity(SoundRetriever):
    """Gives a number that is smaller for places that fit better."""

    def similarity(self, examples, places, context):
        return -super().similarity(examples, places, context)


MUTANTS = [
    (PicklesState, "fits-and-answers"),
    (DeclaresAtoms, "declared-types"),
    (DropsNaN, "one-prediction-per-photo"),
    (SamplesOffTheGlobe, "points-on-the-globe"),
    (Radians, "answers-are-in-degrees"),
    (Swapped, "latitude-comes-first"),
    (Constant, "beats-chance"),
    (WritesIntoPoints, "inputs-untouched"),
    (SamplesInRadians, "answers-are-in-degrees"),
    (SamplesOfOthers, "samples-beat-chance"),
    (MutatesInput, "inputs-untouched"),
    (SortsPhotos, "order-does-not-matter"),
    (BatchStatistics, "batching-does-not-matter"),
    (RemembersPhotos, "asking-changes-nothing"),
    (ReusesItsBuffer, "asking-changes-nothing"),
    (StateInMemory, "same-in-another-process"),
    (HashesStrings, "same-in-another-process"),
    (OwnGenerator, "same-seed-same-bytes"),
    (ClaimsDeterminism, "another-seed-another-result"),
    (GlobalRng, "global-random-state-untouched"),
    (IgnoresGenerator, "samples-follow-the-generator"),
    (ForgetsState, "state-round-trips"),
    (KeepsStateInTheClass, "state-round-trips"),
    (ReadsTestPoints, "labels-unseen"),
    (KnowsPartNames, "labels-unseen"),
    (RanksWithinTheCall, "similarity-knows-photos-and-places"),
    (NamesAnotherGallery, "gallery-is-the-one-it-names"),
    (CentresSimilarities, "similarity-knows-photos-and-places"),
    (CallsDistanceSimilarity, "similarity-knows-photos-and-places"),
    (AveragesLongitudes, "poles-and-date-line"),
    (DividesBySpread, "single-training-place"),
    (NeedsValidation, "single-training-photo"),
    (IgnoresDeadline, "deadline-obeyed"),
    (SwallowsDeadline, "deadline-obeyed"),
    (ClockBudget, "clock-changes-nothing"),
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
    (WrongForSome, "density-of-every-photo"),
    (HalvesSome, "density-of-every-photo"),
    (FlattensSome, "density-of-every-photo"),
    (MixesUpSome, "density-of-every-photo"),
    (SharpensSome, "density-of-every-photo"),
    (FloorsSome, "density-of-every-photo"),
    (DoublesTheMiddleOfSome, "density-of-every-photo"),
    (SharpensSamples, "density-of-every-photo"),
    (HasRoomForHundreds, "a-thousand-photos-at-once"),
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


@pytest.mark.parametrize("method", [Sound, Lazy, SoundRetriever])
def test_the_sound_method_passes_everything(method):
    verdict = examine(method)
    failed = {o.check: o.reason for o in verdict.outcomes if o.status == "failed"}
    assert failed == {}
    skipped = {o.check for o in verdict.outcomes if o.status == "skipped"}
    retrieving = {"gallery-is-the-one-it-names", "similarity-knows-photos-and-places"}
    keeping = {"cache-belongs-to-its-training", "weights-are-in-the-key"}  # see test_kit_on_keeping
    assert skipped == keeping | (set() if method is SoundRetriever else retrieving)


@pytest.mark.parametrize(
    ("mutant", "name"), MUTANTS, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_mutant_is_caught_by_the_check_named_for_it(mutant, name):
    (check,) = [check for check in checks_of("method") if check.name == name]
    with pytest.raises((Failure, PredictionError, ZeroDivisionError)):
        check(subject_of(mutant))


def test_every_check_of_methods_has_a_mutant_that_it_catches():
    # Those of first layers lie in test_kit_on_first_layers: this module must be light itself.
    caught = {name for _, name in [*MUTANTS, *KEEPING]} | {"first-layer-is-light"}
    assert caught == {check.name for check in checks_of("method")}
