"""What every dataset promises of its table: well formed, counted, and the same everywhere."""

import math
from typing import get_args

import numpy as np

from geobench import geo
from geobench.data import Publishes, Table
from geobench.errors import PredictionError
from geobench.testing import picture_checks
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.dataset_subject import DatasetSubject as DatasetSubject
from geobench.testing.dataset_subject import columns_of, findings, findings_anew
from geobench.testing.other_process import (
    check_another_process,
    check_random_state,
    difference,
    pickled,
)


def loads_a_table(subject: DatasetSubject) -> str:
    """It can be configured to be tiny, and loads a table of photos."""
    subject.ensure_configured()
    loaded = subject.loaded
    ensure(
        isinstance(loaded, Table),
        f"load returns a {type(loaded).__name__}",
        "Return a geobench.Table.",
    )
    return f"{len(subject.dataset.table)} photos, {len(loaded.attributes)} attributes"


def columns_are_well_formed(subject: DatasetSubject) -> None:
    """Ids and groups name something, sizes are counts, and nothing missing is called "nan"."""
    table, count = subject.dataset.table, len(subject.dataset.table)
    for name, column in columns_of(table).items():
        wanted = (count, 2) if name == "the column points" else (count,)
        ensure(column.shape == wanted, f"{name} has the shape {column.shape}, not {wanted}")
    ensure(table.ids.dtype.kind == "U", f"ids are {table.ids.dtype}", "Give strings.")
    ensure(
        table.groups.dtype.kind in "Uiu",
        f"groups are {table.groups.dtype}",
        "Give strings or whole numbers.",
    )
    for name in ("ids", "groups"):
        nameless = np.flatnonzero(getattr(table, name) == "") if count else np.empty(0)
        ensure(
            not len(nameless),
            f"{len(nameless)} photos have an empty string in the column {name}, the first is "
            f"row {nameless[0] if len(nameless) else 0}",
            "A photo without uploader or sequence is a group of its own: give its id.",
        )
    if table.part is not None:
        ensure(table.part.dtype.kind == "U", f"part is {table.part.dtype}", "Give strings.")
    if table.sizes is not None:
        proper = table.sizes.dtype.kind in "iu" and (table.sizes >= 0).all()
        ensure(proper, "sizes are no whole numbers of bytes")
    for name, values in table.attributes.items():
        column = np.asarray(values)
        ensure(name and isinstance(name, str), f"an attribute is named {name!r}")
        if column.dtype.kind == "U":
            found = np.flatnonzero(np.isin(column, _CALLED_MISSING))
            ensure(
                not len(found),
                f"the attribute {name} is {str(column[found[0]])!r} in row {found[0]}"
                if len(found)
                else "",
                'A missing string is "", a missing number NaN.',
            )


_CALLED_MISSING = ("nan", "NaN", "None", "null", "<NA>", "NaT")


def places_are_on_the_globe(subject: DatasetSubject) -> str:
    """Places are latitude and longitude in degrees, finite, and no missing one is (0, 0)."""
    try:
        points = geo.wrap(subject.loaded.points, name="the points that load returns")
    except PredictionError as error:
        raise Failure(error.problem, remedy=error.remedy) from None
    zero = np.flatnonzero((points == 0).all(axis=-1))
    ensure(
        len(zero) < 2,
        f"{len(zero)} photos were taken at exactly (0, 0), the first is row "
        f"{zero[0] if len(zero) else 0}",
        "A place that is not known is no place: leave the photo out, and count it in broken.",
    )
    south, north = points[:, 0].min(), points[:, 0].max()
    return f"latitudes from {south:.1f} to {north:.1f}"


def every_photo_is_counted(subject: DatasetSubject) -> str:
    """Of the promised photos each is in the table or counted as broken, with a reason."""
    table = subject.dataset.table
    for reason, count in table.broken.items():
        ensure(
            isinstance(reason, str) and reason.strip() and int(count) == count and count > 0,
            f"broken says {reason!r}: {count!r}",
            "Give a reason in words, and how many photos it is true of.",
        )
    missing = sum(table.broken.values())
    ensure(
        table.promised - len(table) == missing,
        f"{table.promised} photos were promised, {len(table)} are in the table, and {missing} "
        "are counted as broken",
        "promised must be the photos of the table and those in broken: nothing is lost in silence.",
    )
    return f"{missing} of {table.promised} broken"


def digest_is_stable(subject: DatasetSubject) -> None:
    """Another instance has the same digest, table, pictures and features."""
    changed = difference(findings(subject.dataset), findings(subject.make()))
    ensure(
        not changed,
        f"{changed} is another in a second instance of the same configuration",
        "Sort what a folder lists, and draw only from generators with a fixed seed.",
    )


def paths_leave_no_trace(subject: DatasetSubject) -> None:
    """The same photos in another folder have the same digest."""
    if subject.given:
        raise Skip("its configuration was given, so there is no copy of it in another folder")
    moved = subject.plugin(subject.plugin.tiny(subject.folder()))
    changed = difference(findings(subject.dataset), findings(moved))
    ensure(
        not changed,
        f"{changed} is another where `tiny` writes its sample into another folder",
        "Nothing of the table may hold the folder or the time; a config field that names a folder "
        "is an InputPath; and `tiny` writes the same each time.",
    )


def same_in_another_process(subject: DatasetSubject) -> None:
    """Another process finds the same digest, table, pictures and features."""
    check_another_process(subject, findings_anew, subject.plugin, subject.config)


def global_random_state_untouched(subject: DatasetSubject) -> None:
    """Loading and reading neither use nor change the global generators."""
    check_random_state(
        lambda: findings_anew(subject.plugin, subject.config), by=f"dataset {subject.plugin.name}"
    )


_WIDEST_VIEW_KM = 20_000  # half way around the Earth


def reach_and_publishes_are_valid(subject: DatasetSubject) -> str:
    """`reach_km` and `view_km` are distances that fit, and `publishes` one of three things."""
    reach, publishes = subject.dataset.reach_km, subject.dataset.publishes
    view = subject.dataset.view_km
    ensure(
        isinstance(reach, float | int) and math.isfinite(reach) and reach >= 0,
        f"reach_km is {reach!r}",
        "Give a distance in km; 0 where no two photos show the same thing.",
    )
    ensure(
        isinstance(view, float | int) and 0 <= view <= _WIDEST_VIEW_KM,
        f"view_km is {view!r}",
        f"Give the side of the square that a photo shows, at most {_WIDEST_VIEW_KM:,} km; 0 where "
        "photos show no such square.",
    )
    ensure(
        reach >= view * math.sqrt(2),
        f"reach_km is {reach:g}, and photos that show squares of {view:g} km share ground as far "
        f"apart as {view * math.sqrt(2):g} km",
        "Make reach_km the diagonal of view_km, or more.",
    )
    ensure(
        publishes in get_args(Publishes),
        f"publishes is {publishes!r}",
        f"It is one of {', '.join(get_args(Publishes))}.",
    )
    return f"reach {reach:g} km, view {view:g} km, publishes {publishes}"


def survives_pickling(subject: DatasetSubject) -> None:
    """A copy in a worker process, made before or after use, finds the same."""
    for when, dataset in (("before it is used", subject.make()), ("after use", subject.dataset)):
        copy = pickled(dataset, subject.folder())
        changed = difference(findings(subject.dataset), findings(copy))
        ensure(not changed, f"{changed} is another in a copy that was pickled {when}")


def licence_and_citation_are_stated(subject: DatasetSubject) -> None:
    """The class states a licence, and what to cite."""
    lacking = [name for name in ("licence", "citation") if not getattr(subject.dataset, name)]
    if lacking:
        raise Skip(f"the class states no {' and no '.join(lacking)}")


CHECKS = (
    loads_a_table,
    columns_are_well_formed,
    places_are_on_the_globe,
    every_photo_is_counted,
    digest_is_stable,
    paths_leave_no_trace,
    same_in_another_process,
    global_random_state_untouched,
    reach_and_publishes_are_valid,
    *picture_checks.CHECKS,
    survives_pickling,
    licence_and_citation_are_stated,
)
