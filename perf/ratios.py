"""How many times the processor time of one thing others take: in turns, the median of each.

Other work on the machine slows all alike; and what it does while one has its turn, the next sees.
"""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any


def ratios(
    bare: Callable[[], Any], others: Mapping[str, Callable[[], Any]], *, rounds: int = 7
) -> dict[str, float]:
    """What each of the others takes in units of what `bare` takes; one round more warms up."""
    calls = {"": bare, **others}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            taken[name].append(time.process_time() - start)
    medians = {name: median(times[1:]) for name, times in taken.items()}
    return {name: medians[name] / medians[""] for name in others}
