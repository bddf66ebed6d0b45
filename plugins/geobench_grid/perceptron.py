"""The network of `grid` and its kin: one trunk, a linear head per level."""

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from geobench import Rows
from geobench_cells import Shapes
from geobench_cells.learning import LevelNetwork
from geobench_grid.trunk import TrunkConfig
from geobench_torch import Standardise


@final
class Perceptron(LevelNetwork):
    """A multi-layer perceptron on standardised features.

    Args:
        width: of the features.
        hidden: widths of the hidden layers; none makes the classifiers linear.
        classes: number of classes by level.
        dropout: after each hidden layer.
        whitening: of the standardised features.
    """

    def __init__(
        self,
        width: int,
        *,
        hidden: Sequence[int],
        classes: Sequence[int],
        dropout: float,
        whitening: float,
    ) -> None:
        super().__init__()
        self.whitening = whitening
        self.standardise = Standardise(width)
        widths = [width, *hidden]
        self.width = widths[-1]
        layers: list[nn.Module] = []
        for wide, following in pairwise(widths):
            layers += [nn.Linear(wide, following), nn.GELU(), nn.Dropout(dropout)]
        self.trunk = nn.Sequential(*layers)
        self.heads = nn.ModuleList(nn.Linear(self.width, count) for count in classes)

    def standardise_by(self, features: Rows) -> None:
        self.standardise = Standardise.fitted(features, whitening=self.whitening)

    def inner(self, features: Tensor) -> Tensor:
        """What the heads read, (B, W), of features (B, D)."""
        return torch.as_tensor(self.trunk(self.standardise(features)))

    def logits(self, inner: Tensor) -> list[Tensor]:
        """Logits (B, K_l) of each level for what `inner` gave."""
        return [head(inner) for head in self.heads]

    def forward(self, features: Tensor) -> list[Tensor]:
        return self.logits(self.inner(features))


def perceptron(config: TrunkConfig, shapes: Shapes, classes: Sequence[int]) -> Perceptron:
    """The untrained network that a configuration asks for."""
    (width,) = shapes["pooled"]
    return Perceptron(
        width,
        hidden=config.hidden,
        classes=classes,
        dropout=config.dropout,
        whitening=config.whitening,
    )
