"""The inputs of methods, made of stored features: complete, the right ones, and of known size."""

import logging
from collections import Counter

import numpy as np
import pytest

from colour_gallery import (
    ALL,
    ColourEncoder,
    GalleryConfig,
    GalleryDataset,
    inputs,
    pooled,
)
from geobench import BrokenPicture, ConfigError, DataError, Examples, Part, PluginError
from geobench.features.inputs import Inputs
from geobench.progress import untracked
from geobench_basics.encoders import GivenEncoder


def test_examples_hold_what_is_wanted_and_no_answers_at_test_time(tmp_path):
    gallery = GalleryDataset()
    train, test = (
        Part.of("train", gallery, np.arange(30)),
        Part.of("test", gallery, np.arange(30, 50)),
    )
    source = inputs(tmp_path, "pooled", "tokens")
    source.provide([train, test], track=untracked, on_broken="fail")
    assert gallery.reads == Counter(ALL.tolist())
    seen = source.labelled(train, frozenset({"pooled"}))
    np.testing.assert_array_equal(seen.pooled[:], pooled(train.rows))
    np.testing.assert_array_equal(seen.points, train.points)
    assert seen.attributes["year"].tolist() == train.rows.tolist()
    assert set(seen.features) == {"pooled"}
    asked = source.examples(test, frozenset({"pooled", "tokens"}))
    assert type(asked) is Examples
    assert asked.tokens.shape == (20, 2, 2)
    assert asked.ids.tolist() == [f"photo-{i}" for i in range(30, 50)]
    pictures = asked.take(np.array([4, 2])).images()
    assert [int(picture[0, 0, 0]) for picture in pictures] == [34, 32]


def test_without_an_encoder_or_wants_nothing_is_encoded(tmp_path):
    gallery = GalleryDataset()
    everything = Part.of("all", gallery, ALL)
    for source in (inputs(tmp_path), Inputs(None, frozenset({"pooled"}), tmp_path)):
        source.check(gallery)
        source.provide([everything], track=untracked, on_broken="fail")
        assert source.labelled(everything, frozenset()).features == {}
        assert len(source.broken(gallery)) == 0
    assert not gallery.reads
    assert not list(tmp_path.iterdir())


def test_an_empty_part_has_no_features(tmp_path):
    nobody = Part.of("train", GalleryDataset(), np.array([], dtype=np.intp))
    source = inputs(tmp_path, "pooled")
    source.provide([nobody], track=untracked, on_broken="fail")
    found = source.labelled(nobody, frozenset({"pooled"}))
    assert (len(found), found.features) == (0, {})
    with pytest.raises(DataError, match="no photos here"):
        _ = found.pooled


def test_every_broken_picture_is_named_once(tmp_path, caplog):
    gallery = GalleryDataset(GalleryConfig(broken=[12, 7, 40]))
    everything = Part.of("test", gallery, np.arange(50))
    with caplog.at_level(logging.WARNING):
        inputs(tmp_path, "pooled").provide([everything], track=untracked, on_broken="exclude")
    assert [caplog.text.count(f"photo-{row:02}") for row in (7, 12, 40)] == [1, 1, 1]


def test_broken_pictures_are_counted_and_excluded_or_fail(tmp_path, caplog):
    gallery = GalleryDataset(GalleryConfig(broken=[12, 7, 40]))
    some = Part.of("test", gallery, np.arange(30))
    text = r"2 of 30 pictures of gallery cannot be read, the first is photo-07 \(no bytes in 7\)"
    with pytest.raises(DataError, match=text + r".*on_broken: exclude"):
        inputs(tmp_path, "pooled").provide([some], track=untracked, on_broken="fail")
    source = inputs(tmp_path, "pooled", "tokens")
    with caplog.at_level(logging.WARNING):
        source.provide([some], track=untracked, on_broken="exclude")
    assert "2 of 30 pictures" in caplog.text
    assert "left out for every method" in caplog.text
    assert source.broken(gallery).tolist() == [7, 12]


def test_a_picture_broken_in_one_store_only_is_reported_too(tmp_path, caplog):
    gallery = GalleryDataset()
    everything = Part.of("all", gallery, ALL)
    inputs(tmp_path, "pooled").provide([everything], track=untracked, on_broken="fail")

    class Lost(GalleryDataset):
        """The same photos, one of which has been lost since."""

        def images(self, indices):
            for row, image in zip(indices, super().images(indices), strict=True):
                yield BrokenPicture("lost") if row == 3 else image

    everything = Part.of("all", Lost(), ALL)
    source = inputs(tmp_path, "pooled", "tokens")
    with caplog.at_level(logging.WARNING):
        source.provide([everything], track=untracked, on_broken="exclude")
    assert r"the first is photo-03 (lost)" in caplog.text


def test_an_encoder_that_cannot_read_a_dataset_is_an_error_that_says_what_it_has(tmp_path):
    class Bare(GalleryDataset):
        """Coordinates alone."""

        @property
        def provides(self):
            return frozenset()

    inputs(tmp_path, "pooled").check(GalleryDataset())
    says = "encoder colour reads images, and dataset gallery has neither images nor features"
    with pytest.raises(ConfigError, match=says):
        inputs(tmp_path, "pooled").check(Bare())
    inputs(tmp_path).check(Bare())


class Sized(ColourEncoder):
    """Says the shapes of what it gives."""

    def shape(self, what):
        return (2,) if what == "pooled" else (2, 2)


def test_the_width_of_features_is_known_from_the_encoder_a_shard_or_the_dataset(tmp_path):
    gallery = GalleryDataset(GalleryConfig(broken=[0, 1]))
    assert Inputs(None, frozenset({"pooled"}), tmp_path).width(gallery, probe=True) is None
    assert inputs(tmp_path, "pooled", encoder=Sized()).width(gallery) == 2
    assert not gallery.reads
    source = inputs(tmp_path, "pooled")
    assert source.width(gallery) is None
    assert source.width(gallery, probe=True) == 2
    assert sorted(gallery.reads) == [0, 1, 2]
    assert list(tmp_path.iterdir()) == []  # nothing is stored
    source.provide([Part.of("some", gallery, np.array([7]))], track=untracked, on_broken="fail")
    assert source.width(gallery) == 2
    assert inputs(tmp_path, "tokens", encoder=GivenEncoder()).width(GalleryDataset()) == 2
    assert inputs(tmp_path, "tokens", encoder=GivenEncoder()).shape(gallery, "tokens") is None


@pytest.mark.parametrize("said", [(2.5,), (0,), 2, (2, 2)])
def test_a_shape_that_is_none_is_an_error_that_names_the_encoder(tmp_path, said):
    wrong = type("Wrong", (ColourEncoder,), {"shape": lambda self, what: said})
    with pytest.raises(PluginError, match="encoder colour: says that pooled of a photo have the"):
        inputs(tmp_path, "pooled", encoder=wrong()).width(GalleryDataset())


def test_what_is_lacking_is_counted_with_its_size(tmp_path):
    gallery = GalleryDataset()
    source = inputs(tmp_path, "pooled", "tokens", encoder=Sized())
    parts = [Part.of("train", gallery, np.arange(30)), Part.of("test", gallery, np.arange(20, 40))]
    found = source.lacking(parts)
    assert [(each.what, each.photos, each.shape) for each in found] == [
        ("pooled", 40, (2,)),
        ("tokens", 40, (2, 2)),
    ]
    assert [each.size for each in found] == [40 * 2 * 4, 40 * 4 * 4]
    source.provide(parts[:1], track=untracked, on_broken="fail")
    assert [each.photos for each in source.lacking(parts)] == [10, 10]
    (unknown,) = inputs(tmp_path / "other", "pooled").lacking(parts)
    assert (unknown.shape, unknown.size) == (None, None)
