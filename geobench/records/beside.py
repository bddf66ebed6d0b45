"""What a record keeps beside answers: which photos were declined, and what was said along."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from geobench.answers import EXPLANATION, SAID_ALONG, Answers
from geobench.data import Indices
from geobench.errors import StoreError
from geobench.geo import Floats
from geobench.records.files import ANEW
from geobench.records.shapes import Shape, fit

_TEXT, _LENGTH = f"{EXPLANATION}.utf8", f"{EXPLANATION}.length"


@final
class Beside:
    """Of the N photos of a part: that each was answered, and nothing said along, until it is told.

    Args:
        count: N.
    """

    def __init__(self, count: int) -> None:
        self.answered = np.ones(count, bool)
        """Which photos are answered, (N,)."""
        self.stand_in = ""
        """What stands in for an answer to the others, in words."""
        self.units: dict[str, str] = {}
        """Name of what is said along -> its unit."""
        self.numbers: dict[str, Floats] = {}
        """Name of a number that is said along -> (N,), NaN where it is not said."""
        self.explanations: list[str] | None = None
        """Why, in words, of each photo; None where none are kept."""

    def add(self, answers: Answers, rows: Indices) -> None:
        """Add what is said of the photos at these positions."""
        self.answered[rows] = answers.answered
        self.stand_in = answers.stand_in or self.stand_in
        for name, remark in answers.along.items():
            self.units[name] = remark.unit
            if name == EXPLANATION:
                if self.explanations is None:
                    self.explanations = [""] * len(self.answered)
                for row, text in zip(rows.tolist(), remark.values.tolist(), strict=True):
                    self.explanations[row] = text
            else:
                known = self.numbers.setdefault(name, np.full(len(self.answered), np.nan))
                known[rows] = remark.values

    def arrays(self, *, hidden: bool) -> dict[str, NDArray[Any]]:
        """What answer.npz holds of it; nothing where every photo is answered and nothing said.

        Args:
            hidden: leave explanations out, which may tell what a dataset lets nobody publish.
        """
        found: dict[str, NDArray[Any]] = dict(self.numbers)
        if not self.answered.all():
            found["answered"] = self.answered
        if self.explanations is not None and not hidden:
            # End to end: an array of strings is as wide as its longest in every row.
            written = [text.encode(errors="replace") for text in self.explanations]
            found[_TEXT] = np.frombuffer(b"".join(written), np.uint8)
            found[_LENGTH] = np.array([len(text) for text in written], np.int64)
        return found

    @staticmethod
    def check(arrays: Mapping[str, NDArray[Any]], *, where: Path) -> None:
        """Raise StoreError unless the arrays of an answer.npz at `where` are as `of` reads them."""
        numbers = {name: Shape("f", ("N",), needed=False) for name in SAID_ALONG}
        wanted = {"answered": Shape("b", ("N",), needed=False), **numbers}
        if _TEXT in arrays or _LENGTH in arrays:
            wanted |= {_TEXT: Shape("u", ("B",)), _LENGTH: Shape("iu", ("N",))}
        fit(arrays, wanted, where=where, N=len(arrays["answer"]))
        if _TEXT in arrays:
            lengths, text = arrays[_LENGTH], arrays[_TEXT]
            whole = (lengths >= 0).all() and int(lengths.sum()) == len(text)
            if not (whole and text.itemsize == 1 and (lengths <= len(text)).all()):
                problem = "its explanations are not as long as it says"
                raise StoreError(problem, where=str(where), remedy=ANEW)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What the arrays of an answer.npz hold."""
        beside = cls(len(arrays["answer"]))
        beside.answered = arrays.get("answered", beside.answered)
        beside.numbers = {name: arrays[name] for name in SAID_ALONG if name in arrays}
        if _TEXT in arrays:
            ends = np.cumsum(arrays[_LENGTH]).tolist()
            text = arrays[_TEXT].tobytes()
            spans = zip([0, *ends], ends, strict=False)
            beside.explanations = [text[start:end].decode(errors="replace") for start, end in spans]
        return beside
