"""Predictions on maps: what each method says of a few photos, from `map.npz` of its record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import geo
from geobench.board.leaderboard import Leaderboard
from geobench.errors import StoreError
from geobench.figures.contact import ANSWER, TRUTH
from geobench.figures.short_names import ABOVE, short_names, shortened
from geobench.figures.style import WIDTH, headed, house_style
from geobench.figures.world import PROJECTION, draw_cells, draw_world, on_map, untorn
from geobench.geo import LOG_UNIFORM, Floats, Points
from geobench.partitions import EqualAreaGrid
from geobench.readable import number
from geobench.records.stored_records import MAP, MAP_CELL_ROWS, map_arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

DRAW = "#333333"
"""The colour of draws, and of the paths to them."""

_MOST_COLUMNS = 4  # or there is no room for a label above a map
_PHOTO_SIDE = 1.15  # inches, of a photo to the left of its maps; one column fewer then
_GRID = EqualAreaGrid(MAP_CELL_ROWS)
_BELOW = 1.5  # nats below the uniform, at which the colours begin
_LEAST_ABOVE = 3.0  # nats above it, at which they end where no density is higher


@final
@dataclass(frozen=True, slots=True)
class Predicted:
    """What one method says of the photos of a picture.

    Args:
        label: the method's.
        answer: (K, 2), degrees.
        samples: (K, S, 2).
        log_density: (K, cells of EqualAreaGrid(MAP_CELL_ROWS)), nats per steradian; None of a
            method without a density.
        trajectories: (K, P, T, 2), how draws came about; None where they are not stored.
    """

    label: str
    answer: Points
    samples: Points
    log_density: Floats | None
    trajectories: Points | None


@final
@dataclass(frozen=True, slots=True)
class Photos:
    """The photos of a picture, each a block of maps.

    Args:
        id: (K,).
        truth: where they were taken, (K, 2).
        novelty: km to the nearest training photo, (K,); NaN where nothing trains.
        picture: (K, S, S, 3) uint8; None where no map keeps them.
    """

    id: NDArray[np.str_]
    truth: Points
    novelty: Floats
    picture: NDArray[np.uint8] | None = None


def mapped(board: Leaderboard, part: str) -> dict[str, str]:
    """Label -> the folder of the first record of a part whose `map.npz` benchmark.json names."""
    found: dict[str, str] = {}
    for row in board.manifest.rows:
        if row.part == part and MAP in row.files:
            found.setdefault(row.label, row.folder)
    return found


def read(board: Leaderboard, part: str) -> tuple[Photos, list[Predicted]]:
    """The photos of which every mapped method has said something, and what.

    Raises:
        StoreError: an array cannot be read, or there is no such photo.
    """
    arrays = board.part(part)
    stored = {
        label: map_arrays(board.runs / folder, photos=len(arrays["id"]))
        for label, folder in mapped(board, part).items()
    }
    first, *others = [arrays["rows"] for arrays in stored.values()]
    rows = first[[all(row in other for other in others) for row in first]]
    if not len(rows):
        raise StoreError(
            "the maps of its methods show no photo in common",
            where=f"{board.folder}, part {part}",
            remedy="Run `geobench map` again, for all methods.",
        )
    seen = next((each for each in stored.values() if "picture" in each), None)
    if seen is None or board.manifest.parts[part].dataset.publishes != "pictures":
        pictures = None
    else:
        pictures = seen["picture"][_kept(seen, rows)]
    photos = Photos(arrays["id"][rows], arrays["truth"][rows], arrays["novelty"][rows], pictures)
    return photos, [_said(label, stored[label], rows) for label in stored]


def _kept(arrays: dict[str, NDArray[Any]], rows: NDArray[np.intp]) -> list[int]:
    """Where a map has these rows of the part."""
    place = {row: position for position, row in enumerate(arrays["rows"].tolist())}
    return [place[row] for row in rows.tolist()]


def _said(label: str, arrays: dict[str, NDArray[Any]], rows: NDArray[np.intp]) -> Predicted:
    kept = _kept(arrays, rows)
    optional = (arrays[n][kept] if n in arrays else None for n in ("log_density", "trajectories"))
    return Predicted(label, arrays["answer"][kept], arrays["samples"][kept], *optional)


def draw_predictions(
    photos: Photos, said: Sequence[Predicted], *, part: str, stamp: str, on_earth: bool
) -> "Figure":
    """A block for each photo: the photo, if it is kept, and one map for each method, all in the
    same colours.

    Args:
        photos: which, at least one.
        said: by whom what, at least one, in table order.
        part: its label, for the title.
        stamp: where the numbers come from, for the corner.
        on_earth: whether there is the Earth's land on the maps.
    """
    beside, most = 0.0, _MOST_COLUMNS
    if photos.picture is not None:
        beside, most = _PHOTO_SIDE + 0.1, _MOST_COLUMNS - 1
    lines = math.ceil(len(said) / most)
    columns = max(math.ceil(len(said) / lines), 2)  # one map alone would fill a page
    width = (WIDTH - beside) / columns
    room = width - 0.1
    each = room / 2 + 0.34  # a map of the world is half as high as wide; its title above
    name, gap = 0.2, 0.14  # above the maps of a photo, and below them
    block = name + lines * each + gap
    head, foot = 0.66, 0.7
    total = head + len(photos.id) * block + foot
    scale = _scale(said)
    with house_style():
        figure = headed(
            total,
            title=f"{shortened(part, most=ABOVE)}: what methods say of single photos",
            stamp=stamp,
        )
        _key(figure, said, total=total)
        ids = short_names(map(str, photos.id))
        names = short_names([each.label for each in said])
        for photo, novelty in enumerate(photos.novelty.tolist()):
            top = total - head - photo * block
            text = f"{ids[str(photos.id[photo])]}{_newness(novelty)}"
            figure.text(0.1 / WIDTH, top / total, text, va="top", fontweight="bold")
            if photos.picture is not None:
                lower = top - name - 0.34 - _PHOTO_SIDE
                sides = (0.1, lower, _PHOTO_SIDE, _PHOTO_SIDE)
                axes = figure.add_axes(_scaled(sides, total=total))
                axes.set_label(f"photo {photos.id[photo]}")
                axes.imshow(photos.picture[photo], interpolation="lanczos")
                axes.set_axis_off()
            for place, each_said in enumerate(said):
                line, column = divmod(place, columns)
                lower = top - name - (line + 1) * each
                box = (beside + column * width + 0.05, lower, room, room / 2)
                axes = figure.add_axes(_scaled(box, total=total), projection=PROJECTION)
                axes.set_label(f"{photos.id[photo]} / {each_said.label}")
                draw_world(axes, on_earth=on_earth, step=1 if columns == 2 else 2)
                axes.set_title(names[each_said.label], loc="center", fontsize=8, pad=13)
                _draw_photo(axes, each_said, photo, photos.truth[photo], scale=scale)
        if any(each_said.log_density is not None for each_said in said):
            _colour_bar(figure, scale, total=total)
    return figure


def _scaled(
    box: tuple[float, float, float, float], *, total: float
) -> tuple[float, float, float, float]:
    """Left, lower, width and height in inches, as shares of the figure."""
    return (box[0] / WIDTH, box[1] / total, box[2] / WIDTH, box[3] / total)


def _newness(novelty: float) -> str:
    if math.isnan(novelty):
        return ""
    return f", {number(novelty)} km from the nearest training photo"


def _key(figure: "Figure", said: Sequence[Predicted], *, total: float) -> None:
    key = [("\N{BLACK CIRCLE} truth", TRUTH), ("\N{MULTIPLICATION SIGN} answer", ANSWER)]
    if any(each.log_density is None for each in said):
        key.append(("\N{BULLET} draws, of a method without a density", DRAW))
    if any(each.trajectories is not None for each in said):
        key.append(("\N{EM DASH} how a draw came about", DRAW))
    left = 0.1
    for text, colour in key:
        figure.text(left / WIDTH, 1 - 0.36 / total, text, va="top", color=colour)
        left += 0.3 + 0.07 * len(text)


def _draw_photo(
    axes: "Axes", said: Predicted, photo: int, truth: Points, *, scale: "_Scale"
) -> None:
    answer = said.answer[photo]
    away = number(float(geo.distance_km(answer, truth)))
    axes.text(0.5, 1.02, f"{away} km", transform=axes.transAxes, ha="center", fontsize=7.5)
    if said.log_density is not None:
        cells = said.log_density[photo]
        shown = np.flatnonzero(cells > scale.low)
        draw_cells(axes, _GRID, shown, cells[shown], cmap=_colours(), norm=scale.norm())
    if said.trajectories is not None:
        for path in said.trajectories[photo]:
            axes.plot(*on_map(untorn(path)), color=DRAW, lw=0.4, alpha=0.5)
    if said.log_density is None:
        axes.scatter(*on_map(said.samples[photo]), s=4, lw=0, color=DRAW, alpha=0.6)
    ends = (("truth", truth, "o", 6.5, TRUTH), ("answer", answer, "X", 5.0, ANSWER))
    for label, place, marker, size, colour in ends:
        axes.plot(
            *on_map(place),
            marker=marker,
            ms=size,
            mew=0.7,
            markeredgecolor="white",
            color=colour,
            label=label,
            clip_on=False,  # at the rim of the map
        )


@final
class _Scale(NamedTuple):
    """The log-densities at which the colours begin and end."""

    low: float
    high: float

    def norm(self) -> "Normalize":
        from matplotlib.colors import Normalize

        return Normalize(self.low, self.high, clip=True)


def _scale(said: Sequence[Predicted]) -> _Scale:
    """One scale for all maps, from below the uniform to the highest density of them."""
    highest = [float(each.log_density.max()) for each in said if each.log_density is not None]
    return _Scale(LOG_UNIFORM - _BELOW, max([LOG_UNIFORM + _LEAST_ABOVE, *highest]))


def _colour_bar(figure: "Figure", scale: "_Scale", *, total: float) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.add_axes((0.2, 0.5 / total, 0.6, 0.12 / total))
    mappable = ScalarMappable(scale.norm(), _colours())
    shown = figure.colorbar(mappable, cax=bar, orientation="horizontal", extend="min")
    whole = range(math.ceil(scale.low), math.floor(scale.high) + 1, 2)
    ticks = [tick for tick in whole if abs(tick - LOG_UNIFORM) > 1]
    shown.set_ticks([LOG_UNIFORM, *ticks], labels=["uniform", *map(str, ticks)])
    shown.set_label("log-density in each cell (nats per steradian)")


def _colours() -> "LinearSegmentedColormap":
    """Greens that begin clear, so that land shows where there is little, and end dark."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    colours = colormaps["YlGn"](np.linspace(0.1, 1, 256))
    colours[:, 3] = np.clip(np.linspace(0, 4, 256), 0, 0.95)
    return LinearSegmentedColormap.from_list("density", colours)
