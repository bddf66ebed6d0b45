"""Embeddings of many photos and places, in chunks, without gradients."""

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from geobench import Context, Points, Rows, geo
from geobench_geoclip.network import GeoClipNetwork
from geobench_torch import in_chunks

_PLACES = 4096  # embedded at once
_LOGITS = 1 << 24  # held at once


@torch.no_grad()
def of_places(
    network: GeoClipNetwork,
    points: Points,
    context: Context,
    *,
    out: NDArray[np.float32] | None = None,
    shown: bool = False,
) -> NDArray[np.float32]:
    """Embeddings of length 1, (G, width), of places (G, 2).

    Args:
        network: that embeds them.
        points: the places.
        context: its device, and its progress where that is to be `shown`.
        out: where they are put, such as a memory map; an array is made if left out.
    """
    found = np.empty((len(points), network.width), np.float32) if out is None else out
    chunks = range(0, len(points), _PLACES)
    for start in (
        context.progress(chunks, total=len(chunks), what="embed places") if shown else chunks
    ):
        rows = slice(start, start + _PLACES)
        chunk = torch.tensor(points[rows], device=context.device)
        found[rows] = network.places(chunk).cpu().numpy()
    return found


@torch.no_grad()
def location_features(
    network: GeoClipNetwork, points: Points, *, device: str
) -> NDArray[np.float32]:
    """What the location encoder says of places (N, 2), not normalised, (N, width)."""
    found = [
        network.location(torch.tensor(points[start : start + _PLACES], device=device)).cpu()
        for start in range(0, max(len(points), 1), _PLACES)  # of no places, one empty chunk
    ]
    return cast(NDArray[np.float32], torch.cat(found).numpy())


@torch.no_grad()
def of_photos(network: GeoClipNetwork, features: Rows, *, device: str) -> NDArray[np.float32]:
    """Embeddings of length 1, (N, width), of features (N, D)."""
    found = [network.photos(batch.features).cpu() for batch in in_chunks(features, device=device)]
    empty = torch.empty(0, network.width)
    return cast(NDArray[np.float32], torch.cat(found or [empty]).numpy())


@torch.no_grad()
def tail_masses(
    photos: NDArray[np.float32],
    places: NDArray[np.float32],
    top: NDArray[np.intp],
    *,
    scale: float,
) -> geo.Floats:
    """The probability, by the softmax over the whole gallery, of all but each photo's top places.

    Args:
        photos: embeddings (N, width).
        places: embeddings of the gallery, (G, width).
        top: positions in the gallery, (N, k).
        scale: of the logits.
    """
    asked = torch.tensor(photos).double()
    inside = scale * torch.einsum("nd,nkd->nk", asked, torch.tensor(places[top]).double())
    total = torch.full((len(photos),), -torch.inf, dtype=torch.float64)
    step = max(1, _LOGITS // max(1, len(photos)))
    for start in range(0, len(places), step):  # so that a gallery on disk stays there
        shard = torch.tensor(places[start : start + step])
        logits = (scale * torch.tensor(photos) @ shard.T).double()
        total = torch.logaddexp(total, torch.logsumexp(logits, dim=1))
    left = -torch.expm1(torch.logsumexp(inside, dim=1) - total)
    return np.asarray(left.clamp(0, 1).numpy())
