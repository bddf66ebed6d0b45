"""The method geodecoder, on places whose photos give them away."""

import numpy as np
import pytest

from geobench import (
    ConfigError,
    Context,
    DataError,
    Floored,
    Labelled,
    NotFittedError,
    Rows,
    StoreError,
    geo,
)
from geobench_cells import AdaptiveS2
from geobench_geodecoder.config import GeoDecoderConfig
from geobench_geodecoder.method import MP16, GeoDecoder
from scene_photos import TOWNS, rows, scene_photos

torch = pytest.importorskip("torch")


def small(**changes):
    config = {"max_photos": (200, 60), "min_photos": 5, "width": 16, "heads": 2, "scenes": 4}
    config |= {"features": "both", "independent_blocks": 1}
    config |= {"feed_forward": 16, "dropout": 0.0, "steps": 150, "batch": 64}
    return GeoDecoderConfig(**config | {"learning_rate": 1e-2} | changes)


def fitted(config=None, context=None, *, train=None, val=None):
    method = GeoDecoder(config or small())
    train, val = train or scene_photos(400), val or scene_photos(100, 1)
    method.fit(train, val, context or Context(seed=0))
    return method


@pytest.fixture(scope="module")
def trained():
    context = Context(seed=0)
    return fitted(context=context), context


def test_photos_of_known_towns_are_found(trained):
    method, context = trained
    test = scene_photos(200, 2)
    answer = method.predict(test.unlabelled(), context)
    assert isinstance(answer, Floored)
    assert np.median(geo.distance_km(answer.point(), test.points)) < 100
    uniform = -np.log(4 * np.pi)
    assert answer.log_prob(test.points[:, None]).mean() > uniform + 4
    facts = {name: fact.value for name, fact in context.facts.items()}
    assert facts["classes of level 1"] < facts["classes"] <= facts["cells"]
    state = method.state()
    buffers = (".mean", ".scale")
    assert facts["parameters"] == sum(
        array.size
        for name, array in state.items()
        if name.startswith("network.") and not name.endswith(buffers)
    )


def test_the_density_integrates_to_one(trained):
    method, context = trained
    answer = method.predict(scene_photos(5, 2).unlabelled(), context)
    partition = answer.density.partition
    inside = partition.sample(np.arange(len(partition)), np.random.default_rng(0))
    density = np.exp(answer.log_prob(inside[None]))
    np.testing.assert_allclose((density * partition.areas).sum(axis=1), 1, atol=1e-9)


def test_a_finest_class_has_the_product_of_its_ancestors_probabilities(trained):
    method, context = trained
    test = scene_photos(6, 2).unlabelled()
    with torch.no_grad():
        logits = method._network(torch.tensor(method.features(test)[:]))
    coarse, fine = (torch.softmax(each.double(), 1).numpy() for each in logits)
    partition = method._answering.partition
    (parent_partition, _) = AdaptiveS2.fit_levels(scene_photos(400).points, [200, 60])
    parents = partition.parents[method._answering.cells]
    classes = np.unique(parents)
    assert len(classes) == coarse.shape[1] <= len(parent_partition)
    masses = fine * coarse[:, np.searchsorted(classes, parents)]
    masses /= masses.sum(axis=1, keepdims=True)
    answer = method.predict(test, context)
    density = np.exp(answer.density.log_prob(partition.centres[method._answering.cells][None]))
    areas = partition.areas[method._answering.cells]
    np.testing.assert_allclose(density * areas, masses, rtol=1e-5)


def test_the_density_is_the_distribution_that_the_photos_were_drawn_from():
    """What a photo shows leaves two or more towns open: with known probabilities."""
    chances = np.array([[0.6, 0.3, 0.1, 0, 0], [0, 0.1, 0.2, 0.3, 0.4]])

    def drawn(count, seed):
        rng = np.random.default_rng(seed)
        code = rng.integers(2, size=count)
        town = np.array([rng.choice(5, p=chances[each]) for each in code])
        tokens = rng.normal(0, 0.1, (count, 2, 3))
        tokens[:, 0, 0] += code
        ids = np.array([f"{seed}-{k}" for k in range(count)])
        photos = Labelled(ids, TOWNS[town], tokens=rows(tokens))
        return photos, code

    config = small(
        features="tokens",
        soft_labels_km=None,
        label_smoothing=0.0,
        max_photos=(4000, 300),
        max_level=4,
        product=False,  # a product of levels that say the same is sharper than each
    )
    (train, _), (val, _), (test, code) = (drawn(n, k) for k, n in enumerate((4000, 500, 100)))
    context = Context(seed=0)
    answer = fitted(config, context, train=train, val=val).predict(test.unlabelled(), context)
    partition = answer.density.partition
    cells = partition.assign(TOWNS)
    assert len(set(cells.tolist())) == 5
    found = np.exp(answer.log_prob(TOWNS[None])) * partition.areas[cells]
    assert np.abs(found - chances[code]).sum(axis=1).max() / 2 < 0.08
    truths = geo.distance_km(test.points[:, None], TOWNS).argmin(axis=1)
    nll = -np.log(found[np.arange(100), truths]).mean()
    best = -np.log(chances[code, truths]).mean()
    assert nll < best + 0.05


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    states = [fitted(small(steps=20), Context(seed=seed)).state() for seed in (0, 0, 1)]
    first, second, other = (b"".join(s[k].tobytes() for k in s) for s in states)
    assert [list(each) for each in states] == [list(states[0])] * 3
    assert first == second
    assert first != other


@pytest.mark.parametrize(
    ("changes", "attributes"),
    [
        ({}, ("scene",)),
        ({}, ()),  # without labels the choice is soft: the state says so
        ({"features": "pooled", "self_attention": "across-levels"}, ("scene",)),
        ({"features": "tokens", "scene_choice": "soft", "average": True}, ("scene",)),
    ],
)
def test_a_restored_method_answers_and_explains_as_the_fitted_one(changes, attributes, tmp_path):
    config, context = small(steps=20, **changes), Context(seed=0)
    train = scene_photos(400, attributes=attributes)
    method = fitted(config, context, train=train)
    np.savez(tmp_path / "state.npz", **method.state())
    again = GeoDecoder(config)
    with np.load(tmp_path / "state.npz") as stored:
        again.restore(dict(stored), scene_photos(400), context)
    test = scene_photos(50, 2).unlabelled()
    one, two = method.predict(test, context), again.predict(test, context)
    np.testing.assert_array_equal(one.point(), two.point())
    places = geo.uniform((1, 40), np.random.default_rng(0))
    np.testing.assert_array_equal(one.log_prob(places), two.log_prob(places))
    first, second = method.explain(test, context), again.explain(test, context)
    np.testing.assert_array_equal(first.attention, second.attention)
    np.testing.assert_array_equal(first.scenes, second.scenes)
    assert first.names == second.names
    assert len(first.names) == 3 * len(attributes)


def test_a_state_of_other_queries_does_not_fit():
    state = fitted(small(steps=1)).state()
    with pytest.raises(StoreError, match="does not fit SceneDecoder"):
        GeoDecoder(small(scenes=5)).restore(state, scene_photos(400), Context(seed=0))


def test_it_wants_what_it_reads_and_says_what_is_lacking():
    wanted = {kind: GeoDecoder(small(features=kind)).wants for kind in ("pooled", "tokens", "both")}
    assert wanted == {
        "pooled": {"pooled"},
        "tokens": {"tokens"},
        "both": {"pooled", "tokens"},
    }
    photos = scene_photos(20)
    features = GeoDecoder(small()).features(photos)
    assert features.shape == (20, 4 + 4 * 6)
    alone = photos.with_features({"pooled": photos.pooled})
    with pytest.raises(DataError, match="without tokens features"):
        GeoDecoder(small()).features(alone)


@pytest.mark.parametrize("kind", ["pooled", "tokens"])
def test_what_it_does_not_read_changes_nothing(kind):
    other = ({"pooled", "tokens"} - {kind}).pop()
    photos = [scene_photos(60), scene_photos(20, 1), scene_photos(20, 2)]
    states = []
    for factor in (1, 7):
        changed = [
            each.with_features(each.features | {other: Rows([factor * each.features[other][:]])})
            for each in photos
        ]
        states.append(fitted(small(steps=5, features=kind), train=changed[0], val=changed[1]))
    one, two = (method.state() for method in states)
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("soft_labels_km", [None, 50.0])
def test_a_few_training_photos_are_enough(count, soft_labels_km):
    config = small(max_photos=(2, 1), soft_labels_km=soft_labels_km, steps=5)
    context, train = Context(seed=0), scene_photos(count)
    method = fitted(config, context, train=train, val=scene_photos(1, 1))
    answer = method.predict(scene_photos(4, 2).unlabelled(), context)
    assert geo.distance_km(answer.point()[:, None], train.points).min(axis=1).max() < 1e-6
    assert np.isfinite(answer.log_prob(geo.uniform((1, 9), context.rng))).all()


def test_one_place_is_one_class_at_every_level():
    train, context = scene_photos(100), Context(seed=0)
    train.points = np.tile([10.0, 20.0], (100, 1))
    method = fitted(small(steps=5), context, train=train)
    assert context.facts["classes"].value == context.facts["classes of level 1"].value == 1
    answer = method.predict(scene_photos(4, 2).unlabelled(), context)
    assert geo.distance_km(answer.point(), [10.0, 20.0]).max() < 1e-6
    assert np.isfinite(answer.log_prob(geo.uniform((1, 9), context.rng))).all()


def test_photos_of_a_cell_that_is_no_class_are_counted_and_their_cell_has_the_floor():
    far = np.array([[-75.0, 0.0], [-75.1, 0.1]])
    train, context = scene_photos(300), Context(seed=0)
    train.points = np.concatenate([far, train.points[2:]])
    method = fitted(small(steps=20), context, train=train)
    assert context.facts["photos labelled with another cell"].value >= 2
    answer = method.predict(scene_photos(3, 2).unlabelled(), context)
    floor = np.log(answer.share) - np.log(4 * np.pi)
    np.testing.assert_allclose(answer.log_prob(far[None]), floor)


def test_twenty_thousand_cells_and_fifty_photos():
    class Fine(GeoDecoderConfig):
        def partitions(self, points):
            everywhere = geo.uniform(30_000, np.random.default_rng(0))
            return AdaptiveS2.fit_levels(everywhere, [100, 2])

    context = Context(seed=0)
    config = Fine(**small(steps=5, min_photos=1).model_dump(exclude_unset=True))
    method = fitted(config, context, train=scene_photos(50))
    assert context.facts["cells"].value > 20_000
    assert context.facts["classes"].value <= 50
    answer = method.predict(scene_photos(4, 2).unlabelled(), context)
    assert np.isfinite(answer.log_prob(geo.uniform((1, 9), context.rng))).all()


def test_no_photo_to_answer_is_no_prediction(trained):
    method, context = trained
    answer = method.predict(scene_photos(3, 2).unlabelled().take(np.arange(0)), context)
    assert len(answer) == 0
    assert answer.point().shape == (0, 2)


def test_more_scenes_in_the_photos_than_queries_stop_the_training():
    with pytest.raises(ConfigError, match=r"3 values of 'scene'.*Set `scenes: 3`"):
        fitted(small(scenes=2))


def test_asking_before_fitting_is_an_error():
    photos = scene_photos(2).unlabelled()
    with pytest.raises(NotFittedError, match="before it is fitted"):
        GeoDecoder().predict(photos, Context(seed=0))
    with pytest.raises(NotFittedError, match="before it is fitted"):
        GeoDecoder().explain(photos, Context(seed=0))


def test_tiny_is_a_configuration(tmp_path):
    assert isinstance(GeoDecoder.tiny(tmp_path), GeoDecoderConfig)


def test_the_preset_of_the_paper_has_as_many_parameters_as_its_docs_say():
    from geobench_geodecoder.network import SceneDecoder
    from geobench_torch import count_parameters

    classes = (684, 1744, 3298, 7202, 12_893, 16_150, 21_673)
    config = GeoDecoderConfig(**GeoDecoder.presets["paper"])
    assert len(config.max_photos) == len(classes)
    with torch.device("meta"):
        network = SceneDecoder({"tokens": (196, 1024)}, classes, config, hard=True)
    width, hidden, scenes = 768, 1024, 16
    attention = 4 * width**2 + width
    feed_forward = 2 * width * hidden + width + hidden
    by_hand = 1024 * width + width + 196 * width  # tokens are read
    by_hand += 7 * scenes * width
    by_hand += 8 * (2 * attention + 3 * 2 * width) + (4 + 4 * 7) * feed_forward + 2 * width
    by_hand += sum(width * count + count for count in classes)
    assert count_parameters(network) == by_hand
    assert f"{by_hand:,} parameters" in " ".join((GeoDecoder.__doc__ or "").split())


def test_the_preset_of_the_paper_sees_mp16_forty_times_and_halves_its_rate_every_four_epochs():
    config = GeoDecoderConfig(**GeoDecoder.presets["paper"])
    epoch = MP16 // config.batch
    assert abs(config.steps - 40 * epoch) <= 40
    rates = [config.learning_rate * config.rate(round((k + 0.5) * epoch)) for k in range(40)]
    np.testing.assert_allclose(rates, [0.1 * 0.5 ** (k // 4) for k in range(40)])
