"""The method hybrid-grid: classes, and places in them."""

import numpy as np
import pytest

from geobench import Context, Floored, Labelled, Rows, geo
from geobench_grid.hybrid import HybridGrid
from geobench_grid.method import Grid
from photos_of_towns import fitted, photos

torch = pytest.importorskip("torch")

from geobench_grid.offset_network import HybridLoss, OffsetPerceptron  # noqa: E402  # with torch
from geobench_grid.perceptron import Perceptron  # noqa: E402


def told_by_features(count, seed):
    """Photos over twenty degrees whose features say exactly where they were taken."""
    rng = np.random.default_rng(seed)
    where = rng.uniform(0, 1, (count, 2))
    features = np.concatenate([where, rng.normal(0, 0.01, (count, 4))], axis=1).astype(np.float32)
    points = np.stack([10 + 20 * where[:, 0], 170 + 20 * where[:, 1]], axis=-1)
    ids = np.array([f"{seed}-{k}" for k in range(count)])
    return Labelled(ids, geo.wrap(points), pooled=Rows([features]))


def trained(method, partition, **changes):
    settings = {
        "partition": partition,
        "max_photos": 150,
        "hidden": (64,),
        "dropout": 0.0,
        "steps": 400,
        "learning_rate": 1e-2,
        "soft_labels_km": None,
    }
    train, val = told_by_features(2000, 0), told_by_features(400, 1)
    context = Context(seed=0)
    made = fitted(method, train=train, val=val, context=context, **settings | changes)
    return made, context


@pytest.mark.parametrize("partition", ["quadtree", "s2"])
def test_places_inside_of_cells_are_found_where_a_grid_finds_cells(partition):
    test = told_by_features(400, 2)
    error, nll = {}, {}
    for method in (Grid, HybridGrid):
        made, _ = trained(method, partition)
        said = made.predict(test.unlabelled(), Context(seed=0))
        error[method] = np.median(geo.distance_km(said.point(), test.points))
        nll[method] = -said.log_prob(test.points[:, None]).mean()
        if method is Grid:
            # Even the place of the right cell is this far away.
            places, own = made._answering, made._answering.partition.assign(test.points)
            best = geo.distance_km(places.places[np.searchsorted(places.cells, own)], test.points)
    assert error[Grid] > 0.9 * np.median(best)
    assert error[HybridGrid] < 0.5 * np.median(best)
    assert nll[HybridGrid] < nll[Grid] - 0.5


def test_offsets_that_are_not_learnt_leave_the_answers_of_a_grid():
    made, _ = trained(HybridGrid, "s2", offset_weight=0.0)
    test = told_by_features(400, 2)
    said = made.predict(test.unlabelled(), Context(seed=0))
    away = geo.distance_km(said.point()[:, None], made._answering.places).min(axis=1)
    assert np.median(away) < 1


def test_the_width_of_kernels_is_the_one_of_least_floored_nll():
    val = photos(100, 1, blurred=0.5)
    context = Context(seed=0)
    made = fitted(HybridGrid, train=photos(400, blurred=0.5), val=val, context=context)
    found = made._likeliest(made._network, val, context)

    def nll(width):
        log_p = found.density(width).log_prob(val.points[:, None])[:, 0]
        return -Floored.mix(log_p, Floored.fit(log_p)).mean()

    widths = np.geomspace(1e-3, 1e3, 600)
    scanned = np.array([nll(width) for width in widths])
    assert nll(made._width) <= scanned.min() + 1e-6
    assert made._width == pytest.approx(widths[scanned.argmin()], rel=0.03)
    assert float(made.state()["width"]) == made._width
    assert context.facts["width of kernels"].value == made._width
    left_out = 1 - found.masses.sum(axis=1).mean()
    fact = context.facts["probability left out of the density"]
    assert fact.value == pytest.approx(max(0, left_out), abs=1e-12)
    assert fact.unit == "share"


def test_classes_beyond_the_likeliest_are_left_out_of_the_density():
    test = photos(20, 2, blurred=0.6).unlabelled()
    context = Context(seed=0)
    made = fitted(HybridGrid, context=context, top_k=3, max_photos=20)
    density = made.predict(test, Context(seed=0)).density
    assert density.means.shape == (20, 3, 2)
    masses = np.exp(made._log_masses(made._network, test, Context(seed=0)))
    most = -np.sort(-masses, axis=1)[:, :3]
    np.testing.assert_allclose(
        density.weights, most / most.sum(axis=1, keepdims=True), rtol=1e-5, atol=1e-9
    )
    assert 0 < context.facts["probability left out of the density"].value < 1


def network(classes=4, bound=1.2):
    torch.manual_seed(0)
    inner = Perceptron(5, hidden=(6,), classes=(classes,), dropout=0.0, whitening=0.0)
    made = OffsetPerceptron(inner, classes=classes, bound=bound)
    torch.nn.init.normal_(made.offset_head.weight)
    torch.nn.init.normal_(made.offset_head.bias)
    return made


def test_offsets_are_those_of_the_whole_head_and_within_the_bound():
    made = network()
    features = torch.randn(7, 5)
    with torch.no_grad():
        inner = made.inner(features)
        whole = 1.2 * torch.tanh(made.offset_head(inner)).view(7, 4, 2)
        chosen = torch.tensor(np.random.default_rng(0).integers(4, size=(7, 3)))
        found = made.offsets(inner, chosen)
    np.testing.assert_allclose(found, whole[torch.arange(7)[:, None], chosen], atol=1e-6)
    assert whole.abs().max() <= 1.2


def test_a_network_begins_at_the_offsets_that_it_is_given():
    made = network()
    torch.nn.init.zeros_(made.offset_head.weight)
    offsets = np.array([[0.0, 0.5], [-1.0, 1.1], [0.3, -0.9], [5.0, 0.0]])
    made.begin_at(offsets)
    with torch.no_grad():
        found = made.offsets(torch.randn(1, 6), torch.arange(4)[None])[0]
    np.testing.assert_allclose(found[:3], offsets[:3], atol=1e-5)
    assert float(found[3, 0]) == pytest.approx(1.2, abs=0.02)


def test_the_loss_is_the_cross_entropy_and_the_squared_error_in_the_photos_own_class():
    from geobench_cells import Classes
    from geobench_cells.config import TargetChoice
    from geobench_cells.learning import ClassLoss
    from geobench_torch import Batch

    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=9)
    offsets = rng.uniform(-2, 2, (9, 2))
    classes = Classes(np.arange(4), geo.uniform(4, rng), labels, np.zeros(9, bool))
    entropy = ClassLoss(
        classes, geo.uniform(9, rng), TargetChoice(soft_labels_km=None), device="cpu"
    )
    loss = HybridLoss(entropy, offsets, weight=0.7, bound=1.2, device="cpu")
    made, positions = network(), torch.tensor([8, 0, 3, 3, 5])
    features = torch.randn(5, 5)
    found = loss(made, Batch(positions, features))
    with torch.no_grad():
        inner = made.inner(features)
        whole = 1.2 * torch.tanh(made.offset_head(inner)).view(5, 4, 2).numpy()
        log_p = torch.log_softmax(made.logits(inner), dim=-1).numpy()
    own = labels[positions]
    away = whole[np.arange(5), own] - offsets[positions].clip(-1.2, 1.2)
    expected = -log_p[np.arange(5), own].mean() + 0.7 * (away**2).sum(axis=1).mean()
    assert found.item() == pytest.approx(expected, rel=1e-5)
    found.backward()
    # Of classes that no photo of the batch is of, nothing is learnt.
    untouched = np.setdiff1d(np.arange(4), own)
    gradient = made.offset_head.weight.grad.view(4, -1)
    assert (gradient[untouched] == 0).all()
    assert (gradient[own] != 0).any(dim=1).all()
