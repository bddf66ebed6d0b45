"""What every dataset promises of its pictures and features: one per photo, in order, no label."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import geo
from geobench.data import BrokenPicture, Dataset, Indices
from geobench.digests import array_digest
from geobench.encoders import Features
from geobench.errors import DataError
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.dataset_subject import DatasetSubject, columns_of, findings
from geobench.testing.other_process import difference


def provides_what_it_names(subject: DatasetSubject) -> str:
    """What it does not provide, pictures or features, raises DataError."""
    dataset, provides = subject.dataset, subject.dataset.provides
    ensure(
        isinstance(provides, frozenset) and provides <= {"images", "features"},
        f"provides is {provides!r}",
        'It is a frozenset of "images" and "features".',
    )
    for name in sorted({"images", "features"} - provides):
        try:
            found = getattr(dataset, name)(subject.few)
            if name == "images":
                list(found)
        except DataError:
            continue
        except Exception as error:
            raise Failure(
                f"{name} raises {type(error).__name__} ({error}), not DataError"
            ) from error
        raise Failure(
            f"{name} gives something, and provides does not name it",
            remedy=f'Add "{name}" to provides, or do not override {name}.',
        )
    return " and ".join(sorted(provides)) or "neither pictures nor features"


def _with_pictures(subject: DatasetSubject) -> Dataset:
    if "images" not in subject.dataset.provides:
        raise Skip("it has no pictures")
    return subject.dataset


def _with_features(subject: DatasetSubject) -> Dataset:
    if "features" not in subject.dataset.provides:
        raise Skip("it has no features of its own")
    return subject.dataset


def pictures_are_rgb_bytes(subject: DatasetSubject) -> str:
    """A picture is uint8 (H, W, 3), or a BrokenPicture that says why there is none."""
    dataset, broken = _with_pictures(subject), 0
    for row, picture in zip(subject.few, dataset.images(subject.few), strict=False):
        photo = f"the picture of {dataset.table.ids[row]}"
        if isinstance(picture, BrokenPicture):
            broken += 1
            ensure(picture.reason, f"{photo} is broken, and does not say why")
            continue
        remedy = "Give uint8 (H, W, 3): convert grey and transparent pictures to RGB."
        ensure(isinstance(picture, np.ndarray), f"{photo} is a {type(picture).__name__}", remedy)
        ensure(picture.dtype == np.uint8, f"{photo} is {picture.dtype}, not uint8", remedy)
        proper = picture.ndim == 3 and picture.shape[-1] == 3 and picture.size > 0
        ensure(proper, f"{photo} has the shape {picture.shape}, not (H, W, 3)", remedy)
    return f"{len(subject.few)} pictures, {broken} broken"


def one_picture_per_row_in_order(subject: DatasetSubject) -> None:
    """Pictures come lazily, one for each row asked for, in that order, also if rows repeat."""
    dataset, rows = _with_pictures(subject), subject.few
    ensure(
        isinstance(dataset.images(rows), Iterator),
        f"images gives a {type(dataset.images(rows)).__name__}, which holds all pictures at once",
        "Use yield: pictures are read one at a time.",
    )
    ensure(not list(dataset.images(rows[:0])), "images yields pictures for no rows")
    alone = [picture for row in rows for picture in dataset.images(np.array([row]))]
    for what, order in (
        ("shuffled rows", np.arange(len(rows))),
        ("rows in reverse", np.arange(len(rows))[::-1]),
        ("one row three times", np.zeros(3, np.intp)),
    ):
        together = list(dataset.images(rows[order]))
        ensure(
            len(together) == len(order),
            f"images yields {len(together)} pictures for {len(order)} rows ({what})",
            "Yield a BrokenPicture where there is none, and one picture for each time it is asked.",
        )
        for position, picture in zip(order, together, strict=True):
            ensure(
                _same_picture(picture, alone[position]),
                f"the picture of {dataset.table.ids[rows[position]]} is another when it is asked "
                f"for with others ({what}) than alone",
                "Yield a new array for each row, in the order of the rows.",
            )


def pictures_stay_the_same(subject: DatasetSubject) -> None:
    """A picture is the same when it is asked for again, and while others are read."""
    dataset, rows = _with_pictures(subject), subject.few
    first = [_copy(picture) for picture in dataset.images(rows)]
    # Two readers at once, as in a method that explains what it saw while it is encoded.
    pairs = zip(first, dataset.images(rows), dataset.images(rows[::-1]), strict=True)
    for row, (before, after, _) in zip(rows, pairs, strict=True):
        ensure(
            _same_picture(before, after),
            f"the picture of {dataset.table.ids[row]} is another when it is read again",
            "A picture depends on its row alone: crop and augment in an encoder, not here.",
        )


def _copy(picture: Any) -> Any:
    return picture.copy() if isinstance(picture, np.ndarray) else picture


def _same_picture(a: Any, b: Any) -> bool:
    return not difference({"picture": a}, {"picture": b})


def features_are_finite(subject: DatasetSubject) -> str:
    """Features are a geobench.Features of finite floats, one row for each photo asked for."""
    dataset, rows = _with_features(subject), subject.few
    features = _features(dataset, rows)
    shapes = []
    for name, dimensions in (("pooled", 2), ("tokens", 3)):
        values = getattr(features, name)
        if values is None:
            continue
        shapes.append(f"{name} {values.shape[1:]}")
        ensure(
            isinstance(values, np.ndarray) and values.dtype.kind == "f",
            f"{name} is {getattr(values, 'dtype', type(values).__name__)}",
            "Give float32.",
        )
        ensure(
            values.ndim == dimensions and len(values) == len(rows) and values.size,
            f"{name} has the shape {values.shape} for {len(rows)} photos",
            "pooled is (photos, numbers), tokens (photos, tokens, numbers).",
        )
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        ensure(
            not bad.any(),
            f"{name} of {dataset.table.ids[rows[bad.argmax()]]} is not finite",
            "Leave photos without features out of the table, and count them in broken.",
        )
    ensure(shapes, "features gives neither pooled features nor tokens")
    return ", ".join(shapes)


def features_follow_the_rows(subject: DatasetSubject) -> None:
    """Features come in the order of the rows, the same with others, alone, or asked again."""
    dataset, rows = _with_features(subject), subject.few
    alone = [_features(dataset, rows[i : i + 1]) for i in range(len(rows))]
    for name in ("pooled", "tokens"):
        if getattr(alone[0], name) is None:
            continue
        single = np.concatenate([getattr(each, name) for each in alone])
        for order in (np.arange(len(rows)), np.arange(len(rows))[::-1]):
            together = np.asarray(getattr(_features(dataset, rows[order]), name))
            ensure(
                together.shape == single.shape,
                f"{name} of {len(rows)} photos has the shape {together.shape}, and of the same "
                f"photos one at a time {single.shape}",
            )
            apart = (together != single[order]).reshape(len(rows), -1).any(axis=1)
            ensure(
                not apart.any(),
                f"{name} of {dataset.table.ids[rows[order[apart.argmax()]]]} is another when it is "
                "asked for with others than alone",
                "Give one row per index, in the order of the indices, also where they repeat.",
            )


def _features(dataset: Dataset, rows: Indices) -> Features:
    features = dataset.features(rows)
    ensure(
        isinstance(features, Features),
        f"features gives a {type(features).__name__}",
        "Return a geobench.Features.",
    )
    return features  # type: ignore[no-any-return]  # a dataset's features are typed Any


_DECIMAL = re.compile(r"[-+]?\d+\.\d+")


def labels_unseen(subject: DatasetSubject) -> None:
    """Neither ids nor features, which methods see at test time, hold the place."""
    table = subject.dataset.table
    told = [row for row in range(len(table)) if tells(str(table.ids[row]), table.points[row])]
    ensure(
        len(told) <= len(table) / 10,
        f"{len(told)} ids hold latitude and longitude, the first is "
        f"{str(table.ids[told[0]]) if told else ''!r}",
        "Give ids that say nothing: a number, or a hash of the name.",
    )
    if "features" in subject.dataset.provides:
        _check_features(subject.dataset)


def tells(name: str, place: NDArray[np.float64]) -> bool:
    """Whether a name holds both coordinates, to the digits that it gives them."""
    numbers = _DECIMAL.findall(name)
    near = [
        [abs(float(n) - value) <= 10.0 ** -len(n.partition(".")[2]) for n in numbers]
        for value in place
    ]
    return all(any(each) for each in near)


_ENOUGH = 20  # photos from which a correlation says something
_LEAK = 0.999


def _check_features(dataset: Dataset) -> None:
    count = min(len(dataset.table), 2000)
    if count < _ENOUGH:
        raise Skip(f"{count} photos are too few to see whether features follow the place")
    features = dataset.features(np.arange(count))
    points = dataset.table.points[:count]
    targets = dict(zip(("latitude", "longitude"), points.T, strict=True))
    targets |= dict(zip(("x", "y", "z"), geo.unit_vectors(points).T, strict=True))
    for kind, values in (("pooled", features.pooled), ("tokens", features.tokens)):
        if values is None:
            continue
        columns = _standardised(np.asarray(values, dtype=np.float64).reshape(count, -1))
        for name, target in targets.items():
            correlation = np.abs(columns.T @ _standardised(target[:, None])[:, 0])
            column = int(correlation.argmax())
            ensure(
                correlation[column] < _LEAK,
                f"column {column} of the {kind} features is the {name} of the place "
                f"(correlation {correlation[column]:.5f})",
                "Features must come from what a photo shows, never from where it was taken.",
            )


def _standardised(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of mean 0 and length 1; constant ones are 0."""
    centred = columns - columns.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    return np.asarray(centred / np.where(length > 1e-12, length, np.inf))


def reading_leaves_the_table_alone(subject: DatasetSubject) -> None:
    """Reading pictures and features does not change the table, nor the digest."""
    dataset = subject.make()
    before = {n: array_digest(c) for n, c in columns_of(dataset.table).items()}
    findings(dataset)
    after = {n: array_digest(c) for n, c in columns_of(dataset.table).items()}
    changed = difference(before, after)
    ensure(not changed, f"{changed} is another after pictures or features were read")


CHECKS = (
    provides_what_it_names,
    pictures_are_rgb_bytes,
    one_picture_per_row_in_order,
    pictures_stay_the_same,
    features_are_finite,
    features_follow_the_rows,
    labels_unseen,
    reading_leaves_the_table_alone,
)
