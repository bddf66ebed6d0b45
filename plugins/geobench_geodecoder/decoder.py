"""The blocks of the decoder: queries look at tokens, at each other, and are thought over."""

from collections.abc import Sequence
from typing import cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional


@final
class Attention(nn.Module):
    """Multi-head attention of queries to what they look at (Vaswani et al., 2017, section 3.2).

    Args:
        width: of the queries, and of what they look at.
        heads: which divide the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        # Queries, keys and values by one matrix: where queries look at each other, one product.
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, others: Tensor) -> Tensor:
        """What queries (B, Q, E), or (1, Q, E) for all photos alike, find in (B, T, E)."""
        asked, keys, values = self._projected(queries, others)
        found = functional.scaled_dot_product_attention(
            asked.expand(len(others), -1, -1, -1), keys, values
        )
        return cast(Tensor, self.out(found.transpose(1, 2).flatten(2)))

    def weights(self, queries: Tensor, others: Tensor) -> Tensor:
        """How much each query looks at each token, (B, heads, Q, T), summing to one over T: the
        weights that `forward` takes the mean of the values with."""
        asked, keys, _ = self._projected(queries, others)
        return torch.softmax(asked @ keys.transpose(-1, -2) / asked.shape[-1] ** 0.5, dim=-1)

    def _projected(self, queries: Tensor, others: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values by head, each (B, heads, rows, E / heads)."""
        width = queries.shape[-1]
        if queries is others:
            asked, keys, values = self.project(queries).chunk(3, dim=-1)
        else:
            asked = functional.linear(queries, self.project.weight[:width])
            keys, values = functional.linear(others, self.project.weight[width:]).chunk(2, dim=-1)
        return self._by_head(asked), self._by_head(keys), self._by_head(values)

    def _by_head(self, rows: Tensor) -> Tensor:
        return rows.reshape(*rows.shape[:2], self.heads, -1).transpose(1, 2)


@final
class FeedForward(nn.Module):
    """A feed-forward network for every group of queries, all of them in one product.

    Args:
        width: of the queries.
        hidden: width of the hidden layer.
        groups: how many networks.
    """

    def __init__(self, width: int, hidden: int, *, groups: int) -> None:
        super().__init__()
        # Layers by group, and not one tensor for all of them: biases stay vectors, which do not
        # decay, and weights begin as those of any linear layer.
        self.inner = nn.ModuleList(nn.Linear(width, hidden) for _ in range(groups))
        self.outer = nn.ModuleList(nn.Linear(hidden, width) for _ in range(groups))

    def forward(self, queries: Tensor) -> Tensor:
        """Queries (B, Q, E), the groups one after the other, as they come out of their group's
        network."""
        photos, count, width = queries.shape
        groups = len(self.inner)
        by_group = queries.reshape(photos, groups, -1, width).transpose(0, 1)
        hidden = functional.gelu(_linear(by_group.reshape(groups, -1, width), self.inner))
        by_group = _linear(hidden, self.outer).reshape(groups, photos, -1, width)
        return by_group.transpose(0, 1).reshape(photos, count, width)


def _linear(rows: Tensor, layers: Sequence[nn.Module] | nn.ModuleList) -> Tensor:
    """Rows (groups, R, E) through the linear layer of their group."""
    weights = torch.stack([layer.get_parameter("weight") for layer in layers])
    biases = torch.stack([layer.get_parameter("bias") for layer in layers])
    return torch.baddbmm(biases[:, None], rows, weights.transpose(1, 2))


@final
class Block(nn.Module):
    """Cross-attention to the tokens, self-attention, feed-forward; each added to what was there.

    Args:
        width: of queries and tokens.
        heads: of both attentions.
        hidden: of the feed-forward networks.
        networks: how many feed-forward networks, for as many groups of queries.
        circles: how many groups of queries of which each sees itself alone.
    """

    def __init__(self, width: int, *, heads: int, hidden: int, networks: int, circles: int) -> None:
        super().__init__()
        self.circles = circles
        self.cross_attention = Attention(width, heads)
        self.self_attention = Attention(width, heads)
        self.feed_forward = FeedForward(width, hidden, groups=networks)
        self.before_cross_attention = nn.LayerNorm(width)
        self.before_self_attention = nn.LayerNorm(width)
        self.before_feed_forward = nn.LayerNorm(width)

    def forward(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """Queries (B, Q, E), or (1, Q, E) for all photos alike, after a look at (B, T, E)."""
        queries = queries + self.cross_attention(self.before_cross_attention(queries), tokens)
        photos, count, width = queries.shape
        # Circles are photos to the attention: none sees another.
        own = self.before_self_attention(queries).reshape(photos * self.circles, -1, width)
        queries = queries + self.self_attention(own, own).reshape(photos, count, width)
        out: Tensor = queries + self.feed_forward(self.before_feed_forward(queries))
        return out

    def attention(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """How much queries look at tokens here, (B, Q, T): the mean over heads."""
        return self.cross_attention.weights(self.before_cross_attention(queries), tokens).mean(1)
