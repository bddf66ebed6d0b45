"""Functions of codes on a grid of latitudes and longitudes, and where on it their modes may be."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import Self, final

import torch
from torch import Tensor

from geobench_locdiffusion.harmonics import harmonics, unit_vectors

_NEAR = 0.3
"""How far below the best cell, in units of its height above the function's mean, the cell may lie
from which the highest peak is reached. It was at most 0.22 in 130,000 functions of degrees 3 to 47,
noise of all degrees and of the highest alone, mixtures of places, places in noise."""

_NEARLY = 0.15
"""Likewise, how far below the best estimate of a peak that of the highest may lie: at most 0.12."""

_MOST = 32  # starts for one function; more are those of rounding, where it has no peak at all
_LOOKED_AT = 1 << 20  # cells whose neighbours are held at once


@final
@dataclass(frozen=True, slots=True)
class Peaks:
    """Cells that no neighbour exceeds, by function and then by cell.

    Args:
        owner: which function, (S,).
        cell: (S,).
        height: of the peak nearby, by the parabola through the neighbours; the cell's own value
            where they make none.
        known: whether they make one, (S,).
    """

    owner: Tensor
    cell: Tensor
    height: Tensor
    known: Tensor

    def take(self, index: Tensor) -> Self:
        """Those at positions, or with a mask, `index`."""
        return type(self)(
            self.owner[index], self.cell[index], self.height[index], self.known[index]
        )

    def highest(self, most: int) -> Self:
        """At most so many for each function; of equal ones the first."""
        counts = self.owner.bincount()
        if counts.max() <= most:
            return self
        order = self.height.argsort(descending=True, stable=True)
        order = order[self.owner[order].argsort(stable=True)]
        rank = torch.arange(len(order), device=order.device)
        rank -= (counts.cumsum(0) - counts)[self.owner[order]]
        return self.take(order[rank < most].sort().values)


@final
class LatLonGrid:
    """A grid of 2 (L + 1) latitudes and 4 (L + 1) longitudes: at the equator, twice as fine as what
    determines a function of degree L.

    Latitudes go from north to south and begin half a step from the pole; longitudes go from -180
    to the east. Cells are numbered row by row.

    Args:
        degree: of the functions, L.
        device: where they are.
    """

    def __init__(self, degree: int, *, device: str | torch.device) -> None:
        self.rows, self.columns = 2 * (degree + 1), 4 * (degree + 1)
        rows, columns, orders = (
            torch.arange(stop, dtype=torch.float64, device=device)
            for stop in (self.rows, self.columns, degree + 1)
        )
        lat = 90 - 180 / self.rows * (rows + 0.5)
        self._meridian = unit_vectors(torch.stack([lat, torch.zeros_like(lat)], dim=1))
        lon = torch.deg2rad(360 / self.columns * columns - 180)
        self._equator = torch.stack([lon.cos(), lon.sin()], dim=1)
        # Coefficients by order, the cosines' and then the sines', and by degree. Where there is
        # none the first is picked, and a zero is what it is multiplied by.
        degrees, whole = orders.long(), orders.long()[:, None]
        there, middle = degrees >= whole, degrees * (degrees + 1)
        cosines = torch.where(there, middle + whole, 0)
        self._picked = torch.cat([cosines, torch.where(there, middle - whole, 0)])
        legendre = harmonics(self._meridian, degree, dtype=torch.float64).T[cosines]
        legendre = torch.where(there[..., None], legendre, 0).float()
        self._legendre = legendre.repeat(2, 1, 1)
        angles = orders[:, None] * lon
        self._waves = torch.cat([angles.cos(), angles.sin()]).float()

    def __len__(self) -> int:
        return self.rows * self.columns

    def values(self, codes: Tensor) -> Tensor:
        """The functions of codes (N, C) on the grid, (N, rows, columns), in float32.

        For each order and latitude a sum over degrees, then for each place one over orders: for
        each place a sum over both would be L + 1 times the work. The sums over orders are a matrix
        product, which at L = 47 is twice as fast as the Fourier transform that they are.
        """
        picked = codes.float().T.index_select(0, self._picked.flatten())
        by_degree = picked.reshape(*self._picked.shape, len(codes)).mT
        by_order = torch.bmm(by_degree, self._legendre).flatten(1)
        return torch.mm(by_order.T, self._waves).reshape(len(codes), self.rows, self.columns)

    def vectors(self, cells: Tensor) -> Tensor:
        """Unit vectors (S, 3) of cells (S,)."""
        north, east = self._meridian[cells // self.columns], self._equator[cells % self.columns]
        return torch.cat([north[:, :1] * east, north[:, 2:]], dim=1)

    def starts(self, codes: Tensor) -> Peaks:
        """From where the functions of codes (N, C) are to be climbed to reach the highest peak.

        Every function has one or more.
        """
        values, means = self.values(codes).flatten(1), codes[:, 0].float() / sqrt(4 * pi)
        best = values.amax(dim=1)
        near = values >= (best - _NEAR * (best - means).clamp(min=0))[:, None]
        owner, cell = near.nonzero(as_tuple=True)
        parts = [slice(k, k + _LOOKED_AT) for k in range(0, len(owner), _LOOKED_AT)]
        peaks = _joined([self._peaks(values, owner[part], cell[part]) for part in parts])
        best.scatter_reduce_(0, peaks.owner, peaks.height, "amax")
        enough = best - _NEARLY * (best - means).clamp(min=0)
        peaks = peaks.take((peaks.height >= enough[peaks.owner]) | ~peaks.known)
        return peaks.highest(_MOST)

    def _peaks(self, values: Tensor, owner: Tensor, cell: Tensor) -> Peaks:
        """Those of cells (S,) that are peaks; of equal neighbours the first is one."""
        beside = self._neighbours(cell)
        around = values[owner[:, None], beside]
        own = around[:, 4:5]
        exceeds = (around > own) | ((around == own) & (beside < cell[:, None]))
        top = (~exceeds.any(dim=1)).nonzero()[:, 0]
        return _estimated(owner[top], cell[top], around[top])

    def _neighbours(self, cells: Tensor) -> Tensor:
        """Of cells (S,), from the north-west to the south-east, themselves fifth, (S, 9)."""
        step = torch.arange(-1, 2, device=cells.device)
        row = (cells // self.columns)[:, None] + step.repeat_interleave(3)
        # Beyond a pole is the same row, half the way round.
        beyond = (row < 0) | (row >= self.rows)
        column = (cells % self.columns)[:, None] + step.repeat(3) + beyond * (self.columns // 2)
        return row.clamp(0, self.rows - 1) * self.columns + column % self.columns


def _estimated(owner: Tensor, cell: Tensor, around: Tensor) -> Peaks:
    """Peaks of cells with values (S, 9) around them, by the parabola with the same differences."""
    north_west, north, north_east, west, own, east, south_west, south, south_east = around.T
    by_x, by_y = (east - west) / 2, (south - north) / 2
    xx, yy = east + west - 2 * own, south + north - 2 * own
    xy = (south_east + north_west - south_west - north_east) / 4
    determinant = xx * yy - xy * xy
    x, y = (xy * by_y - yy * by_x) / determinant, (xy * by_x - xx * by_y) / determinant
    known = (determinant > 0) & (xx < 0) & (x.abs() <= 1) & (y.abs() <= 1)
    height = torch.where(known, own + (by_x * x + by_y * y) / 2, own)
    return Peaks(owner, cell, height, known)


def _joined(peaks: list[Peaks]) -> Peaks:
    return Peaks(
        owner=torch.cat([each.owner for each in peaks]),
        cell=torch.cat([each.cell for each in peaks]),
        height=torch.cat([each.height for each in peaks]),
        known=torch.cat([each.known for each in peaks]),
    )
