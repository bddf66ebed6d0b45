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
from geobench import Points, config
from geobench.catalogue import installed
from geobench.figures import world
from geobench.figures.style import BLUE, VERMILION, house_style
from geobench_cells.kept import KeptPartition

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

log = logging.getLogger("classification_pictures")

BOARD = Path("benchmarks/blue-marble-cells.yaml")
SPLIT = "unseen-cells"
ROWS = {
    "grid": "adaptive S2",
    "grid-quadtree": "quadtree with median splits",
    "grid-k-means": "spherical k-means",
    "grid-healpix": "HEALPix",
}
"""The board's rows whose partitions are drawn, and what these are called."""

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
    configured = {each.label: each.plugin.config for each in board.methods}
    for label, title in ROWS.items():
        partition = configured[label].partitions(train)[-1]
        figure = partition_figure(partition, train, title=title)
        save(figure, output / f"{label}.png")


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
    latitude, longitude = _pixels((-90.0, 90.0, -180.0, 180.0), step=1 / 8)
    edges = cell_edges(partition, latitude, longitude)
    left.pcolormesh(
        np.radians(longitude), np.radians(latitude), edges, cmap=_ink(), rasterized=True
    )
    _dots(left, *world.on_map(photos), size=0.4)
    right = figure.add_subplot(1, 2, 2)
    south, north, west, east = EUROPE
    world.draw_flat_world(right, on_earth=True)
    latitude, longitude = _pixels(EUROPE, step=1 / 40)
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
