"""How many photos a split draws, of how many there are."""

import math


def quota(total: int, *, most: int, share: float) -> int:
    """How many of `total` photos to draw: `most`, or a share of all where that is less; at least
    one."""
    # The tiny addition keeps a tenth of 10 from being 0 by rounding.
    return max(1, min(most, math.floor(share * total + 1e-9)))
