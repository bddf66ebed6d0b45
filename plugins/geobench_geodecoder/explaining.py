"""Asking a trained network for the scenes that it sees, and for what it looks at."""

import numpy as np
import torch

from geobench import Rows, geo
from geobench_geodecoder.network import SceneDecoder, scene_scores
from geobench_torch import in_chunks

_CHUNK = 256  # photos at once: the attention of all of them fits into memory


@torch.no_grad()
def scene_probabilities(network: SceneDecoder, features: Rows, *, device: str) -> geo.Floats:
    """Probabilities (N, S) of the scenes: the softmax of their scores."""
    found = np.empty((len(features), network.queries.shape[1]))
    for batch in in_chunks(features, size=_CHUNK, device=device):
        scores = scene_scores(network.outputs(batch.features))
        found[batch.positions.cpu().numpy()] = torch.softmax(scores.double(), dim=1).cpu().numpy()
    return found


@torch.no_grad()
def attention(network: SceneDecoder, features: Rows, *, device: str) -> geo.Floats:
    """Attention (N, S, H, T') of the queries of each scene and level, over blocks and heads."""
    found = [np.empty((0, *network.queries.shape[1::-1], network.reader.count))]
    for batch in in_chunks(features, size=_CHUNK, device=device):
        weights = network.attention(batch.features).transpose(1, 2)
        found.append(weights.double().cpu().numpy())
    return np.concatenate(found)
