"""Two ways of doing one thing, timed in turns in one run."""

import logging
import time
from collections.abc import Callable
from typing import Any

TURNS = 2
"""How often each has its turn; the least time counts."""

log = logging.getLogger("turns")


def compare(what: str, other: Callable[[], Any], ours: Callable[[], Any]) -> None:
    """Print the least seconds of both, and how many times faster ours is."""
    taken = [(least(other), least(ours)) for _ in range(TURNS)]
    slow, fast = (min(times) for times in zip(*taken, strict=True))
    log.info("%s: the other %.3f s, ours %.4f s, ratio %.1f", what, slow, fast, slow / fast)


def least(call: Callable[[], Any]) -> float:
    """The least seconds of a call that is repeated for a second, or made once if it is longer."""
    times: list[float] = []
    while sum(times) < 1.0:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
