"""The three blocks of the classical feature vector: tiny image, Lab histogram and gradients.

Every constant is fixed, so that a picture's numbers do not depend on any other picture.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab
from skimage.feature import hog
from skimage.transform import downscale_local_mean, resize

from geobench import Image, geo
from geobench_im2gps.encoder import BINS, BLOCK, CELL, ORIENTATIONS, TINY


def working_picture(image: Image, size: int) -> Image:
    """The picture at size x size pixels; one that has this size already is taken as it is."""
    if image.shape[:2] == (size, size):
        return image
    smaller = resize(  # type: ignore[no-untyped-call]  # skimage is typed in part
        image, (size, size), anti_aliasing=True, preserve_range=True
    )
    return np.asarray(np.clip(np.rint(smaller), 0, 255), dtype=np.uint8)


def features(image: Image, size: int, chroma: float, weights: geo.Floats) -> NDArray[np.float32]:
    """All three blocks of one picture laid end to end, each of length sqrt(weight) (or zero).

    Args:
        image: uint8 (H, W, 3).
        size: side of the working picture, a multiple of 8.
        chroma: the histogram's a and b axes span [-chroma, chroma].
        weights: of the tiny image, the histogram and the gradients, (3,).
    """
    lab = rgb2lab(working_picture(image, size))
    blocks = (tiny_image(lab), lab_histogram(lab, chroma), oriented_gradients(lab))
    scaled = [_unit(block) * root for block, root in zip(blocks, np.sqrt(weights), strict=True)]
    return np.concatenate(scaled).astype(np.float32)


def tiny_image(lab: geo.Floats) -> geo.Floats:
    """An 8 x 8 picture in Lab, centred on mid-grey and in units of 50, (192,) (after Torralba,
    Fergus and Freeman, "80 million tiny images", 2008)."""
    factor = len(lab) // TINY
    # skimage is typed in part
    small = downscale_local_mean(lab, (factor, factor, 1))  # type: ignore[no-untyped-call]
    return np.asarray((small - (50.0, 0.0, 0.0)) / 50.0).ravel()


def lab_histogram(lab: geo.Floats, chroma: float) -> geo.Floats:
    """The square root of the joint histogram of L, a and b, (4 * 14 * 14,): its inner products are
    Bhattacharyya coefficients. What lies beyond the ends is counted in the last bin."""
    low = np.array([0.0, -chroma, -chroma])
    widths = np.array([100.0, 2 * chroma, 2 * chroma]) / BINS
    cells = ((lab.reshape(-1, 3) - low) / widths).astype(np.intp)
    first, second, third = np.clip(cells, 0, np.array(BINS) - 1).T
    flat = (first * BINS[1] + second) * BINS[2] + third
    return np.sqrt(np.bincount(flat, minlength=int(np.prod(BINS))))


def oriented_gradients(lab: geo.Floats) -> geo.Floats:
    """Histograms of oriented gradients of the lightness: 9 orientations, cells of 8 x 8 pixels,
    blocks of 2 x 2 cells (Dalal and Triggs 2005)."""
    return np.asarray(
        hog(
            lab[..., 0] / 100.0,
            orientations=ORIENTATIONS,
            pixels_per_cell=(CELL, CELL),
            cells_per_block=(BLOCK, BLOCK),
        )
    )


def _unit(block: geo.Floats) -> geo.Floats:
    """The block at length 1; one of zeros (a picture without any gradient) stays zero."""
    length = np.linalg.norm(block)
    return block / length if length > 0 else block
