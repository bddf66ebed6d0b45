"""The three blocks of the classical feature vector: tiny image, Lab histogram and gradients.

Every constant is fixed, so that a picture's numbers do not depend on any other picture.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog
from skimage.transform import downscale_local_mean

from geobench import geo
from geobench_im2gps.encoder import BINS, BLOCK, CELL, ORIENTATIONS, TINY

GREY, UNIT = (50.0, 0.0, 0.0), 50.0
"""Colours are centred on this one in Lab, and in this unit."""


def pooled(lab: geo.Floats, gradients: geo.Floats, chroma: float, roots: geo.Floats) -> geo.Floats:
    """All three blocks of one picture laid end to end, each of length sqrt(weight) (or zero).

    Args:
        lab: the working picture, (S, S, 3), S a multiple of 8.
        gradients: what `oriented_gradients` makes of it.
        chroma: the histogram's a and b axes span [-chroma, chroma].
        roots: square roots of the weights of tiny image, histogram and gradients, (3,).
    """
    blocks = (tiny_image(lab), lab_histogram(lab, chroma), gradients.ravel())
    return np.concatenate([_unit(block) * root for block, root in zip(blocks, roots, strict=True)])


def tiny_image(lab: geo.Floats) -> geo.Floats:
    """An 8 x 8 picture in Lab, centred on mid-grey and in units of 50, (192,) (after Torralba,
    Fergus and Freeman, "80 million tiny images", 2008)."""
    factor = len(lab) // TINY
    # skimage is typed in part
    small = downscale_local_mean(lab, (factor, factor, 1))  # type: ignore[no-untyped-call]
    return np.asarray((small - GREY) / UNIT).ravel()


def lab_histogram(lab: geo.Floats, chroma: float) -> geo.Floats:
    """The square root of the joint histogram of L, a and b, (4 * 14 * 14,): its inner products are
    Bhattacharyya coefficients. What lies beyond the ends is counted in the last bin."""
    flat = colour_bins(lab, chroma, BINS)
    return np.sqrt(np.bincount(flat, minlength=int(np.prod(BINS))))


def colour_bins(lab: geo.Floats, chroma: float, bins: tuple[int, int, int]) -> NDArray[np.intp]:
    """The bin of every pixel in a joint histogram of L, a and b, row by row, (S * S,)."""
    # One colour axis after another, each in one piece: far faster than pixel by pixel.
    axes = np.array(lab.reshape(-1, 3).T, order="C")
    low = np.array([[0.0], [-chroma], [-chroma]])
    count = np.array(bins)[:, None]
    axes -= low
    axes /= np.array([[100.0], [2 * chroma], [2 * chroma]]) / count
    cells = axes.astype(np.intp)
    np.maximum(cells, 0, out=cells)
    np.minimum(cells, count - 1, out=cells)
    return np.asarray((cells[0] * bins[1] + cells[1]) * bins[2] + cells[2])


def oriented_gradients(lab: geo.Floats) -> geo.Floats:
    """Histograms of oriented gradients of the lightness: 9 orientations, cells of 8 x 8 pixels,
    blocks of 2 x 2 cells (Dalal and Triggs 2005), (rows, columns, 36) of the blocks."""
    found = hog(
        lab[..., 0] / 100.0,
        orientations=ORIENTATIONS,
        pixels_per_cell=(CELL, CELL),
        cells_per_block=(BLOCK, BLOCK),
        feature_vector=False,
    )
    return np.asarray(found).reshape(*found.shape[:2], -1)


def _unit(block: geo.Floats) -> geo.Floats:
    """The block at length 1; one of zeros (a picture without any gradient) stays zero."""
    length = np.linalg.norm(block)
    return block / length if length > 0 else block
