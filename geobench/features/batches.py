"""Batches: as many photos at a time as an encoder asks for."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from geobench.encoders import Encoder, Features


def in_batches(encoder: Encoder, pieces: Iterable[Any], *, tokens: bool) -> Features:
    """What an encoder makes of what it prepared, `encoder.batch` photos at a time.

    Args:
        encoder: who encodes.
        pieces: what `encode` takes, of any number of photos each.
        tokens: whether tokens are wanted, too.
    """
    found = [encoder.encode(batch, tokens=tokens) for batch in _batches(pieces, encoder.batch)]
    return _joined(found) if found else Features(None)


def _batches(pieces: Iterable[Any], size: int) -> Iterator[Any]:
    """The same photos in batches of `size`, of which the last may be smaller."""
    waiting: list[Any] = []
    count = 0
    for piece in pieces:
        start, length = 0, _length(piece)
        while start < length:
            part = _cut(piece, slice(start, start + size - count))
            waiting.append(part)
            start, count = start + _length(part), count + _length(part)
            if count == size:
                yield _joined(waiting)
                waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _length(piece: Any) -> int:
    if isinstance(piece, Features):
        return next((len(v) for v in (piece.pooled, piece.tokens) if v is not None), 0)
    return len(piece)


def _cut(piece: Any, photos: slice) -> Any:
    if isinstance(piece, Features):
        pooled, tokens = piece.pooled, piece.tokens
        return Features(
            None if pooled is None else pooled[photos], None if tokens is None else tokens[photos]
        )
    return piece[photos]


def _joined(values: list[Any]) -> Any:
    if isinstance(values[0], Features):
        pooled = [v.pooled for v in values if v.pooled is not None]
        tokens = [v.tokens for v in values if v.tokens is not None]
        return Features(
            np.concatenate(pooled) if pooled else None, np.concatenate(tokens) if tokens else None
        )
    return values[0] if len(values) == 1 else np.concatenate(values)
