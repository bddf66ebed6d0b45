"""What grid does some photos at a time is what it would do for all at once."""

from itertools import product as every

import numpy as np
import pytest
import scipy.special

from geobench import Cells, Context, Rows, geo
from geobench_cells import Classes
from geobench_cells.config import TargetChoice
from geobench_grid.method import Grid
from photos_of_towns import fitted, photos

torch = pytest.importorskip("torch")

from geobench_cells import learning  # noqa: E402  # it imports torch
from geobench_cells.learning import ClassLoss, log_masses  # noqa: E402
from geobench_grid import blocks  # noqa: E402
from geobench_grid.perceptron import Perceptron  # noqa: E402

PHOTOS, CLASSES = 50, 211  # neither is a multiple of a block


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 4 photos of 211 classes."""
    monkeypatch.setattr(learning, "_WHOLE", 0)
    monkeypatch.setattr(learning, "_CACHED", 1000)
    monkeypatch.setattr(blocks, "_CACHED", 1000)


def known():
    """Classes, and points of photos of them, that differ in how many there are of each."""
    rng = np.random.default_rng(0)
    places = geo.uniform(CLASSES, rng)
    labels = rng.integers(CLASSES, size=PHOTOS) ** 2 // CLASSES
    points = geo.destination(
        places[labels], rng.uniform(0, 360, PHOTOS), rng.uniform(0, 99, PHOTOS)
    )
    return Classes(np.arange(CLASSES), places, labels, np.zeros(PHOTOS, bool)), points


CHOICES = [
    {"soft_labels_km": km, "kernel": kernel, "class_weights": weights, "label_smoothing": smooth}
    for km, kernel, weights, smooth in every(
        (None, 50.0, 3000.0), ("exponential", "gaussian"), (0.0, 0.5), (0.0, 0.1)
    )
]


@pytest.mark.parametrize("choice", CHOICES)
def test_the_gradient_is_that_of_the_whole_batch_to_the_bit_and_that_of_numpy(choice, monkeypatch):
    classes, points = known()
    entropy = ClassLoss(classes, points, TargetChoice(**choice), device="cpu")
    made = np.random.default_rng(1).normal(size=(PHOTOS, CLASSES)).astype(np.float32)
    positions = torch.tensor(np.random.default_rng(2).permutation(PHOTOS))
    values, gradients = [], []
    monkeypatch.setattr(learning, "_CACHED", 1000)
    for most in (learning._WHOLE, 0):  # all at once, then 4 photos at a time
        monkeypatch.setattr(learning, "_WHOLE", most)
        logits = torch.tensor(made, requires_grad=True)
        value = entropy(logits, positions)
        value.backward()
        values.append(value.item())
        gradients.append(logits.grad.numpy())
    np.testing.assert_array_equal(*gradients)
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    targets, weights = dense(classes, points, choice)
    weights = weights[positions] / PHOTOS
    expected = (scipy.special.softmax(made.astype(float), axis=1) - targets[positions]) * weights
    np.testing.assert_allclose(gradients[1], expected, atol=1e-5)


def dense(classes, points, choice):
    """Targets (N, K), and weights (N, 1), in numpy and in km."""
    targets = np.eye(CLASSES)[classes.labels]
    if choice["soft_labels_km"] is not None:
        ratio = geo.distance_km(points[:, None], classes.places) / choice["soft_labels_km"]
        targets = scipy.special.softmax(
            -(ratio**2) / 2 if choice["kernel"] == "gaussian" else -ratio, axis=1
        )
    smoothing = choice["label_smoothing"]
    weights = np.bincount(classes.labels)[classes.labels] ** -float(choice["class_weights"])
    return (1 - smoothing) * targets + smoothing / CLASSES, weights[:, None] / weights.mean()


def test_blocks_say_of_every_photo_what_is_said_of_all_at_once(small_blocks):
    network = Perceptron(5, hidden=(8,), classes=(CLASSES,), dropout=0.5, whitening=0.0).eval()
    features = Rows([np.random.default_rng(3).normal(size=(PHOTOS, 5)).astype(np.float32)])
    expected = log_masses(network, features, np.arange(CLASSES)[None], device="cpu")
    found = list(blocks.in_blocks(network, features, classes=CLASSES, device="cpu"))
    assert len(found) > PHOTOS // 5
    np.testing.assert_allclose(np.concatenate([f.log_masses for f in found]), expected, atol=1e-6)
    for said in found:
        rows = np.arange(PHOTOS)[said.rows]
        assert len(rows) == len(said.logits) == len(said.log_masses)
        apart = said.logits - said.log_masses
        np.testing.assert_allclose(apart, np.broadcast_to(apart[:, :1], apart.shape), atol=1e-5)


@pytest.mark.parametrize(("classes", "wanted"), [(4096, 2048), (17_647, 118)])
def test_up_to_4096_classes_the_network_is_asked_of_2048_photos_as_for_answers_on_record(
    classes, wanted
):
    asked = []

    class Asked(torch.nn.Module):
        def forward(self, features):
            asked.append(len(features))
            return [features.new_zeros(len(features), classes)]

    features = Rows([np.zeros((3000, 1), np.float32)])
    for _ in blocks.in_blocks(Asked(), features, classes=classes, device="cpu"):
        pass
    assert asked[0] == wanted
    assert sum(asked) == len(features)


def test_answers_densities_and_draws_are_those_of_probabilities_in_double_precision():
    method, test = fitted(Grid, point="densest"), photos(70, 2, blurred=0.6)
    said = method.predict(test.unlabelled(), Context(seed=0))
    masses = method._log_masses(method._network, test, Context(seed=0))
    assert isinstance(said.density, Cells)
    double = method._answering.prediction(masses)
    np.testing.assert_array_equal(said.point(), double.point())
    points = geo.uniform((70, 4), np.random.default_rng(0))
    points[:, 0] = test.points
    np.testing.assert_allclose(
        said.density.log_prob(points), double.log_prob(points), rtol=1e-13, atol=1e-13
    )
    draws = [each.sample(9, np.random.default_rng(1)) for each in (said.density, double)]
    np.testing.assert_array_equal(*draws)
    np.testing.assert_array_equal(
        method._at_truths(method._network, test, Context(seed=0)),
        method._answering.log_densities(masses, test.points),
    )
