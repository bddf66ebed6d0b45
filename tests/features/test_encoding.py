"""What an encoder is told and given, and what is said when it fails."""

from collections import Counter

import numpy as np
import pytest

from colour_gallery import ALL, ColourEncoder, GalleryDataset, fill, inputs, pooled
from geobench import DataError, Features, Part
from geobench.features.batches import in_batches
from geobench.progress import untracked
from geobench_basics.encoders import GivenEncoder


class Watched(ColourEncoder):
    """Remembers what it is told and given."""

    def __init__(self, config=None):
        super().__init__(config)
        self.said = []

    batch = 3

    def to(self, device):
        self.said.append(device)

    def encode(self, batch, *, tokens):
        self.said.append(str(len(batch)))
        return super().encode(batch, tokens=tokens)


def test_an_encoder_gets_as_many_photos_at_a_time_as_it_asks_for(tmp_path):
    encoder = Watched()
    store = fill(tmp_path, encoder=encoder, rows=np.arange(18))["pooled"]
    assert encoder.said == ["cpu", *"332", *"332", "2"]
    np.testing.assert_array_equal(store.rows(np.arange(18))[:], pooled(np.arange(18)))


@pytest.mark.parametrize("size", [1, 3, 8, 100])
@pytest.mark.parametrize("kind", ["arrays", "features"])
def test_batches_hold_all_photos_in_order_whatever_the_pieces(size, kind):
    sizes = []

    class Counting(GivenEncoder if kind == "features" else ColourEncoder):
        """Says how many photos it gets."""

        batch = size

        def encode(self, batch, *, tokens):
            sizes.append(len(batch.pooled) if kind == "features" else len(batch))
            return super().encode(batch, tokens=tokens)

    everything = np.arange(20, dtype=np.float32)[:, None]
    pieces = np.split(everything, [4, 4, 5, 17])
    if kind == "features":
        pieces = [Features(piece, piece[:, None]) for piece in pieces]
    found = in_batches(Counting(), pieces, tokens=True)
    assert found.pooled is not None
    assert found.tokens is not None
    assert found.pooled[:, 0].tolist() == list(range(20))
    assert found.tokens[:, 0, 0].tolist() == list(range(20))
    assert sum(sizes) == 20
    assert set(sizes[:-1]) <= {size}


def test_an_encoder_is_told_where_to_work_before_it_encodes_and_only_then(tmp_path):
    encoder, gallery = Watched(), GalleryDataset()
    source = inputs(tmp_path, "pooled", encoder=encoder)
    some = Part.of("some", gallery, np.arange(3))
    for _ in range(2):
        source.provide([some], track=untracked, on_broken="fail", device="cuda:1")
    assert encoder.said == ["cuda:1", "3"]


def test_features_of_another_shape_than_the_encoder_says_are_an_error(tmp_path):
    class Lying(ColourEncoder):
        """Promises three numbers, and gives two."""

        def shape(self, what):
            return (3,) if what == "pooled" else None

    says = r"encoder colour: pooled of a photo have the shape \(2,\), and its `shape` says \(3,\)"
    with pytest.raises(DataError, match=says):
        fill(tmp_path, encoder=Lying())


def test_a_picture_that_breaks_the_encoder_is_an_error_that_names_it(tmp_path):
    class Picky(ColourEncoder):
        """Cannot bear one colour."""

        def prepare(self, image):
            if image[0, 0, 0] == 17:
                raise ValueError("a colour out of space")
            return super().prepare(image)

    with pytest.raises(DataError, match=r"encoder colour: the picture of photo-17 breaks it .*sp"):
        fill(tmp_path, encoder=Picky())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda n: Features(np.full((n, 2), np.nan)), "pooled of 8 photos are not finite.* row 0"),
        (lambda n: Features(np.full((n, 2), 1e300)), "pooled of 8 photos are not finite.* row 0"),
        (lambda n: Features(np.ones((n + 1, 2))), "9 pooled rows for 8 photos"),
        (lambda n: Features(None), "gives no pooled. A planned method wants them"),
    ],
)
def test_wrong_features_are_an_error_that_names_the_encoder(tmp_path, given, says):
    class Wrong(ColourEncoder):
        """Gives what it should not."""

        def encode(self, batch, *, tokens):
            return given(len(batch))

    with pytest.raises(DataError, match=f"encoder colour: {says}"):
        fill(tmp_path, encoder=Wrong())
    assert not list(tmp_path.glob("*/shard-*"))


def test_an_encoder_can_read_the_datasets_own_features(tmp_path):
    gallery = GalleryDataset()
    store = fill(tmp_path, encoder=GivenEncoder(), dataset=gallery)["pooled"]
    expected = np.stack([ALL, -ALL], axis=-1)
    np.testing.assert_array_equal(store.rows(ALL)[:], expected)
    assert store.rows(ALL)[:].dtype == np.float32
    assert gallery.reads == Counter(ALL.tolist())
    with pytest.raises(DataError, match="brings no tokens, and a planned method wants them"):
        fill(tmp_path, encoder=GivenEncoder(), kinds=("tokens",))
