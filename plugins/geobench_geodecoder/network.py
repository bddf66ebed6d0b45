"""The network of `geodecoder`: queries by level and scene, the choice of a scene, classifiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, final

import torch
from torch import Tensor, nn

from geobench import Rows
from geobench_cells.learning import LevelNetwork
from geobench_geodecoder.config import GeoDecoderConfig
from geobench_geodecoder.decoder import Block
from geobench_geodecoder.reading import Reader


@final
@dataclass(frozen=True, slots=True)
class Decoded:
    """What the network says of B photos: the scenes' scores (B, S), and by level the logits
    (B, K_l) of the classes."""

    scores: Tensor
    logits: list[Tensor]


@final
class SceneDecoder(LevelNetwork):
    """Learned queries, one for each of H levels and S scenes, decoded from a photo's tokens.

    Args:
        shapes: of the features of one photo.
        classes: number of classes by level.
        config: sizes.
        hard: classify the queries of the best scene, else those of all scenes, weighted.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        classes: Sequence[int],
        config: GeoDecoderConfig,
        *,
        hard: bool,
    ) -> None:
        super().__init__()
        width, levels = config.width, len(classes)
        self.hard = hard
        self.reader = Reader(shapes, width, whitening=config.whitening, dropout=config.dropout)
        self.queries = nn.Parameter(torch.empty(levels, config.scenes, width))
        if config.initial_queries == "uniform":
            nn.init.uniform_(self.queries)
        else:
            nn.init.normal_(self.queries, std=0.02)
        apart = levels if config.self_attention == "within-level" else 1
        groups = [(1, 1)] * config.independent_blocks + [(levels, apart)] * config.dependent_blocks
        self.blocks = nn.ModuleList(
            Block(
                width,
                heads=config.heads,
                hidden=config.feed_forward,
                networks=networks,
                circles=circles,
            )
            for networks, circles in groups
        )
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.classifiers = nn.ModuleList(nn.Linear(width, count) for count in classes)

    def standardise_by(self, features: Rows) -> None:
        self.reader.standardise_by(features)

    def forward(self, features: Tensor) -> list[Tensor]:
        return self.decode(features).logits

    def decode(self, features: Tensor) -> Decoded:
        """Scores and logits of features (B, numbers)."""
        outputs = self.outputs(features)
        scores = scene_scores(outputs)
        kept = self.dropout(self.chosen(outputs, scores))
        logits = [classify(kept[:, level]) for level, classify in enumerate(self.classifiers)]
        return Decoded(scores, logits)

    def outputs(self, features: Tensor) -> Tensor:
        """Every query after the last block, (B, H, S, E)."""
        tokens, queries = self.reader(features), self._first()
        for block in self.blocks:
            queries = block(queries, tokens)
        return self._by_query(self.norm(queries))

    def attention(self, features: Tensor) -> Tensor:
        """How much each query looks at each token, (B, H, S, T'): the mean over blocks and heads.

        Over blocks, because a query looks where it needs to in one of them, and what it has found
        it need not look for again: which block that is, differs.
        """
        tokens, queries = self.reader(features), self._first()
        weights = []
        for block in self.blocks:
            looking = cast(Block, block).attention(queries, tokens)
            weights.append(looking.expand(len(features), -1, -1))
            queries = block(queries, tokens)
        return self._by_query(torch.stack(weights).mean(dim=0))

    def chosen(self, outputs: Tensor, scores: Tensor) -> Tensor:
        """One query by level, (B, H, E), of outputs (B, H, S, E) for scores (B, S)."""
        if self.hard:
            return outputs[torch.arange(len(outputs)), :, scores.argmax(dim=1)]
        return torch.einsum("bhse,bs->bhe", outputs, torch.softmax(scores, dim=1))

    def _by_query(self, rows: Tensor) -> Tensor:
        """Rows (B, H * S, ...) by level and scene, (B, H, S, ...)."""
        return rows.reshape(len(rows), *self.queries.shape[:2], -1)

    def _first(self) -> Tensor:
        """The queries before the first block, the same for all photos, (1, H * S, E)."""
        return self.queries.flatten(0, 1)[None]


def scene_scores(outputs: Tensor) -> Tensor:
    """The score of each scene, (B, S): the mean over levels of the first number of its queries'
    outputs (B, H, S, E)."""
    return outputs[..., 0].mean(dim=1)
