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
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import geobench
from geobench import EqualAreaGrid, GeobenchError, Prediction
from geobench.figures import world
from geobench.figures.style import VERMILION, house_style
from geobench.geo import Floats
from geobench.run.cell_densities import cell_log_densities

log = logging.getLogger("text_maps")

QUERIES = (
    "a photo taken in Kenya",
    "a photo of the Sahara",
    "a beach on a tropical island",
    "a snowy mountain village in the Alps",
    "a street in Tokyo at night",
)
COLUMNS = 2
DRAWS = 50_000
"""Of each text, where draws tell the density."""
GRID = EqualAreaGrid(90)
"""The cells that are coloured, 220 km wide."""
LEAST = 2
"""Times the uniform density, at which colours begin: ten draws in a cell; fewer may be chance."""
UNIFORM = 1 / (4 * np.pi)
TICKS = (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""On the scale of colours, times the uniform density."""


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
    """A map of the world for each text."""
    densities = cell_densities(said)
    answers = said.point()
    high = max(float(densities.max()), 20 * UNIFORM)
    with house_style():
        rows = -(-len(texts) // COLUMNS)
        figure = Figure(figsize=(8.5, 2.5 * rows + 0.7), layout="constrained")
        for number, text in enumerate(texts):
            axes = figure.add_subplot(rows, COLUMNS, number + 1, projection=world.PROJECTION)
            world.draw_world(axes, on_earth=True)
            axes.set_title(text, fontsize=9, loc="center")
            shown = np.flatnonzero(densities[number] > LEAST * UNIFORM)
            colours = LogNorm(LEAST * UNIFORM, high)
            mesh = world.draw_cells(
                axes, GRID, shown, densities[number][shown], cmap="YlGnBu", norm=colours
            )
            axes.plot(*world.on_map(answers[number]), "x", color=VERMILION, ms=6, mew=1.5)
        bar = figure.colorbar(
            mesh,
            ax=figure.axes,
            orientation="horizontal",
            shrink=0.6,
            aspect=50,
            label="times the uniform density",
        )
        bar.minorticks_off()
        ticks = [times for times in TICKS if times * UNIFORM <= high]
        bar.set_ticks([times * UNIFORM for times in ticks], labels=[f"{t:,}" for t in ticks])
    return figure


def cell_densities(said: Prediction) -> Floats:
    """The mean density over each cell of GRID, (N, cells), per steradian."""
    rng = np.random.default_rng(0)
    return np.asarray(np.exp(cell_log_densities(said, GRID, rng, draws=DRAWS)))


if __name__ == "__main__":
    sys.exit(main())
