"""The contrastive training of `geoclip`: which of many places is a photo's own."""

from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from geobench import Points
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.network import GeoClipNetwork
from geobench_geoclip.places import with_noise
from geobench_torch import Batch


@final
class Contrast(nn.Module):
    """A network beside the queue of photos whose places it is trained against.

    The queue is part of what is trained, so that a training that was killed goes on with it.

    Args:
        network: of photos and places.
        photos: how many training photos there are.
        queue: length of the queue, at most the number of photos.
    """

    queue: Tensor

    def __init__(self, network: GeoClipNetwork, *, photos: int, queue: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("queue", torch.randperm(photos)[:queue])

    def push(self, positions: Tensor) -> None:
        """Put a batch's photos (B,) at the end of the queue; as many at its front drop out."""
        if len(self.queue):
            self.queue.copy_(torch.cat([self.queue, positions])[-len(self.queue) :])


@final
class ContrastiveLoss:
    """Cross-entropy of each photo's own place among those of the batch and of the queue, from
    photos to places (GeoCLIP, equation 3).

    A place equal to the photo's own counts as no other place: in a queue, or where several photos
    were taken at one spot, it would teach that a right answer is wrong.

    Args:
        points: of the training photos, (N, 2).
        config: noise.
        device: where it is computed.
    """

    def __init__(self, points: Points, config: GeoClipConfig, *, device: str) -> None:
        _, spots = np.unique(points, axis=0, return_inverse=True)
        self._points = torch.tensor(points, dtype=torch.float64, device=device)
        self._spots = torch.tensor(spots.ravel(), device=device)
        self._config = config

    def __call__(self, contrast: Contrast, batch: Batch) -> Tensor:
        network, own, queue = contrast.network, batch.positions, contrast.queue
        network.clip_scale()
        places = torch.cat(
            [
                with_noise(self._points[own], self._config.noise_m),
                with_noise(self._points[queue], self._config.queue_noise_m),
            ]
        )
        photos, embedded = network.photos(batch.features), network.places(places)
        with torch.autocast(photos.device.type, enabled=False):  # cosines are told apart by digits
            logits = network.scale * photos.float() @ embedded.float().T
        same = self._spots[own][:, None] == self._spots[torch.cat([own, queue])]
        targets = torch.arange(len(own), device=logits.device)
        same[targets, targets] = False
        loss = functional.cross_entropy(logits.masked_fill(same, -torch.inf), targets)
        contrast.push(own)
        return loss
