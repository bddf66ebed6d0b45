"""From the numbers of a photo to the tokens that queries look at."""

from collections.abc import Mapping
from math import prod
from typing import cast, final

import torch
from torch import Tensor, nn

from geobench import Rows
from geobench_geodecoder.joined import KINDS, parts
from geobench_torch import Standardise


@final
class Reader(nn.Module):
    """Standardises features and projects them to one width: the encoder's tokens first, each with
    a learned embedding of its position, the pooled vector as the last token.

    Args:
        shapes: of the features of one photo, "pooled" (D,), "tokens" (T, E) or both.
        width: of the tokens that it gives.
        whitening: of the standardised features.
        dropout: share of the tokens' values dropped.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        width: int,
        *,
        whitening: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.shapes = {kind: shapes[kind] for kind in KINDS if kind in shapes}
        self.whitening = whitening
        last = {kind: shape[-1] for kind, shape in self.shapes.items()}
        self.standardise = nn.ModuleDict({kind: Standardise(last[kind]) for kind in last})
        self.project = nn.ModuleDict({kind: nn.Linear(last[kind], width) for kind in last})
        self.dropout = nn.Dropout(dropout)
        if "tokens" in shapes:
            self.positions = nn.Parameter(0.02 * torch.randn(shapes["tokens"][0], width))

    @property
    def count(self) -> int:
        """How many tokens it gives of a photo."""
        return sum(1 if kind == "pooled" else shape[0] for kind, shape in self.shapes.items())

    def standardise_by(self, features: Rows) -> None:
        """Take shift and scale from training features (N, numbers), by kind."""
        for kind, rows in parts(features, self.shapes).items():
            self.standardise[kind] = Standardise.fitted(rows, whitening=self.whitening)

    def forward(self, features: Tensor) -> Tensor:
        """The tokens (B, T', width) of features (B, numbers)."""
        sizes = [prod(shape) for shape in self.shapes.values()]
        tokens = []
        kinds = zip(self.shapes.items(), torch.split(features, sizes, dim=1), strict=True)
        for (kind, shape), part in kinds:
            read = self.project[kind](self.standardise[kind](part.reshape(-1, *shape)))
            tokens.append(read + self.positions if kind == "tokens" else read[:, None])
        return cast(Tensor, self.dropout(torch.cat(tokens[::-1], dim=1)))
