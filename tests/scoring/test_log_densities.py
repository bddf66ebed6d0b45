"""Log-densities at the truth and at draws: whose they are, how many, and worked out once."""

from dataclasses import replace
from typing import final

import numpy as np
import pytest

from geobench import (
    Density,
    LazyDensity,
    Mean,
    Metric,
    VonMisesFisherMixture,
    geo,
    smallest_by_hash,
)
from geobench.catalogue import installed
from geobench.metrics import NOT_SAMPLED, SCORED
from told_method import IDS, PHOTOS, PROTOCOL, Likelihood, Spread, around, scored


def test_only_what_is_scored_is_taken_from_a_prediction():
    asked = []

    def lazy(examples):
        def log_prob(rows, places):
            asked.append(len(rows))
            return np.zeros(places.shape[:2])

        return LazyDensity(
            np.zeros((len(examples), 2)),
            lambda rows, n, rng: np.zeros((len(rows), n, 2)),
            log_prob,
        )

    scored(lazy, [Likelihood()], protocol=replace(PROTOCOL, photos=7))
    assert sum(asked) == 7


class HeightOfSamples(Metric):
    """Mean log-density at the samples of some photos."""

    name = "height-of-samples"
    needs = Density
    columns = ("height",)
    summaries = (Mean(name="height", unit="nats", better="higher", column="height"),)

    def applies(self, truth):
        return truth.attributes["row"] % 3 != 0

    def score(self, prediction, truth, context):
        assert isinstance(prediction, Density)
        assert context.log_density is not None
        assert context.samples is not None
        own = context.log_density
        np.testing.assert_allclose(own.at_samples, prediction.log_prob(context.samples))
        np.testing.assert_allclose(own.at_truth, prediction.log_prob(truth.points[:, None])[:, 0])
        with pytest.raises(ValueError, match="read-only"):
            context.log_density._whole.at_samples[0] = 0
        return own.at_samples.mean(axis=1, keepdims=True).astype(np.float32)


def test_log_densities_at_truth_and_samples_are_those_of_the_photos_that_apply():
    def kernels(examples):
        places = geo.uniform((len(examples), 2), np.random.default_rng(len(examples)))
        return VonMisesFisherMixture(places, [[30.0]])

    columns = scored(kernels, [HeightOfSamples()]).columns[HeightOfSamples().file_stem]
    assert np.isfinite(columns["height"]).sum() == PHOTOS - len(range(0, PHOTOS, 3))


def test_a_density_is_looked_at_once_however_many_metrics_there_are():
    asked = []

    def lazy(examples):
        def log_prob(rows, places):
            asked.append(places.shape[:2])
            return np.zeros(places.shape[:2])

        return LazyDensity(
            np.zeros((len(examples), 2)),
            lambda rows, n, rng: np.zeros((len(rows), n, 2)),
            log_prob,
        )

    metrics = [
        installed().find("metric", name)()
        for name in ("nll", "calibration", "sharpness", "localizability")
    ]
    found = scored(lazy, metrics)
    assert not found.faults
    points = sum(photos * places for photos, places in asked)
    assert points == PHOTOS * (1 + PROTOCOL.samples)


class Heights(HeightOfSamples):
    """Log-densities at the samples of every photo; shows what a metric of densities was given."""

    name = "heights"

    def __init__(self):
        super().__init__()
        self.seen = []

    def applies(self, truth):
        return np.ones(len(truth), bool)

    def score(self, prediction, truth, context):
        assert context.samples is not None
        self.seen.append(context.samples)
        return super().score(prediction, truth, context)


@final
class Flow:
    """A density that comes with its draws, and counts what is asked of it."""

    def __init__(self):
        self.with_draws = self.alone = 0

    def __call__(self, examples):
        sound = around(examples)

        def draw(rows, n, rng):
            return sound.take(rows).sample(n, rng)

        def log_prob(rows, places):
            self.alone += places[..., 0].size
            return sound.take(rows).log_prob(places)

        def both(rows, n, rng):
            self.with_draws += len(rows) * n
            return sound.take(rows).sample_and_log_prob(n, rng)

        return LazyDensity(sound.point(), draw, log_prob, draw_with_log_prob=both)


FEWER = replace(PROTOCOL, photos=15, density_photos=6, density_samples=2)


@pytest.mark.parametrize("kind", ["closed form", "flow"])
def test_fewer_photos_and_draws_get_log_densities(kind):
    method = around if kind == "closed form" else Flow()
    heights, spread = Heights(), Spread()
    scores = scored(method, [heights, spread], protocol=FEWER)
    assert not scores.faults
    few, some = (np.isin(np.arange(PHOTOS), smallest_by_hash(IDS, n)) for n in (6, 15))
    assert (some | ~few).all()
    columns = scores.columns[heights.file_stem]
    np.testing.assert_array_equal(columns["mask"], np.where(few, SCORED, NOT_SAMPLED))
    np.testing.assert_array_equal(np.isfinite(columns["height"]), few)
    others = scores.columns[spread.file_stem]
    np.testing.assert_array_equal(others["mask"], np.where(some, SCORED, NOT_SAMPLED))
    given, drawn = np.concatenate(heights.seen), np.concatenate(spread.seen)
    assert (given.shape, drawn.shape) == ((6, 2, 2), (15, 4, 2))
    np.testing.assert_array_equal(given, drawn[few[some]][:, :2])


def test_draws_in_closed_form_do_not_depend_on_how_many_get_log_densities():
    plain, beside = Spread(), Spread()
    scored(around, [plain], protocol=replace(PROTOCOL, photos=15))
    scored(around, [Heights(), beside], protocol=FEWER)
    np.testing.assert_array_equal(np.concatenate(plain.seen), np.concatenate(beside.seen))


def test_no_log_density_is_worked_out_that_comes_with_a_draw():
    flow = Flow()
    scored(flow, [Likelihood(), Heights(), Spread()], protocol=FEWER)
    assert flow.with_draws == 6 * 2
    # At the truth by both metrics themselves, and by one of them at its samples, to compare.
    assert flow.alone == 6 + 6 * (1 + 1 + 2)
    quiet = Flow()
    scored(quiet, [Spread()], protocol=FEWER)
    assert (quiet.with_draws, quiet.alone) == (0, 0)


@pytest.mark.parametrize("protocol", [PROTOCOL, FEWER])
def test_draws_are_the_same_whether_densities_come_with_them_or_are_not_wanted(protocol):
    alone, beside = Spread(), Spread()
    scored(Flow(), [alone], protocol=protocol)
    scored(Flow(), [Heights(), beside], protocol=protocol)
    np.testing.assert_array_equal(np.concatenate(alone.seen), np.concatenate(beside.seen))
    if protocol is PROTOCOL:
        plain = Spread()
        scored(around, [plain], protocol=protocol)
        np.testing.assert_array_equal(np.concatenate(plain.seen), np.concatenate(alone.seen))


def test_a_metric_that_needs_no_density_is_given_none():
    class Curious(Spread):
        name = "curious"

        def score(self, prediction, truth, context):
            assert context.log_density is None
            return super().score(prediction, truth, context)

    assert not scored(around, [Curious(), Heights()]).faults
