"""What the decoder looked at: attention by photo, scene and level."""

from dataclasses import dataclass
from math import isqrt
from typing import final

import numpy as np

from geobench import DataError, Indices, geo


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """Where queries look, and which scene each of N photos shows.

    Args:
        attention: of every scene's query of every level to the T' tokens that are read, the mean
            over blocks and heads, (N, S, H, T'); sums to one over tokens. The encoder's T tokens
            come first, in their order; the pooled vector, where it is read, is the last.
        scenes: probabilities of the scenes, (N, S): the softmax of their scores.
        names: the labels of the first scenes, as many as training photos had.
        tokens: T, how many of the T' are the encoder's tokens.
    """

    attention: geo.Floats
    scenes: geo.Floats
    names: tuple[str, ...]
    tokens: int

    @property
    def chosen(self) -> Indices:
        """The best scene of each photo, (N,)."""
        return np.asarray(self.scenes.argmax(axis=1))

    @property
    def of_chosen(self) -> geo.Floats:
        """The attention of the best scene's queries, (N, H, T')."""
        return self.attention[np.arange(len(self.attention)), self.chosen]

    @property
    def maps(self) -> geo.Floats:
        """The attention to the encoder's tokens as pictures, (N, S, H, side, side), in the order
        in which tokens come, row by row; what looks at the pooled vector is left out.

        Raises:
            DataError: the tokens are no square grid.
        """
        side = isqrt(self.tokens)
        if self.tokens == 0 or side**2 != self.tokens:
            raise DataError(
                f"{self.tokens} tokens are no square grid",
                where="explanation of geodecoder",
                remedy="Look at `attention`, token by token.",
            )
        pictures = self.attention[..., : self.tokens]
        return pictures.reshape(*pictures.shape[:-1], side, side)
