"""Long names in pictures: whole where there is room, and no two alike."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from drawn_pictures import slopes
from geobench.board import tables
from geobench.figures.accuracy import draw_accuracy
from geobench.figures.cost import draw_cost
from geobench.figures.curves import GROUPS, draw_curves
from geobench.figures.maps import Errors, draw_errors
from geobench.figures.short_names import ABOVE, BESIDE, short_names, shortened
from geobench.readable import number

FEW_LETTERS = st.text("ab-", min_size=1, max_size=150)


@given(st.lists(FEW_LETTERS, max_size=40), st.sampled_from([BESIDE, ABOVE]))
def test_no_two_names_are_written_alike_and_none_is_too_long(names, most):
    found = short_names(names, most=most)
    assert list(found) == list(dict.fromkeys(names))
    assert len({*found.values()}) == len(found)
    assert all(len(short) <= most for short in found.values())
    assert all(short == name for name, short in found.items() if len(name) <= most)


@given(st.lists(st.text("ab", min_size=60, max_size=60), min_size=2, max_size=300, unique=True))
def test_many_names_that_differ_in_the_middle_are_told_apart(middles):
    names = [f"{'start' * 10}{middle}{'end' * 10}" for middle in middles]
    assert len({*short_names(names).values()}) == len(names)


def test_names_that_would_be_alike_show_where_they_differ():
    long = [f"{'a' * 40}-with-{what}-{'z' * 40}" for what in ("dropout", "noise")]
    assert [len(shortened(name)) for name in long] == [26, 26]
    assert list(short_names(long).values()) == [
        "aaaaaaaa\N{HORIZONTAL ELLIPSIS}-dropout\N{HORIZONTAL ELLIPSIS}zzzzzzzz",
        "aaaaaaaa\N{HORIZONTAL ELLIPSIS}-noise-z\N{HORIZONTAL ELLIPSIS}zzzzzzzz",
    ]


def lengthened(folder):
    """The tables, with labels and parts whose shortened forms would be one."""
    read = tables.read(folder)

    def longer(rows):
        return [
            replace(
                row,
                part=f"{'p' * 60}-{row.part.replace('/', 'q' * 60 + '/')}",
                label=f"{'x' * 60}-{row.label}-{'y' * 60}",
            )
            for row in rows
        ]

    return tables.Tables(longer(read.rows), longer(read.curves), longer(read.costs), [])


@pytest.mark.parametrize("name", ["accuracy", "cost", "seen-unseen", "novelty"])
def test_long_names_lie_whole_within_the_picture_and_none_is_twice(folder, name):
    draw = {"accuracy": draw_accuracy, "cost": draw_cost, "seen-unseen": slopes}.get(
        name, lambda read, *, stamp: draw_curves(read, GROUPS[0], stamp=stamp)
    )
    figure = draw(lengthened(folder), stamp="b" * 400 + ", digest 0123")
    figure.draw_without_rendering()
    for axes in figure.axes:
        named = [text.get_text().split("\n")[0] for text in axes.texts]
        assert len({*named}) == len(named) > 0
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len({*titles}) == len(titles)
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    for text in [*texts, *(axes._left_title for axes in figure.axes)]:
        extent = Text.get_window_extent(text)
        assert extent.x0 >= figure.bbox.x0, text
        assert extent.x1 <= figure.bbox.x1, text


LONG = [f"vendor{n}_model-12-instruct-2025-preview" for n in range(17)]
KINDS = {
    "models": LONG,
    "wide": ["W" * 200 + str(n) for n in range(5)],
    "one": LONG[:1],
    "three": ["uniform", *LONG[:2]],
    "differ in the middle": [f"{'a' * 40}-{n}-{'z' * 40}" for n in range(4)],
}


@pytest.mark.parametrize("median", [None, 3.25, 12_345.6])
@pytest.mark.parametrize("kind", KINDS)
def test_titles_of_error_maps_are_whole_apart_and_not_alike(kind, median):
    labels = KINDS[kind]
    points = np.array([[10.0, 20.0]])
    found = [Errors(label, points, np.array([5.0]), median) for label in labels]
    figure = draw_errors(found, part="official/test", stamp="", whole=True, on_earth=False)
    figure.draw_without_rendering()
    titles = [axes.title for axes in figure.axes[: len(labels)]]
    written = [title.get_text() for title in titles]
    assert len({*written}) == len(labels)
    if median is not None:
        assert all(text.endswith(f": median {number(median)} km") for text in written)
    boxes = [Text.get_window_extent(title) for title in titles]
    for box in boxes:
        assert box.x0 >= figure.bbox.x0
        assert box.x1 <= figure.bbox.x1
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    if kind == "one":
        assert labels[0] in written[0]
