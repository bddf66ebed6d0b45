"""The worst answers: the photos that a method got most wrong, from its stored answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from geobench import gazetteer, geo
from geobench.board.leaderboard import Leaderboard
from geobench.board.lines import Line, line
from geobench.catalogue import Catalogue
from geobench.config.configure import configure
from geobench.config.origins import Stored
from geobench.data import BrokenPicture, Dataset, Image
from geobench.errors import ConfigError, DataError, GeobenchError, StoreError, said_by
from geobench.geo import Points
from geobench.names import did_you_mean
from geobench.records import ManifestRow, StoredRecord
from geobench.records.files import ANEW

Show: TypeAlias = Callable[[str], Image | BrokenPicture]
"""The picture of the photo of an id."""


@final
@dataclass(frozen=True, slots=True)
class Wrong:
    """One photo, and how far off its answer is.

    Args:
        id: the photo's; hashed where its dataset publishes scores only.
        error_km: great-circle distance from truth to answer.
        truth: where it was taken, (2,), latitude and longitude in degrees.
        answer: what the method said, (2,).
        near_truth, near_answer: the nearest town of 15,000 inhabitants, such as "Omaha, US";
            "" on a planet that has no such towns.
        answered: whether the method answered, or declined and something stands in; None of a
            method that answered all photos of the part.
        explanation: why, in the method's words, "" where it gave none for this photo; None of a
            method that gave none, or whose words may not be shown.
    """

    id: str
    error_km: float
    truth: Points
    answer: Points
    near_truth: str
    near_answer: str
    answered: bool | None = None
    explanation: str | None = None

    @property
    def remark(self) -> str:
        """What is said of it beside the places, "" of most."""
        declined = "not answered" if self.answered is False else ""
        return ": ".join(filter(None, [declined, self.explanation]))


def find(
    board: Leaderboard, label: str, part: str, *, count: int = 20, seed: int | None = None
) -> list[Wrong]:
    """The `count` photos of a part whose answers are farthest off, worst first.

    Args:
        board: where the answers lie.
        label: the method's, as in the tables.
        part: the part's label, such as "unseen-cells/unseen".
        count: at most so many.
        seed: of the training that answered; the first one unless said.

    Raises:
        ConfigError: the leaderboard has no such part, method or seed.
        StoreError: the method gave no answers there.
    """
    seeds = _trainings(board, label, part)
    chosen = next(iter(seeds)) if seed is None else str(seed)
    known(chosen, seeds, what=f"seed of {label}", board=board)
    arrays = board.part(part)
    folder = board.runs / seeds[chosen].folder
    record = StoredRecord.read(folder, photos=len(arrays["id"]))
    if record is None or record.status != "ok":
        status = "missing" if record is None else record.status
        raise StoreError(
            f"{label} has no answers on {part}: its record is {status}", where=str(board.folder)
        )
    answers = record.answers()
    away = geo.distance_km(answers, arrays["truth"])
    worst = np.argsort(-away, kind="stable")[:count]
    truth, answers = arrays["truth"][worst], answers[worst]
    ids = arrays["id"][worst].tolist()
    on_earth = board.manifest.parts[part].dataset.on_earth
    near = [_near(points) if on_earth else [""] * len(ids) for points in (truth, answers)]
    beside, nothing = record.beside(), [None] * len(ids)
    declines = record.content.refused is not None
    answered = beside.answered[worst].tolist() if declines else nothing
    words = beside.explanations
    said = nothing if words is None else [words[row] for row in worst.tolist()]
    columns = ids, away[worst].tolist(), truth, answers, *near, answered, said
    return [Wrong(*row) for row in zip(*columns, strict=True)]


def lines(
    board: Leaderboard, found: Sequence[Wrong], label: str, part: str, *, seed: int | None = None
) -> list[Line]:
    """What `find` shows, a line for each photo: places in degrees, none where they are not told.

    Args:
        board, label, part, seed: as `find` was asked.
        found: its answer.

    Raises:
        ConfigError: the leaderboard has no such part or method.
    """
    places = board.manifest.parts[part].dataset.publishes != "scores"
    chosen = next(iter(_trainings(board, label, part))) if seed is None else seed
    told = []
    for number, wrong in enumerate(found, 1):
        cells: Line = {"benchmark": board.name, "part": part, "label": label, "seed": int(chosen)}
        cells |= {"number": number, "id": wrong.id, "error_km": wrong.error_km}
        if places:
            for what, point, near in (
                ("truth", wrong.truth, wrong.near_truth),
                ("answer", wrong.answer, wrong.near_answer),
            ):
                lat, lon = point.tolist()
                cells |= {f"{what}_lat": lat, f"{what}_lon": lon, f"{what}_near": near}
        if wrong.answered is not None:
            cells["answered"] = int(wrong.answered)
        if wrong.explanation is not None:
            cells["explanation"] = wrong.explanation
        told.append(line(cells))
    return told


def answerer(board: Leaderboard, label: str, part: str, *, seed: int | None = None) -> str:
    """Whose answers `find` shows: the label, and where there are several trainings, which.

    Raises:
        ConfigError: the leaderboard has no such part or method.
    """
    seeds = _trainings(board, label, part)
    chosen = next(iter(seeds)) if seed is None else seed
    return f"{label}, seed {chosen}" if len(seeds) > 1 else label


def _trainings(board: Leaderboard, label: str, part: str) -> dict[str, ManifestRow]:
    """Seed -> the row of benchmark.json of a method's training, for a part."""
    known(part, board.manifest.parts, what="part", board=board)
    rows = [row for row in board.manifest.rows if row.part == part]
    known(label, dict.fromkeys(row.label for row in rows), what="method", board=board)
    return {str(row.seed): row for row in rows if row.label == label}


def known(name: str, names: Mapping[str, Any], *, what: str, board: Leaderboard) -> None:
    """Raise a ConfigError that tells what was meant, of `names`, unless `name` is one of them."""
    if name not in names:
        problem = f"leaderboard {board.name} has no {what} {name!r}"
        raise ConfigError(problem, remedy=did_you_mean(name, names))


def _near(points: Points) -> list[str]:
    found = gazetteer.nearest(points)
    return [f"{town}, {country}" for town, country in zip(found.town, found.country, strict=True)]


def pictures(
    board: Leaderboard, part: str, catalogue: Catalogue, *, settings: Mapping[str, Any]
) -> Show:
    """How to get at the pictures of a part's photos.

    Args:
        board: whose benchmark.json says what the dataset is and what may be shown of it.
        part: the part's label.
        catalogue: where the dataset's class comes from.
        settings: configuration of the dataset that benchmark.json does not hold: paths.

    Raises:
        DataError: they may not be shown, there are none, the dataset's plugin is not installed, its
            configuration is not valid, or gives another dataset than that of the leaderboard.
    """
    about = board.manifest.parts[part].dataset
    if about.publishes != "pictures":
        raise DataError(f"dataset {about.name} does not let its pictures be published")
    entry = board.manifest.benchmark.dataset
    stored = entry.config if entry.name == about.name else {}
    origin = Stored(
        about.name,
        {name: value for name, value in stored.items() if not _is_path(value)},
        path=board.folder / "benchmark.json",
        catalogue=catalogue,
        told=settings,
        option="--config",
    )
    try:
        dataset = configure(Dataset, origin.entry, origin=origin).plugin
        if not isinstance(dataset, Dataset) or "images" not in dataset.provides:
            raise DataError(f"dataset {about.name} has no pictures", remedy=_REMEDY)
        found = dataset.digest
    except ConfigError as error:
        remedy = error.remedy or _REMEDY
        raise DataError(error.problem, where=error.where, remedy=remedy) from None
    except GeobenchError:
        raise
    except Exception as error:  # what it is configured with, somebody else chose
        problem = f"dataset {about.name} cannot be made as benchmark.json says: {said_by(error)}"
        raise DataError(problem, where=str(origin.path), remedy=_REMEDY) from None
    if found != about.digest:
        raise DataError(
            f"dataset {about.name} is not the one that the leaderboard was made with",
            remedy=_REMEDY,
        )
    row_of = {name: row for row, name in enumerate(dataset.table.ids.tolist())}

    def show(photo: str) -> Image | BrokenPicture:
        if photo not in row_of:
            problem = f"{part} has a photo {photo}, and dataset {about.name} has none"
            raise StoreError(problem, where=str(board.folder), remedy=ANEW)
        return next(iter(dataset.images(np.array([row_of[photo]]))))

    return show


_REMEDY = "A leaderboard holds no paths: add --config KEY=VALUE for each, as in the YAML file."


def _is_path(value: Any) -> bool:
    """Whether benchmark.json holds a digest in place of a path, or nothing in a folder's."""
    return value is None or (isinstance(value, dict) and set(value) == {"sha256"})
