"""Encoders: frozen functions from a picture to numbers, the same for every method."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from geobench.components import Plugin
from geobench.data import Image
from geobench.digests import digest


@final
@dataclass(frozen=True, slots=True)
class Features:
    """Features of B photos: `pooled` (B, D) and `tokens` (B, T, E), each float32 or None."""

    pooled: NDArray[np.float32] | None
    tokens: NDArray[np.float32] | None = None


class Encoder(Plugin):
    """A frozen encoder; its output is cached by (encoder digest, dataset digest).

    What has weights loads them when it first encodes, and says by `content` which they are.
    """

    kind = "encoder"
    reads: ClassVar[Literal["images", "features"]] = "images"
    """What it takes from a dataset: pictures, or features that the dataset brings."""

    @property
    def batch(self) -> int:
        """How many photos `encode` is given at most in one call; the features of a photo do not
        depend on it."""
        return 64

    def shape(self, what: Literal["pooled", "tokens"]) -> tuple[int, ...] | None:
        """The shape of one photo's pooled features, (D,), or tokens, (T, E).

        It is known without loading weights, or None: not known before a photo is encoded, or
        there are none.
        """
        return None

    def to(self, device: str) -> None:
        """Encode on this device ("cpu", "cuda", "cuda:1") from now on.

        The harness calls it before it encodes, and perhaps again later. Weights that are not
        loaded yet are loaded there when they are needed.
        """

    @abstractmethod
    def prepare(self, image: Image) -> NDArray[Any]:
        """What `encode` wants of one picture uint8 (H, W, 3); runs in worker processes."""

    @abstractmethod
    def encode(self, batch: Any, *, tokens: bool) -> Features:
        """Features of a batch, independent of which photos are in it together.

        Args:
            batch: the prepared pictures stacked, (B, ...); for `reads = "features"`, the
                dataset's own Features.
            tokens: whether tokens are wanted, too.
        """

    def digest(self, what: Literal["pooled", "tokens"]) -> str:
        """SHA-256 of what decides the pooled features, or the tokens."""
        return digest([self.identity(), what])


class TextEncoder(Encoder):
    """An encoder that puts texts into the space of its pooled features."""

    @abstractmethod
    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Features of texts, (len(texts), D), comparable with `pooled`."""
