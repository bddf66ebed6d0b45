"""A map with nothing to show says so, and one with something says nothing of the kind."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from geobench import figures
from geobench.board.comparison import Nearer
from geobench.figures.maps import Errors, draw_errors, draw_split
from geobench.toy_planet import ToyPlanet

GROUND = {"stamp": "here", "on_earth": True}


def ids(count):
    return np.array([f"p{number}" for number in range(count)], dtype=str)


def places(count):
    return np.random.default_rng(count).uniform(-60, 60, (count, 2))


def said(figure):
    """What is written on each of the maps of a figure, once it could be saved."""
    figure.savefig(io.BytesIO(), format="png")
    return [[text.get_text() for text in axes.texts] for axes in figure.axes]


def nearer(count, points=None):
    points = places(count) if points is None else points
    zeros = np.zeros(count)
    found = Nearer("a", "b", ids(count), points, zeros, zeros + 5)
    return figures.draw_nearer(found, part="p/q", **GROUND)


def test_of_no_photos_both_maps_of_a_comparison_say_why_they_are_empty():
    assert said(nearer(0)) == [["no photos"], ["no cell has 5 photos"]]


@pytest.mark.parametrize("count", [1, 4])
def test_where_no_cell_has_photos_enough_its_map_says_so_and_has_no_colour_bar(count):
    assert said(nearer(count, np.tile([48.0, 2.0], (count, 1)))) == [[], ["no cell has 5 photos"]]


def test_where_a_cell_has_photos_enough_nothing_is_said():
    # The third are the axes of the colour bar.
    assert said(nearer(5, np.tile([48.0, 2.0], (5, 1)))) == [[], [], []]


def test_a_map_of_the_errors_of_no_photo_says_so_beside_one_that_has_some():
    shown = [Errors("a", places(count), np.ones(count), None) for count in (0, 3)]
    figure = draw_errors(shown, part="p/q", whole=True, **GROUND)
    assert said(figure)[:2] == [["no photos"], []]


def test_names_with_signs_of_formulas_are_written_as_they_are():
    found = Nearer(r"$\frac$", "$x$", ids(9), places(9), np.zeros(9), np.ones(9) + 5)
    figure = figures.draw_nearer(found, part="p/$q$", **GROUND)
    said(figure)
    assert figure.texts[0].get_text() == r"p/$q$: where $\frac$ or $x$ is nearer"
    assert not any(text.get_parse_math() for text in [*figure.texts, *figure.legends[0].texts])


@pytest.mark.parametrize(("count", "text"), [(0, ["no photos"]), (3, [])])
def test_a_map_of_a_split_without_photos_says_so(count, text):
    role = np.full(count, "test")
    figure = draw_split(places(count), role, tested=["test"], split="s", whole=True, **GROUND)
    assert said(figure) == [text]
    assert len(figure.legends) == (count > 0)


@pytest.mark.parametrize(("count", "text"), [(0, ["no photos"]), (3, [])])
def test_a_map_of_an_audit_without_photos_says_so(count, text):
    table = ToyPlanet(ToyPlanet.Config(photos=50)).table.take(np.arange(count))
    dataset = SimpleNamespace(table=table, name="mine", digest="0" * 64, on_earth=True)
    audit = SimpleNamespace(dataset=dataset, doubtful=[], leaking=[])
    assert said(figures.draw_dataset(audit)) == [text]
