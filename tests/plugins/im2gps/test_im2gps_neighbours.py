"""The neighbours of im2gps are exact, in order, and the same on every device and beside torch."""

import subprocess
import sys

import numpy as np
import pytest

from geobench import Context, PredictionError, Rows, geo
from geobench_im2gps.method import Im2gpsMethod
from regions_with_looks import asked, fitted, photos, planet


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_neighbours_agree_with_scikit_learn_even_where_float32_cancels(offset):
    from sklearn.neighbors import NearestNeighbors

    from geobench_retrieval.exact import ExactIndex

    rng = np.random.default_rng(0)
    features = (offset + rng.standard_normal((3000, 24))).astype(np.float32)
    queries = (offset + rng.standard_normal((200, 24))).astype(np.float32)
    context = Context(seed=0)
    index = ExactIndex(Rows([features[:999], features[999:]]), device="cpu", log=context.log)
    near = index.search(queries, 30)
    exact = NearestNeighbors(n_neighbors=30, algorithm="brute").fit(features.astype(np.float64))
    distance, found = exact.kneighbors(queries.astype(np.float64))
    np.testing.assert_array_equal(near.index, found)
    np.testing.assert_allclose(near.similarity, -(distance**2) / 2, atol=1e-8)
    np.testing.assert_array_equal(near.similarity, index.similarity(queries, near.index))


def test_equal_photos_come_in_order_of_position_however_many_they_are():
    from geobench_retrieval.exact import ExactIndex

    rng = np.random.default_rng(1)
    features = rng.standard_normal((700, 5)).astype(np.float32)
    same = np.sort(rng.permutation(700)[:400])
    features[same] = 3.0
    index = ExactIndex(Rows([features]), device="cpu", log=Context(seed=0).log)
    queries = np.concatenate([np.full((1, 5), 3.1), rng.standard_normal((40, 5))])
    near = index.search(queries.astype(np.float32), 20)
    np.testing.assert_array_equal(near.index[0], same[:20])


def test_features_that_are_not_finite_are_an_error():
    method = fitted(planet(50, 0), planet(20, 1), k=5)
    with pytest.raises(PredictionError, match="not finite"):
        method.predict(photos(np.full((1, 8), np.nan)), Context(seed=0))


def test_photos_that_are_all_alike_leave_only_their_places_to_answer_with():
    rng = np.random.default_rng(0)
    train = photos(np.ones((50, 4)), geo.uniform(50, rng))
    val = photos(np.ones((20, 4)), geo.uniform(20, rng), "val")
    method = fitted(train, val, k=10)
    test = photos(np.ones((2, 4)), name="test")
    np.testing.assert_array_equal(method._search(test, 10).index, np.tile(np.arange(10), (2, 1)))
    assert np.isfinite(method.predict(test, Context(seed=0)).log_prob(np.zeros((1, 1, 2)))).all()


def test_asking_for_a_gpu_gives_the_same_answers_with_and_without_one():
    train, test = planet(400, 0), asked(planet(50, 2))
    method = fitted(train, planet(60, 1), k=20)
    there = Im2gpsMethod(method.config)
    there.restore(method.state(), train, Context(seed=0, device="cuda"))
    near, same = (m._search(test, 20) for m in (method, there))
    np.testing.assert_array_equal(near.index, same.index)
    np.testing.assert_array_equal(near.similarity, same.similarity)


@pytest.mark.parametrize("first", ["torch", "faiss"])
def test_faiss_and_torch_work_in_one_process_whichever_comes_first(first):
    pytest.importorskip("torch")
    second = {"torch": "faiss", "faiss": "torch"}[first]
    code = f"""
import {first}, {second}
import numpy as np
features = np.random.default_rng(0).standard_normal((5000, 64)).astype(np.float32)
index = faiss.IndexFlatL2(64)
index.add(features)
layer = torch.nn.Linear(64, 64)
for _ in range(3):
    _, found = index.search(features[:500], 5)
    layer(torch.from_numpy(features)).square().mean().backward()
    product = torch.ones(600, 600) @ torch.ones(600, 600)
assert (found[:, 0] == np.arange(500)).all()
assert (product == 600).all()
assert torch.isfinite(layer.weight.grad).all()
print("both")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "both", done.stderr
