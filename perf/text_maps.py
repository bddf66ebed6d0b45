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
from numpy.typing import NDArray

import geobench
from geobench import GeobenchError, Prediction, geo
from geobench.figures import world
from geobench.figures.style import VERMILION, house_style

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
"""Of each text."""
FEWEST = 6
"""Draws in a pixel that is coloured: fewer may be there by chance."""
STEP = 2.0
"""Degrees on each side of a pixel."""
LATITUDES, LONGITUDES = np.arange(-90, 90.1, STEP), np.arange(-180, 180.1, STEP)
"""The edges of pixels."""
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
    densities = pixel_densities(said)
    answers = said.point()
    high = max(float(densities.max()), 20 * UNIFORM)
    with house_style():
        rows = -(-len(texts) // COLUMNS)
        figure = Figure(figsize=(8.5, 2.5 * rows + 0.7), layout="constrained")
        for number, text in enumerate(texts):
            axes = figure.add_subplot(rows, COLUMNS, number + 1, projection=world.PROJECTION)
            world.draw_world(axes, on_earth=True)
            axes.set_title(text, fontsize=9, loc="center")
            mesh = axes.pcolormesh(
                np.radians(LONGITUDES),
                np.radians(LATITUDES),
                np.ma.masked_where(drawn_by_chance(densities[number]), densities[number]),
                cmap="YlGnBu",
                norm=LogNorm(2 * UNIFORM, high),
                rasterized=True,
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


def pixel_densities(said: Prediction) -> NDArray[np.float64]:
    """The share of DRAWS draws in each pixel by its area, (N, H, W), per steradian: a mean over the
    pixel, whatever is narrower than it."""
    drawn = geo.wrap(said.sample(DRAWS, np.random.default_rng(0)))
    counts = [
        np.histogram2d(each[:, 0], each[:, 1], bins=(LATITUDES, LONGITUDES))[0] for each in drawn
    ]
    return np.asarray(np.stack(counts) / DRAWS / areas(), dtype=np.float64)


def drawn_by_chance(density: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pixels (H, W) are left without colour: near the uniform density, or of few draws."""
    return (density < 2 * UNIFORM) | (density * areas() * DRAWS < FEWEST - 0.5)


def areas() -> NDArray[np.float64]:
    """Of the pixels of each row, in steradians, (H, 1)."""
    return np.asarray(np.diff(np.sin(np.radians(LATITUDES)))[:, None] * np.radians(STEP))


if __name__ == "__main__":
    sys.exit(main())
