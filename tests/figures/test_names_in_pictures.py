"""Names and numbers in pictures: within the page, and never upon each other."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.optimize import minimize

from drawn_pictures import crowded, drawn, slopes
from geobench.board import tables
from geobench.figures.accuracy import draw_accuracy
from geobench.figures.cost import draw_cost
from geobench.figures.names import number_axis, spread
from geobench.figures.style import house_style


@pytest.mark.parametrize(("count", "length"), [(2, 5), (12, 20), (24, 60)])
@pytest.mark.parametrize("name", ["accuracy", "seen-unseen", "cost"])
def test_names_lie_within_the_picture_and_not_upon_each_other(folder, name, count, length):
    many = crowded(folder, count, length)
    draw = {"accuracy": draw_accuracy, "seen-unseen": slopes, "cost": draw_cost}[name]
    figure = draw(many, stamp="")
    figure.draw_without_rendering()
    heads = [Text.get_window_extent(axes.title).y0 for axes in figure.axes]
    for axes, head in zip(figure.axes, heads, strict=True):
        extents = [Text.get_window_extent(text) for text in axes.texts]
        assert len(extents) == count
        boxes = sorted((extent.y0, extent.y1) for extent in extents)
        assert all(low[1] <= high[0] + 1 for low, high in pairwise(boxes))
        assert all(extent.x1 <= figure.bbox.x1 for extent in extents)
        assert boxes[0][0] >= axes.bbox.y0 - 3
        assert boxes[-1][1] <= max(axes.bbox.y1, head) + 3
        assert axes.bbox.width > 100


def test_every_axis_has_numbers_that_do_not_overlap(folder):
    pictures = [drawn(folder, name) for name in ("accuracy", "seen-unseen", "cost")]
    read = tables.read(folder)
    for scale in (0.4, 1.0, 30.0):  # costs from milliseconds to hours
        costs = [replace(c, value=c.value * scale**c.seed * scale) for c in read.costs]
        pictures.append(draw_cost(tables.Tables(read.rows, [], costs, []), stamp=""))
    narrow = [replace(r, value=3000 + r.value / 10, low=2900.0, high=4100.0) for r in read.rows]
    pictures.append(slopes(tables.Tables(narrow, [], [], []), stamp=""))
    pictures.append(draw_accuracy(crowded(folder, 24, 60), stamp=""))
    for figure in pictures:
        figure.draw_without_rendering()
        for axes in figure.axes:
            for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
                places = [place for place in axis.get_ticklocs() if limits[0] <= place <= limits[1]]
                labels = [text for text in axis.get_ticklabels() if text.get_text()]
                assert len(places) >= 2
                assert len(labels) >= 2
                assert not [text for text in axis.get_ticklabels(minor=True) if text.get_text()]
                boxes = [text.get_window_extent() for text in labels]
                assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize("seed", range(20))
def test_positions_are_spread_as_little_as_possible(seed):
    rng = np.random.default_rng(seed)
    wanted, sizes = np.sort(rng.uniform(0, 1, 6)), rng.uniform(0.05, 0.15, 6)
    gaps = (sizes[1:] + sizes[:-1]) / 2
    found = spread(wanted, sizes)
    assert (np.diff(found) >= gaps - 1e-9).all()
    assert found[0] >= sizes[0] / 2 - 1e-9
    assert found[-1] <= 1 - sizes[-1] / 2 + 1e-9
    limits = [
        {"type": "ineq", "fun": lambda x: np.diff(x) - gaps},
        {"type": "ineq", "fun": lambda x: x[0] - sizes[0] / 2},
        {"type": "ineq", "fun": lambda x: 1 - sizes[-1] / 2 - x[-1]},
    ]
    best = minimize(lambda x: ((x - wanted) ** 2).sum(), found, constraints=limits, tol=1e-12)
    assert ((found - wanted) ** 2).sum() <= best.fun + 1e-9


@pytest.mark.parametrize("low", [0.000_123, 0.0034, 0.04, 0.9, 3.0, 99.0, 1234.0, 45_678.0, 9e6])
@pytest.mark.parametrize("ratio", [1.001, 1.3, 3.0, 8.0, 40.0, 1000.0])
@pytest.mark.parametrize("width", [1.0, 1.6, 3.5])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_numbers_below_a_panel_do_not_overprint_however_narrow_it_is(
    low, ratio, width, logarithmic
):
    with house_style():
        figure = Figure(figsize=(5, 2))
        axes = figure.add_axes((0.2, 0.3, width / 5, 0.6))
        if logarithmic:
            axes.set_xscale("log")
        axes.set_xlim(low, low * ratio)
        number_axis(axes, "x", low, low * ratio, most=5, logarithmic=logarithmic)
        figure.draw_without_rendering()
        assert axes.get_xlim() == pytest.approx((low, low * ratio))
        labels = [text for text in axes.get_xticklabels() if text.get_text()]
        assert len(labels) >= 2
        boxes = [text.get_window_extent() for text in labels]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))
