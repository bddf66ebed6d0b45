"""The tokens of the encoder im2gps: what each window of a picture gives, and nothing around it."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from geobench_im2gps.encoder import Im2gpsEncoder, Im2gpsEncoderConfig
from wavy_pictures import picture, pooled, tokens

COLOURS, HISTOGRAM, GRADIENTS = slice(0, 12), slice(12, 112), slice(112, 148)
CORNERS = [(8 * i, 8 * j) for i in range(5) for j in range(5)]
"""The first row and column of each window of 16 x 16 pixels, in the order of tokens."""


def rows_of_length_one(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(("size", "count"), [(16, 1), (24, 4), (48, 25), (64, 49)])
def test_the_encoder_knows_the_shapes_of_its_features_beforehand(size, count):
    encoder = Im2gpsEncoder(Im2gpsEncoderConfig(size=size))
    prepared = np.stack([encoder.prepare(picture(seed, (37, 100))) for seed in range(3)])
    found = encoder.encode(prepared, tokens=True)
    assert encoder.shape("tokens") == (count, 148)
    assert found.tokens.shape == (3, count, 148)
    assert found.pooled.shape == (3, *encoder.shape("pooled"))
    assert found.tokens.dtype == np.float32
    assert Im2gpsEncoder().shape("pooled") == (1876,)


def test_every_token_has_the_weights_of_the_config():
    found = tokens(picture(0), tiny_weight=1, histogram_weight=2, gradient_weight=5)
    squares = found.astype(np.float64) ** 2
    parts = [squares[:, part].sum(axis=1) for part in (COLOURS, HISTOGRAM, GRADIENTS)]
    np.testing.assert_allclose(parts, np.outer([1 / 8, 2 / 8, 5 / 8], np.ones(25)), atol=1e-6)


def test_colours_are_the_means_of_the_four_cells_of_a_window():
    found = tokens(picture(1), histogram_weight=0, gradient_weight=0)[:, COLOURS]
    lab = rgb2lab(picture(1)) - [50, 0, 0]
    expected = [
        [lab[top + i : top + i + 8, left + j : left + j + 8].mean(axis=(0, 1)) for i, j in CELLS]
        for top, left in CORNERS
    ]
    expected = np.reshape(expected, (25, 12))
    np.testing.assert_allclose(found, rows_of_length_one(expected), atol=1e-6)


CELLS = [(0, 0), (0, 8), (8, 0), (8, 8)]


@pytest.mark.parametrize("chroma", [8.0, 32.0, 110.0])
def test_the_histogram_of_a_window_agrees_with_numpy(chroma):
    found = tokens(picture(3), chroma=chroma, tiny_weight=0, gradient_weight=0)[:, HISTOGRAM]
    lab = rgb2lab(picture(3))
    lab[..., 1:] = np.clip(lab[..., 1:], -chroma * (1 - 1e-9), chroma * (1 - 1e-9))
    edges = [(0, 100), (-chroma, chroma), (-chroma, chroma)]
    for token, (top, left) in zip(found, CORNERS, strict=True):
        window = lab[top : top + 16, left : left + 16].reshape(-1, 3)
        counts, _ = np.histogramdd(window, bins=(4, 5, 5), range=edges)
        np.testing.assert_allclose(token, np.sqrt(counts / 256).ravel(), atol=1e-6)


def test_gradients_are_the_blocks_of_the_pooled_features():
    found = tokens(picture(4), tiny_weight=0, histogram_weight=0)[:, GRADIENTS]
    blocks = pooled(picture(4))[976:].reshape(25, 36)
    np.testing.assert_allclose(found, rows_of_length_one(blocks), atol=1e-6)


def test_a_token_tells_its_own_window_alone():
    painted = picture(5)
    painted[:8, :8] = (250, 20, 130)
    changed = tokens(painted) != tokens(picture(5))
    assert np.flatnonzero(changed[:, :112].any(axis=1)).tolist() == [0]
    # A gradient at the edge of a cell reads the next pixel, so that two neighbours see the paint.
    assert np.flatnonzero(changed.any(axis=1)).tolist() == [0, 1, 5]


@pytest.mark.parametrize("value", [0, 119, 255])
def test_a_picture_without_any_structure_has_finite_tokens(value):
    found = tokens(np.full((48, 48, 3), value, np.uint8))
    assert np.isfinite(found).all()
    assert (found == found[0]).all()
    assert not found[:, GRADIENTS].any()
    np.testing.assert_allclose(np.linalg.norm(found[:, HISTOGRAM], axis=1), np.sqrt(0.75))


def test_pooled_features_do_not_depend_on_whether_tokens_are_wanted():
    encoder = Im2gpsEncoder()
    prepared = encoder.prepare(picture(6))[None]
    both, alone = (encoder.encode(prepared, tokens=wanted) for wanted in (True, False))
    assert alone.tokens is None
    np.testing.assert_array_equal(both.pooled, alone.pooled)
    assert not np.shares_memory(alone.pooled, prepared)
