"""What geoclip is trained by: a photo's own place among others, those of a queue among them."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from geobench import geo
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.contrast import Contrast, ContrastiveLoss
from geobench_geoclip.network import GeoClipNetwork
from geobench_torch import Batch

STILL = {"noise_m": 0.0, "queue_noise_m": 0.0, "dropout": 0.0}
SMALL = {"frequencies": 8, "location_hidden": (8,), "image_hidden": (8,), "width": 8}


def contrast(config, *, photos=40, features=5):
    torch.manual_seed(0)
    return Contrast(GeoClipNetwork(features, config), photos=photos, queue=config.queue)


def batch(positions, features=5):
    rng = np.random.default_rng(3)
    rows = torch.tensor(rng.standard_normal((len(positions), features)), dtype=torch.float32)
    return Batch(torch.tensor(positions), rows)


def expected_loss(trained, points, given, queue):
    network = trained.network
    with torch.no_grad():
        photos = network.photos(given.features).double().numpy()
        others = np.concatenate([given.positions.numpy(), queue])
        places = network.places(torch.tensor(points[others], dtype=torch.float64)).double().numpy()
    losses = []
    for row, own in enumerate(given.positions.tolist()):
        kept = [
            column
            for column, other in enumerate(others)
            if column == row or not np.array_equal(points[other], points[own])
        ]
        logits = photos[row] @ places[kept].T / network.temperature
        losses.append(-log_softmax(logits)[kept.index(row)])
    return np.mean(losses)


@pytest.mark.parametrize("queue", [0, 7, 40])
def test_the_loss_is_the_cross_entropy_of_the_own_place_among_all_other_places(queue):
    config = GeoClipConfig(queue=queue, **STILL, **SMALL)
    points = geo.uniform(40, np.random.default_rng(0))
    points[20:30] = points[:10]  # photos taken at the same spots
    trained = contrast(config)
    given, before = batch([3, 23, 7, 30, 12]), trained.queue.numpy().copy()
    loss = ContrastiveLoss(points, config, device="cpu")(trained, given)
    assert float(loss.detach()) == pytest.approx(
        expected_loss(trained, points, given, before), rel=1e-5
    )


def test_the_queue_begins_with_training_photos_and_is_first_in_first_out():
    trained = contrast(GeoClipConfig(queue=6, **SMALL))
    first = trained.queue.tolist()
    assert len(set(first)) == 6
    trained.push(torch.tensor([30, 31]))
    assert trained.queue.tolist() == [*first[2:], 30, 31]
    trained.push(torch.arange(9))
    assert trained.queue.tolist() == [3, 4, 5, 6, 7, 8]


def test_a_queue_is_no_longer_than_there_are_photos():
    assert sorted(contrast(GeoClipConfig(queue=100, **SMALL)).queue.tolist()) == [*range(40)]


def test_photos_of_one_spot_alone_have_nothing_to_be_told_apart_from():
    config = GeoClipConfig(queue=4, **STILL, **SMALL)
    points = np.tile([[10.0, 20.0]], (40, 1))
    loss = ContrastiveLoss(points, config, device="cpu")(contrast(config), batch([1, 2, 3]))
    assert float(loss.detach()) == 0.0
    loss.backward()


def test_a_scale_beyond_a_hundred_is_brought_back_and_learns_on():
    config = GeoClipConfig(queue=4, **STILL, **SMALL)
    trained, points = contrast(config), geo.uniform(40, np.random.default_rng(0))
    trained.network.logit_scale.data.fill_(6.0)
    ContrastiveLoss(points, config, device="cpu")(trained, batch([1, 2, 3])).backward()
    assert trained.network.temperature == pytest.approx(0.01, rel=1e-5)
    assert float(trained.network.logit_scale.grad) != 0
    assert GeoClipNetwork(5, GeoClipConfig(**SMALL)).temperature == pytest.approx(0.07, rel=1e-5)
