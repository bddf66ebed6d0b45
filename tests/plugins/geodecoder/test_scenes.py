"""Scene labels: which photos have one, and whether scenes are learnt."""

import logging

import numpy as np
import pytest

from geobench import ConfigError, Context, Labelled, geo
from geobench_geodecoder.config import GeoDecoderConfig
from geobench_geodecoder.method import GeoDecoder
from geobench_geodecoder.scenes import permuted, scene_names, scene_numbers
from scene_photos import SCENES, scene_photos

torch = pytest.importorskip("torch")

SMALL = {"max_photos": (200, 60), "width": 16, "heads": 2, "feed_forward": 16, "scenes": 4}
SMALL |= {"features": "both", "independent_blocks": 1, "dropout": 0.0}
SMALL |= {"steps": 150, "batch": 64, "learning_rate": 1e-2}


def labelled(column, name="scene"):
    column = np.asarray(column)
    ids = np.array([str(k) for k in range(len(column))])
    return Labelled(ids, np.zeros((len(column), 2)), {name: column})


def names(column, **changes):
    config = GeoDecoderConfig(**{"scenes": 4} | changes)
    return scene_names(labelled(column), config, Context(seed=0)).tolist()


def test_scenes_are_numbered_by_their_sorted_labels_and_unknown_ones_are_left_out():
    words = labelled(["b", "", "a", "b", "c"])
    found = scene_names(words, GeoDecoderConfig(), Context(seed=0))
    assert found.tolist() == ["a", "b", "c"]
    assert scene_numbers(words, "scene", found).tolist() == [1, -1, 0, 1, 2]
    assert scene_numbers(labelled(["aa", "c", "zz", ""]), "scene", found).tolist() == [
        -1,
        2,
        -1,
        -1,
    ]
    numbers = labelled([2.0, np.nan, 7.0])
    found = scene_names(numbers, GeoDecoderConfig(), Context(seed=0))
    assert scene_numbers(numbers, "scene", found).tolist() == [0, -1, 1]
    assert scene_numbers(labelled([5, 5]), "scene", np.array(["5"])).tolist() == [0, 0]
    assert scene_numbers(labelled(["a"], "place"), "scene", found).tolist() == [-1]
    assert scene_numbers(words, None, found).tolist() == [-1] * 5


def test_more_labels_than_scenes_is_an_error_that_says_what_to_do():
    assert names(["a", "b", "c", "d"]) == ["a", "b", "c", "d"]
    with pytest.raises(ConfigError, match=r"5 values of 'scene'.*4 scenes.*scenes: 5.*or null"):
        names(["a", "b", "c", "d", "e"])


def test_labels_are_not_asked_for_where_there_is_one_scene_or_null_is_said(caplog):
    many = [str(k) for k in range(9)]
    assert names(many, scenes=1) == []
    assert names(many, scene_attribute=None) == []
    assert caplog.text == ""


@pytest.mark.parametrize("column", [["", ""], [np.nan, np.nan]])
def test_without_labels_the_log_says_what_is_done_and_what_there_is(column, caplog):
    assert names(column) == []
    assert "no training photo is labelled with its 'scene'; the choice of a scene is soft" in (
        caplog.text
    )
    assert "there are: scene" in caplog.text
    with pytest.raises(ConfigError, match=r"labelled with its 'ground'.*there are: scene"):
        names(["a"], scene_attribute="ground", scene_choice="hard")
    with pytest.raises(ConfigError, match="labelled with its 'ground'"):
        names(["a"], scene_attribute="ground", permute_scenes=True)


def test_permuted_labels_are_the_same_labels_of_others_and_follow_the_seed():
    numbers = np.repeat([0, 1, 2, -1], 25)
    once, again, other = (permuted(numbers, seed) for seed in (0, 0, 1))
    assert np.bincount(once + 1).tolist() == np.bincount(numbers + 1).tolist()
    assert once.tolist() == again.tolist() != other.tolist()
    assert (once == numbers).mean() < 0.5


def answered(train_attributes=("scene",), **changes):
    """(facts, chosen scenes, scenes' probabilities, error in km) of photos that it has not seen."""
    method, context = GeoDecoder(GeoDecoderConfig(**SMALL | changes)), Context(seed=0)
    train, val, test = (
        scene_photos(count, seed, attributes=train_attributes)
        for seed, count in enumerate((500, 120, 150))
    )
    method.fit(train, val, context)
    facts = {name: fact.value for name, fact in context.facts.items()}
    answer = method.predict(test.unlabelled(), context)
    error = np.median(geo.distance_km(answer.point(), test.points))
    explanation = method.explain(test.unlabelled(), context)
    truths = scene_photos(150, 2).attributes["scene"]
    return facts, truths, explanation, error


def test_labelled_scenes_are_learnt():
    facts, truths, explanation, error = answered()
    assert explanation.names == tuple(SCENES)
    assert facts["hard scene choice"] == 1
    assert facts["labelled scenes"] == 3
    assert facts["scene accuracy"] > 0.95
    assert (SCENES[explanation.chosen] == truths).mean() > 0.95
    assert error < 100


def test_with_permuted_labels_scenes_are_guessed_and_towns_are_found():
    facts, truths, explanation, error = answered(permute_scenes=True)
    found = np.append(SCENES, "none")[explanation.chosen]
    assert abs((found == truths).mean() - 1 / 3) < 0.15
    assert facts["scene accuracy"] < 0.5
    assert error < 100


@pytest.mark.parametrize("asked", [{"scene_attribute": None}, {}])
def test_without_labels_the_choice_is_soft_and_towns_are_found(asked):
    facts, _, explanation, error = answered(("place",), **asked)
    assert facts["hard scene choice"] == facts["labelled scenes"] == 0
    assert "scene accuracy" not in facts
    assert explanation.names == ()
    assert error < 100


def test_without_scenes_towns_are_found():
    facts, _, explanation, error = answered(scenes=1)
    assert facts["hard scene choice"] == 0
    assert "scene accuracy" not in facts
    np.testing.assert_array_equal(explanation.scenes, 1)
    assert error < 100


def test_a_soft_choice_with_labels_learns_the_scene_too():
    facts, truths, explanation, error = answered(scene_choice="soft")
    assert facts["hard scene choice"] == 0
    assert (SCENES[explanation.chosen] == truths).mean() > 0.95
    assert error < 100


def test_scenes_without_weight_in_the_loss_are_not_learnt():
    facts, *_ = answered(scene_weight=0.0)
    assert facts["scene accuracy"] < 0.8


def test_photos_without_a_label_count_in_no_scene_loss():
    train, val = scene_photos(300), scene_photos(60, 1)
    train.attributes = {"scene": np.where(np.arange(300) < 150, train.attributes["scene"], "")}
    method, context = (
        GeoDecoder(GeoDecoderConfig(**SMALL | {"batch": 4, "initial_queries": "uniform"})),
        Context(seed=0),
    )
    method.fit(train, val, context)  # there are batches without any label
    assert context.facts["labelled scenes"].value == 3
    assert context.facts["scene accuracy"].value > 0.9


def test_a_warning_is_given_once_per_fit(caplog):
    with caplog.at_level(logging.WARNING):
        answered(("place",), steps=1)
    assert caplog.text.count("is labelled with its") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 10, "heads": 4}, "cannot be divided among 4 heads"),
        ({"independent_blocks": 0, "dependent_blocks": 0}, "no block to look at the photo"),
        ({"scene_attribute": None, "scene_choice": "hard"}, "learnt from labels"),
        ({"scene_attribute": None, "permute_scenes": True}, "needs labels to permute"),
    ],
)
def test_what_does_not_fit_together_is_a_sentence(changes, message):
    with pytest.raises(ValueError, match=message):
        GeoDecoderConfig(**changes)
