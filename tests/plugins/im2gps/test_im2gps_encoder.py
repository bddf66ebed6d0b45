"""The encoder im2gps: its three blocks, their weights, and pictures of any size."""

import numpy as np
import pytest
from pydantic import ValidationError
from skimage.color import rgb2lab

from complaints import skipped
from geobench_im2gps.encoder import Im2gpsEncoder, Im2gpsEncoderConfig
from wavy_pictures import picture, pooled

TINY, HISTOGRAM = slice(0, 192), slice(192, 192 + 784)


def test_a_picture_gives_1876_numbers_whose_blocks_have_the_weights_of_the_config():
    vector = pooled(picture(0), tiny_weight=1, histogram_weight=2, gradient_weight=5)
    assert vector.shape == (1876,)
    assert vector.dtype == np.float32
    squares = vector.astype(np.float64) ** 2
    blocks = [squares[TINY].sum(), squares[HISTOGRAM].sum(), squares[976:].sum()]
    np.testing.assert_allclose(blocks, [1 / 8, 2 / 8, 5 / 8], atol=1e-6)


def test_a_weight_of_zero_silences_its_block_alone():
    vector = pooled(picture(0), histogram_weight=0)
    assert not vector[HISTOGRAM].any()
    assert vector[TINY].any()
    assert vector[976:].any()


@pytest.mark.parametrize("chroma", [8.0, 32.0, 110.0])
def test_the_histogram_agrees_with_numpy(chroma):
    found = pooled(picture(3), chroma=chroma, tiny_weight=0, gradient_weight=0)[HISTOGRAM]
    inside = 1 - 1e-9
    lab = rgb2lab(picture(3)).reshape(-1, 3)
    lab[:, 1:] = np.clip(lab[:, 1:], -chroma * inside, chroma * inside)
    edges = [(0, 100), (-chroma, chroma), (-chroma, chroma)]
    counts, _ = np.histogramdd(lab, bins=(4, 14, 14), range=edges)
    np.testing.assert_allclose(found, np.sqrt(counts / counts.sum()).ravel(), atol=1e-6)


def test_the_tiny_image_holds_the_mean_colours_of_its_squares():
    found = pooled(picture(4), histogram_weight=0, gradient_weight=0)[TINY].reshape(8, 8, 3)
    lab = rgb2lab(picture(4)) - [50, 0, 0]
    expected = np.array(
        [
            [lab[6 * i : 6 * i + 6, 6 * j : 6 * j + 6].mean(axis=(0, 1)) for j in range(8)]
            for i in range(8)
        ]
    )
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-6)


def test_the_gradients_tell_stripes_apart_by_their_direction():
    wave = (127 + 100 * np.sin(np.arange(48) * 2 * np.pi / 12)).astype(np.uint8)
    upright = np.repeat(np.broadcast_to(wave, (48, 48))[..., None], 3, axis=2)
    across = np.ascontiguousarray(upright.transpose(1, 0, 2))
    shifted = np.ascontiguousarray(np.roll(upright, 6, axis=1))
    only = {"tiny_weight": 0, "histogram_weight": 0}
    first, second, third = (pooled(image, **only) for image in (upright, across, shifted))
    assert first @ second < 0.1
    assert first @ third > 0.9


@pytest.mark.parametrize("value", [0, 119, 255])
def test_a_picture_without_any_structure_has_finite_features(value):
    vector = pooled(np.full((48, 48, 3), value, np.uint8))
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector[HISTOGRAM]) > 0
    assert not vector[976:].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (37, 100), (48, 47), (300, 200)])
def test_a_picture_of_any_size_gives_as_many_numbers(shape):
    vector = pooled(picture(5, shape))
    assert vector.shape == (1876,)
    assert np.isfinite(vector).all()


def test_an_enlarged_picture_has_nearly_the_same_features():
    small = pooled(picture(6))
    large = pooled(np.repeat(np.repeat(picture(6), 4, axis=0), 4, axis=1))
    other = pooled(picture(60))
    assert small @ large > 0.97
    assert small @ large > small @ other


@pytest.mark.parametrize(
    ("seed", "shape", "changes", "found"),
    [
        (7, (48, 48), {}, (-0.16565336637040828, -1.3388170553210805)),
        (8, (37, 100), {"chroma": 110.0}, (-0.1943003341060793, 0.5913292162708365)),
        (
            9,
            (64, 64),
            {"size": 64, "gradient_weight": 0.5},
            (0.16155693224137113, 0.013684748839258947),
        ),
    ],
    ids=str,
)
def test_pooled_features_are_those_of_before_there_were_tokens(seed, shape, changes, found):
    then = {"size": 48, "chroma": 32.0}
    then |= {"tiny_weight": 0.15, "histogram_weight": 0.75, "gradient_weight": 0.1}
    vector = pooled(picture(seed, shape), **then | changes).astype(np.float64)
    # Two sums that tell every number and its place.
    sums = [vector @ wave(np.arange(len(vector))) for wave in (np.cos, np.sin)]
    np.testing.assert_allclose(sums, found, atol=1e-5)


def test_the_key_of_one_view_is_that_of_before_there_were_views():
    fields = {"size", "chroma", "tiny_weight", "histogram_weight", "gradient_weight"}
    assert set(Im2gpsEncoder().identity()["config"]) == fields
    assert Im2gpsEncoder().version == 1


def test_encode_stacks_and_a_picture_does_not_depend_on_its_batch():
    encoder = Im2gpsEncoder()
    prepared = np.stack([encoder.prepare(picture(seed)) for seed in range(4)])
    together = encoder.encode(prepared, tokens=False)
    alone = encoder.encode(prepared[2:3], tokens=False)
    assert together.tokens is None
    assert together.pooled is not None
    assert alone.pooled is not None
    assert together.pooled.dtype == np.float32
    np.testing.assert_array_equal(together.pooled[2:3], alone.pooled)


def test_the_encoders_digest_follows_its_config():
    changed = [
        {},
        {"size": 64},
        {"chroma": 40.0},
        {"tiny_weight": 0.3},
        {"gradient_weight": 0},
        {"views": 10},
    ]
    encoders = [Im2gpsEncoder(Im2gpsEncoderConfig(**c)) for c in changed]
    digests = {each.digest(what) for each in encoders for what in ("pooled", "tokens")}
    assert len(digests) == 2 * len(changed)


def test_weights_that_are_all_zero_and_odd_sizes_are_errors():
    with pytest.raises(ValidationError, match="all three weights are 0"):
        Im2gpsEncoderConfig(tiny_weight=0, histogram_weight=0, gradient_weight=0)
    with pytest.raises(ValidationError, match="multiple of 8"):
        Im2gpsEncoderConfig(size=50)


def test_the_kit_finds_its_tokens():
    assert not {"tokens-are-finite", "pooled-without-tokens"} & set(skipped(Im2gpsEncoder))
