"""Where texts speak of, as heat maps of the world: `locate_text` of a method with a text encoder.

    python perf/text_maps.py released.yaml geoclip
    python perf/text_maps.py released.yaml geoclip "a fjord" "a rice terrace" --output maps.png

The file is a benchmark that `geobench run` has run in the workspace, with an encoder of texts, such
as `open-clip`, and a method that reads pooled features; docs/geoclip.md shows one with GeoCLIP's
released weights. Colours are the density of the answer, with one scale for all texts; a cross is
the place that answers.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import geobench
from geobench import Density, GeobenchError, PluginError, Prediction
from geobench.figures import world
from geobench.figures.style import VERMILION, house_style
from geobench.predictions import LOG_UNIFORM

log = logging.getLogger("text_maps")

QUERIES = (
    "a photo taken in Kenya",
    "a photo of the Sahara",
    "a beach on a tropical island",
    "a snowy mountain village in the Alps",
    "a street in Tokyo at night",
)
COLUMNS = 2


def main() -> int:
    """Draw the maps; 2 for a method that cannot answer texts."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="the YAML file of the benchmark")
    parser.add_argument("label", help="of the method")
    parser.add_argument("texts", nargs="*", help="what to look for; five queries if left out")
    parser.add_argument("--split", help="of which training, where there are several splits")
    parser.add_argument("--workspace", type=Path, default=Path(), help="where .geobench/ lies")
    parser.add_argument("--output", type=Path, default=Path("texts.png"), help="the picture")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    texts = wanted.texts or list(QUERIES)
    try:
        trained = geobench.trained(
            wanted.file, wanted.label, split=wanted.split, workspace=wanted.workspace
        )
        figure = heat_maps(texts, trained.locate_text(texts))
    except GeobenchError as error:
        log.error("error: %s", error)
        return 2
    wanted.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(wanted.output, dpi=150)
    log.info("wrote %s", wanted.output)
    return 0


def heat_maps(texts: Sequence[str], said: Prediction) -> Figure:
    """A map of the world for each text.

    Raises:
        PluginError: the answers are points, without a density.
    """
    if not isinstance(said, Density):
        raise PluginError("the method answers with points, and a heat map shows a density")
    latitude, longitude, densities = log_densities(said)
    high = max(float(densities.max()), LOG_UNIFORM + 3)
    with house_style():
        rows = -(-len(texts) // COLUMNS)
        figure = Figure(figsize=(8.5, 2.35 * rows + 0.5), layout="constrained")
        mesh = None
        for number, text in enumerate(texts):
            axes = figure.add_subplot(rows, COLUMNS, number + 1, projection=world.PROJECTION)
            world.draw_world(axes, on_earth=True)
            axes.set_title(text, fontsize=9, loc="center")
            shown = np.ma.masked_less(densities[number], LOG_UNIFORM)
            mesh = axes.pcolormesh(
                np.radians(longitude),
                np.radians(latitude),
                shown,
                cmap="YlGnBu",
                vmin=LOG_UNIFORM,
                vmax=high,
                rasterized=True,
            )
            axes.plot(*world.on_map(said.point()[number]), "x", color=VERMILION, ms=6, mew=1.5)
        if mesh is not None:
            figure.colorbar(
                mesh,
                ax=figure.axes,
                orientation="horizontal",
                shrink=0.6,
                aspect=50,
                label="log-density, nats per steradian; below the uniform's: no colour",
            )
    return figure


def log_densities(
    said: Density, step: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes (H,) and longitudes (W,) of the middles of pixels, in degrees, and the
    log-densities (N, H, W) there, nats per steradian."""
    latitude = np.arange(-90 + step / 2, 90, step)
    longitude = np.arange(-180 + step / 2, 180, step)
    grid = np.stack(np.meshgrid(latitude, longitude, indexing="ij"), axis=-1).reshape(1, -1, 2)
    every = np.broadcast_to(grid, (len(said), grid.shape[1], 2))
    found = said.log_prob(every).reshape(len(said), len(latitude), len(longitude))
    return latitude, longitude, found


if __name__ == "__main__":
    sys.exit(main())
