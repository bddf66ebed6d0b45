"""Places as a network takes them: noise in metres, and the Equal Earth map."""

import math

import torch
from torch import Tensor

from geobench import geo

_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_SCALE = 66.50336
"""Of GeoCLIP's code: divided by 180 it brings the map's x, within 2.7066 of 0, to (-1, 1)."""


def equal_earth(points: Tensor) -> Tensor:
    """Places (..., 2), latitude and longitude in degrees, on the Equal Earth map, (..., 2).

    x to the east spans (-1, 1), y to the north (-0.4867, 0.4867) (Savric, Patterson and Jenny,
    "The Equal Earth map projection", 2018, equations 7 and 9, with the scale of GeoCLIP).

    In float32 the order of operations matters: a place is hundreds of waves away from the map's
    middle, and released weights answer alike only where it is rounded as their authors' code does.
    """
    latitude, longitude = torch.deg2rad(points).unbind(dim=-1)
    theta = torch.asin(math.sqrt(3) / 2 * torch.sin(latitude))
    slope = 9 * _A4 * theta**8 + 7 * _A3 * theta**6 + 3 * _A2 * theta**2 + _A1
    x = 2 * math.sqrt(3) * longitude * torch.cos(theta) / (3 * slope)
    y = _A4 * theta**9 + _A3 * theta**7 + _A2 * theta**3 + _A1 * theta
    return torch.stack([x, y], dim=-1) * _SCALE / 180


def with_noise(points: Tensor, metres: float) -> Tensor:
    """Places (N, 2) float64, in degrees, moved along great circles by normal noise.

    Args:
        points: latitude and longitude.
        metres: standard deviation per axis, to north and to east; small beside the Earth's radius.
    """
    if metres == 0:
        return points
    latitude, longitude = torch.deg2rad(points).unbind(dim=-1)
    sine, cosine = torch.sin(latitude), torch.cos(latitude)
    north, east = (torch.randn_like(points) * (metres / 1000 / geo.EARTH_RADIUS_KM)).unbind(-1)
    angle = torch.hypot(north, east)
    # Towards the bearing (east, north) / angle; sinc stays finite where the noise is none.
    step = torch.sinc(angle / math.pi)
    up = sine * torch.cos(angle) + cosine * north * step
    ahead = cosine * torch.cos(angle) - sine * north * step
    turned = longitude + torch.atan2(east * step, ahead)
    moved = torch.stack([torch.asin(up.clamp(-1, 1)), turned], dim=-1)
    degrees = torch.rad2deg(moved)
    degrees[:, 1] = torch.remainder(degrees[:, 1] + 180, 360) - 180
    return degrees
