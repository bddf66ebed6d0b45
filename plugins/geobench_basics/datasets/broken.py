"""Photos that a dataset has to leave out: counted by reason, and said in the log."""

import logging
from collections.abc import Mapping

logger = logging.getLogger("geobench.dataset")


def log_broken(dataset: str, broken: Mapping[str, int], *, first: Mapping[str, str]) -> None:
    """Warn of photos that are left out, a line for each reason.

    Args:
        dataset: its name.
        broken: how many photos each reason has.
        first: an example for each reason.
    """
    for reason, count in broken.items():
        logger.warning("%s: %d photos: %s (first: %s)", dataset, count, reason, first[reason])
