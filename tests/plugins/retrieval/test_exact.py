"""Exact search measures few candidates in float64, and finds what measuring all of them would."""

import logging

import numpy as np
import pytest

from geobench_retrieval import exact
from geobench_retrieval.exact import ExactIndex
from geobench_retrieval.neighbours import similarities

LOG = logging.getLogger("test")
K = 16


def plain(rng):
    return rng.standard_normal((900, 1876)), rng.standard_normal((40, 1876))


def far_from_the_origin(rng):
    """float32 cancels: distances of about 10 between vectors of length 4,000."""
    vectors, queries = plain(rng)
    return vectors / 5 + 100, queries / 5 + 100


def twins(rng):
    vectors, queries = plain(rng)
    return np.repeat(vectors[:60], 15, axis=0), np.concatenate([queries, vectors[:20]])


def nearly_ties(rng):
    """Every vector is one of three, some of its numbers moved by a step or two of float32."""
    vectors, queries = plain(rng)
    near = vectors[rng.integers(3, size=900)].astype(np.float32)
    steps = rng.integers(-2, 3, size=near.shape) * (rng.random(near.shape) < 0.01)
    return near + steps * np.spacing(near), np.concatenate([queries, vectors[:3]])


def constant(rng):
    """Every sum of float32 rounds to the same side again and again."""
    sizes = 1 + rng.random((900, 1)) * 1e-4
    return np.repeat(sizes, 1876, axis=1), np.repeat(1 + rng.random((40, 1)) * 1e-4, 1876, axis=1)


def tiny(rng):
    """Squares are below what float32 can hold."""
    vectors, queries = plain(rng)
    return vectors * 1e-22, queries * 1e-22


def of_all_lengths(rng):
    vectors, queries = plain(rng)
    return vectors * 10 ** rng.uniform(-20, 15, (900, 1)), queries * 10 ** rng.uniform(
        -20, 15, (40, 1)
    )


def next_to_overflow(rng):
    """Sums of squares are half of the largest float32, so those of distances may be beyond."""
    vectors, queries = plain(rng)
    return vectors * 3e17, queries * 3e17


KINDS = [plain, far_from_the_origin, twins, nearly_ties, constant, tiny, of_all_lengths]


def made(kind):
    return tuple(a.astype(np.float32) for a in kind(np.random.default_rng(0)))


def brute_force(vectors, queries, k):
    """All differences in float64, equal vectors in the order of position."""
    apart = np.stack(
        [((query - vectors.astype(np.float64)) ** 2).sum(axis=1) for query in queries.astype(float)]
    )
    order = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(apart, order, axis=1) / -2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("together", [True, False])
def test_the_neighbours_and_their_similarities_are_those_of_brute_force(kind, together):
    """FAISS sums in another order where it is given fewer than 20 queries."""
    vectors, queries = made(kind)
    queries = queries if together else queries[-4:]
    near = ExactIndex(vectors, device="cpu", log=LOG).search(queries, K)
    index, similarity = brute_force(vectors, queries, K)
    np.testing.assert_array_equal(near.index, index)
    np.testing.assert_array_equal(near.similarity, similarity)


@pytest.mark.parametrize("kind", [*KINDS, next_to_overflow], ids=lambda kind: kind.__name__)
def test_what_is_found_is_what_measuring_every_candidate_finds(kind, monkeypatch):
    vectors, queries = made(kind)
    index = ExactIndex(vectors, device="cpu", log=LOG)
    some = index.search(queries, K)
    monkeypatch.setattr(
        exact, "_most_rounding", lambda lengths, width: np.full_like(lengths, np.inf)
    )
    every = index.search(queries, K)
    np.testing.assert_array_equal(some.index, every.index)
    np.testing.assert_array_equal(some.similarity, every.similarity)


def test_of_vectors_that_lie_apart_hardly_more_are_measured_than_wanted(monkeypatch):
    counts = []

    def counting(vectors, queries, places, *, first):
        counts.append(first)
        return similarities(vectors, queries, places, first=first)

    monkeypatch.setattr(exact, "similarities", counting)
    vectors, queries = made(plain)
    ExactIndex(vectors, device="cpu", log=LOG).search(queries, K)
    (measured,) = counts
    assert measured.min() >= K
    assert measured.mean() < K + 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("few", [True, False])
def test_float32_never_errs_by_more_than_its_bound(kind, few):
    import faiss

    vectors, queries = made(kind)
    queries = queries[-4:] if few else queries
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    squared, found = index.search(queries, 100)
    lengths = [(array.astype(np.float64) ** 2).sum(axis=1) for array in (queries, vectors)]
    bound = exact._most_rounding(lengths[0] + lengths[1].max(), vectors.shape[1])
    assert (np.abs(squared + 2 * similarities(vectors, queries, found)) <= bound[:, None]).all()
