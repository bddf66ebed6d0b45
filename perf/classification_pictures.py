"""The pictures of docs/classification.md: partitions over training photos, attention of six photos.

    python perf/classification_pictures.py partitions
    python perf/classification_pictures.py attention --workspace .

Partitions are fitted anew, in seconds. Attention is that of the geodecoder of a benchmark that
`geobench run` has trained in the workspace; nothing is trained here.
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import geobench
from geobench import Part, Points, config, hashes
from geobench.catalogue import installed
from geobench.figures import world
from geobench.figures.style import BLUE, VERMILION, house_style
from geobench_cells import KeptPartition
from geobench_geodecoder.explanation import Explanation
from geobench_geodecoder.method import GeoDecoder
from geobench_grid.method import Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

log = logging.getLogger("classification_pictures")

BOARD = Path("benchmarks/blue-marble-full.yaml")
SPLIT = "unseen-cells"
PARTITIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "grid": ("adaptive S2", {}),
    "grid-quadtree": ("quadtree with median splits", {"partition": "quadtree"}),
    "grid-k-means": ("spherical k-means", {"partition": "k-means", "cells": 1500}),
    "grid-healpix": ("HEALPix", {"partition": "healpix", "depth": 5}),
}
"""File of a picture -> the partition's name, and how `grid` is told to take it."""

PHOTOS = 6
"""How many photos are explained."""

EUROPE = (34.0, 60.0, -12.0, 30.0)
"""South, north, west and east of the closer look."""


def main() -> None:
    """Draw what is asked for into the folder of the page."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["partitions", "attention"], help="which pictures")
    parser.add_argument("--file", type=Path, default=BOARD, help="the YAML file of the board")
    parser.add_argument("--workspace", type=Path, default=Path(), help="where .geobench/ lies")
    parser.add_argument(
        "--output", type=Path, default=Path("docs/classification"), help="where pictures go"
    )
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    wanted.output.mkdir(parents=True, exist_ok=True)
    with house_style():
        if wanted.what == "partitions":
            draw_partitions(wanted.file, wanted.output)
        else:
            draw_attention(wanted.file, wanted.workspace, wanted.output)


def draw_partitions(file: Path, output: Path) -> None:
    """A picture of each partition, the whole sphere and Europe, over the photos it was made of."""
    (board,) = config.read(file, installed())
    split = next(each.plugin for each in board.splits if each.label == SPLIT)
    train = split.assign(board.dataset.plugin).train.points
    for name, (title, keys) in PARTITIONS.items():
        partition = Grid.Config(**keys).partitions(train)[-1]
        figure = partition_figure(partition, train, title=title)
        save(figure, output / f"{name}.png")


def partition_figure(partition: KeptPartition, photos: Points, *, title: str) -> "Figure":
    """Edges of the cells and the training photos, on an equal-area map and on one of Europe."""
    from matplotlib.figure import Figure

    filled = len(np.unique(partition.assign(photos)))
    figure = Figure(figsize=(8.5, 3.6), layout="constrained")
    figure.suptitle(
        f"{title}: {len(partition):,} cells, {filled:,} with some of {len(photos):,} photos",
        x=0.01,
        ha="left",
        fontweight="bold",
    )
    left = figure.add_subplot(1, 2, 1, projection=world.PROJECTION)
    world.draw_world(left, on_earth=True)
    latitude, longitude = _pixels((-90.0, 90.0, -180.0, 180.0), step=1 / 2)
    edges = cell_edges(partition, latitude, longitude)
    left.pcolormesh(
        np.radians(longitude), np.radians(latitude), edges, cmap=_ink(), rasterized=True
    )
    _dots(left, *world.on_map(photos), size=0.4)
    right = figure.add_subplot(1, 2, 2)
    south, north, west, east = EUROPE
    world.draw_flat_world(right, on_earth=True)
    latitude, longitude = _pixels(EUROPE, step=1 / 12)
    right.imshow(
        cell_edges(partition, latitude, longitude),
        cmap=_ink(),
        extent=(west, east, south, north),
        origin="lower",
        interpolation="none",
    )
    _dots(right, photos[:, 1], photos[:, 0], size=2.0)
    right.set_xlim(west, east)
    right.set_ylim(south, north)
    right.set_aspect(1 / np.cos(np.radians((south + north) / 2)))
    return figure


def draw_attention(file: Path, workspace: Path, output: Path) -> None:
    """What the trained geodecoder looks at in six photos, by level and by scene."""
    (board,) = config.read(file, installed())
    split = next(each.plugin for each in board.splits if each.label == SPLIT)
    seen = next(part for part in split.assign(board.dataset.plugin).parts if part.name == "seen")
    rows = _of_different_scenes(seen)
    table = board.dataset.plugin.table
    pictures = [np.asarray(picture) for picture in board.dataset.plugin.images(rows)]
    trained = geobench.trained(file, "geodecoder", split=SPLIT, workspace=workspace)
    method = trained.method
    assert isinstance(method, GeoDecoder)  # the label of the board
    examples = trained.examples(pictures, ids=table.ids[rows].tolist())
    found = method.explain(examples, trained.context)
    attributes = (table.attributes[name][rows] for name in ("place", "country"))
    names = [f"{place}, {country}" for place, country in zip(*attributes, strict=True)]
    save(levels_figure(found, pictures, names), output / "attention-levels.png")
    save(scenes_figure(found, pictures, names), output / "attention-scenes.png")


def levels_figure(found: Explanation, pictures: list[Any], names: list[str]) -> "Figure":
    """A row per photo: the photo, and where the chosen scene's query of every level looks."""
    from matplotlib.figure import Figure

    levels = found.attention.shape[2]
    figure = Figure(figsize=(1.7 * (levels + 1), 1.7 * len(pictures)), layout="constrained")
    panels = figure.subplots(len(pictures), levels + 1, squeeze=False)
    maps = found.maps[np.arange(len(pictures)), found.chosen]
    for row, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        _bare(panels[row, 0]).imshow(picture)
        panels[row, 0].set_ylabel(name, fontsize=7)
        for level in range(levels):
            axes = _bare(panels[row, level + 1])
            _overlay(axes, picture, maps[row, level], most=maps[row].max())
            if found.attention.shape[-1] > found.tokens:  # the pooled vector is read, too
                elsewhere = 1 - maps[row, level].sum()
                axes.set_xlabel(f"{elsewhere:.0%} on the whole view", fontsize=7)
    for level in range(levels):
        panels[0, level + 1].set_title(f"level {level + 1}", fontsize=8)
    return figure


def scenes_figure(found: Explanation, pictures: list[Any], names: list[str]) -> "Figure":
    """A row per photo: where every scene's query of the finest level looks, the chosen framed."""
    from matplotlib.figure import Figure

    scenes = found.attention.shape[1]
    figure = Figure(figsize=(0.75 * scenes, 0.95 * len(pictures)), layout="constrained")
    panels = figure.subplots(len(pictures), scenes, squeeze=False)
    maps = found.maps[:, :, -1]
    for row, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        panels[row, 0].set_ylabel(name, fontsize=5)
        for scene in range(scenes):
            axes = _bare(panels[row, scene])
            _overlay(axes, picture, maps[row, scene], most=maps[row].max())
            axes.set_xlabel(f"{found.scenes[row, scene]:.0%}", fontsize=6)
            if scene == found.chosen[row]:
                axes.spines[:].set_visible(True)
                axes.spines[:].set_color(VERMILION)
                axes.spines[:].set_linewidth(2)
    for scene in range(scenes):
        name = found.names[scene] if scene < len(found.names) else str(scene)
        panels[0, scene].set_title(name, fontsize=7)
    return figure


def _of_different_scenes(part: Part) -> Any:
    """Rows of the dataset: for each of the first scenes the photo with the smallest hash of id."""
    scenes = part.attributes["scene"]
    order = np.argsort(hashes(part.ids))
    first = [order[scenes[order] == scene][0] for scene in np.unique(scenes)[:PHOTOS]]
    return part.rows[first]


def _overlay(axes: "Axes", picture: Any, attention: Any, *, most: float) -> None:
    """The picture in grey, and over it how much each window is looked at: from dark, not at all,
    to bright, `most`, which is the same for all panels of a photo."""
    height, width = picture.shape[:2]
    axes.imshow(picture.mean(axis=2), cmap="gray", vmin=0, vmax=255)
    axes.imshow(
        attention,
        cmap="magma",
        alpha=0.6,
        vmin=0,
        vmax=most,
        extent=(0, width, height, 0),
        interpolation="bilinear",
    )


def _bare(axes: "Axes") -> "Axes":
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    return axes


def cell_edges(partition: KeptPartition, latitude: Any, longitude: Any) -> Any:
    """Where a pixel's neighbour to the east or the north lies in another cell, (H, W); masked
    where it does not."""
    grid = np.stack(np.meshgrid(latitude, longitude, indexing="ij"), axis=-1)
    cells = partition.assign(grid)
    edges = np.zeros(cells.shape, bool)
    edges[:, :-1] |= cells[:, 1:] != cells[:, :-1]
    edges[:-1] |= cells[1:] != cells[:-1]
    return np.ma.masked_equal(edges.astype(float), 0)


def _pixels(bounds: tuple[float, float, float, float], *, step: float) -> tuple[Any, Any]:
    """Latitudes and longitudes of the middles of pixels."""
    south, north, west, east = bounds
    return (
        np.arange(south + step / 2, north, step),
        np.arange(west + step / 2, east, step),
    )


def _ink() -> Any:
    from matplotlib.colors import ListedColormap

    return ListedColormap([BLUE])


def _dots(axes: "Axes", x: Any, y: Any, *, size: float) -> None:
    axes.scatter(x, y, s=size, color=VERMILION, linewidths=0, zorder=3)


def save(figure: "Figure", path: Path) -> None:
    """Write it, and say so."""
    figure.savefig(path)
    log.info("wrote %s", path)


if __name__ == "__main__":
    main()
