"""The pictures of a leaderboard: which there are, what each is, and how it is drawn."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np

from geobench import geo
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import RANKED, Tables
from geobench.data import hashes, smallest_by_hash
from geobench.figures.accuracy import draw_accuracy, is_shown
from geobench.figures.cost import draw_cost, panels
from geobench.figures.curves import GROUPS, draw_curves
from geobench.figures.maps import Errors, draw_errors, draw_split
from geobench.figures.predictions import draw_predictions, mapped, read
from geobench.figures.slopes import draw_slopes, seen_pairs, shown_summaries, twin_pairs
from geobench.names import CEILING, file_name
from geobench.records import StoredRecord
from geobench.records.parts import MAP_ROWS, read_split_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that can be drawn.

    Args:
        name: the stem of its file in figures/.
        title: what it is, in a few words.
        caption: how it is read, in a sentence or two.
        part: the label of the part beside whose table it stands, "" for the whole leaderboard.
        draw: draws it.
    """

    name: str
    title: str
    caption: str
    part: str
    draw: "Callable[[], Figure]"


_DASHED = (
    " Dashed is the training place nearest to the truth, the ceiling of methods that answer with "
    "training places."
)


_MEASURED = (
    "Seconds to fit and to answer all photos of the part, mean over seeds, as measured when the "
    "records were made (costs.csv). Not counted are features, which all methods share, and draws "
    "and scores. "
)
_STATED = (
    " Hollow dots are what answers made elsewhere state of themselves: the mean seconds of a "
    "photo, times the photos of the part, or what an answer cost. Nobody measured it here."
)


def planned(board: Leaderboard, tables: Tables) -> list[Picture]:
    """The pictures of a leaderboard, drawn from its tables and stored arrays alone.

    Args:
        board: whose arrays are shown.
        tables: as read from its folder.
    """
    found: dict[str, Picture] = {}
    for picture in _planned(board, tables):
        name, number = file_name(picture.name), 1
        while name.casefold() in found:  # labels that differ in signs or capitals only
            number += 1
            name = f"{file_name(picture.name)}-{number}"
        found[name.casefold()] = replace(picture, name=name)
    return list(found.values())


def _planned(board: Leaderboard, tables: Tables) -> Iterator[Picture]:
    corner = stamp(board)
    named = shown_summaries(tables)
    ceilings = [row for row in tables.rows if row.label == CEILING and row.summary in named]
    sloped = _DASHED if ceilings else ""
    if seen := seen_pairs(tables):
        yield Picture(
            "seen-unseen",
            "Seen against unseen places",
            "Each line goes from a method's value on places it was trained on to that on places it "
            "never saw. The photos of the two parts differ, so that the fall holds their "
            f"difficulty, too.{sloped}",
            "",
            lambda: draw_slopes(tables, seen, title="Seen against unseen places", stamp=corner),
        )
    if same := twin_pairs(tables, board.twins):
        size = board.size_of_twins(*(pair.right for pair in same))
        yield Picture(
            "gap",
            "The generalisation gap",
            f"The same photos after two trainings {size}: on the left the surroundings of "
            "these photos were trained on, too. The fall is the gap; it is read with the level "
            f"that it starts from, because who has learned little has little to lose.{sloped}",
            "",
            lambda: draw_slopes(tables, same, title="The generalisation gap", stamp=corner),
        )
    if within := [point for point in tables.curves if is_shown(point)]:
        dashed = _DASHED if any(point.label == CEILING for point in within) else ""
        yield Picture(
            "accuracy",
            "Accuracy against distance",
            "How many answers lie within a distance of the truth. Dots and bars are the rows "
            "`accuracy@...` of the tables, the bars side by side; a band has no width where no "
            f"answer, or every one, lies within.{dashed}",
            "",
            lambda: draw_accuracy(tables, stamp=corner),
        )
    if spent := panels(tables):
        yield Picture(
            "cost",
            "Cost against quality",
            (_MEASURED if any(panel.measured for panel in spent) else "")
            + "A bar shorter than its dot cannot be seen."
            + (_STATED if any(panel.stated for panel in spent) else ""),
            "",
            lambda: draw_cost(tables, stamp=corner),
        )
    for group in GROUPS:
        if group.has_points(tables):
            draw_group = partial(draw_curves, tables, group, stamp=corner)
            yield Picture(group.name, group.title, group.captioned(tables), "", draw_group)
    yield from _splits(board, corner)
    yield from _errors(board, tables, corner)
    yield from _predictions(board, corner)


def _splits(board: Leaderboard, corner: str) -> Iterator[Picture]:
    for split, entry in board.manifest.maps.items():
        parts = {
            label.removeprefix(f"{split}/"): about.facts
            for label, about in board.manifest.parts.items()
            if label.startswith(f"{split}/")
        }

        def draw_map(
            split: str = split, file: str = entry.file, tested: Collection[str] = parts
        ) -> "Figure":
            arrays = read_split_map(board.runs / file)
            points, role = arrays["points"], arrays["role"]
            return draw_split(
                points,
                role,
                tested=tested,
                split=split,
                stamp=corner,
                whole=all((role == name).sum() < MAP_ROWS for name in set(role)),
                on_earth=board.manifest.dataset.on_earth,
            )

        there = {name for facts in parts.values() for name, fact in facts.items() if fact.value}
        clauses = [text for role, text in _ROLES.items() if f"left out: {role}" in there]
        text = "What each photo is for; methods see the places of `train` and `val` only."
        if clauses:
            *first, last = clauses
            text += f" Left out are {', '.join(first)}{' and ' if first else ''}{last}."
        beside = f"{split}/{next(iter(parts))}" if parts else ""
        yield Picture(f"split-{slug(split)}", f"The split {split}", text, beside, draw_map)


_ROLES = {
    "set-aside": "`set-aside` (held out with the photos tested, but more than are tested)",
    "buffer": "`buffer` (too near to the photos tested to be trained on)",
    "seen": "`seen` (a test part of the split whose twin this is)",
    "surplus": "`surplus` (left over, for a twin trains on as many photos as the other split)",
    "outer": "`outer` (tested, or not trained on, by a split that this one keeps clear of)",
    "same-group": "`same-group` (of a group that is tested, or of the other of train and val)",
    "val-set-aside": "`val-set-aside` (held out with validation photos, but more than validate)",
    "val-buffer": "`val-buffer` (too near to validation photos at unseen places)",
    "val-control": "`val-control` (validates in the control, or in what it is the control of)",
    "train-share": "`train-share` (training photos beyond the share that was asked for)",
    "val-ratio": "`val-ratio` (validation photos beyond the ratio that was asked for)",
}
"""What is said of the photos that a split leaves out, by the reason."""


def _errors(board: Leaderboard, tables: Tables, corner: str) -> Iterator[Picture]:
    for part, about in board.manifest.parts.items():
        if about.dataset.publishes == "scores":  # nobody is to see where its photos are
            continue

        def draw_map(part: str = part) -> "Figure":
            whole = len(board.part(part)["id"]) <= MAP_ROWS
            shown = errors(board, tables, part)
            earth = board.manifest.parts[part].dataset.on_earth
            return draw_errors(shown, part=part, stamp=corner, whole=whole, on_earth=earth)

        if any(row.part == part and row.status in RANKED for row in tables.rows):
            text = (
                "Each photo of the part where it was taken; dark is far off. Over several "
                "trainings, the mean of their errors. Which dot lies on top is chance."
            )
            yield Picture(f"errors-{slug(part)}", f"Errors on {part}", text, part, draw_map)


def _predictions(board: Leaderboard, corner: str) -> Iterator[Picture]:
    for part, about in board.manifest.parts.items():
        if about.dataset.publishes == "scores" or not mapped(board, part):
            continue

        def draw_maps(part: str = part) -> "Figure":
            photos, said = read(board, part)
            earth = board.manifest.parts[part].dataset.on_earth
            return draw_predictions(photos, said, part=part, stamp=corner, on_earth=earth)

        text = (
            "Photos of the part, the first half of them nearer to training photos than most, as "
            "`geobench map` chose them by their ids alone; above each map how far the answer is "
            "from the truth. Of several trainings, the first. Densities are means over cells some "
            "400 km wide, of flows roughly."
        )
        yield Picture(f"predictions-{slug(part)}", f"Predictions on {part}", text, part, draw_maps)


def errors(board: Leaderboard, tables: Tables, part: str) -> list[Errors]:
    """What the maps of errors on a part show: every method that has rows, in table order."""
    found: dict[str, list[geo.Floats]] = {}
    arrays = board.part(part)
    there = {row.label for row in tables.rows if row.part == part and row.status in RANKED}
    for row in board.manifest.rows:
        mine = row.part == part and row.label in there
        record = (
            StoredRecord.read(board.runs / row.folder, photos=len(arrays["id"])) if mine else None
        )
        if record is not None and record.status == "ok":
            away = geo.distance_km(record.answers(), arrays["truth"])
            found.setdefault(row.label, []).append(away)
    kept = smallest_by_hash(arrays["id"], MAP_ROWS)
    kept = kept[np.argsort(hashes(arrays["id"][kept]), kind="stable")]
    medians = {
        row.label: row.value
        for row in tables.rows
        if row.part == part and row.summary == "distance.median" and row.overall
    }
    return [
        Errors(label, arrays["truth"][kept], np.mean(distances, axis=0)[kept], medians.get(label))
        for label, distances in found.items()
    ]


def stamp(board: Leaderboard) -> str:
    """What stands in the corner of every picture: whose numbers these are."""
    limit = board.manifest.limit
    trial = f", a trial with {limit} photos" if limit else ""
    return f"{board.name}, digest {board.manifest.digest[:12]}{trial}"


def slug(label: str) -> str:
    """A label as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._@+-]+", "-", label)
