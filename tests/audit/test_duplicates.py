"""The audit of pictures: those saved again are found, and no others."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench import BrokenPicture, audit
from geobench.audit import duplicates, fingerprints
from geobench.progress import untracked
from planted_album import Album, photo, places, saved_again


def test_a_hash_is_the_signs_of_the_lowest_frequencies_about_their_median():
    small = fingerprints.shrink(photo(3))
    k, n = np.arange(8)[:, None], np.arange(32)[None]
    basis = np.cos(np.pi * k * (2 * n + 1) / 64) * np.where(k == 0, math.sqrt(0.5), 1) / 4
    low = (basis @ small.astype(float) @ basis.T).ravel()
    bits = "".join("01"[int(value > np.median(low))] for value in low)
    found = fingerprints.fingerprints(small[None])
    assert int(found.hashes[0]) == int(bits, 2)
    scaled = 127 * low[1:] / np.abs(low[1:]).max()
    np.testing.assert_allclose(found.shapes[0], scaled, atol=0.51)


def brute_force(hashes, radius):
    return {
        (i, j)
        for i in range(len(hashes))
        for j in range(i)
        if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= radius
    }


def found_pairs(pieces):
    pairs = [
        (max(a, b), min(a, b))
        for each in pieces
        for a, b in zip(each.first.tolist(), each.second.tolist(), strict=True)
    ]
    assert len(set(pairs)) == len(pairs), "a pair was found twice"
    return set(pairs)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 7), st.integers(0, 90))
def test_the_pairs_are_those_of_a_search_over_all_pairs(seed, radius, count):
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, max(1, count // 4), dtype=np.uint64)
    hashes = rng.choice(hashes, count)
    for number in range(count):  # up to nine bits of each are turned
        for bit in rng.choice(64, rng.integers(0, 10), replace=False):
            hashes[number] ^= np.uint64(1) << np.uint64(bit)
    found = found_pairs(fingerprints.candidates(hashes, radius=radius))
    assert found == brute_force(hashes, radius)


def test_a_radius_that_the_bands_cannot_promise_is_refused():
    with pytest.raises(ValueError, match="at most 7"):
        list(fingerprints.candidates(np.zeros(2, np.uint64), radius=8))


def test_pictures_saved_again_are_found_and_no_others():
    original = [photo(number) for number in range(80)]
    copies = [
        saved_again(original[0], quality=75),
        saved_again(original[1], quality=90, scale=2),
        saved_again(original[2], scale=0.6),
        saved_again(original[3], scale=1.7, quality=70),
        original[4].copy(),
    ]
    pictures = original + copies
    found = audit.examine(Album(places(len(pictures)), pictures))["Pictures"]
    assert found["pairs of near-duplicates"].value == 5
    assert found["have a near-duplicate"].value == 10
    named = {
        tuple(re.split(" [~=] ", text.split(" (")[0]))
        for text in found["pairs of near-duplicates"].examples
    }
    expected = {frozenset({f"photo-{i:04d}", f"photo-{80 + i:04d}"}) for i in range(5)}
    assert {frozenset(pair) for pair in named} == expected

    looked = fingerprints.look(Album(places(85), pictures), np.arange(85), track=untracked)
    alike = fingerprints.cosines(
        np.repeat(looked.fingerprints.shapes, 85, axis=0),
        np.tile(looked.fingerprints.shapes, (85, 1)),
    ).reshape(85, 85)
    expected = {
        (i, j) for i, j in brute_force(looked.fingerprints.hashes, 7) if alike[i, j] >= 0.97
    }
    assert found_pairs(fingerprints.near_pairs(looked.fingerprints)) == expected
    assert len(expected) == 5


def test_a_picture_that_a_source_holds_hundreds_of_times_is_counted_in_every_pair():
    pictures = [photo(0)] * 300 + [saved_again(photo(0))] * 2 + [photo(1)]
    found = audit.examine(Album(places(303), pictures))["Pictures"]
    assert found["pairs of near-duplicates"].value == 302 * 301 // 2
    assert found["have a near-duplicate"].value == 302
    assert found["near-duplicates of one photo, at most"].value == 301


def test_pictures_that_show_nothing_or_cannot_be_read_are_told_and_not_compared():
    flat = np.full((20, 30, 3), 90, np.uint8)
    pictures = [flat, flat, photo(1), BrokenPicture("cut short"), BrokenPicture("cut short")]
    found = audit.examine(Album(places(5), pictures))["Pictures"]
    assert found["looked at"].value == 5
    assert found["of one colour"].value == 2
    assert found["cannot be read: cut short"].value == 2
    assert found["cannot be read: cut short"].examples == ("photo-0003", "photo-0004")
    assert found["pairs of near-duplicates"].value == 0


def test_a_limit_on_pictures_is_said_and_takes_the_smallest_hashes():
    pictures = [photo(number) for number in range(30)]
    read = []

    def track(items, total, what):
        read.append(total)
        yield from items

    found = audit.examine(Album(places(30), pictures), photos=12, track=track)["Pictures"]
    assert read == [12]
    assert found["looked at"].value == 12
    assert found["looked at"].detail == "of 30 photos; those with the smallest hash of id"


def test_duplicates_join_the_pictures_of_several_datasets():
    one = fingerprints.look(Album(places(2), [photo(0), photo(1)]), np.arange(2), track=untracked)
    two = fingerprints.look(Album(places(1), [photo(1)], prefix="b"), np.arange(1), track=untracked)
    alike = duplicates.Lookalikes([one, two])
    assert alike.positions(two.dataset, np.array([0])).tolist() == [2]
    assert [alike.shown(i) for i in range(3)] == ["photo-0000", "photo-0001", "b-0000"]
    found = alike.lookalike(np.array([0, 1]))
    assert found[alike.set_of[2]] == 1
    with pytest.raises(IndexError):
        alike.shown(3)
