"""The pictures of a board as figure objects, and the tables that they are of."""

from dataclasses import replace

import pandas

from geobench import figures
from geobench.board import tables
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.figures.slopes import draw_slopes, seen_pairs
from geobench.names import CEILING

YAML = """
benchmarks:
  - name: toy-pictures
    dataset: {name: toy-planet, photos: 400}
    splits: [random, unseen-cells]
    methods: [uniform, {name: prior, label: the prior}]
    metrics: [distance, {name: accuracy, radii_km: [200, 750, 2500]}, geoscore]
    seeds: [0, 1]
"""


LABELS = {"uniform", "the prior", CEILING}


def drawn(folder, name):
    """The figure object of a picture, drawn from a leaderboard's files."""
    board = Leaderboard(folder, installed())
    planned = {picture.name: picture for picture in figures.planned(board, tables.read(folder))}
    return planned[name].draw()


def panels(figure):
    return {axes.get_title(loc="left") or axes.get_title(): axes for axes in figure.axes}


def numbers(folder, name):
    """A table; of table.csv the rows about all photos, each of which counts once."""
    table = pandas.read_csv(folder / name, keep_default_na=False, na_values=[""])
    if name == "table.csv":
        table = table[(table["slice"] == "all") & (table.average == "photo")]
        table = table[~table.summary.str.endswith(("gap", "part-difference"))]
    return table


def lines(axes):
    return {line.get_label(): line for line in axes.lines if line.get_label() in LABELS}


def slopes(read, *, stamp):
    return draw_slopes(read, seen_pairs(read), title="Slopes", stamp=stamp)


def crowded(folder, count, length):
    """The tables of the leaderboard, with `count` methods of names of `length` letters."""
    read = tables.read(folder)

    def crowd(rows):
        return [
            replace(row, label=f"{n}-{'x' * (length - len(str(n)) - 1)}")
            for row in rows
            if row.label == "uniform"
            for n in range(count)
        ]

    return tables.Tables(crowd(read.rows), crowd(read.curves), crowd(read.costs), [])
