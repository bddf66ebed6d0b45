"""What explain says: attention is where the information is."""

import numpy as np
import pytest

import geobench
import small_run
from geobench import Context, DataError, config
from geobench.catalogue import installed
from geobench_geodecoder.config import GeoDecoderConfig
from geobench_geodecoder.explanation import Explanation
from geobench_geodecoder.method import GeoDecoder
from scene_photos import scene_photos, telling

torch = pytest.importorskip("torch")

TOKENS = 9
SMALL = {"max_photos": (200, 60), "width": 16, "heads": 2, "feed_forward": 16, "scenes": 3}
SMALL |= {"features": "both", "independent_blocks": 1, "dropout": 0.0}
SMALL |= {"steps": 300, "batch": 64, "learning_rate": 1e-2}


def fitted(**changes):
    method, context = GeoDecoder(GeoDecoderConfig(**SMALL | changes)), Context(seed=0)
    photos = (scene_photos(n, seed, tokens=TOKENS) for n, seed in ((600, 0), (100, 1)))
    method.fit(*photos, context)
    return method, context


@pytest.fixture(scope="module")
def looking():
    return fitted()


def peaks_where_the_town_is_told(explanation):
    """Share of photos in which the chosen scene's queries look at the telling token most."""
    photos, levels, _ = explanation.of_chosen.shape
    best = explanation.of_chosen.argmax(axis=-1)
    return (best == telling(photos, TOKENS)[:, None]).mean(), levels


def test_attention_peaks_at_the_one_token_that_tells_the_town(looking):
    method, context = looking
    test = scene_photos(150, 2, tokens=TOKENS).unlabelled()
    explanation = method.explain(test, context)
    share, levels = peaks_where_the_town_is_told(explanation)
    assert levels == 2
    assert share > 0.9
    most = explanation.of_chosen.max(axis=-1)
    assert np.median(most) > 3 / TOKENS


def test_attention_to_other_tokens_than_those_that_are_looked_at_does_not(looking, monkeypatch):
    from geobench_geodecoder.decoder import Attention

    right = Attention.weights
    monkeypatch.setattr(Attention, "weights", lambda *of: right(*of).roll(1, dims=-1))
    method, context = looking
    explanation = method.explain(scene_photos(150, 2, tokens=TOKENS).unlabelled(), context)
    assert peaks_where_the_town_is_told(explanation)[0] < 0.1


def test_attention_of_a_network_that_has_learnt_nothing_does_not():
    method, context = fitted(steps=1, learning_rate=1e-9)
    explanation = method.explain(scene_photos(150, 2, tokens=TOKENS).unlabelled(), context)
    assert peaks_where_the_town_is_told(explanation)[0] < 0.5


def test_an_explanation_is_of_every_scene_and_level_and_sums_to_one(looking):
    method, context = looking
    test = scene_photos(20, 2, tokens=TOKENS).unlabelled()
    found = method.explain(test, context)
    assert found.attention.shape == (20, 3, 2, TOKENS + 1)
    assert found.scenes.shape == (20, 3)
    np.testing.assert_allclose(found.attention.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(found.scenes.sum(axis=-1), 1)
    assert (found.attention >= 0).all()
    assert found.chosen.tolist() == found.scenes.argmax(axis=1).tolist()
    for photo, scene in enumerate(found.chosen):
        np.testing.assert_array_equal(found.of_chosen[photo], found.attention[photo, scene])
    assert found.tokens == TOKENS
    assert found.maps.shape == (20, 3, 2, 3, 3)
    np.testing.assert_array_equal(found.maps[..., 1, 2], found.attention[..., 5])


def test_it_is_the_same_whichever_photos_are_explained_together(looking):
    method, context = looking
    test = scene_photos(300, 2, tokens=TOKENS).unlabelled()
    together = method.explain(test, context)
    some = np.array([299, 3, 270])
    alone = method.explain(test.take(some), context)
    np.testing.assert_allclose(together.attention[some], alone.attention, atol=1e-5)
    np.testing.assert_allclose(together.scenes[some], alone.scenes, atol=1e-5)
    none = method.explain(test.take(some[:0]), context)
    assert none.attention.shape == (0, 3, 2, TOKENS + 1)
    assert none.scenes.shape == (0, 3)


def test_pooled_features_alone_are_one_token_and_no_picture():
    method, context = fitted(features="pooled", steps=2)
    found = method.explain(scene_photos(5, 2, tokens=TOKENS).unlabelled(), context)
    np.testing.assert_array_equal(found.attention, np.ones((5, 3, 2, 1)))
    with pytest.raises(DataError, match=r"0 tokens are no square grid.*token by token"):
        _ = found.maps


def test_tokens_that_are_no_square_are_no_picture():
    explanation = Explanation(np.full((1, 1, 1, 5), 0.2), np.ones((1, 1)), (), 5)
    with pytest.raises(DataError, match="5 tokens are no square grid"):
        _ = explanation.maps


def test_what_a_run_has_trained_explains_pictures_and_features(tmp_path):
    (benchmark,) = small_run.read(
        tmp_path,
        "benchmarks:\n"
        "  - name: toy\n"
        "    dataset: {name: toy-planet, photos: 160}\n"
        "    encoder: given\n"
        "    splits: [random]\n"
        "    methods: [{name: geodecoder, features: both, scenes: 6, steps: 20, width: 16}]\n"
        "    metrics: [distance]\n",
    )
    small_run.run(benchmark, tmp_path)
    trained = geobench.trained(tmp_path / "b.yaml", "geodecoder", workspace=tmp_path)
    (benchmark,) = config.read(tmp_path / "b.yaml", installed())
    features = benchmark.dataset.plugin.features(np.arange(12))
    found = trained.method.explain(trained.examples(features), trained.context)
    assert found.attention.shape == (12, 6, 3, 5)
    assert found.names == tuple(f"0{k}" for k in range(6))
    assert found.maps.shape == (12, 6, 3, 2, 2)
