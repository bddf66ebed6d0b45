"""Targets, losses and products of probabilities, against plain numpy."""

from itertools import product as every

import numpy as np
import pytest
import scipy.special
import scipy.stats

from geobench import Rows, geo
from geobench_cells import AdaptiveS2, Classes
from geobench_cells.config import TargetChoice

torch = pytest.importorskip("torch")

from geobench_cells import learning  # noqa: E402  # it imports torch

PHOTOS, CLASSES = 60, 7


@pytest.fixture
def points():
    return geo.uniform(PHOTOS, np.random.default_rng(0))


@pytest.fixture
def classes():
    """Seven classes with very different numbers of photos."""
    rng = np.random.default_rng(1)
    places = geo.uniform(CLASSES, rng)
    labels = rng.permutation(np.repeat(np.arange(CLASSES), [1, 2, 3, 4, 10, 15, 25]))
    return Classes(np.arange(CLASSES), places, labels, np.zeros(PHOTOS, bool))


def logits(count=PHOTOS):
    return torch.tensor(np.random.default_rng(2).normal(size=(count, CLASSES)))


def loss_of(classes, points, **choice):
    return learning.ClassLoss(classes, points, TargetChoice(**choice), device="cpu")


def expected_targets(classes, points, choice):
    """The same in numpy, in km and in double precision."""
    away = geo.distance_km(points[:, None], classes.places)
    if choice["soft_labels_km"] is None:
        targets = np.eye(CLASSES)[classes.labels]
    else:
        ratio = away / choice["soft_labels_km"]
        targets = scipy.special.softmax(
            -(ratio**2) / 2 if choice["kernel"] == "gaussian" else -ratio, axis=-1
        )
    smoothing = choice["label_smoothing"]
    return (1 - smoothing) * targets + smoothing / CLASSES


CHOICES = [
    {"soft_labels_km": km, "kernel": kernel, "class_weights": weights, "label_smoothing": smooth}
    for km, kernel, weights, smooth in every(
        (None, 5.0, 300.0, 5000.0), ("exponential", "gaussian"), (0.0, 0.5, 1.0), (0.0, 0.1, 0.9)
    )
]


@pytest.mark.parametrize("choice", CHOICES)
def test_targets_are_those_of_the_formulas_and_sum_to_one(classes, points, choice):
    loss = loss_of(classes, points, **choice)
    positions = torch.arange(PHOTOS)
    targets = loss.targets(positions)
    np.testing.assert_allclose(targets.sum(dim=-1), 1, atol=1e-5)
    expected = expected_targets(classes, points, choice)
    np.testing.assert_allclose(targets, expected, atol=2e-3)
    log_p = torch.log_softmax(logits(), dim=-1).numpy()
    photos = np.bincount(classes.labels)[classes.labels].astype(float)
    weights = photos ** -choice["class_weights"]
    each = -(expected * log_p).sum(axis=-1) * weights / weights.mean()
    assert float(loss(logits(), positions)) == pytest.approx(each.mean(), rel=2e-3)


def test_a_gaussian_kernel_falls_as_the_normal_density(classes, points):
    targets = loss_of(classes, points, soft_labels_km=2000, kernel="gaussian").targets(
        torch.arange(PHOTOS)
    )
    away = geo.distance_km(points[:, None], classes.places)
    density = scipy.stats.norm.pdf(away, scale=2000)
    expected = density / density.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(targets, expected, atol=1e-5)


def test_an_exponential_kernel_is_pigeons_whose_nearest_class_is_subtracted(classes, points):
    away = geo.distance_km(points[:, None], classes.places)
    relative = np.exp(-(away - away.min(axis=1, keepdims=True)) / 1000)
    targets = loss_of(classes, points, soft_labels_km=1000).targets(torch.arange(PHOTOS))
    np.testing.assert_allclose(
        targets, relative / relative.sum(axis=1, keepdims=True), rtol=1e-3, atol=1e-6
    )


def test_targets_tell_classes_apart_that_are_metres_apart():
    here = np.array([[48.0, 2.0]])
    places = geo.destination(here, np.array([0.0, 90.0]), np.array([0.02, 0.05]))
    classes = Classes(np.arange(2), places, np.zeros(1, int), np.zeros(1, bool))
    (targets,) = loss_of(classes, here, soft_labels_km=0.01).targets(torch.arange(1))
    # A float32 unit vector is good to half a metre.
    assert float(torch.log(targets[0] / targets[1])) == pytest.approx(3, abs=0.2)


def test_at_full_class_weights_every_class_counts_alike(classes, points):
    plain = loss_of(classes, points, soft_labels_km=None)
    weighted = loss_of(classes, points, soft_labels_km=None, class_weights=1)
    log_p = torch.log_softmax(logits(), dim=-1).numpy()
    own = -log_p[np.arange(PHOTOS), classes.labels]
    by_class = [own[classes.labels == k].mean() for k in range(CLASSES)]
    everything = torch.arange(PHOTOS)
    assert float(weighted(logits(), everything)) == pytest.approx(np.mean(by_class), rel=1e-6)
    assert float(plain(logits(), everything)) == pytest.approx(own.mean(), rel=1e-6)


@pytest.mark.parametrize("choice", CHOICES[::5])
@pytest.mark.parametrize("held", [1, 3 * CLASSES, 59 * CLASSES])
def test_a_loss_in_chunks_is_the_loss_with_its_gradient(classes, points, choice, held, monkeypatch):
    positions = torch.tensor(np.random.default_rng(3).permutation(PHOTOS))

    def asked():
        given = logits().requires_grad_()
        loss = loss_of(classes, points, **choice)(given, positions)
        loss.backward()
        return loss.item(), given.grad.numpy()

    whole = asked()
    monkeypatch.setattr(learning, "_TARGETS", held)
    chunked = asked()
    assert chunked[0] == pytest.approx(whole[0], rel=1e-6)
    np.testing.assert_allclose(chunked[1], whole[1], rtol=1e-5, atol=1e-9)


ANCESTORS = np.array([[0, 0, 0, 1, 1], [0, 1, 1, 2, 3], [0, 1, 2, 3, 4]])
"""Five leaves below four cells below two."""


def levels(count=6):
    rng = np.random.default_rng(4)
    return [torch.tensor(rng.normal(0, 2, (count, size))) for size in (2, 4, 5)]


def test_a_product_is_the_sum_over_the_tree_by_hand_and_normalised():
    found = learning.product(levels(), torch.tensor(ANCESTORS)).numpy()
    coarse, middle, fine = (scipy.special.softmax(each.numpy(), axis=-1) for each in levels())
    for photo in range(len(found)):
        raw = [
            coarse[photo, ANCESTORS[0, leaf]]
            * middle[photo, ANCESTORS[1, leaf]]
            * fine[photo, leaf]
            for leaf in range(5)
        ]
        np.testing.assert_allclose(np.exp(found[photo]), np.array(raw) / sum(raw), rtol=1e-12)
    np.testing.assert_allclose(np.exp(found).sum(axis=-1), 1, atol=1e-12)


def test_of_one_level_the_product_is_its_softmax():
    (*_, fine) = levels()
    found = learning.product([fine], torch.arange(5)[None])
    np.testing.assert_array_equal(found, torch.log_softmax(fine, dim=-1))


class Linear(learning.LevelNetwork):
    """Logits of three levels, a linear function of three features."""

    def __init__(self):
        super().__init__()
        self.heads = torch.nn.ModuleList(torch.nn.Linear(3, size) for size in (2, 4, 5))

    def standardise_by(self, features):
        raise AssertionError("nothing is standardised here")

    def forward(self, features):
        return [head(features) for head in self.heads]


def test_log_masses_read_features_in_chunks_and_the_last_levels_only_if_asked(monkeypatch):
    torch.manual_seed(0)
    network = Linear()
    features = np.random.default_rng(5).normal(size=(300, 3)).astype(np.float32)
    asked = network(torch.tensor(features))
    with torch.no_grad():
        whole = learning.product(asked, torch.tensor(ANCESTORS)).numpy()
        alone = torch.log_softmax(asked[-1].double(), dim=-1).numpy()
    monkeypatch.setattr(learning, "_TARGETS", 10)  # chunks of 64, the least
    rows = Rows([features])
    found = learning.log_masses(network, rows, ANCESTORS, device="cpu")
    np.testing.assert_allclose(found, whole, atol=1e-5)
    found = learning.log_masses(network, rows, ANCESTORS[-1:], device="cpu")
    np.testing.assert_allclose(found, alone, atol=1e-5)


def test_a_loss_of_twenty_thousand_classes_and_one_photo_of_each():
    points = geo.uniform(20_000, np.random.default_rng(6))
    partition = AdaptiveS2.fit(points, max_photos=1, max_level=30)
    classes = Classes.of(partition, points)
    assert len(classes) == 20_000
    loss = loss_of(classes, points, soft_labels_km=50, label_smoothing=0.1)
    positions = torch.arange(0, 20_000, 100)
    given = torch.zeros(200, 20_000, requires_grad=True)
    assert loss(given, positions).item() == pytest.approx(np.log(20_000), rel=1e-4)
    np.testing.assert_allclose(loss.targets(positions).sum(dim=-1), 1, atol=1e-4)
