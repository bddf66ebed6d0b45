"""Searches by 16 bits and by lists: what they find is measured exactly, what they miss counted."""

import logging

import numpy as np
import pytest

from geobench import PredictionError
from geobench_retrieval import rough
from geobench_retrieval.approximate import ApproximateIndex, candidate_index, recall
from geobench_retrieval.exact import ExactIndex

LOG = logging.getLogger("test")


def directions(count, width, seed):
    rows = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def vectors():
    return directions(20_000, 24, 0)


def indexed(vectors, kind, probes=8):
    index = candidate_index(vectors, kind)
    return ApproximateIndex(vectors, index, probes=probes, device="cpu", log=LOG)


def test_half_precision_with_a_second_look_finds_what_the_exact_search_finds(vectors):
    queries = directions(200, 24, 1)
    exact = ExactIndex(vectors, device="cpu", log=LOG).search(queries, 5)
    found = indexed(vectors, "half").search(queries, 5)
    np.testing.assert_array_equal(found.index, exact.index)
    np.testing.assert_array_equal(found.similarity, exact.similarity)


def test_many_queries_at_once_find_by_rough_products_what_each_finds_alone(monkeypatch):
    monkeypatch.setattr(rough, "is_quick", lambda: True)
    monkeypatch.setattr(rough, "_SHARD", 700)
    monkeypatch.setattr(rough, "_QUERIES", 17)
    vectors, queries = directions(2000, 24, 0), directions(40, 24, 1)
    index = indexed(vectors, "half")
    together = index.search(queries, 5)
    for row, query in enumerate(queries):
        alone = index.search(query[None], 5)
        np.testing.assert_array_equal(together.index[row], alone.index[0])
        np.testing.assert_array_equal(together.similarity[row], alone.similarity[0])


def test_rough_products_are_left_to_cpus_that_have_them_and_to_vectors_without_lists(monkeypatch):
    vectors, queries = directions(500, 8, 0), directions(rough.FEWEST, 8, 1)

    def no_products(self, queries, count):
        raise AssertionError

    monkeypatch.setattr(rough.RoughProducts, "best", no_products)
    monkeypatch.setattr(rough, "is_quick", lambda: False)
    indexed(vectors, "half").search(queries, 5)
    monkeypatch.setattr(rough, "is_quick", lambda: True)
    indexed(vectors, "lists").search(queries, 5)
    indexed(vectors, "half").search(queries[:-1], 5)
    with pytest.raises(AssertionError):
        indexed(vectors, "half").search(queries, 5)


def test_lists_miss_some_and_the_more_are_looked_into_the_fewer(vectors):
    queries = directions(300, 24, 2)
    shares = []
    for probes in (1, 8, 64, 10_000):
        found = indexed(vectors, "lists", probes).search(queries, 10)
        shares.append(recall(found.index, vectors, queries))
    assert shares == sorted(shares)
    assert shares[0] < 0.6
    assert shares[-1] == 1.0


def test_recall_is_the_share_of_the_true_neighbours(vectors):
    queries = directions(50, 24, 3)
    truth = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    assert recall(truth, vectors, queries) == 1.0
    half = np.where(np.arange(10) < 5, truth, -1)
    assert recall(half, vectors, queries) == 0.5


def test_of_equal_vectors_any_counts_as_found():
    vectors = np.repeat(directions(200, 8, 8), 2, axis=0)
    queries = directions(40, 8, 9)
    order = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")
    first, second = order[:, :5] // 2 * 2, order[:, :5] // 2 * 2 + 1
    assert recall(first, vectors, queries) == recall(second, vectors, queries) == 1.0


def test_a_query_whose_lists_hold_too_few_is_looked_for_in_all_of_them():
    vectors = directions(60, 4, 4)
    found = indexed(vectors, "lists", probes=1).search(directions(20, 4, 5), 40)
    assert (found.index >= 0).all()
    assert all(len(set(row)) == 40 for row in found.index.tolist())
    assert np.isfinite(found.similarity).all()


@pytest.mark.parametrize("kind", ["half", "lists"])
def test_one_vector_is_found_by_every_search(kind):
    vectors = directions(1, 8, 6)
    assert indexed(vectors, kind).search(directions(3, 8, 7), 1).index.tolist() == [[0]] * 3


@pytest.mark.parametrize("kind", ["half", "lists"])
def test_features_that_are_not_finite_are_refused(kind):
    with pytest.raises(PredictionError, match="not finite"):
        indexed(directions(30, 8, 6), kind).search(np.full((1, 8), np.nan, np.float32), 1)
