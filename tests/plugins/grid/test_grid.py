"""The method grid: a softmax over one partition."""

import numpy as np

from geobench import Context
from geobench_cells import AdaptiveS2
from geobench_grid.method import Grid, GridConfig
from photos_of_towns import fitted, photos


def test_the_density_is_one_over_the_cells_of_its_partition():
    answer = fitted(Grid).predict(photos(3, 2, blurred=0.6).unlabelled(), Context(seed=0))
    partition = answer.density.partition
    assert isinstance(partition.whole, AdaptiveS2)
    rng = np.random.default_rng(0)
    inside = partition.sample(np.arange(len(partition)), rng)
    density = np.exp(answer.log_prob(inside[None]))
    np.testing.assert_allclose((density * partition.areas).sum(axis=1), 1, atol=1e-9)
    cells = partition.assign(answer.sample(4000, rng))
    for photo in range(3):
        shares = np.bincount(cells[photo], minlength=len(partition)) / 4000
        expected = density[photo] * partition.areas
        assert np.abs(shares - expected).max() < 5 * 0.5 / np.sqrt(4000)


def test_a_class_answers_with_the_mean_of_its_training_photos():
    method = fitted(Grid)
    answer = method.predict(photos(50, 2).unlabelled(), Context(seed=0))
    places = method.state()["places"]
    assert (answer.point()[:, None] == places).all(axis=-1).any(axis=1).all()


def test_what_it_inherits_is_in_its_key_only_where_it_differs_from_what_was():
    before = Grid().identity()
    assert set(before["config"]) == set(GridConfig.model_fields) - {
        *("optimizer", "momentum", "schedule", "milestones", "milestone_factor"),
        *("warmup", "clip_norm", "checkpoint_every"),
        *("partition", "depth", "cells", "kernel", "class_weights", "label_smoothing"),
    }
    assert Grid(GridConfig(checkpoint_every=7)).identity() == before
    for changes in (
        {"optimizer": "lamb"},
        {"warmup": 0.2},
        {"clip_norm": None},
        {"partition": "quadtree"},
        {"kernel": "gaussian"},
        {"class_weights": 0.5},
        {"label_smoothing": 0.1},
    ):
        assert Grid(GridConfig(**changes)).identity() != before
