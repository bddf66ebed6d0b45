"""Smooth coloured pictures, and what the encoder im2gps makes of one."""

import numpy as np

from geobench_im2gps.encoder import Im2gpsEncoder, Im2gpsEncoderConfig


def picture(seed, shape=(48, 48)):
    """A smooth coloured picture with some noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] / max(shape)
    waves = [np.sin(6 * (rows * a + columns * b) + c) for a, b, c in rng.uniform(-1, 1, (3, 3))]
    noisy = np.stack(waves, -1) * 60 + rng.integers(60, 190, 3) + rng.normal(0, 5, (*shape, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def mirrored(image):
    return np.ascontiguousarray(image[:, ::-1])


def encoded(image, config, *, tokens):
    encoder = Im2gpsEncoder(Im2gpsEncoderConfig(**config))
    return encoder.encode(encoder.prepare(image)[None], tokens=tokens)


def pooled(image, **config):
    """The picture's pooled features, (D,)."""
    return encoded(image, config, tokens=False).pooled[0]


def tokens(image, **config):
    """The picture's tokens, (T, E)."""
    return encoded(image, config, tokens=True).tokens[0]
