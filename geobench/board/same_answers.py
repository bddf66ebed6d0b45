"""Rows that are one: pairs of labels that give the same answer to nearly all photos."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np

from geobench import geo
from geobench.board.part_records import Entry
from geobench.board.tables import RANKED

SAME_PLACE_KM = 1.0
"""Answers that are no further apart are the same."""

NEARLY_ALL = 0.95
"""Two labels whose answers are the same for a larger share of photos are named."""


@final
@dataclass(frozen=True, slots=True)
class SameAnswers:
    """Two labels of a part, and the share of its photos to which their answers are the same."""

    part: str
    a: str
    b: str
    share: float


def same_answers(part: str, entries: Sequence[Entry]) -> Iterator[SameAnswers]:
    """The pairs whose answers are the same for over 95 % of photos.

    Trainings are paired by seed; where a label has but one, it stands against each of the other's.
    The share is over all photos and all pairs of trainings.
    """
    answered = [entry for entry in entries if entry.status in RANKED]
    for a, b in combinations(answered, 2):
        if a.seeds != b.seeds and 1 not in (len(a.seeds), len(b.seeds)):
            continue
        apart = geo.distance_km(np.stack(a.answers), np.stack(b.answers))
        share = float((apart <= SAME_PLACE_KM).mean())
        if share > NEARLY_ALL:
            yield SameAnswers(part, a.label, b.label, share)
