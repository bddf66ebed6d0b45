"""The rows of costs.csv: what the records of a part say of costs, quantity by quantity."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, final

import numpy as np

from geobench.answers import COST, SECONDS
from geobench.board.part_records import PartRecords
from geobench.board.tables import Cost
from geobench.records import Record
from geobench.records.beside import Beside
from geobench.records.stored_records import answer_arrays

ANSWER_SECONDS, ANSWER_COST = "answer_seconds_per_photo", "answer_cost_per_photo"
"""The quantities of what a method says that an answer took it."""


@final
class Quantity(NamedTuple):
    """One number of a record for costs.csv.

    `device` is where it was measured, "" of what the method says itself.
    """

    name: str
    unit: str
    value: float
    device: str


def compute_costs(records: PartRecords, *, benchmark: str) -> Iterator[Cost]:
    """The rows of one part; `benchmark` is its name."""
    for row in records.manifest.rows:
        if row.part != records.label:
            continue
        folder = records.runs / row.folder
        record = Record.read(folder / "record.json")
        head = (benchmark, records.label, row.label, row.method, row.seed)
        found = list(quantities(record))
        if record.along:
            beside = Beside.of(answer_arrays(folder, photos=len(records.truth)))
            found += stated(beside, units=record.along)
        for each in found:
            yield Cost(*head, each.device, each.name, each.unit, float(each.value))


def quantities(record: Record) -> Iterator[Quantity]:
    """What a record says of costs, what the harness measured first, then the method's facts.

    Args:
        record: only a record with status `ok` says anything.
    """
    device = record.device or ""
    timings = {} if record.timings is None else record.timings.data
    # A state that was fitted elsewhere keeps the time of that device.
    fitted_on = device if record.fit_device is None else record.fit_device
    found = {
        name: Quantity(name, "s", value, fitted_on if name == "fit_seconds" else device)
        for name, value in timings.items()
    }

    def add(name: str, unit: str, value: float | None, where: str = device) -> None:
        if value is not None and name not in found:
            found[name] = Quantity(name, unit, value, where)

    add("latency_photos", "photos", record.latency_photos)
    # Answers from a file say how fast the file is read.
    if record.origin != "external" and record.photos is not None:
        seconds = None if record.timings is None else record.timings.predict_seconds
        add("throughput", "photos/s", record.photos / seconds if seconds else None)
    add("peak_memory", "MiB", record.peak_memory_mib)
    add("peak_device_memory", "MiB", record.peak_device_memory_mib)
    features = record.feature_time
    if features is not None:
        add("feature_seconds_per_photo", "s", features.seconds_per_photo, features.device)
        add("feature_workers", "processes", features.workers, features.device)
    for name, fact in (record.facts or {}).items():
        add(name, fact.unit, fact.value)
    yield from found.values()


def stated(beside: Beside, *, units: Mapping[str, str]) -> Iterator[Quantity]:
    """What a method says that its answers took: of the photos of which it says it, mean and sum.

    Args:
        beside: what it said.
        units: of each name; what has none was not said.
    """
    for said, mean, total in (
        (SECONDS, ANSWER_SECONDS, "answer_seconds"),
        (COST, ANSWER_COST, "answer_cost"),
    ):
        values = beside.numbers.get(said, np.empty(0))
        values = values[~np.isnan(values)]
        if len(values):
            yield Quantity(mean, units.get(said, ""), float(values.mean()), "")
            yield Quantity(total, units.get(said, ""), float(values.sum()), "")
