"""How far along its way from noise to data a point is at a time: gamma."""

from dataclasses import dataclass
from math import exp
from typing import Literal, final

from torch import Tensor

START, END = -7.0, 3.0
"""Of the logistic function between which the times lie, as published (Dufour et al., 2025)."""


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x))


@final
@dataclass(frozen=True, slots=True)
class Schedule:
    """gamma(t), which falls from 1 at time 0, data, to 0 at time 1, noise.

    `sigmoid`: (s(3) - s(10 t - 7)) / (s(3) - s(-7)), s the logistic function; most of the times
    are spent near the data. `linear`: 1 - t.

    Args:
        kind: of the two.
    """

    kind: Literal["sigmoid", "linear"] = "sigmoid"

    def gamma(self, times: Tensor) -> Tensor:
        """gamma at times in [0, 1], of their shape."""
        if self.kind == "linear":
            return 1 - times
        fallen = (START + (END - START) * times).sigmoid()
        first, last = _logistic(START), _logistic(END)
        return ((last - fallen) / (last - first)).clamp(0, 1)

    def rate(self, times: Tensor) -> Tensor:
        """The derivative of gamma by time there, never positive."""
        if self.kind == "linear":
            return -times.new_ones(times.shape)
        fallen = (START + (END - START) * times).sigmoid()
        return (START - END) * fallen * (1 - fallen) / (_logistic(END) - _logistic(START))
