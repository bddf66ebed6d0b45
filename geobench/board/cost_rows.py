"""What a record says of costs, quantity by quantity."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, final


@final
class Quantity(NamedTuple):
    """One number of a record for costs.csv; `device` is where it was measured."""

    name: str
    unit: str
    value: float
    device: str


def quantities(record: Mapping[str, Any]) -> Iterator[Quantity]:
    """What a record says of costs, what the harness measured first, then the method's facts.

    Args:
        record: the content of record.json; only a record with status `ok` says anything.
    """
    device = str(record.get("device", ""))
    timings = record.get("timings", {})
    # A state that was fitted elsewhere keeps the time of that device.
    devices = {"fit_seconds": str(record.get("fit_device", device))}
    found = {
        name: Quantity(name, "s", value, devices.get(name, device))
        for name, value in timings.items()
    }

    def add(name: str, unit: str, value: float | None, where: str = device) -> None:
        if value is not None and name not in found:
            found[name] = Quantity(name, unit, value, where)

    add("latency_photos", "photos", record.get("latency_photos"))
    # Answers from a file say how fast the file is read.
    if record.get("origin") != "external" and timings.get("predict_seconds"):
        add("throughput", "photos/s", record["photos"] / timings["predict_seconds"])
    add("peak_memory", "MiB", record.get("peak_memory_mib"))
    add("peak_device_memory", "MiB", record.get("peak_device_memory_mib"))
    features = record.get("feature_time")
    if features is not None:
        where = features["device"]
        add("feature_seconds_per_photo", "s", features["seconds_per_photo"], where)
        add("feature_workers", "processes", features["workers"], where)
    for name, (value, unit) in record.get("facts", {}).items():
        add(name, unit, value)
    yield from found.values()
