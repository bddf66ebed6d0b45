"""Suspicions: mistaken columns, signs and units are told of, and good and bad answers are not."""

import numpy as np
import pytest

from geobench import geo
from geobench.run.suspicions import suspicions

TOWNS = np.array(
    [
        *((48.86, 2.35), (51.51, -0.13), (40.71, -74.01), (34.05, -118.24), (-33.87, 151.21)),
        *((35.68, 139.69), (-22.91, -43.17), (30.04, 31.24), (55.76, 37.62), (1.35, 103.82)),
        *((19.43, -99.13), (-34.6, -58.38), (6.52, 3.38), (28.61, 77.21), (41.9, 12.5)),
        *((37.57, 126.98), (-1.29, 36.82), (64.15, -21.94), (13.76, 100.5), (59.33, 18.07)),
    ]
)
"""Towns around the world."""


def near(truth, km, seed=0):
    """Answers some `km` from the truth, in all directions."""
    rng = np.random.default_rng(seed)
    vectors = geo.unit_vectors(truth)
    return geo.from_vectors(vectors + rng.normal(0, km / geo.EARTH_RADIUS_KM, vectors.shape))


def spread(count, seed=0):
    return geo.from_vectors(np.random.default_rng(seed).normal(size=(count, 3)))


def the_one(answers, truth):
    (sentence,) = suspicions(answers, truth)
    return sentence


MISTAKES = {
    "latitude and longitude look exchanged": lambda points: points[:, ::-1],
    "as if east were west": lambda points: points * (1, -1),
    "as if north were south": lambda points: points * (-1, 1),
    "the answers look like radians": np.deg2rad,
    "the answers look like numbers from -1 to 1": lambda points: points / (90, 180),
    "the answers look like degrees times ten million": lambda points: points * 1e7,
    "the answers look like degrees times a million": lambda points: points * 1e6,
}


@pytest.mark.parametrize("said", MISTAKES)
@pytest.mark.parametrize(("count", "km"), [(3, 5), (6, 100), (20, 300), (20, 0), (2000, 1000)])
def test_a_mistake_in_the_answers_is_told_of(said, count, km):
    truth = TOWNS[:count] if count <= len(TOWNS) else near(np.tile(TOWNS, (100, 1)), 500, seed=1)
    assert said in the_one(MISTAKES[said](near(truth, km)), truth)


def test_the_sentence_says_the_median_errors_and_what_to_do():
    sentence = the_one(TOWNS[:, ::-1], TOWNS)
    wrong = np.sort(
        [
            20015.1 if abs(lon) > 90 else geo.distance_km((lon, lat), (lat, lon))
            for lat, lon in TOWNS
        ]
    )
    assert f"is {wrong[10]:,.0f} km" in sentence.replace(".0 km", " km")
    assert "would be 0 km" in sentence
    assert "lat_column, lon_column" in sentence


@pytest.mark.parametrize("change", [np.deg2rad, lambda points: points / (90, 180)])
def test_true_places_that_are_no_degrees_are_told_of(change):
    told = " ".join(suspicions(near(TOWNS, 50), change(TOWNS)))
    assert "the true places look like" in told
    both = " ".join(suspicions(change(near(TOWNS, 50)), change(TOWNS)))
    assert "all true places lie in the sea around (0, 0)" in both


@pytest.mark.parametrize("wrapped", [TOWNS, TOWNS + (0, 360), np.round(TOWNS, 4)])
def test_the_truth_given_as_answers_is_told_of(wrapped):
    assert "20 of 20 answers are the true place itself" in the_one(
        np.where(np.abs(wrapped) > 360, TOWNS, wrapped), TOWNS
    )


def test_one_answer_for_all_and_zeros_for_nothing_are_told_of():
    assert "all 20 answers are one and the same point (48.8, 2.3)" in the_one(
        np.full((20, 2), (48.8, 2.3)), TOWNS
    )
    answers = near(TOWNS, 50)
    answers[:3] = 0
    assert "3 answers are the point (0, 0)" in the_one(answers, TOWNS)


@pytest.mark.parametrize("km", [1, 25, 200, 750, 2500, 6000])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 20, 1000])
def test_answers_that_are_merely_good_or_bad_raise_no_suspicion(km, count):
    for seed in range(10):
        truth = TOWNS[:count] if count <= len(TOWNS) else near(np.tile(TOWNS, (50, 1)), 500, seed=1)
        assert suspicions(near(truth, km, seed=seed), truth) == []


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 30, 300])
def test_answers_that_know_nothing_raise_no_suspicion(count):
    for seed in range(300):
        truth = near(TOWNS[np.random.default_rng(seed).integers(0, 20, count)], 20, seed=seed)
        assert suspicions(spread(count, seed=seed), truth) == []
        # Guesses of towns, as language models make them: places clump.
        guesses = TOWNS[np.random.default_rng(seed + 1).integers(0, 20, count)] + (0.01, 0.02)
        assert not [s for s in suspicions(guesses, truth) if "one and the same" not in s]


@pytest.mark.parametrize("place", [(45.2, 44.8), (10.0, 10.1), (0.1, 51.0), (51.5, -0.1), (33, 35)])
@pytest.mark.parametrize("km", [1, 10, 100])
def test_places_that_lie_alike_by_another_reading_raise_no_suspicion(place, km):
    truth = near(np.tile(place, (200, 1)), 30, seed=1)
    assert suspicions(near(truth, km), truth) == []


def test_one_wrong_answer_given_often_is_no_suspicion_of_exchanged_columns():
    truth = near(np.tile((50.0, 10.0), (200, 1)), 300, seed=1)
    assert "one and the same point" in the_one(np.tile((10.0, 50.0), (200, 1)), truth)


def test_photos_without_answer_are_passed_over():
    answers = near(TOWNS, 50)[:, ::-1].copy()
    answers[::3] = np.nan
    assert "exchanged" in the_one(answers, TOWNS)
    assert suspicions(np.full((20, 2), np.nan), TOWNS) == []
    assert suspicions(np.empty((0, 2)), np.empty((0, 2))) == []
