"""Tokens: local descriptors of a picture's overlapping windows, from what its blocks are made of.

A window is a block of the oriented gradients: 2 x 2 cells of 8 x 8 pixels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import geo
from geobench_im2gps.blocks import GREY, UNIT, colour_bins
from geobench_im2gps.encoder import CELL, WINDOW_BINS


def tokens(lab: geo.Floats, gradients: geo.Floats, chroma: float, roots: geo.Floats) -> geo.Floats:
    """One descriptor of each window, (rows, columns, 148): colours of its cells, histogram and
    gradients, each of length sqrt(weight) (or zero).

    Args:
        lab: the working picture, (S, S, 3).
        gradients: what `blocks.oriented_gradients` makes of it.
        chroma: the histogram's a and b axes span [-chroma, chroma].
        roots: square roots of the weights of colours, histogram and gradients, (3,).
    """
    parts = (cell_colours(lab), window_histograms(lab, chroma), gradients)
    scaled = [_unit(part) * root for part, root in zip(parts, roots, strict=True)]
    return np.concatenate(scaled, axis=-1)


def cell_colours(lab: geo.Floats) -> geo.Floats:
    """The mean colours of a window's four cells, in the units of the tiny image, (.., .., 12)."""
    cells = len(lab) // CELL
    by_row = lab.reshape(cells, CELL, cells * CELL, 3).sum(axis=1)
    means = by_row.reshape(cells, cells, CELL, 3).sum(axis=2) / CELL**2
    return np.concatenate(_four((means - GREY) / UNIT), axis=-1)


def window_histograms(lab: geo.Floats, chroma: float) -> geo.Floats:
    """The square root of each window's joint histogram of L, a and b, (.., .., 100)."""
    cells, bins = len(lab) // CELL, int(np.prod(WINDOW_BINS))
    # One count for all cells: the bins of cell n begin at n * bins.
    first = (bins * np.arange(cells**2)).reshape(cells, 1, cells, 1)
    flat = colour_bins(lab, chroma, WINDOW_BINS).reshape(cells, CELL, cells, CELL) + first
    counts = np.bincount(flat.ravel(), minlength=bins * cells**2).reshape(cells, cells, bins)
    return np.asarray(np.sqrt(np.sum(_four(counts), axis=0)))


def _four(cells: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The values of the four cells of each window, from those of all cells."""
    return cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]


def _unit(rows: geo.Floats) -> geo.Floats:
    """Each row at length 1; one of zeros stays zero."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
