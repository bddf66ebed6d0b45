"""The pictures of docs/locdiffusion.md: what a code stands for, and what is left of it in noise.

    python perf/locdiffusion_pictures.py

Nothing is trained; both pictures are made of the harmonics and the decoder alone, in seconds.
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from geobench import EqualAreaGrid, Points, geo
from geobench.figures import world
from geobench.figures.style import BLUE, VERMILION, house_style
from geobench_locdiffusion.codes import encode
from geobench_locdiffusion.decoder import Decoder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger("locdiffusion_pictures")

PLACE: Points = np.array([[46.95, 7.45]])
"""Bern."""
DEGREES = (7, 15, 23, 47)
NOISES = (0.0, 2.0, 7.0, 20.0)
"""Standard deviations of the noise, in units of a code's root mean square."""
SHOWN = 47
"""The degree of the codes that are seen through noise."""
GRID = EqualAreaGrid(120)
FEW = 400
"""Codes of which the decoder's error is the median."""


def main() -> None:
    """Draw both pictures into the folder of the page."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default=Path("docs/locdiffusion"), help="where pictures go"
    )
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    wanted.output.mkdir(parents=True, exist_ok=True)
    with house_style():
        save(degrees_figure(), wanted.output / "degrees.png")
        save(noise_figure(), wanted.output / "noise.png")


def degrees_figure() -> "Figure":
    """The function that the code of one place stands for, at several degrees."""
    titles, functions = [], []
    for degree in DEGREES:
        code = encode(PLACE, degree)
        titles.append(f"degree {degree}: {code.shape[1]:,} numbers")
        functions.append(values(code))
    return maps(titles, functions, answers=[PLACE] * len(DEGREES))


def noise_figure() -> "Figure":
    """A code of degree 47 seen through more and more noise, and what it is decoded to."""
    rng = torch.Generator().manual_seed(0)
    decoder = Decoder(SHOWN, radius_km=0)
    places = geo.uniform(FEW, np.random.default_rng(0))
    titles, functions, answers = [], [], []
    for noise in NOISES:
        seen = noisy(PLACE, noise, rng)
        away = geo.distance_km(decoder.decode(noisy(places, noise, rng)), places)
        median = np.median(away)
        titles.append(f"noise of {noise:g} times the code: {median:,.0f} km in the median")
        functions.append(values(seen))
        answers.append(decoder.decode(seen))
    return maps(titles, functions, answers)


def noisy(places: Points, noise: float, rng: torch.Generator) -> torch.Tensor:
    """Codes (N, C) of places (N, 2), with white noise."""
    codes = encode(places, SHOWN)
    return codes + noise * torch.randn(codes.shape, generator=rng)


def values(code: torch.Tensor) -> np.ndarray:
    """What the function of a code (1, C) is on the cells, its largest value being 1."""
    there = (encode(GRID.centres, round(code.shape[1] ** 0.5) - 1) @ code[0]).numpy()
    return np.asarray(there / there.max(), dtype=np.float64)


def maps(titles: list[str], functions: list[np.ndarray], answers: list[Points]) -> "Figure":
    """Functions on maps of the world, with a ring around the place and a cross where they are
    decoded to."""
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 5.2), layout="constrained")
    for number, (title, function, answer) in enumerate(
        zip(titles, functions, answers, strict=True), start=1
    ):
        axes = figure.add_subplot(2, 2, number, projection=world.PROJECTION)
        world.draw_world(axes, on_earth=True)
        axes.set_title(title, fontsize=9, loc="center")
        cells = np.arange(len(GRID))
        mesh = world.draw_cells(
            axes, GRID, cells, function, cmap="RdBu_r", norm=Normalize(-0.5, 0.5)
        )
        mesh.set_alpha(0.75)
        axes.plot(*world.on_map(PLACE[0]), "o", color=BLUE, ms=11, mfc="none", mew=1.2)
        axes.plot(*world.on_map(answer[0]), "x", color=VERMILION, ms=6, mew=1.5)
    bar = figure.colorbar(
        mesh, ax=figure.axes, orientation="horizontal", shrink=0.5, aspect=40, extend="both"
    )
    bar.set_label("value, of the largest")
    return figure


def save(figure: "Figure", path: Path) -> None:
    """Write a picture and say where."""
    figure.savefig(path, dpi=110)
    log.info("wrote %s", path)


if __name__ == "__main__":
    main()
