"""How long features took to make, kept beside them: who reads them later still knows it."""

import json
import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

FILE = "time.json"
"""Its name beside features."""


@final
@dataclass(frozen=True, slots=True)
class EncodingTime:
    """How long features took to make.

    Args:
        seconds: wall-clock time of reading pictures, preparing and encoding them, and storing.
        photos: how many it was for.
        workers: processes that prepared pictures; 1 is the harness's own.
        device: where it was encoded: "cpu", "cuda", "cuda:1".
    """

    seconds: float
    photos: int
    workers: int
    device: str

    @property
    def seconds_per_photo(self) -> float:
        """Of all photos alike."""
        return self.seconds / self.photos

    def record(self) -> dict[str, Any]:
        """For record.json."""
        seconds = float(f"{self.seconds_per_photo:.6g}")
        return {
            "seconds_per_photo": seconds,
            "photos": self.photos,
            "workers": self.workers,
            "device": self.device,
        }

    def write(self, folder: Path) -> Path:
        """Keep it in a folder of features; returns the file."""
        path = folder / FILE
        path.write_text(json.dumps(asdict(self)), "utf-8")
        return path


def read(folder: Path) -> EncodingTime | None:
    """What a folder of features says; None where it says nothing, or nothing that can be read."""
    try:
        said = json.loads((folder / FILE).read_text("utf-8"))
        found = EncodingTime(
            float(said["seconds"]), int(said["photos"]), int(said["workers"]), str(said["device"])
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found if found.photos > 0 else None


def of_all(times: Iterable[EncodingTime]) -> EncodingTime | None:
    """The sum; where workers or device differ, of those with which most photos were encoded."""
    sums: dict[tuple[int, str], EncodingTime] = {}
    for each in times:
        key = (each.workers, each.device)
        before = sums.get(key, EncodingTime(0.0, 0, *key))
        seconds, photos = before.seconds + each.seconds, before.photos + each.photos
        sums[key] = EncodingTime(seconds, photos, *key)
    return max(sums.values(), key=lambda total: total.photos, default=None)


def device_of(requires: Collection[str], told: str) -> str:
    """Where an encoder has just worked that requires these modules and was told `told`.

    Without torch that is the CPU. One that has not started CUDA by now does not care what it is
    told, and is on the CPU, too.
    """
    if "torch" not in requires:
        return "cpu"
    torch = sys.modules.get("torch")
    started = torch is not None and torch.cuda.is_initialized()
    return "cpu" if told.startswith("cuda") and not started else told
