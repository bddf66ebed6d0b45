"""The method grid, on places whose pictures give them away."""

import numpy as np
import pytest

from geobench import Context, Floored, Labelled, NotFittedError, Rows, geo
from geobench_cells import AdaptiveS2
from geobench_grid.answers import Answering
from geobench_grid.method import Grid, GridConfig

torch = pytest.importorskip("torch")

TOWNS = np.array([[48.9, 2.4], [40.7, -74.0], [-1.3, 36.8], [35.7, 139.7], [-33.9, 151.2]])


def examples(count, seed=0, *, blurred=0.1):
    """Photos of five towns; features are a noisy one-hot code of the town, in two shards."""
    rng = np.random.default_rng(seed)
    town = rng.integers(len(TOWNS), size=count)
    points = geo.destination(TOWNS[town], rng.uniform(0, 360, count), rng.exponential(60, count))
    features = rng.normal(0, blurred, (count, 12)).astype(np.float32)
    features[np.arange(count), town] += 1
    ids = np.array([f"{seed}-{k}" for k in range(count)])
    shards = [features[: count // 2], features[count // 2 :]]
    return Labelled(ids, points, pooled=Rows(shards))


def blind(known):
    return known.unlabelled()


def small(**changes):
    return GridConfig(
        **{"max_photos": 60, "min_photos": 5, "hidden": (32,), "steps": 80, "batch": 64} | changes
    )


def fitted(config=None, context=None):
    method = Grid(config or small())
    method.fit(examples(400), examples(100, 1), context or Context(seed=0))
    return method


def test_photos_of_known_towns_are_found():
    context = Context(seed=0)
    method = fitted(context=context)
    test = examples(200, 2)
    answer = method.predict(blind(test), context)
    assert isinstance(answer, Floored)
    assert np.median(geo.distance_km(answer.point(), test.points)) < 100
    uniform = -np.log(4 * np.pi)
    assert answer.log_prob(test.points[:, None]).mean() > uniform + 4
    assert context.facts["classes"].value <= context.facts["cells"].value
    assert context.facts["floor share"].value == float(method.state()["share"])
    assert context.facts["floor share"].unit == "share"
    assert context.facts["parameters"].value == sum(
        array.size for name, array in method.state().items() if ".layers." in name
    )


def test_the_density_integrates_to_one_and_agrees_with_its_samples():
    context = Context(seed=0)
    test = blind(examples(3, 2, blurred=0.6))
    answer = fitted().predict(test, context)
    assert isinstance(answer.density.partition, AdaptiveS2)
    partition = answer.density.partition
    rng = np.random.default_rng(0)
    inside = partition.sample(np.arange(len(partition)), rng)
    density = np.exp(answer.log_prob(inside[None]))
    np.testing.assert_allclose((density * partition.areas).sum(axis=1), 1, atol=1e-9)
    cells = partition.assign(answer.sample(4000, rng))
    for photo in range(3):
        shares = np.bincount(cells[photo], minlength=len(partition)) / 4000
        expected = density[photo] * partition.areas
        assert np.abs(shares - expected).max() < 5 * 0.5 / np.sqrt(4000)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    states = [fitted(context=Context(seed=seed)).state() for seed in (0, 0, 1)]
    first, second, other = (b"".join(s[k].tobytes() for k in sorted(s)) for s in states)
    assert first == second
    assert first != other


@pytest.mark.parametrize("rule", ["cell", "mean-of-top-k", "densest"])
def test_a_restored_method_answers_as_the_fitted_one(rule, tmp_path):
    config = small(point=rule, average=True, soft_labels_km=200)
    method, context = fitted(config), Context(seed=0)
    np.savez(tmp_path / "state.npz", **method.state())
    with np.load(tmp_path / "state.npz") as stored:
        again = Grid(config)
        again.restore(dict(stored), examples(400), context)
    test = blind(examples(50, 2))
    one, two = method.predict(test, context), again.predict(test, context)
    np.testing.assert_array_equal(one.point(), two.point())
    places = geo.uniform((1, 40), np.random.default_rng(0))
    np.testing.assert_array_equal(one.log_prob(places), two.log_prob(places))


def test_without_validation_the_share_is_a_half_and_the_log_says_so(caplog):
    method, context = Grid(small()), Context(seed=0)
    empty = examples(10, 1).take(np.arange(0))
    method.fit(examples(200), empty, context)
    assert "no validation photo" in caplog.text
    assert method.state()["share"] == 0.5
    assert method.predict(blind(examples(5, 2)), context).share == 0.5


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("soft_labels_km", [None, 50.0])
def test_a_few_training_photos_are_enough(count, soft_labels_km):
    config = small(max_photos=1, min_photos=5, soft_labels_km=soft_labels_km)
    method, context = Grid(config), Context(seed=0)
    train = examples(count)
    method.fit(train, examples(1, 1), context)
    answer = method.predict(blind(examples(4, 2)), context)
    assert geo.distance_km(answer.point()[:, None], train.points).min(axis=1).max() < 1e-6
    assert np.isfinite(answer.log_prob(geo.uniform((1, 9), context.rng))).all()


def test_no_photo_to_answer_is_no_prediction():
    answer = fitted().predict(blind(examples(3, 2)).take(np.arange(0)), Context(seed=0))
    assert len(answer) == 0
    assert answer.point().shape == (0, 2)


def test_photos_of_a_cell_that_is_no_class_are_counted_and_their_cell_has_the_floor():
    train = examples(300)
    far = np.array([[-75.0, 0.0], [-75.1, 0.1]])
    points = np.concatenate([far, train.points[2:]])
    lonely = Labelled(train.ids, points, pooled=train.pooled)
    method, context = Grid(small()), Context(seed=0)
    method.fit(lonely, examples(100, 1), context)
    assert context.facts["photos labelled with another cell"].value >= 2
    answer = method.predict(blind(examples(3, 2)), context)
    floor = np.log(answer.share) - np.log(4 * np.pi)
    np.testing.assert_allclose(answer.log_prob(far[None]), floor)


def test_soft_labels_fall_with_distance_as_in_pigeon():
    from geobench_grid.network import class_loss
    from geobench_torch import Batch

    rng = np.random.default_rng(0)
    points, places = geo.uniform(20, rng), geo.uniform(7, rng)
    logits = torch.tensor(rng.normal(size=(20, 7)))
    labels = geo.distance_km(points[:, None], places).argmin(axis=1)
    batch = Batch(torch.arange(20), logits)
    network = torch.nn.Identity()

    def loss(soft_labels_km):
        function = class_loss(labels, points, places, soft_labels_km=soft_labels_km, device="cpu")
        return float(function(network, batch))

    distances = geo.distance_km(points[:, None], places)
    nearest = distances.min(axis=1, keepdims=True)
    log_p = torch.log_softmax(logits, dim=1).numpy()
    for tau in (100.0, 1000.0):
        weights = np.exp(-(distances - nearest) / tau)
        weights /= weights.sum(axis=1, keepdims=True)
        assert loss(tau) == pytest.approx(-(weights * log_p).sum(axis=1).mean(), rel=1e-4)
    hard = -log_p[np.arange(20), labels].mean()
    assert loss(None) == pytest.approx(hard, rel=1e-6)
    assert loss(1.0) == pytest.approx(hard, rel=1e-3)


def test_rules_answer_with_the_best_cell_the_mean_or_the_densest_place():
    places = np.array([[0.0, 0.0], [0.0, 60.0], [0.0, 62.0], [50.0, -100.0]])
    partition = AdaptiveS2.fit(np.repeat(places, 2, axis=0), max_photos=2)
    masses = np.log([[0.4, 0.3, 0.25, 0.05], [0.01, 0.01, 0.01, 0.97]])

    def points(rule, top_k):
        cells = partition.assign(places)
        return Answering(partition, cells, places, rule, top_k, 300.0).points(masses)

    np.testing.assert_array_equal(points("cell", 1), places[[0, 3]])
    np.testing.assert_array_equal(points("densest", 3), places[[1, 3]])
    np.testing.assert_allclose(points("mean-of-top-k", 1), places[[0, 3]], atol=1e-12)
    expected = geo.mean_point(places[:2], np.array([0.4, 0.3]))
    np.testing.assert_allclose(points("mean-of-top-k", 2)[0], expected, atol=1e-9)


def test_log_densities_at_truths_are_those_of_the_prediction():
    method, context = fitted(), Context(seed=0)
    test = examples(60, 2)
    answer = method.predict(blind(test), context)
    cells = answer.density
    from geobench_grid.network import log_masses

    masses = log_masses(method._network, test.pooled, device="cpu")
    np.testing.assert_allclose(
        method._answering.log_densities(masses, test.points),
        cells.log_prob(test.points[:, None])[:, 0],
        atol=1e-6,
    )


def test_asking_before_fitting_is_an_error():
    with pytest.raises(NotFittedError, match="before it is fitted"):
        Grid().predict(blind(examples(2)), Context(seed=0))


def test_presets_are_valid_configurations(tmp_path):
    for preset in Grid.presets.values():
        GridConfig(**preset)
    assert isinstance(Grid.tiny(tmp_path), GridConfig)


def test_what_it_inherits_is_in_its_key_only_where_it_differs_from_what_was():
    before = Grid().identity()
    assert set(before["config"]) == set(GridConfig.model_fields) - {
        *("optimizer", "momentum", "schedule", "milestones", "milestone_factor"),
        *("warmup", "clip_norm", "checkpoint_every"),
    }
    assert Grid(GridConfig(checkpoint_every=7)).identity() == before
    for changes in ({"optimizer": "lamb"}, {"warmup": 0.2}, {"clip_norm": None}):
        assert Grid(GridConfig(**changes)).identity() != before
