"""Large pictures: quick, and with features close to those of the picture at full size."""

import time

import numpy as np
import pytest
from PIL import Image as PillowImage
from skimage.transform import resize

from geobench_im2gps.encoder import Im2gpsEncoder, Im2gpsEncoderConfig
from geobench_im2gps.views import working_picture


def scene(height, width, seed=0):
    """Something at every scale: octaves of noise, the coarser the stronger."""
    rng = np.random.default_rng(seed)
    total = np.full((height, width, 3), 128.0)
    for cells in (4, 16, 64, 256):
        coarse = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        octave = PillowImage.fromarray(coarse).resize((width, height))
        total += (np.asarray(octave) - 128.0) / cells**0.4
    return np.clip(total, 0, 255).astype(np.uint8)


def at_once(image, size):
    """The working picture as it is made of small pictures, and was of all."""
    found = resize(image, (size, size), anti_aliasing=True, preserve_range=True)
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "shape", [(37, 100), (480, 640), (1000, 1000), (1024, 1024), (3000, 300), (1, 1), (48, 48)]
)
def test_pictures_up_to_a_megapixel_are_resized_at_once_to_the_bit(shape):
    image = scene(*shape)
    expected = image if shape == (48, 48) else at_once(image, 48)
    np.testing.assert_array_equal(working_picture(image, 48), expected)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((1024, 1025), 48), ((1000, 1500), 128), ((450, 2500), 64), ((2500, 450), 64)],
)
def test_a_large_picture_keeps_its_working_picture_but_for_a_few_grey_levels(shape, size):
    image = scene(*shape)
    apart = np.abs(working_picture(image, size).astype(int) - at_once(image, size))
    assert apart.mean() < 0.5
    assert apart.max() <= 6


def test_a_large_picture_keeps_its_features():
    encoder = Im2gpsEncoder()
    (pooled,) = encoder.shape("pooled")
    image = scene(1050, 1400)
    found = encoder.prepare(image)[:pooled]
    expected = encoder.prepare(at_once(image, 48))[:pooled]
    assert found @ expected > 0.99  # both of length 1
    other = encoder.prepare(scene(1050, 1400, seed=1))[:pooled]
    assert found @ other < 0.9


@pytest.mark.parametrize("views", [1, 10])
def test_sixteen_megapixels_take_a_fraction_of_a_second(views):
    encoder = Im2gpsEncoder(Im2gpsEncoderConfig(views=views))
    image = np.tile(scene(864, 1152), (4, 4, 1))
    encoder.prepare(image[:100, :100])  # what is imported late
    begin = time.process_time()
    encoder.prepare(image)
    assert time.process_time() - begin < 0.3 * (1 if views == 1 else 6)
